"""The named sets that need large files, with small stand-ins for what the files hold."""

import numpy as np
import pytest

from gradwise.workflow import named_sets


@pytest.mark.feature("A2")
def test_the_hundred_classes_in_their_order(monkeypatch):
    images, labels = np.zeros((5, 32, 32, 3), "uint8"), np.arange(5)[:, None]
    monkeypatch.setattr(named_sets.cifar100, "load_data", lambda: ((images, labels), (images, labels)))
    found = named_sets.load_named("cifar100")
    assert len(set(found.classes)) == 100 and list(found.classes) == sorted(found.classes)
    assert found.classes[0] == "apple" and found.classes[99] == "worm"  # the ends of the published list
    assert found.train[1].shape == (5,) and found.inputs.shape == (32, 32, 3)


def test_the_districts_as_a_table(monkeypatch):
    part = np.arange(16.0).reshape(2, 8), np.array([1e5, 2e5])
    monkeypatch.setattr(named_sets.california_housing, "load_data", lambda: (part, part))
    table = named_sets.load_named("california_housing")
    assert len(table) == 4 and table.names[-2:] == ["median_income", "median_house_value"]
    assert table.column("median_income").present().tolist() == [7, 15, 7, 15]
