"""A compiled model: its objective, its programs and what the optimizer remembers between fits."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from gradwise import config
from gradwise.core.layer import Layer
from gradwise.core.symbolic import SymbolicTensor
from gradwise.core.variable import Variable
from gradwise.data.arrays import plain
from gradwise.errors import StateError
from gradwise.losses import Loss
from gradwise.training import accumulating, feeding
from gradwise.training.change import wide_type
from gradwise.training.compiling import Settings
from gradwise.training.feeding import HostData
from gradwise.training.gathering import placed, placed_batch, rows_in_order, with_room
from gradwise.training.lookups import check_inputs
from gradwise.training.objective import Objective, total_type
from gradwise.training.programs import Programs, Resident
from gradwise.training.rates import names_by_path
from gradwise.training.state import TrainState
from gradwise.training.step import Batch, Forward, Probe


class Session:
    """Everything about a compiled model that outlives one call of `fit`.

    Args:
        layer: The model.
        settings: What `compile` was told.
        step: The model's own training step, if its class overrides it.
    """

    def __init__(self, layer: Layer, settings: Settings, step: Any = None) -> None:
        self.layer = layer
        self.settings = settings
        self.optimizer = settings.optimizer
        self.objective: Objective | None = None
        self.names: list[str] = []
        self.shapes: list[tuple[int | None, ...]] = []
        self._own_step = step
        self._programs: dict[Any, Programs] = {}
        self._variables: dict[str, Variable] = {}
        self._trained: set[str] = set()
        self._slots: Any = None
        self._slotted: set[str] = set()
        self._accumulated: Any = None
        self._averages: dict[str, Any] | None = None
        self._sample: Batch | None = None
        self._seed: Any = np.uint32(config.next_seed())
        self._step: Any = np.int32(0)
        self._device_values: dict[str, Any] = {}
        self._rate: tuple[Any, Any] = (None, None)

    # Binding to data -------------------------------------------------------------------------------

    def bind(self, data: HostData, where: str) -> HostData:
        """Builds the model and the objective if need be, and brings the data into the outputs' order.

        Args:
            data: As `feeding.read` returns.
            where: The method, for errors.

        Returns:
            The data with a list of targets and weights.

        Raises:
            InputError: The data do not fit the model.
        """
        sample = jax.tree.map(lambda array: plain(array[:1]), data.inputs)
        if not self.layer.built:
            self.layer.ensure_built((sample,), {})
        if not self.shapes:
            self._find_outputs(sample)
        targets = feeding.order_outputs(data.targets, self.names, "y")
        weights = feeding.order_outputs(data.weights, self.names, "sample_weight")
        ordered = HostData(data.inputs, targets, weights, data.count)
        if self.objective is None:
            self.objective = self.settings.bind(self.layer, self.names, self.shapes, targets)
        feeding.check(ordered, self.objective, self.shapes, where)
        check_inputs(self.layer, ordered.inputs)
        if self._accumulates():
            first = jax.tree.map(lambda array: plain(array[:1]), (ordered.inputs, targets, weights))
            self._sample = Batch(*first)
        return ordered

    def _find_outputs(self, sample: Any) -> None:
        graph = getattr(self.layer, "graph", None)
        if graph is not None:
            self.names = list(graph.output_names)
            self.shapes = [tensor.shape for tensor in graph.output_list]
            return
        from_one = jax.tree.leaves(self.layer.output_spec((_symbolic(sample),), {}))
        self.shapes = [leaf.shape for leaf in from_one]
        count = len(self.shapes)
        self.names = ["output"] if count == 1 else [f"output_{place}" for place in range(count)]

    def programs(self, probes: Mapping[str, Probe] | None = None) -> Programs:
        """Returns the compiled programs for the present set of trainable parameters."""
        if self.objective is None:
            raise StateError(
                "the training session",
                expected="data to be bound first",
                got="none",
                fix="Call fit or evaluate.",
            )
        self._variables = self.layer.named_variables()
        self._trained = self.layer.trainable_paths()
        rate = self.optimizer.learning_rate
        schedule = None if isinstance(rate, (int, float)) else id(rate)
        frozen = frozenset(path for path, below in self.layer.walk() if not below.trainable)
        rates = tuple((self.optimizer.learning_rate_multipliers or {}).items())
        key = (frozenset(self._trained), frozen, frozenset((probes or {}).items()), schedule, rates)
        if key not in self._programs:
            self._programs[key] = Programs(self.layer, self.objective, self.optimizer, probes, self._own_step)
        return self._programs[key]

    @property
    def couples_rows(self) -> bool:
        """Whether a padded row could change what other rows give in training."""
        return self._couple_rows(("training", "always"))

    @property
    def couples_rows_in_evaluation(self) -> bool:
        """Whether a padded row could change what other rows give in evaluation."""
        return self._couple_rows(("always",))

    @property
    def class_loss(self) -> Loss | None:
        """The loss of a single output, whose targets class weights go by."""
        heads = self.objective.heads if self.objective is not None else []
        return heads[0].loss if len(heads) == 1 else None

    def _couple_rows(self, when: tuple[str, ...]) -> bool:
        heads = self.objective.heads if self.objective is not None else []
        judges = [judge for head in heads for judge in (head.loss, *head.metrics, *head.weighted_metrics)]
        return any(
            below.couples_rows in when or below.activity_regularizer is not None
            for _, below in self.layer.walk()
        ) or not all(_is_own(judge) for judge in judges)

    # Values between host and device ----------------------------------------------------------------

    def begin(self) -> TrainState:
        """Returns the state training starts from; arrays that are not the session's own are copied."""
        if self.objective is None:
            raise StateError("training", expected="a bound session", got="none", fix="Call fit.")
        weights = {path: self._copy(path) for path in self._variables if path in self._trained}
        others = {path: self._copy(path) for path in self._variables if path not in self._trained}
        slots = self._slots
        if slots is None or self._slotted != weights.keys():
            slots = _matching_slots(self.optimizer.init(weights, names_by_path(self.layer)), slots)
            self._slotted = set(weights)
        return TrainState(
            step=own_copy(self._step),
            weights=weights,
            state=others,
            slots=slots,
            hyper={"learning_rate": self.rate()},
            totals=self.objective.init(),
            seed=own_copy(self._seed),
            accumulated=self._sums(weights, others) if self._accumulates() else None,
            averages=self._running_averages(weights) if self.optimizer.use_ema else None,
        )

    def _accumulates(self) -> bool:
        return accumulating.steps_of(self.optimizer) > 1

    def _sums(self, weights: dict[str, Any], others: dict[str, Any]) -> Any:
        """Returns what the last fit left over, or sums of nothing for the portions the loss has."""
        kept = self._accumulated
        if kept is not None and all(sums.keys() == weights.keys() for sums in kept["grads"].values()):
            return kept
        if self.objective is None or self._sample is None:
            raise StateError("training", expected="a bound session", got="none", fix="Call fit.")
        forward, totals = Forward(self.layer, self.objective), self.objective.init()

        def portions(sample: Batch) -> Any:
            key = jax.random.key(0)
            return forward.portions(weights, others, totals, sample, training=True, key=key)[0]

        return jax.device_put(accumulating.start(jax.eval_shape(portions, self._sample), weights))

    def _running_averages(self, weights: dict[str, Any]) -> dict[str, Any]:
        """Returns the averages of parameters trained before; those of others start where they are."""
        kept = self._averages or {}
        return {
            path: kept[path] if path in kept else _as_type(value, wide_type(value.dtype))
            for path, value in weights.items()
        }

    def finish(self, state: TrainState) -> TrainState:
        """Puts the averages of the parameters in their place, as `fit` does at its end."""
        weights = {path: _as_type(state.averages[path], value.dtype) for path, value in state.weights.items()}
        return dataclasses.replace(state, weights=weights)

    def averages(self) -> dict[str, Any] | None:
        """Returns the averages of the parameters by place, or None if the optimizer keeps none."""
        return self._averages

    def _copy(self, path: str) -> Any:
        array = self._variables[path].array
        return array if array is self._device_values.get(path) else own_copy(array)

    def rate(self) -> Any:
        """Returns the learning rate as an array; a schedule ignores it."""
        given = self.optimizer.learning_rate
        number = float(given) if isinstance(given, (int, float)) else 0.0
        if self._rate[0] != number:
            self._rate = (number, total_type().type(number))
        return self._rate[1]

    def publish(self, state: TrainState) -> None:
        """Puts the arrays of a state into the model's variables."""
        values = {**state.weights, **state.state}
        for path, variable in self._variables.items():
            variable.array = values[path]
        self._device_values = values
        self._slots, self._step, self._seed = state.slots, state.step, state.seed
        self._accumulated, self._averages = state.accumulated, state.averages

    def replaced(self) -> dict[str, Any]:
        """Returns copies of the variables that were given other arrays since `publish`."""
        known = self._device_values
        return {
            path: self._copy(path)
            for path, variable in self._variables.items()
            if variable.array is not known.get(path, variable.array)
        }

    def remember(self, state: Mapping[str, Any]) -> None:
        """Puts what stateful layers remember after a pass into their variables; the rest stays."""
        for path, variable in self._variables.items():
            if not variable.kept and path in state:
                variable.array = state[path]

    def place(self, data: HostData, in_order: int | None = None) -> Resident:
        """Puts a data set on the device, to be taken in order by batches of a size if one is given."""
        found = Resident(*placed(data.parts))
        if in_order is None:
            return found
        rows = rows_in_order(data.count, in_order)
        return with_room(found, Resident(*data.parts), rows, rows.shape[1])  # type: ignore[no-any-return]

    def place_batch(self, data: HostData) -> Batch:
        """Puts one batch on the device."""
        return Batch(*placed_batch(data.parts))

    def values(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Returns the trainable and the other values, as arrays on the device."""
        self._variables = self.layer.named_variables()
        self._trained = self.layer.trainable_paths()
        for variable in self._variables.values():
            if isinstance(variable.array, np.ndarray):
                variable.array = own_copy(variable.array)
        every = {path: variable.array for path, variable in self._variables.items()}
        return (
            {path: value for path, value in every.items() if path in self._trained},
            {path: value for path, value in every.items() if path not in self._trained},
        )

    def batch(self, x: Any, y: Any, sample_weight: Any, where: str, class_weight: Any = None) -> Batch:
        """Reads, checks and places one batch."""
        return self.place_batch(self.host_batch(x, y, sample_weight, where, class_weight))

    def host_batch(
        self, x: Any, y: Any, sample_weight: Any, where: str, class_weight: Any = None
    ) -> HostData:
        """Reads and checks one batch."""
        data = self.bind(feeding.read(self.layer, x, y, sample_weight, where), where)
        if class_weight is not None:
            data = feeding.apply_class_weight(data, class_weight, where, self.class_loss)
        return data


def own_copy(array: Any) -> Any:
    """Copies an array to the device, into memory of its own: it may be donated to a program.

    `device_put` compiles nothing, unlike `jnp.array`.

    Example:
        >>> own_copy(np.ones(2)).tolist()
        [1.0, 1.0]
    """
    return jax.device_put(np.asarray(array), may_alias=False)


def _as_type(array: Any, dtype: Any) -> Any:
    return jax.device_put(np.array(array).astype(dtype), may_alias=False)


def logs_of(names: Sequence[str], values: Any, prefix: str = "") -> dict[str, float]:
    """Reads the logs of a program: waits for the device.

    Example:
        >>> logs_of(["loss"], np.array([0.5]), "val_")
        {'val_loss': 0.5}
    """
    return {prefix + name: value for name, value in zip(names, np.asarray(values).tolist(), strict=True)}


def _is_own(judge: Any) -> bool:
    # A user's loss or metric may look across the batch; only the library's are known not to.
    if getattr(judge, "couples_rows", False):
        return False
    inner = getattr(judge, "function", judge)
    module = inner.__module__ if hasattr(inner, "__name__") else type(inner).__module__
    return judge is None or module.split(".")[0] == "gradwise"


def _matching_slots(fresh: Any, old: Any) -> Any:
    """Keeps what the optimizer remembers of parameters that are still trained."""
    if old is None:
        return fresh
    return {
        slot: {path: old.get(slot, {}).get(path, value) for path, value in entries.items()}
        for slot, entries in fresh.items()
    }


def _symbolic(sample: Any) -> Any:
    return jax.tree.map(lambda array: SymbolicTensor((None, *array.shape[1:]), array.dtype), sample)
