"""The loop over epochs: runs programs, measures validation data and calls callbacks."""

from __future__ import annotations

import dataclasses
import math
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from gradwise.training.callbacks.base import CallbackList
from gradwise.training.engine import memory_kept
from gradwise.training.feed import Block, Feed
from gradwise.training.feeding import HostData
from gradwise.training.gathering import with_room
from gradwise.training.interrupts import Interrupts, held_back
from gradwise.training.lookups import explain_nan
from gradwise.training.measuring import Evaluation
from gradwise.training.objective import total_type
from gradwise.training.plan import Plan
from gradwise.training.programs import Programs, Resident
from gradwise.training.run import Run
from gradwise.training.session import Session, logs_of
from gradwise.training.sources import Source
from gradwise.training.state import TrainState
from gradwise.training.step import Batch


class Loop:
    """One call of `fit`.

    Args:
        session: The compiled model.
        programs: Its programs.
        train: Training data.
        validation: Validation data, or None.
        callbacks: Whom to call.
        run: The run, for callbacks.
        plan: How steps are run.
        class_weight: Weights of classes for streams; arrays come with them applied.
        validation_freq: After every how many epochs validation data are measured.
    """

    def __init__(
        self,
        session: Session,
        programs: Programs,
        train: Source,
        validation: Source | None,
        callbacks: CallbackList,
        run: Run,
        plan: Plan,
        *,
        class_weight: Any = None,
        validation_freq: int = 1,
    ) -> None:
        self.session = session
        self.programs = programs
        self.train = train
        self.validation = validation
        self.callbacks = callbacks
        self.run = run
        self.plan = plan
        self.class_weight = class_weight
        self.validation_freq = validation_freq
        self.names = programs.objective.names
        self.state: TrainState = session.begin()
        self.measure = Evaluation(session, programs)
        self._resident: Resident | None = None
        self._couples_rows = session.couples_rows
        self._validation_data: Resident | None = None
        self._seed = int(np.asarray(self.state.seed))
        self._told_divergence = False

    def __call__(self, first: int, last: int) -> None:
        """Runs epochs first to last - 1."""
        # Before the context below, in which what copying takes for a moment would be kept as well.
        if self.plan.resident and self.train.data is not None:
            self._resident = self.session.place(self.train.data)
        held_out = self.validation.data if self.validation is not None else None
        if self.plan.resident and self.validation is not None and held_out and not held_out.in_files:
            self._validation_data = self.session.place(held_out, in_order=self.validation.size)
        self.session.publish(self.state)
        with held_back() as interrupts, memory_kept():
            self._interrupts: Interrupts = interrupts
            self.callbacks.call("on_train_begin", {})
            logs: dict[str, float] = {}
            try:
                if self._fits_whole_epochs():
                    logs = self._whole_epochs(first, last)
                else:
                    for epoch in range(first, last):
                        logs = self._epoch(epoch)
                        if self._stopping():
                            break
            except KeyboardInterrupt:
                # The model is whole; callbacks still close files and bring the best weights back.
                self.callbacks.call("on_train_end", logs)
                raise
            self._put_averages_in_place()
            self.callbacks.call("on_train_end", logs)

    def _epoch(self, epoch: int) -> dict[str, float]:
        self.run.epoch = epoch
        self.callbacks.call("on_epoch_begin", epoch, {})
        self._take_in_changes()
        if self._resident is not None:
            logs = self._run_resident(epoch)
        else:
            logs = self._run_fed(epoch) if self.plan.fed else self._run_steps(epoch)
        if self.validation is not None and (epoch + 1) % self.validation_freq == 0:
            logs = {**logs, **self._validate()}
        self.callbacks.call("on_epoch_end", epoch, logs)
        self._warn_if_diverged(epoch, logs)
        return logs

    def _stopping(self) -> bool:
        if getattr(self.run.layer, "stop_training", False):
            self.run.stop("a callback set model.stop_training")
        return self.run.stop_reason is not None

    def _take_in_changes(self) -> None:
        """Takes over what callbacks changed: weights and the learning rate."""
        changed = self.session.replaced()
        state = self.state
        if changed:
            state = dataclasses.replace(
                state,
                weights={path: changed.get(path, value) for path, value in state.weights.items()},
                state={path: changed.get(path, value) for path, value in state.state.items()},
            )
        self.state = dataclasses.replace(state, hyper={**state.hyper, "learning_rate": self.session.rate()})

    def _put_averages_in_place(self) -> None:
        if self.state.averages is not None:
            self._take_in_changes()
            self.state = self.session.finish(self.state)
            self.session.publish(self.state)

    # Many epochs in one program --------------------------------------------------------------------

    def _fits_whole_epochs(self) -> bool:
        """Whether epochs with their validation can follow each other without the host."""
        if not self.plan.whole_epochs or self._resident is None or self.validation_freq != 1:
            return False
        if self.validation is not None and (
            self._validation_data is None
            or self.measure.in_order
            or (self.measure.couples_rows and _has_rest(self.validation))
        ):
            return False
        return not (self._couples_rows and _has_rest(self.train))

    def _whole_epochs(self, first: int, last: int) -> dict[str, float]:
        train, validation = self.train, self.validation
        steps, size, count = train.steps or 0, train.size, self._count()
        names = list(self.names)
        if validation is not None:
            names += [f"val_{name}" for name in self.names]
        room = max(1, min(256, 2**20 // (steps * size)))  # the same in each fit: one compilation
        orders = np.zeros((room, steps * size), "int32")
        record = np.zeros((room, len(names)), total_type())
        epoch, length, logs = first, 1, {}
        while epoch < last:
            updates = self._updates()
            for place in range(length):
                orders[place] = train.order(self._seed, updates + place * steps, steps * size)
            self._make_room(orders[:length], size)
            began = time.perf_counter()
            self.state, rows = self.programs.train_epochs(
                self.state,
                self._resident,
                orders,
                np.int32(length),
                np.int32(count) if _has_rest(train) else None,
                self._validation_data,
                record,
                size=size,
                validation_size=validation.size if validation is not None else 0,
                validation_steps=(validation.steps or 0) if validation is not None else 0,
            )
            values = np.asarray(rows)[:length]
            seconds = (time.perf_counter() - began) / length
            self.run.epoch_seconds = seconds
            self.session.publish(self.state)
            self._interrupts.check()
            for row in values:
                logs = logs_of(names, row)
                self._report(epoch, logs)
                epoch += 1
            if self._stopping():
                break
            self._take_in_changes()
            # The first call took the compilation, so its time says little.
            length = max(
                1, min(room, last - epoch, 4 if epoch == first + 1 else int(self.plan.target / seconds))
            )
        return logs

    def _report(self, epoch: int, logs: dict[str, float]) -> None:
        self.run.epoch = epoch
        self.callbacks.call("on_epoch_begin", epoch, {})
        self.callbacks.call("on_epoch_end", epoch, logs)
        self._warn_if_diverged(epoch, logs)

    def _warn_if_diverged(self, epoch: int, logs: dict[str, float]) -> None:
        loss = logs.get("loss", 0.0)
        if not math.isfinite(loss) and not self._told_divergence and self.run.stop_reason is None:
            self._told_divergence = True
            if self.train.data is not None:
                explain_nan(self.session.layer, self.train.data.inputs, self.train.data.count)
            warnings.warn(
                f"fit: the loss is {loss} after epoch {epoch + 1}: training has diverged. Lower the learning "
                "rate, scale the inputs and targets, or clip gradients (clipnorm=1.0); the callback "
                "TerminateOnNaN stops at once.",
                stacklevel=2,
            )

    # Many steps in one program ---------------------------------------------------------------------

    def _run_resident(self, epoch: int) -> dict[str, float]:
        count, size = self._count(), self.train.size
        steps = self.train.steps or 0
        rest = _has_rest(self.train)
        padded = rest and not self._couples_rows
        order = self.train.order(self._seed, self._updates(), steps * size)
        self._make_room(order, size)
        limit = np.int32(count) if padded else None
        in_spans = steps if padded or not rest else steps - 1
        logs: dict[str, float] = {}
        for start, stop in self.plan.spans(in_spans):
            record = self._record_buffer(stop - start)
            self.state, values, recorded = self.programs.train_span(
                self.state, self._resident, order, np.int32(start), np.int32(stop), limit, record, size=size
            )
            logs = self._after_span(values, recorded, start, stop)
            if self._stopping():
                return logs
        if in_spans < steps:
            self.callbacks.step_begin(in_spans)
            rows = order[in_spans * size : count]
            logs = self._one_step(self.session.place_batch(self._host().rows(rows)), in_spans, in_spans == 0)
        return logs

    def _after_span(self, values: Any, recorded: Any, start: int, stop: int) -> dict[str, float]:
        logs = logs_of(self.names, values)
        self.session.publish(self.state)
        self._interrupts.check()
        if recorded is not None:
            for place, row in enumerate(np.asarray(recorded)[: stop - start]):
                self.callbacks.step_begin(start + place)
                self.callbacks.step_end(start + place, logs_of(self.names, row))
        self.callbacks.span_end(stop, logs)
        self._take_in_changes()
        return logs

    def _make_room(self, orders: np.ndarray, size: int) -> None:
        self._resident = with_room(self._resident, Resident(*self._host().parts), orders, size)

    def _record_buffer(self, steps: int) -> Any:
        """Room for the logs of each step, when a callback wants them; a power of two, to compile seldom."""
        if not self.callbacks.per_step:
            return None
        return np.zeros((1 << (steps - 1).bit_length(), len(self.names)), total_type())

    def _updates(self) -> int:
        return int(np.asarray(self.state.step))

    def _host(self) -> HostData:
        if self.train.data is None:
            raise TypeError("a stream has no arrays")
        return self.train.data

    def _count(self) -> int:
        return self._host().count

    # Step by step ----------------------------------------------------------------------------------

    def _run_steps(self, epoch: int) -> dict[str, float]:
        steps, size = self.train.steps or 0, self.train.size
        order = self.train.order(self._seed, self._updates(), min(steps * size, self._count()))
        logs: dict[str, float] = {}
        for place in range(steps):
            rows = self._host().rows(order[place * size : (place + 1) * size])
            self.callbacks.step_begin(place)
            self._take_in_changes()
            logs = self._one_step(self.session.place_batch(rows), place, place == 0)
            if self._stopping():
                break
        return logs

    # Brought to the device while the steps before compute -------------------------------------------

    def _run_fed(self, epoch: int) -> dict[str, float]:
        began, done = time.perf_counter(), 0
        logs: dict[str, float] = {}
        feed = Feed(
            self._host_batches,
            self.session.place,
            self.session.place_batch,
            joins=self.plan.joins,
            pads=not self._couples_rows,
            interrupts=self._interrupts,
        )
        with feed:
            for block in feed:
                logs = self._run_block(block, done) if block.room else self._run_alone(block, done)
                done += block.steps
                if self._stopping():
                    break
        self.run.input_bound = feed.waited / (time.perf_counter() - began)
        return logs

    def _host_batches(self) -> Iterator[tuple[HostData, Any]]:
        updates, stream = self._updates(), self.train.stream
        if stream is not None:
            for x, y, weight in stream.epoch([self._seed, updates]):
                data = self.session.host_batch(x, y, weight, "fit", self.class_weight)
                yield data.copy(), stream.position()
            return
        size = self.train.size
        order = self.train.order(self._seed, updates, min((self.train.steps or 0) * size, self._count()))
        for start in range(0, len(order), size):
            yield self._host().rows(order[start : start + size]).read(), None

    def _run_alone(self, block: Block, done: int) -> dict[str, float]:
        self.callbacks.step_begin(done)
        self._take_in_changes()
        self.run.position = block.positions[0]
        return self._one_step(block.data, done, done == 0)

    def _run_block(self, block: Block, done: int) -> dict[str, float]:
        # The program starts the totals anew at step 0: only the epoch's first block has one.
        before = 0 if done == 0 else 1
        order = np.arange(-before * block.size, (block.room + 1 - before) * block.size, dtype="int32")
        order = np.clip(order, 0, block.room * block.size - 1)
        limit = None if self._couples_rows else np.int32(block.count + before * block.size)
        logs: dict[str, float] = {}
        for start, stop in self.plan.spans(block.steps):
            self.state, values, recorded = self.programs.train_span(
                self.state,
                block.data,
                order,
                np.int32(start + before),
                np.int32(stop + before),
                limit,
                self._record_buffer(stop - start),
                size=block.size,
            )
            self.run.position = block.positions[stop - 1]
            logs = self._after_span(values, recorded, done + start, done + stop)
            if self._stopping():
                break
        return logs

    def _one_step(self, batch: Batch, place: int, fresh: bool) -> dict[str, float]:
        self.state, values, self.run.probed = self.programs.train_batch(self.state, batch, np.bool_(fresh))
        logs = logs_of(self.names, values)
        self.session.publish(self.state)
        self._interrupts.check()
        self.callbacks.step_end(place, logs)
        self.callbacks.span_end(place + 1, logs)
        return logs

    # Validation ------------------------------------------------------------------------------------

    def _validate(self) -> dict[str, float]:
        if self.validation is None:
            return {}
        self.callbacks.call("on_test_begin", {})
        self._take_in_changes()
        logs = self.measure(
            self.state.weights,
            self.state.state,
            self.validation,
            self._validation_data,
            self._interrupts,
            self.class_weight,
        )
        self.callbacks.call("on_test_end", logs)
        return {f"val_{name}": value for name, value in logs.items()}


def _has_rest(source: Source) -> bool:
    """Whether the last batch of arrays is smaller than the others."""
    count = source.data.count if source.data is not None else 0
    return (source.steps or 0) * source.size > count
