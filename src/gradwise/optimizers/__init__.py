"""Optimizers, pairs of pure functions `init(params)` and `update(grads, slots, params, hyper)`; schedules.

A new optimizer subclasses `Optimizer` and defines `update_one`, a new schedule subclasses
`schedules.LearningRateSchedule`. This package imports errors, config and registry.
"""

from gradwise.optimizers import schedules
from gradwise.optimizers.adagrad import Adagrad
from gradwise.optimizers.adam import Adam
from gradwise.optimizers.base import Optimizer
from gradwise.optimizers.lookup import get
from gradwise.optimizers.rmsprop import RMSprop
from gradwise.optimizers.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "Optimizer", "RMSprop", "get", "schedules"]
