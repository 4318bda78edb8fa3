"""Runs every example at small size, on the real data."""

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent.parent / "examples"


def load(name):
    specification = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_every_example_is_short_and_tested():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    for path in FOLDER.glob("*.py"):
        assert len(path.read_text().splitlines()) < 100, path
        assert path.stem in tested, f"no test runs {path.name}"


@pytest.mark.feature("F1", "B2")
def test_mnist(data_directory):
    assert load("mnist").main(epochs=1, samples=6000) > 0.85


def test_imdb(data_directory):
    assert load("imdb").main(epochs=3, words=2000, samples=3000) > 0.6


def test_reuters(data_directory):
    accuracy, _ = load("reuters").main(epochs=2, bottleneck_epochs=1, words=1000)
    assert accuracy > 0.55


def test_boston(data_directory):
    assert load("boston").main(epochs=40, seeds=2) < 4.0


def test_pokemon(data_directory):
    results = load("pokemon").main(str(data_directory / "pokemon.csv.gz"), epochs=6)
    assert results["nothing"][0] > 0.6
