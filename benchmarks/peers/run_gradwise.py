"""Gradwise, used as its documentation shows."""

from __future__ import annotations

import keras_style
import numpy as np
from measuring import main, time_calls
from workloads import Workload


def load_library() -> None:
    global gradwise
    import gradwise


def train(workload: Workload) -> None:
    keras_style.train(gradwise, workload)


def predict(workload: Workload) -> None:
    model = keras_style.build(gradwise, workload)
    time_calls("predict", lambda x: model.predict(x, verbose=0), workload)
    time_calls("model(x)", lambda x: np.asarray(model(x)), workload)


if __name__ == "__main__":
    main(load_library, train, predict)
