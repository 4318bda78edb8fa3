"""Gradwise: deep learning for people who learn and practise it on their own data.

Layers → model → compile → fit → evaluate → predict, with the names that Keras users know, on a compiled
engine.

Example:
    >>> import numpy as np
    >>> model = Sequential([Input((2,)), layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> _ = model.fit(np.ones((8, 2)), np.ones(8), epochs=2, verbose=0)
    >>> model.predict(np.ones((3, 2))).shape
    (3, 1)
"""

from gradwise import activations as activations
from gradwise import callbacks as callbacks
from gradwise import config as config
from gradwise import constraints as constraints
from gradwise import data as data
from gradwise import datasets as datasets
from gradwise import initializers as initializers
from gradwise import layers as layers
from gradwise import losses as losses
from gradwise import metrics as metrics
from gradwise import models as models
from gradwise import optimizers as optimizers
from gradwise import regularizers as regularizers
from gradwise import utils as utils
from gradwise import views as views
from gradwise import workflow as workflow
from gradwise.config import set_random_seed as set_random_seed
from gradwise.core.functional import functional_call as functional_call
from gradwise.core.layer import Layer as Layer
from gradwise.core.variable import Variable as Variable
from gradwise.layers import Input as Input
from gradwise.models import Model as Model
from gradwise.models import Sequential as Sequential
from gradwise.registry import register as register
from gradwise.saving.files import load_model as load_model
from gradwise.training.gradient_check import GradientCheck as GradientCheck
from gradwise.training.gradient_check import check_gradients as check_gradients
from gradwise.version import __version__ as __version__
