"""`fit`: checks everything, then hands over to the loop."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from gradwise.core.layer import Layer
from gradwise.data.splits import validation_rows
from gradwise.data.weights import class_labels, missing_classes_warning
from gradwise.errors import InputError
from gradwise.training import feeding
from gradwise.training.callbacks import History, ProgressBar
from gradwise.training.callbacks.base import CallbackList
from gradwise.training.callbacks.terminal import say
from gradwise.training.feeding import HostData
from gradwise.training.gathering import sparse_note
from gradwise.training.loop import Loop
from gradwise.training.measuring import batch_size_for
from gradwise.training.plan import make_plan
from gradwise.training.run import Run
from gradwise.training.session import Session, logs_of
from gradwise.training.sources import Source, source_of_arrays, source_of_stream
from gradwise.training.stateful import fit_batches
from gradwise.training.streams import Stream, is_stream, refuse_beside_stream


@dataclass
class Options:
    """The settings of one call of `fit`; see `Model.fit`."""

    batch_size: int | None = None
    epochs: int = 1
    verbose: int | str = "auto"
    callbacks: Any = None
    validation_split: float = 0.0
    validation_data: Any = None
    shuffle: bool = True
    class_weight: Any = None
    initial_epoch: int = 0
    steps_per_epoch: int | None = None
    validation_steps: int | None = None
    validation_batch_size: int | None = None
    validation_freq: int = 1
    stratify: bool = False

    def check(self) -> None:
        """Refuses settings out of range.

        Raises:
            InputError: One is.
        """
        for name, least in (("epochs", 0), ("initial_epoch", 0), ("validation_freq", 1)):
            _check_whole(name, getattr(self, name), least)
        for name in ("batch_size", "steps_per_epoch", "validation_steps", "validation_batch_size"):
            if getattr(self, name) is not None:
                _check_whole(name, getattr(self, name), 1)
        if self.validation_split and self.validation_data is not None:
            raise InputError(
                "fit",
                expected="validation_split or validation_data",
                got="both",
                fix="Leave one of them out.",
            )


def fit(layer: Layer, session: Session, x: Any, y: Any, sample_weight: Any, options: Options) -> History:
    """Trains a compiled model; see `Model.fit`.

    Args:
        layer: The model.
        session: Its compiled session.
        x: Inputs.
        y: Targets.
        sample_weight: Weights.
        options: The settings.

    Returns:
        The history.
    """
    options.check()
    if is_stream(x):
        train, validation = _stream_sources(session, x, y, sample_weight, options)
    else:
        train, validation = _array_sources(session, x, y, sample_weight, options)
    verbose = 1 if options.verbose == "auto" else int(options.verbose)
    history = History()
    progress = [ProgressBar(verbose)] if verbose else []
    run = Run(layer, session.optimizer, _params(session, train, validation, options, verbose))
    run.averages = session.averages
    # Last but one, so that it records what other callbacks add to the logs.
    callbacks = CallbackList([*_as_list(options.callbacks), history, *progress], run, layer)
    free = _free_bytes()
    total = sum(source.data.bytes() for source in (train, validation) if source is not None and source.data)
    plan = make_plan(
        kind=train.kind,
        data_bytes=total,
        free_bytes=free,
        step_by_step=callbacks.acts_between_steps() or ("a probe" if callbacks.probes() else None),
        epoch_work=_epoch_work(layer, train) if callbacks.only_read_epoch_logs() else None,
    )
    if train.data is not None:
        plan.reason += sparse_note(train.data.inputs)
    run.plan_reason = plan.reason
    if verbose == 2:
        say(f"Plan: {plan.reason}.")
    programs = session.programs(callbacks.probes() or None)
    loop = Loop(
        session,
        programs,
        train,
        validation,
        callbacks,
        run,
        plan,
        class_weight=options.class_weight,
        validation_freq=options.validation_freq,
    )
    loop(options.initial_epoch, options.epochs)
    return history


def train_on_batch(
    session: Session, x: Any, y: Any, sample_weight: Any, class_weight: Any = None
) -> dict[str, float]:
    """Makes one update; see `Model.train_on_batch`."""
    batch = session.batch(x, y, sample_weight, "train_on_batch", class_weight)
    programs = session.programs()
    state, values, _ = programs.train_batch(session.begin(), batch, np.bool_(True))
    session.publish(state)
    return logs_of(programs.objective.names, values)


def _array_sources(
    session: Session, x: Any, y: Any, sample_weight: Any, options: Options
) -> tuple[Source, Source | None]:
    data = session.bind(feeding.read(session.layer, x, y, sample_weight, "fit"), "fit")
    data = feeding.kept_sparse(session.layer, data)
    validation = None
    if options.validation_split:
        data, validation = _split(data, options)
    elif options.validation_data is not None:
        validation = _validation_arrays(session, options)
    if options.class_weight is not None:
        data = feeding.apply_class_weight(data, options.class_weight, "fit", session.class_loss)
        if isinstance(validation, HostData):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # said once, for the training data
                validation = feeding.apply_class_weight(
                    validation, options.class_weight, "fit", session.class_loss
                )
    fixed = fit_batches(session.layer, "fit", data.count, options.batch_size)
    train = source_of_arrays(
        data,
        fixed or options.batch_size or 32,
        options.steps_per_epoch,
        shuffle=bool(options.shuffle) and fixed is None,
    )
    return train, _validation_source(session.layer, validation, options)


def _stream_sources(
    session: Session, x: Any, y: Any, sample_weight: Any, options: Options
) -> tuple[Source, Source | None]:
    refuse_beside_stream("fit", y=y, sample_weight=sample_weight)
    for name in ("validation_split", "stratify"):
        if getattr(options, name):
            raise InputError(
                f"fit, {name}",
                expected="arrays, of which a part can be split off",
                got="a stream of batches",
                fix="Pass validation_data for validation.",
            )
    stream = Stream(
        x,
        "fit",
        steps=options.steps_per_epoch,
        batch_size=options.batch_size,
        shuffle=bool(options.shuffle),
        goes_on=True,
    )
    if options.steps_per_epoch is None and stream.endless and options.epochs - options.initial_epoch > 1:
        raise InputError(
            "fit, steps_per_epoch",
            expected="a number of steps, as a generator has no length",
            got="none",
            fix="Pass steps_per_epoch=..., or something that can begin anew: gradwise.data.Loader, say.",
        )
    session.bind(feeding.read(session.layer, *stream.first(), "fit"), "fit")
    train = source_of_stream(stream)
    validation = _validation_arrays(session, options) if options.validation_data is not None else None
    return train, _validation_source(session.layer, validation, options)


def _validation_arrays(session: Session, options: Options) -> Any:
    given = options.validation_data
    if is_stream(given):
        return given
    if not isinstance(given, (tuple, list)) or not 2 <= len(given) <= 3:
        raise InputError(
            "fit, validation_data",
            expected="(x, y) or (x, y, sample_weight)",
            got=f"a {type(given).__name__}",
            fix="Pass validation_data=(x_val, y_val).",
        )
    x, y, weight = [*given, None][:3]
    where = "fit, validation_data"
    data = session.bind(feeding.read(session.layer, x, y, weight, where), where)
    return feeding.kept_sparse(session.layer, data)


def _validation_source(layer: Layer, validation: Any, options: Options) -> Source | None:
    if validation is None:
        return None
    if not isinstance(validation, HostData):
        steps = options.validation_steps
        if steps is None and hasattr(validation, "__next__"):
            raise InputError(
                "fit, validation_steps",
                expected="a number of steps, as a generator has no length",
                got="none",
                fix="Pass validation_steps=....",
            )
        return source_of_stream(Stream(validation, "fit, validation_data", steps=steps))
    where = "fit, validation_data"
    fixed = fit_batches(layer, where, validation.count, options.validation_batch_size)
    size = fixed or options.validation_batch_size or batch_size_for(layer, validation.inputs)
    if options.validation_steps is not None and fixed is None:
        size = options.validation_batch_size or options.batch_size or 32
    return source_of_arrays(validation, size, options.validation_steps, shuffle=False)


def _split(data: HostData, options: Options) -> tuple[HostData, HostData]:
    labels = None
    target = data.targets[0]
    if options.stratify:
        labels = None if target is None else class_labels(target)
        if labels is None:
            raise InputError(
                "fit, stratify",
                expected="targets that are classes",
                got="targets that are not",
                fix="Leave out stratify=True for regression.",
            )
    head, tail = validation_rows(data.count, options.validation_split, y=labels)
    train, validation = data.rows(head), data.rows(tail)
    if not options.stratify and target is not None:
        warning = missing_classes_warning(train.targets[0], validation.targets[0])
        if warning:
            warnings.warn(warning, stacklevel=4)
    return train, validation


def _params(
    session: Session, train: Source, validation: Source | None, options: Options, verbose: int
) -> dict[str, Any]:
    names = list(session.objective.names) if session.objective is not None else []
    return {
        "epochs": options.epochs,
        "initial_epoch": options.initial_epoch,
        "steps": train.steps,
        "batch_size": train.size or None,
        "samples": min(train.data.count, (train.steps or 0) * train.size) if train.data is not None else None,
        "verbose": verbose,
        "metrics": [*names, *([f"val_{name}" for name in names] if validation is not None else [])],
    }


def _epoch_work(layer: Layer, train: Source) -> float | None:
    """About how many multiplications an epoch takes; None where weights are shared over places."""
    variables = layer.trainable_variables
    if train.data is None or any(len(variable.shape) > 2 for variable in variables):
        return None
    samples = min(train.data.count, (train.steps or 0) * train.size)
    per_row = max(int(np.prod(array.shape[1:-1])) for array in jax.tree.leaves(train.data.inputs))
    overhead = 5e4 * (train.steps or 0)  # what a step costs however small it is
    return 3.0 * samples * max(per_row, 1) * sum(int(np.prod(v.shape)) for v in variables) + overhead


def _as_list(callbacks: Any) -> list[Any]:
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]


def _check_whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise InputError(
            f"fit, {name}",
            expected=f"an integer of at least {least}",
            got=repr(value),
            fix=f"Pass {name}={least or 1}, say.",
        )


def _free_bytes() -> int | None:
    """Memory the default device has to spare; None where it is the host's own."""
    device = jax.devices()[0]
    stats = device.memory_stats() if device.platform != "cpu" else None
    return None if not stats else int(stats["bytes_limit"] - stats["bytes_in_use"])
