"""Layers with settings drawn at random, compared with Keras 3 from equal weights.

Each day draws others, so that hundreds are tried over the days; the seed is part of each test's name.
GRADWISE_SEED=739941 repeats those of a day, and GRADWISE_DRAWS=300 tries so many settings of each layer.
"""

import datetime
import os

import numpy as np
import pytest

from tests.contracts import test_layers
from tests.contracts.case import same
from tests.contracts.draws import DRAWS

SEED = int(os.environ.get("GRADWISE_SEED") or datetime.date.today().toordinal())
COUNT = int(os.environ.get("GRADWISE_DRAWS", "1"))

pytestmark = pytest.mark.feature("C1", "C3", "C4", "C5", "C6", "C8", "C9")


@pytest.mark.parametrize("number", range(COUNT), ids=lambda number: f"seed{SEED}-{number}")
@pytest.mark.parametrize("name", DRAWS)
def test_equals_keras_whatever_the_settings(name, number):
    random = np.random.default_rng([SEED, number, *name.encode()])
    shapes, settings, *rest = DRAWS[name](random)
    case = same(name, shapes, **settings, **(rest[0] if rest else {}))
    print(f"seed {SEED}, draw {number}: {name}({settings}) on inputs {shapes}")
    test_layers.test_equals_keras(case)  # outputs, state, gradients of inputs and weights
    test_layers.test_shape_is_found_with_unknown_batch(case)
    test_layers.test_settings_rebuild_the_layer(case)
