"""Inputs that are mostly zeros: kept sparse, computed from the places of their entries, with the same results."""

import numpy as np
import pytest
from scipy import sparse

import gradwise as gw
from gradwise import layers
from gradwise.data import sparse as kept
from gradwise.data.sparse import SparseMatrix, from_dense, from_scipy
from gradwise.errors import InputError
from gradwise.training import feeding

COUNT, WIDTH = 300, 400
generator = np.random.default_rng(2)
ONES = (generator.random((COUNT, WIDTH)) < 0.015).astype("float32")
ONES[7] = 0  # a sample without any entry
NUMBERS = ONES * generator.normal(size=ONES.shape).astype("float32")
DENSER = NUMBERS + (generator.random(ONES.shape) < 0.05)
Y = (ONES[:, :50].sum(axis=1) > 0).astype("float32")


@pytest.fixture
def small_counts(monkeypatch):
    """Arrays of the size of these tests are looked at, too."""
    monkeypatch.setattr(kept, "_WORTH_IT", 1)


def network(*below):
    gw.utils.set_random_seed(1)
    model = gw.Sequential(
        [
            layers.Input((WIDTH,)),
            *below,
            layers.Dense(8, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    return model


def run(x, *, below=(), **options):
    model = network(*below)
    history = model.fit(x, Y, batch_size=32, epochs=3, verbose=0, **options)
    return history.history, model.predict(x), model.evaluate(x, Y, verbose=0), model.get_weights()


def same(found, expected):
    for one, other in zip(found[0].items(), expected[0].items(), strict=True):
        np.testing.assert_allclose(one[1], other[1], rtol=2e-4, err_msg=one[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(found[2], expected[2], rtol=2e-4)
    for one, other in zip(found[3], expected[3], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.feature("A4")
@pytest.mark.parametrize(
    ("dense", "form"),
    [(ONES, sparse.csr_matrix), (NUMBERS, sparse.coo_array), (DENSER, sparse.dok_matrix)],
    ids=["ones", "numbers", "denser"],
)
def test_sparse_matrices_train_as_dense_arrays(dense, form):
    expected = run(dense, validation_split=0.2)
    same(run(form(dense), validation_split=0.2), expected)


@pytest.mark.parametrize("dense", [ONES, DENSER], ids=["ones", "denser"])
def test_arrays_that_are_mostly_zeros_train_as_ever(small_counts, monkeypatch, dense):
    assert from_dense(dense) is not None
    found = run(dense, validation_data=(dense, Y))
    monkeypatch.setattr(feeding, "from_dense", lambda array: None)
    same(found, run(dense, validation_data=(dense, Y)))


@pytest.mark.parametrize(
    "below",
    [(layers.BatchNormalization(),), (layers.Reshape((20, 20)), layers.Flatten())],
    ids=["statistics", "shapes"],
)
def test_other_first_layers_get_dense_batches(below):
    expected = run(NUMBERS, below=below)
    same(
        run(
            sparse.csr_matrix(NUMBERS), below=[type(layer).from_config(layer.get_config()) for layer in below]
        ),
        expected,
    )


def test_sample_and_class_weights_callbacks_and_streams():
    matrix = sparse.csr_matrix(ONES)
    note = gw.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    for options in (
        {"class_weight": {0: 1.0, 1: 3.0}, "sample_weight": np.linspace(0.1, 2, COUNT)},
        {"callbacks": [note], "shuffle": False},
    ):
        same(run(matrix, **options), run(ONES, **options))
    pieces = [(matrix[start : start + 50], Y[start : start + 50]) for start in range(0, COUNT, 50)]
    plain = [(ONES[start : start + 50], Y[start : start + 50]) for start in range(0, COUNT, 50)]
    losses = [network().fit(iter(batches), verbose=0).history["loss"] for batches in (pieces, plain)]
    np.testing.assert_allclose(*losses, rtol=1e-4)


def test_several_inputs_nested_models_and_own_layers():
    class Doubled(layers.Dense):
        """Computes with its inputs in a way of its own."""

        def call(self, inputs):
            return 2 * super().call(inputs[:, ::1])

    def build():
        gw.utils.set_random_seed(1)
        left, right = layers.Input((WIDTH,), name="left"), layers.Input((3,), name="right")
        inner = gw.Sequential([layers.Input((WIDTH,)), layers.Dense(4)])
        model = gw.Model(
            [left, right], layers.Dense(1)(layers.Concatenate()([inner(left), right, Doubled(2)(left)]))
        )
        model.compile("sgd", "mse")
        return model

    right = generator.normal(size=(COUNT, 3)).astype("float32")
    found = build().fit([sparse.csr_matrix(NUMBERS), right], Y, epochs=2, verbose=0).history["loss"]
    expected = build().fit({"left": NUMBERS, "right": right}, Y, epochs=2, verbose=0).history["loss"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_own_training_steps_see_arrays():
    seen = []

    class Own(gw.Sequential):
        def train_step(self, state, batch):
            seen.append(type(batch.inputs).__name__)
            return super().train_step(state, batch)

    model = Own([layers.Input((WIDTH,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(sparse.csr_matrix(NUMBERS), Y, verbose=0)
    assert seen and not any("Sparse" in name for name in seen)


def test_the_plan_tells_what_is_done(small_counts, capsys):
    network().fit(ONES, Y, verbose=2)
    assert (
        "1.5 % of the inputs are not zero: products are computed from their places" in capsys.readouterr().out
    )
    network().fit(DENSER, Y, verbose=2)
    assert "6.4 % of the inputs are not zero: each batch is filled up" in capsys.readouterr().out
    network().fit(np.ones_like(ONES), Y, verbose=2)
    assert "not zero" not in capsys.readouterr().out


def test_memory_is_a_fraction(small_counts):
    found = from_dense(ONES)
    assert found.nbytes < ONES.nbytes / 20 and found.values is None
    np.testing.assert_array_equal(found.toarray(), ONES)


def test_rows_by_slices_and_numbers_equal_scipys():
    theirs = sparse.csr_array(NUMBERS)
    ours = from_scipy(theirs, "x")
    rows = generator.permutation(COUNT)[:40]
    np.testing.assert_array_equal(ours[rows].toarray(), theirs[rows].toarray())
    np.testing.assert_array_equal(ours[5:9].toarray(), theirs[5:9].toarray())
    assert isinstance(ours[rows], SparseMatrix) and ours[rows].shape == (40, WIDTH)


def test_entries_given_twice_are_added_up():
    matrix = sparse.coo_matrix(([1.0, 2.0], ([0, 0], [1, 1])), shape=(2, 3))
    assert from_scipy(matrix, "x").toarray().tolist() == [[0, 3, 0], [0, 0, 0]]


def test_nothing_but_zeros():
    matrix = sparse.csr_matrix((COUNT, WIDTH), dtype="float32")
    assert np.isfinite(run(matrix)[0]["loss"]).all()


def test_what_cannot_be_used_is_refused():
    broken = sparse.csr_matrix(NUMBERS)
    broken.data[3] = np.nan
    with pytest.raises(InputError, match="fit, x: expected finite numbers"):
        run(broken)
    with pytest.raises(InputError, match="expected a sparse matrix of samples and features"):
        run(sparse.csr_matrix((0, WIDTH)))
    with pytest.raises(InputError, match="expected the input 'input_layer.*' with shape"):
        network().fit(sparse.csr_matrix((COUNT, 3)), Y, verbose=0)


def test_sparse_targets_are_read():
    labels = sparse.csr_matrix(np.stack([Y, 1 - Y], axis=1))
    model = gw.Sequential([layers.Input((WIDTH,)), layers.Dense(2, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    assert np.isfinite(model.fit(ONES, labels, verbose=0).history["loss"][0])


def test_sums_in_sixteen_bits_do_not_stand_still():
    import jax
    import jax.numpy as jnp

    from gradwise.ops.sparse import sparse_map
    from gradwise.training.gathering import as_batch

    ones = np.zeros((2048, WIDTH), "float32")
    ones[:, 0] = 1
    rows = as_batch(from_scipy(sparse.csr_matrix(ones), "x"))
    kernel = jnp.zeros((WIDTH, 4), "bfloat16")
    slope = jax.grad(lambda kernel: sparse_map(rows, kernel).astype("float32").sum())(kernel)
    assert np.asarray(slope, "float32")[0].tolist() == [2048] * 4


@pytest.mark.parametrize("kind", ["bool", "int32"])
def test_the_declared_type_of_an_input_holds(kind):
    model = gw.Sequential([layers.Input((WIDTH,), dtype=kind), layers.Dense(1)])
    np.testing.assert_allclose(
        model.predict(sparse.csr_matrix(3.7 * ONES)), model.predict(3.7 * ONES), rtol=1e-5
    )


def test_training_mode_on_a_sparse_matrix():
    model = network()
    np.testing.assert_allclose(model(sparse.csr_matrix(NUMBERS), training=True), model(NUMBERS), atol=1e-6)


def test_too_many_entries_are_refused():
    from gradwise.training.gathering import placed

    columns = np.broadcast_to(np.int32(0), 2**31)
    with pytest.raises(InputError, match="expected fewer than 2 147 483 648 numbers that are not zero"):
        placed(SparseMatrix(columns, np.array([0, 2**31]), None, 3))
