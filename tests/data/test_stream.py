"""Order, position and form of batches, in one process."""

import json
from collections import Counter

import numpy as np
import pytest

from gradwise.data import Loader
from gradwise.data.broken import BrokenSample
from gradwise.errors import InputError, StateError

pytestmark = pytest.mark.feature("A6")

N = 53
X = np.arange(N * 4, dtype=np.float32).reshape(N, 4)
Y = np.arange(N)


def pairs():
    return zip(X, Y, strict=True)


SOURCES = {
    "arrays": (X, Y),
    "items": list(pairs()),
    "generator": pairs,
}


def labels(batches):
    return [batch[1].tolist() for batch in batches]


@pytest.mark.parametrize("window", [None, 20, 500], ids=str)
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_each_sample_once_an_epoch_in_an_order_of_its_own(source, window):
    loader = Loader(source, 8, seed=3, window=window)
    epochs = [list(loader) for _ in range(3)]
    orders = [[row for batch in labels(epoch) for row in batch] for epoch in epochs]
    for epoch, order in zip(epochs, orders, strict=True):
        assert sorted(order) == list(range(N))
        assert [len(batch[0]) for batch in epoch] == [8] * 6 + [5]
        for x, y in epoch:
            assert type(x) is np.ndarray and x.dtype == np.float32 and y.dtype == Y.dtype
            np.testing.assert_array_equal(x, X[y])
    assert orders[0] != orders[1] != orders[2] != list(range(N))
    again = Loader(source, 8, seed=3, window=window)
    assert [labels(again) for _ in range(3)] == [labels(epoch) for epoch in epochs]
    other = Loader(source, 8, seed=4, window=window)
    assert labels(other) != labels(epochs[0])


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_without_shuffle_the_source_keeps_its_order(source):
    loader = Loader(source, 8, shuffle=False)
    for _ in range(2):
        assert [row for batch in labels(loader) for row in batch] == list(range(N))


def test_the_library_seed_fixes_the_order():
    import gradwise

    gradwise.set_random_seed(5)
    first = labels(Loader((X, Y)))
    gradwise.set_random_seed(5)
    assert labels(Loader((X, Y))) == first


@pytest.mark.parametrize("window", [None, 20], ids=str)
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_restored_at_every_position_it_goes_on_exactly(source, window):
    def loader():
        return Loader(source, 8, seed=1, window=window, transform=noisy)

    whole, states, batches = loader(), [], []
    states.append(whole.state())
    for _ in range(2):
        for batch in whole:
            batches.append(batch)
            states.append(whole.state())
    for place, state in enumerate(states):
        other = Loader(source, 8, seed=99, window=window, transform=noisy)
        other.restore(json.loads(json.dumps(state)))
        rest = [*other, *other] if place < 7 else list(other)
        if place == 7:  # after the last batch of an epoch nothing is left of it
            assert rest == []
            rest = list(other)
        expected = batches[place : 14 if place < 8 else None]
        assert len(rest) == len(expected)
        for ours, theirs in zip(rest, expected, strict=True):
            for a, b in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(a, b)


def noisy(sample, rng):
    return sample[0] + rng.normal(size=4), sample[1]


def test_random_transforms_draw_anew_for_each_sample_and_epoch():
    loader = Loader((np.zeros((9, 4)), np.arange(9)), 9, shuffle=False, seed=0, transform=noisy)
    (first,), (second,) = list(loader), list(loader)
    drawn = np.concatenate([first[0], second[0]])
    assert len(np.unique(drawn)) == drawn.size
    (again,) = list(Loader((np.zeros((9, 4)), np.arange(9)), 9, shuffle=False, seed=0, transform=noisy))
    np.testing.assert_array_equal(again[0], first[0])


def test_state_between_epochs_and_after_leaving_early():
    loader = Loader((X, Y), 8, seed=0)
    for number, _ in enumerate(loader):
        if number == 2:
            break
    assert loader.state()["epoch"] == 0 and loader.state()["piece"] == 3
    left = loader.state()
    second = labels(loader)
    assert loader.state()["epoch"] == 2 and loader.epoch == 2
    reference = Loader((X, Y), 8, seed=0)
    first = labels(reference)
    assert second == labels(reference)
    loader.restore(left)
    assert labels(loader) == first[3:]


@pytest.mark.parametrize("change", [{"batch_size": 9}, {"shuffle": False}, {"window": 30}])
def test_restore_refuses_other_settings(change):
    state = Loader((X, Y), 8, seed=0).state()
    other = Loader((X, Y), **{"batch_size": 8, "seed": 0, **change})
    (name,) = change
    with pytest.raises(
        InputError, match=rf"Loader.restore: expected a state with {name} .*, as this loader has"
    ):
        other.restore(state)


def test_restore_refuses_other_data_and_other_dicts():
    state = Loader((X, Y), 8, seed=0).state()
    with pytest.raises(
        InputError, match="expected a state with samples 52, as this loader has, but got one with 53"
    ):
        Loader((X[1:], Y[1:]), 8).restore(state)
    with pytest.raises(InputError, match="expected what Loader.state returned, but got entries epoch"):
        Loader((X, Y), 8).restore({"epoch": 1})


def test_two_loops_at_once_are_refused():
    loader = Loader((X, Y), 8, seed=0)
    first = iter(loader)
    next(first)
    second = iter(loader)
    next(second)
    with pytest.raises(StateError, match="expected one loop over it at a time, but got a second one"):
        next(first)
    reference = Loader((X, Y), 8, seed=0)
    list(reference)
    assert labels(second) == labels(reference)[1:]


def test_windows_of_random_access_mix_distant_blocks():
    n, window = 4096, 256
    order = np.concatenate([y for (y,) in Loader(np.arange(n), 64, seed=0, window=window)])
    blocks = order.reshape(-1, window) // (window // 16)
    for row in blocks:
        assert set(Counter(row.tolist()).values()) == {16}  # 16 whole blocks of 16 samples
    inside = np.abs(np.diff(order.reshape(-1, window), axis=1))
    assert inside.mean() > n / 6  # a third of n for independent draws
    correlation = np.corrcoef(np.arange(n), order)[0, 1]
    assert abs(correlation) < 0.1


def test_windows_of_iterables_shuffle_evenly_within_their_reach():
    n, window, epochs = 200, 50, 400
    loader = Loader(lambda: iter(range(n)), n, seed=0, window=window)
    places = np.zeros((epochs, n))
    for epoch in range(epochs):
        ((order,),) = list(loader)
        places[epoch, order] = np.arange(n)
    moved = places - np.arange(n)
    assert np.abs(moved).max() < window
    # A uniform place in a window of 50: the mean square distance between two such places is (w^2 - 1) / 6.
    middle = moved[:, 60:140]
    assert np.mean(middle**2) == pytest.approx((window**2 - 1) / 6, rel=0.05)
    assert np.abs(middle.mean(axis=0)).max() < 5  # three standard errors and a half
    neighbours = np.abs(places[:, 100] - places[:, 101])
    assert neighbours.mean() > window / 4


def test_full_shuffles_are_uniform():
    counts = Counter()
    loader = Loader(np.arange(4), 4, seed=0)
    for _ in range(4800):
        ((order,),) = list(loader)
        counts[tuple(order.tolist())] += 1
    assert len(counts) == 24
    chi_square = sum((count - 200) ** 2 / 200 for count in counts.values())
    assert chi_square < 49.7  # 23 degrees of freedom, 0.1 %


def test_lengths():
    assert len(Loader((X, Y), 8)) == 7
    assert len(Loader((X, Y), 8, drop_remainder=True)) == 6
    assert [len(y) for _, y in Loader((X, Y), 8, drop_remainder=True)] == [8] * 6
    assert Loader(pairs).samples is None
    with pytest.raises(TypeError, match=r"len\(Loader\): expected a source that knows its length"):
        len(Loader(pairs))
    with pytest.raises(InputError, match="Count the batches of the first epoch"):
        len(Loader(pairs))


def test_forms_of_samples():
    rows = [{"image": [[1, 2], [3, 4]], "label": index, "text": "a"} for index in range(4)]
    x, y = next(iter(Loader(rows, 4, shuffle=False, columns=("image", "label"))))
    assert x.shape == (4, 2, 2) and y.tolist() == [0, 1, 2, 3]
    nested = [({"a": np.ones(3), "b": 2.0}, 1, 0.5) for _ in range(4)]
    x, y, weight = next(iter(Loader(nested, 4)))
    assert x["a"].shape == (4, 3) and x["b"].tolist() == [2.0] * 4 and weight.dtype == np.float64
    ((x,),) = list(Loader([np.ones(2)] * 3, 3))
    assert x.shape == (3, 2)
    ((x,),) = list(Loader({"a": X, "b": Y}, N))
    np.testing.assert_array_equal(x["a"], X[x["b"]])


def test_a_generator_may_fill_one_array_again_and_again():
    def samples():
        buffer = np.zeros(2)
        for value in range(10):
            buffer[:] = value
            yield buffer, value

    for x, y in Loader(samples, 4, seed=0):
        np.testing.assert_array_equal(x[:, 0], y)


def test_batches_do_not_share_memory_with_the_arrays():
    x, y = next(iter(Loader((X, Y), 8, shuffle=False)))
    assert not np.shares_memory(x, X)


class Files:
    """Every fifth sample is broken."""

    def __len__(self):
        return 20

    def __getitem__(self, index):
        if index % 5 == 0:
            raise BrokenSample(f"{index}.jpg", "cut off")
        return np.full(2, index), index


def test_broken_samples_are_skipped_and_told_once():
    loader = Loader(Files(), 4, shuffle=False)
    with pytest.warns(UserWarning) as told:
        batches = list(loader)
    assert labels(batches) == [[1, 2, 3, 4], [6, 7, 8, 9], [11, 12, 13, 14], [16, 17, 18, 19]]
    assert [str(warning.message) for warning in told] == [
        "Loader, epoch 0: skipped 4 samples that could not be read ('0.jpg': cut off; '5.jpg': cut off; "
        "'10.jpg': cut off). Replace or remove the files."
    ]


@pytest.mark.parametrize("place", range(5))
def test_broken_samples_and_restoring(place):
    loader = Loader(Files(), 4, seed=2)
    with pytest.warns(UserWarning, match="skipped 4 samples"):
        states, batches = [loader.state()], []
        for batch in loader:
            batches.append(batch)
            states.append(loader.state())
    other = Loader(Files(), 4)
    other.restore(states[place])
    with pytest.warns(UserWarning, match="skipped 4 samples"):
        assert labels(other) == labels(batches)[place:]


def test_nothing_but_broken_samples_is_an_error():
    class Broken(Files):
        def __getitem__(self, index):
            raise BrokenSample("x.png", "no image")

    with pytest.raises(
        InputError, match="epoch 0: expected at least one batch, but got 20 samples that could not"
    ):
        list(Loader(Broken()))


def test_empty_sources_are_errors():
    with pytest.raises(InputError, match="expected at least one sample, but got none"):
        Loader([])
    with pytest.raises(
        InputError, match="expected at least one batch, but got fewer samples than batch_size 32"
    ):
        list(Loader(lambda: iter([])))
    with pytest.raises(InputError, match="pass drop_remainder=False"):
        list(Loader((X, Y), 64, drop_remainder=True))


def test_errors_name_the_sample():
    def shaky(sample):
        if sample[1] == 17:
            raise KeyError("no such thing")
        return sample

    with pytest.raises(
        InputError, match=r"sample 17: .* got KeyError: 'no such thing' \(.*test_stream.py, line"
    ) as told:
        list(Loader((X, Y), transform=shaky))
    assert isinstance(told.value.__cause__, KeyError)

    def dying():
        yield from pairs()
        raise OSError("disk on fire")

    with pytest.raises(InputError, match=r"sample 53: .* got OSError: disk on fire"):
        list(Loader(dying))


def test_samples_of_other_forms_are_named():
    ragged = [np.zeros(3), np.zeros(3), np.zeros(4)]
    with pytest.raises(InputError, match=r"sample 2: expected the form of sample 0, \(3,\), but got \(4,\)"):
        list(Loader(ragged, shuffle=False))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (pairs(), "A generator can be gone through once"),
        ("x.npy", "Open it first, with from_npy, table_stream or ImageFolder."),
        (5, "Pass arrays, a list of samples, or a function"),
        (([1, 2], [3, 4]), "Give NumPy arrays in the tuple"),
    ],
)
def test_unfit_sources_are_refused(source, told):
    with pytest.raises(InputError, match=told):
        Loader(source)


def test_unfit_settings_are_refused():
    for name, value in (("batch_size", 0), ("workers", -1), ("window", 0), ("prefetch", 1.5)):
        with pytest.raises(InputError, match=f"Loader, {name}: expected a whole number from"):
            Loader((X, Y), **{name: value})
    with pytest.raises(InputError, match="arrays with the same number of samples, but got 53 and 52"):
        Loader((X, Y[1:]))
    with pytest.raises(InputError, match="None is for sources that give whole batches"):
        Loader((X, Y), None)
    with pytest.raises(InputError, match="expected samples that are dicts with 'a', but got one with 'b'"):
        list(Loader([{"b": 1}], columns=["a"]))


def test_frames_are_refused():
    import polars

    with pytest.raises(InputError, match="Pass the frame's arrays"):
        Loader(polars.DataFrame({"a": [1]}))


def test_torch_data_sets_and_loaders():
    torch = pytest.importorskip("torch")
    from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

    data = TensorDataset(torch.tensor(X), torch.tensor(Y))
    for source in (data, Subset(data, list(range(N)))):
        batches = list(Loader(source, 8, seed=0))
        assert labels(batches) == labels(Loader((X, Y), 8, seed=0))
        assert all(type(x) is np.ndarray for x, _ in batches)

    class Rows(Dataset):
        def __len__(self):
            return N

        def __getitem__(self, index):
            return {"x": torch.tensor(X[index]), "y": int(Y[index])}

    assert labels(Loader(Rows(), 8, seed=0, columns=("x", "y"))) == labels(Loader((X, Y), 8, seed=0))

    class Lines(IterableDataset):
        def __iter__(self):
            return iter(pairs())

    assert labels(Loader(Lines(), 8, shuffle=False)) == labels(Loader((X, Y), 8, shuffle=False))

    theirs = DataLoader(data, batch_size=8)
    assert labels(Loader(theirs, None, shuffle=False)) == labels(Loader((X, Y), 8, shuffle=False))
    assert len(Loader(theirs, None)) == 7
    with pytest.raises(InputError, match=r"got a DataLoader, which gives batches. Pass its data set"):
        Loader(theirs)


class HuggingFace:
    """What a data set of the Hugging Face library offers: dicts of Python values, several rows at once."""

    def __init__(self, rows):
        self.rows, self.fetched = rows, 0

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        if isinstance(index, str):
            return [row[index] for row in self.rows]
        return self.rows[index]

    def __getitems__(self, indices):
        self.fetched += 1
        return [self.rows[index] for index in indices]


def test_hugging_face_rows():
    from PIL import Image

    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    data = HuggingFace([{"image": image, "label": index} for index in range(10)])
    x, y = next(iter(Loader(data, 4, columns=("image", "label"))))
    assert x.shape == (4, 2, 2, 3) and x.dtype == np.uint8 and y.shape == (4,)
    assert data.fetched == 1


def test_keras_sequences_give_whole_batches():
    class Batches:
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return X[index * 10 : index * 10 + 10], Y[index * 10 : index * 10 + 10]

    batches = list(Loader(Batches(), None, seed=0))
    assert sorted(y[0] for y in (batch[1] for batch in batches)) == [0, 10, 20, 30]
