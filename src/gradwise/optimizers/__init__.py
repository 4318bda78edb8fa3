"""Optimizers, pairs of pure functions `init(params)` and `update(grads, slots, params, hyper)`; schedules.

A new optimizer subclasses `Optimizer` and defines `update_one`, a new schedule subclasses
`schedules.LearningRateSchedule`. This package imports errors, config and registry.
"""

from gradwise.optimizers import schedules
from gradwise.optimizers.adadelta import Adadelta
from gradwise.optimizers.adafactor import Adafactor
from gradwise.optimizers.adagrad import Adagrad
from gradwise.optimizers.adam import Adam, AdamW
from gradwise.optimizers.adamax import Adamax
from gradwise.optimizers.adasecant import AdaSecant
from gradwise.optimizers.base import Optimizer
from gradwise.optimizers.ftrl import Ftrl
from gradwise.optimizers.lamb import Lamb
from gradwise.optimizers.lion import Lion
from gradwise.optimizers.lookup import get
from gradwise.optimizers.muon import Muon
from gradwise.optimizers.nadam import Nadam
from gradwise.optimizers.rmsprop import RMSprop
from gradwise.optimizers.sgd import SGD
from gradwise.optimizers.vsgd import VSGD

__all__ = [
    "SGD",
    "VSGD",
    "AdaSecant",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "get",
    "schedules",
]
