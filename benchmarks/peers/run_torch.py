"""Plain PyTorch: a hand-written loop over index batches of tensors, without a DataLoader."""

from __future__ import annotations

import warnings

import numpy as np
from measuring import MAXIMUM_EPOCHS, EpochClock, main, median_seconds, report, report_training, time_calls
from workloads import Workload


def load_library() -> None:
    global torch
    import torch


def build(workload: Workload):
    """The network without its last activation, which PyTorch keeps inside the loss."""
    if workload.network:
        from torch_networks import NETWORKS

        return NETWORKS[workload.network]()
    modules, shape = [], workload.input_shape
    channels, size = shape[-1], shape[0]
    for kind, *settings in workload.layers:
        if kind == "dense":
            modules.append(torch.nn.Linear(channels, settings[0]))
            channels = settings[0]
        elif kind == "conv":
            modules.append(torch.nn.Conv2d(channels, settings[0], settings[1]))
            channels, size = settings[0], size - settings[1] + 1
        elif kind == "maxpool":
            modules.append(torch.nn.MaxPool2d(settings[0]))
            size //= settings[0]
        else:
            modules.append(torch.nn.Flatten())
            channels *= size * size
        if settings[-1:] == ["relu"]:
            modules.append(torch.nn.ReLU())
    return torch.nn.Sequential(*modules)


def tensors(workload: Workload, x, y):
    """Images with the channels first, classes as numbers, single targets as a column."""
    x = torch.from_numpy(x)
    if x.ndim == 4:
        x = x.permute(0, 3, 1, 2).contiguous()
    if workload.loss == "categorical_crossentropy":
        return x, torch.from_numpy(y.argmax(axis=1))
    return x, torch.from_numpy(y)[:, None]


def measures(workload: Workload):
    """The loss and the sum of the metric over a batch."""
    functional = torch.nn.functional
    if workload.loss == "categorical_crossentropy":
        return functional.cross_entropy, lambda out, y: (out.argmax(1) == y).sum()
    if workload.loss == "binary_crossentropy":
        return functional.binary_cross_entropy_with_logits, lambda out, y: ((out > 0) == (y > 0.5)).sum()
    return functional.mse_loss, lambda out, y: (out - y).abs().sum()


def make_optimizer(workload: Workload, model):
    if workload.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    return torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9, eps=1e-7)


def train(workload: Workload) -> None:
    data, clock = workload.load(), EpochClock()
    x, y = tensors(workload, data.x, data.y)
    held_out = None if data.x_val is None else tensors(workload, data.x_val, data.y_val)
    model = build(workload)
    optimizer = make_optimizer(workload, model)
    losses = []
    for epoch in range(MAXIMUM_EPOCHS):
        loss, metric = train_epoch(workload, model, optimizer, x, y)
        losses.append(loss)
        validation = None
        line = f"Epoch {epoch + 1}: loss {loss:.4f}, {workload.metric} {metric:.4f}"
        if held_out is not None:
            validation_loss, validation = evaluate(workload, model, *held_out)
            line += f", val_loss {validation_loss:.4f}, val_{workload.metric} {validation:.4f}"
        print(line, flush=True)
        if clock.epoch_ended():
            break
    report_training(data, clock.median(), validation, (losses[0], losses[-1]))
    if workload.network:
        report("inferred", seconds=median_seconds(lambda: predict_all(workload, model, x)))


def predict_all(workload: Workload, model, x):
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(batch) for batch in x.split(workload.batch_size)]).numpy()


def train_epoch(workload: Workload, model, optimizer, x, y) -> tuple[float, float]:
    loss_of, metric_of = measures(workload)
    total, metric = torch.zeros(()), torch.zeros(())
    model.train()
    for rows in torch.randperm(len(x)).split(workload.batch_size):
        x_batch, y_batch = x[rows], y[rows]
        optimizer.zero_grad()
        outputs = model(x_batch)
        loss = loss_of(outputs, y_batch)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            total += loss.detach() * len(rows)
            metric += metric_of(outputs, y_batch)
    return total.item() / len(x), metric.item() / len(x)


def evaluate(workload: Workload, model, x, y) -> tuple[float, float]:
    loss_of, metric_of = measures(workload)
    total, metric = torch.zeros(()), torch.zeros(())
    model.eval()
    with torch.inference_mode():
        # Batches of 1024 at least: nothing ties a hand-written loop to the training batch size.
        for x_batch, y_batch in zip(x.split(1024), y.split(1024), strict=True):
            outputs = model(x_batch)
            total += loss_of(outputs, y_batch) * len(x_batch)
            metric += metric_of(outputs, y_batch)
    return total.item() / len(x), metric.item() / len(x)


def predict(workload: Workload) -> None:
    last = {"softmax": [torch.nn.Softmax(-1)], "sigmoid": [torch.nn.Sigmoid()], None: []}[
        workload.layers[-1][-1]
    ]
    model = torch.nn.Sequential(build(workload), *last).eval()
    with torch.inference_mode():
        for name, form in (("eager", model), ("torch.compile", torch.compile(model))):
            time_calls(name, lambda x, form=form: form(torch.from_numpy(x)).numpy(), workload)
        example = torch.zeros((1, *workload.input_shape))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            frozen = torch.jit.optimize_for_inference(torch.jit.trace(model, example))
        time_calls("torch.jit", lambda x: np.asarray(frozen(torch.from_numpy(x))), workload)


if __name__ == "__main__":
    main(load_library, train, predict)
