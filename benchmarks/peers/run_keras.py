"""Keras 3 on the engine that KERAS_BACKEND names, used as its documentation shows."""

from __future__ import annotations

import keras_style
import numpy as np
from measuring import main, time_calls
from workloads import Workload


def load_library() -> None:
    global keras
    import keras


def train(workload: Workload) -> None:
    keras_style.train(keras, workload)


def predict(workload: Workload) -> None:
    model = keras_style.build(keras, workload)
    time_calls("predict", lambda x: model.predict(x, verbose=0), workload)
    time_calls("predict_on_batch", lambda x: np.asarray(model.predict_on_batch(x)), workload)
    {"jax": _jax_paths, "tensorflow": _tensorflow_paths, "torch": _torch_paths}[keras.backend.backend()](
        model, workload
    )


def _jax_paths(model, workload: Workload) -> None:
    import jax

    trained = [v.value for v in model.trainable_variables]
    fixed = [v.value for v in model.non_trainable_variables]
    compiled = jax.jit(lambda x: model.stateless_call(trained, fixed, x, training=False)[0])
    time_calls("jax.jit", lambda x: np.asarray(compiled(x)), workload)


def _tensorflow_paths(model, workload: Workload) -> None:
    import tensorflow

    signature = tensorflow.TensorSpec((1, *workload.input_shape), tensorflow.float32)
    for name, xla in (("tf.function", False), ("tf.function, XLA", True)):
        function = tensorflow.function(lambda x: model(x, training=False), jit_compile=xla)
        compiled = function.get_concrete_function(signature)
        time_calls(name, lambda x, compiled=compiled: compiled(tensorflow.constant(x)).numpy(), workload)


def _torch_paths(model, workload: Workload) -> None:
    import torch

    model.eval()
    with torch.inference_mode():
        time_calls("model(x)", lambda x: model(torch.from_numpy(x)).numpy(), workload)


if __name__ == "__main__":
    main(load_library, train, predict)
