"""A stand-in for the training loop: calls hooks with given logs."""

import numpy as np

from gradwise.optimizers.sgd import SGD
from gradwise.training.callbacks.base import CallbackList
from gradwise.training.run import Run


class FakeModel:
    """Has one weight, which the driver sets to the number of epochs trained."""

    def __init__(self, learning_rate=0.1):
        self.weight = np.zeros(())
        self.optimizer = SGD(learning_rate)
        self.stop_training = False
        self.saved = []

    def get_weights(self):
        return [self.weight.copy()]

    def set_weights(self, weights):
        self.weight = np.array(weights[0])

    def save(self, path):
        self.saved.append(str(path))

    def save_weights(self, path):
        self.saved.append(f"weights:{path}")


def start(callbacks, model=None, names=("loss",), **params):
    """Returns the list and the run, after on_train_begin."""
    model = model or FakeModel()
    run = Run(model, model.optimizer, {"epochs": 100, "steps": None, "metrics": list(names), **params})
    callback_list = CallbackList(callbacks, run, model)
    callback_list.call("on_train_begin", {})
    return callback_list, run


def drive(callbacks, logs_of_epochs, model=None, names=None, first=0, **params):
    """Runs epochs with the given logs until one stops the run; returns the run and how many were run."""
    model = model or FakeModel()
    model.stop_training = False
    if names is None:
        names = list(dict.fromkeys(name for logs in logs_of_epochs for name in logs))
    params.setdefault("epochs", len(logs_of_epochs))
    callback_list, run = start(callbacks, model, names, **params)
    count = 0
    logs = {}
    for epoch, given in enumerate(logs_of_epochs, start=first):
        logs = dict(given)
        callback_list.call("on_epoch_begin", epoch, {})
        count += 1
        model.weight = np.array(float(epoch + 1))
        callback_list.call("on_epoch_end", epoch, logs)
        if run.stop_reason or model.stop_training:
            break
    callback_list.call("on_train_end", logs)
    return run, count
