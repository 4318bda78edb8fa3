"""First values of weights, drawn on the host.

NumPy draws them: nothing is compiled before the first training step, and a seed gives the same values on
every machine. A new initializer subclasses `Initializer` and defines `draw`. This package imports errors,
config and registry.
"""

from gradwise.initializers.base import FunctionInitializer, Initializer, get
from gradwise.initializers.constant import Constant, Identity, Ones, Zeros
from gradwise.initializers.draws import compute_fans
from gradwise.initializers.random import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal
from gradwise.initializers.scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)

__all__ = [
    "Constant",
    "FunctionInitializer",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "get",
]
