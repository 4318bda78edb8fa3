"""scikit-learn's MLP where it fits. Its job is a little lighter than that of the others: Adam in place of
RMSprop, which it lacks, and no training accuracy. One `partial_fit` is one epoch."""

from __future__ import annotations

import warnings

import numpy as np
from measuring import MAXIMUM_EPOCHS, EpochClock, main, report_training, time_calls
from workloads import Workload


def load_library() -> None:
    global neural_network
    from sklearn import neural_network


def build(workload: Workload):
    kind = neural_network.MLPRegressor if workload.loss == "mse" else neural_network.MLPClassifier
    hidden = [units for _, units, _ in workload.layers[:-1]]
    return kind(hidden_layer_sizes=hidden, batch_size=workload.batch_size, alpha=0.0)


def labels(workload: Workload, y: np.ndarray) -> np.ndarray:
    return y.argmax(axis=1) if y.ndim == 2 else y


def train(workload: Workload) -> None:
    data, clock = workload.load(), EpochClock()
    model, y = build(workload), labels(workload, data.y)
    y_val = None if data.y_val is None else labels(workload, data.y_val)
    # `classes` must name all of them, also those that the first epoch may lack.
    classes = {} if workload.loss == "mse" else {"classes": np.unique(y)}
    for epoch in range(MAXIMUM_EPOCHS):
        model.partial_fit(data.x, y, **classes)
        validation = None
        if y_val is not None:
            error = model.predict(data.x_val) - y_val
            validation = float(np.mean(np.abs(error) if workload.loss == "mse" else error == 0))
        print(f"Epoch {epoch + 1}: loss {model.loss_:.4f}, val_{workload.metric} {validation}", flush=True)
        if clock.epoch_ended():
            break
    report_training(data, clock.median(), validation, (model.loss_curve_[0], model.loss_curve_[-1]))


def predict(workload: Workload) -> None:
    data, model = workload.load(), build(workload)
    y = labels(workload, data.y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.partial_fit(
            data.x[:1000], y[:1000], **({} if workload.loss == "mse" else {"classes": np.unique(y)})
        )
    probabilities = getattr(model, "predict_proba", None)
    call = probabilities or (lambda x: model.predict(x)[:, None])
    time_calls("predict_proba" if probabilities else "predict", call, workload)


if __name__ == "__main__":
    main(load_library, train, predict)
