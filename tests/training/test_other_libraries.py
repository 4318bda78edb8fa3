"""Data sets and loaders of other libraries are trained on as they are."""

import os

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError

COUNT = 60
X = np.random.default_rng(0).normal(size=(COUNT, 3)).astype("float32")
Y = X @ np.float32([1, -2, 0.5])


def fitted(source, **options):
    gw.utils.set_random_seed(0)
    model = gw.Sequential([layers.Input((3,)), layers.Dense(1, use_bias=False)])
    model.compile(gw.optimizers.SGD(0.1), "mse")
    history = model.fit(source, verbose=0, epochs=8, **options)
    return history.history["loss"], model


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def samples(torch):
    class Samples(torch.utils.data.Dataset):
        def __len__(self):
            return COUNT

        def __getitem__(self, place):
            return torch.from_numpy(X[place]), torch.tensor(Y[place])

    return Samples()


@pytest.mark.feature("A6")
def test_a_loader_of_pytorch(torch):
    loader = torch.utils.data.DataLoader(samples(torch), batch_size=20, shuffle=False)
    expected, model = fitted(X, y=Y, batch_size=20, shuffle=False)
    losses, found = fitted(loader)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    np.testing.assert_allclose(found.evaluate(loader, verbose=0), model.evaluate(X, Y, verbose=0), rtol=1e-4)
    history = found.fit(X, Y, validation_data=loader, verbose=0).history
    assert history["val_loss"][0] == pytest.approx(found.evaluate(X, Y, verbose=0), rel=1e-4)


def test_a_data_set_of_pytorch(torch):
    losses, _ = fitted(samples(torch), batch_size=10)
    assert losses[-1] < 0.01 * losses[0]


def test_a_sequence_of_keras():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")

    class Batches(keras.utils.PyDataset):
        ends = 0

        def __len__(self):
            return 6

        def __getitem__(self, place):
            return X[10 * place : 10 * place + 10], Y[10 * place : 10 * place + 10]

        def on_epoch_end(self):
            self.ends += 1

    source = Batches()
    losses, model = fitted(source, shuffle=False)
    expected, _ = fitted(X, y=Y, batch_size=10, shuffle=False)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert source.ends == 8
    np.testing.assert_allclose(model.predict(source), model.predict(X), rtol=1e-5)


class Dataset:
    """What a data set of Hugging Face looks like from outside."""

    __module__ = "datasets.arrow_dataset"

    def __init__(self, **columns):
        self._columns = columns
        self.column_names = list(columns)

    def __len__(self):
        return COUNT

    def __getitem__(self, place):
        return {name: column[place] for name, column in self._columns.items()}


class DatasetDict(dict):
    """Its parts."""

    __module__ = "datasets.dataset_dict"


def test_a_data_set_of_hugging_face():
    losses, model = fitted(Dataset(vector=X.tolist(), label=Y.tolist()), batch_size=10)
    assert losses[-1] < 0.01 * losses[0]
    loss = model.evaluate(Dataset(vector=X, label=Y), verbose=0)
    assert loss == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-4)


def test_which_column_is_the_target_must_be_known():
    with pytest.raises(
        InputError, match=r"got the columns a, b, label\. .*Loader\(dataset, batch_size, columns="
    ):
        fitted(Dataset(a=X, b=X, label=Y))
    with pytest.raises(
        InputError, match="fit: expected one part of the data set, but got all of them: train, test"
    ):
        fitted(DatasetDict(train=Dataset(), test=Dataset()))


def test_batches_as_lists_are_pairs():
    losses, _ = fitted(([X[:20], Y[:20]] for _ in range(48)), steps_per_epoch=6)
    assert losses[-1] < losses[0]
