"""One number that decides between models: an optimising metric under satisficing ones."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import total_ordering
from typing import Any

from gradwise.errors import InputError, unknown_name
from gradwise.metrics.names import direction, known_as
from gradwise.registry import Configurable, register

Logs = Mapping[str, Any]
_BOUND = re.compile(r"\s*(<=|>=|<|>)\s*(\S+)\s*")


@dataclass(frozen=True)
class Constraint:
    """A satisficing metric: good enough on one side of a limit, and no better further off.

    Args:
        name: The metric's name in logs.
        relation: "<=", ">=", "<" or ">".
        limit: The limit.

    Example:
        >>> Constraint("predict_ms", "<=", 100.0).holds(95.0)
        True
    """

    name: str
    relation: str
    limit: float

    def holds(self, value: float) -> bool:
        """Tells whether a value is good enough; NaN is not."""
        above, equal = value > self.limit, value == self.limit
        if "=" in self.relation and equal:
            return True
        return above if ">" in self.relation else value < self.limit

    def excess(self, value: float) -> float:
        """Returns how far a value is beyond the limit, as a share of the limit (of 1 for a limit of 0)."""
        if self.holds(value):
            return 0.0
        return abs(value - self.limit) / (abs(self.limit) or 1.0)

    def __str__(self) -> str:
        return f"{self.name} {self.relation} {self.limit:g}"


@total_ordering
@dataclass(frozen=True, eq=False)
class Standing:
    """Where a model stands under a goal; the better one is the larger.

    Args:
        value: The optimising metric, as logged.
        sign: 1 if more of it is better, else -1.
        violation: How far constraints are exceeded, as shares of their limits, added up; NaN if one of their
            metrics is NaN.
        feasible: Whether all constraints hold.

    Example:
        >>> Standing(0.90, 1, 0.0, True) > Standing(0.95, 1, 14.0, False)
        True
    """

    value: float
    sign: int
    violation: float
    feasible: bool

    @property
    def known(self) -> bool:
        """Whether none of the metrics is NaN."""
        return not math.isnan(self.violation) and not math.isnan(self.value)

    def order(self) -> tuple[float, ...]:
        """Returns numbers that sort standings: known, feasible, violation, value."""
        if not self.known:
            return (0.0, 0.0, 0.0, 0.0)
        return (1.0, float(self.feasible), -self.violation, self.sign * self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Standing) and self.order() == other.order()

    def __lt__(self, other: Standing) -> bool:
        return self.order() < other.order()

    def __hash__(self) -> int:
        return hash(self.order())

    def __float__(self) -> float:
        return float(self.value)

    def __format__(self, form: str) -> str:
        return format(self.value, form) + ("" if self.feasible else " (against a constraint)")


@register("goals.Goal")
class Goal(Configurable):
    """Ranks models by one optimising metric among those that satisfy all constraints.

    A model that breaks a constraint ranks below every one that keeps them all; such models are ranked by how
    far they exceed the limits (as shares of the limits, added up), then by the optimising metric. NaN ranks
    last. Equal models keep their order.

    Wherever a logged value can be watched (`EarlyStopping(monitor=...)`, `ModelCheckpoint(monitor=...)`) a
    goal can be given instead.

    Args:
        optimize: The name of the optimising metric in logs, such as "val_accuracy"; "acc" and "accuracy" are
            one name, as are "mse" and "mean_squared_error" and the like.
        subject_to: The satisficing metrics by name, each with a limit such as "<= 100", ">= 0.9", "< 1" or
            "> 0".
        mode: 'min', 'max', or 'auto' to tell from the metric's name which is better.

    Raises:
        InputError: A setting cannot be used, or nothing tells which is better.

    Source: A. Ng, "Machine Learning Yearning", 2018, chapters 8 and 9.

    Example:
        >>> goal = Goal("accuracy", subject_to={"running_ms": "<= 100"})
        >>> models = {
        ...     "A": {"accuracy": 0.90, "running_ms": 80},
        ...     "B": {"accuracy": 0.92, "running_ms": 95},
        ...     "C": {"accuracy": 0.95, "running_ms": 1500},
        ... }
        >>> goal.rank(models)
        ['B', 'A', 'C']
        >>> print(goal.explain(models))
        B is best: accuracy 0.92, the highest of the 2 that keep running_ms <= 100.
        A is second: accuracy 0.9.
        C is out: accuracy 0.95, but running_ms is 1500, 1400% beyond <= 100.
    """

    def __init__(
        self, optimize: str, subject_to: Mapping[str, str] | None = None, mode: str = "auto"
    ) -> None:
        if not isinstance(optimize, str) or not optimize:
            raise InputError(
                "Goal",
                expected="the name of the metric to optimize",
                got=repr(optimize),
                fix="Write for example Goal('val_accuracy').",
            )
        if mode not in ("auto", "min", "max"):
            raise InputError(
                "Goal", expected="mode 'auto', 'min' or 'max'", got=repr(mode), fix="Name one of the three."
            )
        if subject_to is not None and not isinstance(subject_to, Mapping):
            raise InputError(
                "Goal",
                expected="subject_to as a dict of limits by metric",
                got=repr(subject_to),
                fix="Write for example {'predict_ms': '<= 100'}.",
            )
        self.optimize = optimize
        self.mode = direction("Goal", optimize) if mode == "auto" else mode
        self.constraints = tuple(_constraint(name, bound) for name, bound in (subject_to or {}).items())

    @property
    def names(self) -> list[str]:
        """The names of all its metrics, the optimising one first."""
        return [self.optimize, *(each.name for each in self.constraints)]

    def key(self, logs: Logs) -> Standing:
        """Returns where a model stands, for `sorted` and `max`: the better one is the larger.

        Args:
            logs: The model's metrics by name.

        Raises:
            InputError: One of the goal's metrics is missing.
        """
        value = self._read(logs, self.optimize)
        values = [(each, self._read(logs, each.name)) for each in self.constraints]
        return Standing(
            value,
            1 if self.mode == "max" else -1,
            sum(each.excess(found) for each, found in values),
            all(each.holds(found) for each, found in values),
        )

    def better(self, first: Logs, second: Logs) -> bool:
        """Tells whether the first of two models is better; of equal ones neither is.

        Args:
            first: The metrics of one model.
            second: Those of the other.

        Raises:
            InputError: One of the goal's metrics is missing.
        """
        return self.key(first) > self.key(second)

    def rank(self, models: Sequence[Logs] | Mapping[Any, Logs]) -> list[Any]:
        """Orders models from the best down.

        Args:
            models: The metrics of each, in a list or by name.

        Returns:
            The places in the list, counted from 0, or the names.

        Raises:
            InputError: A metric is missing.
        """
        items = _items(models)
        standings = {name: self.key(logs) for name, logs in items}
        return sorted(standings, key=standings.__getitem__, reverse=True)

    def best(self, models: Sequence[Logs] | Mapping[Any, Logs]) -> Any:
        """Returns the place or name of the best model; if none keeps the constraints, of the nearest to it.

        Args:
            models: The metrics of each, in a list or by name.

        Raises:
            InputError: There are none, or a metric is missing.
        """
        if not len(models):
            raise InputError("Goal", expected="at least one model", got="none", fix="Pass their metrics.")
        return self.rank(models)[0]

    def explain(self, models: Sequence[Logs] | Mapping[Any, Logs]) -> str:
        """Tells in words how the models rank and why, one line for each.

        Args:
            models: The metrics of each, in a list or by name.

        Raises:
            InputError: A metric is missing.
        """
        items = dict(_items(models))
        standings = {name: self.key(logs) for name, logs in items.items()}
        kept = sum(each.feasible and not math.isnan(each.value) for each in standings.values())
        lines = []
        for place, name in enumerate(self.rank(models)):
            shown = f"Model {name}" if isinstance(name, int) else str(name)
            lines.append(f"{shown} {self._verdict(place, kept, standings[name], items[name])}")
        if items and not kept:
            lines.insert(0, "No model keeps all constraints; the nearest comes first.")
        return "\n".join(lines)

    def __str__(self) -> str:
        limits = " and ".join(map(str, self.constraints))
        return f"{self.mode} {self.optimize}" + (f" with {limits}" if limits else "")

    def _verdict(self, place: int, kept: int, standing: Standing, logs: Logs) -> str:
        value = f"{self.optimize} {standing.value:g}"
        broken = [
            (each, found) for each in self.constraints if not each.holds(found := self._read(logs, each.name))
        ]
        if broken:
            return f"is out: {value}, but {' and '.join(_excess(each, found) for each, found in broken)}."
        if math.isnan(standing.value):
            return f"is last: {self.optimize} is NaN."
        if place:
            return f"is {_ordinal(place + 1)}: {value}."
        if kept == 1 and self.constraints:
            return f"is best: {value}, the only one that keeps {' and '.join(map(str, self.constraints))}."
        extreme = "highest" if self.mode == "max" else "lowest"
        group = f"of the {kept}" if kept > 1 else "of all"
        limits = f" that keep {' and '.join(map(str, self.constraints))}" if self.constraints else ""
        return f"is best: {value}, the {extreme} {group}{limits}."

    def _read(self, logs: Logs, name: str) -> float:
        found = known_as(name, logs)
        if found is None:
            raise unknown_name("Goal", "a metric of the model", name, logs)
        try:
            return float(logs[found])
        except (TypeError, ValueError):
            raise InputError(
                "Goal",
                expected=f"'{name}' as a number",
                got=repr(logs[found]),
                fix="Pass the value of the last epoch, not a list.",
            ) from None


def _constraint(name: str, bound: Any) -> Constraint:
    match = _BOUND.fullmatch(bound) if isinstance(bound, str) else None
    limit = math.nan
    if match is not None:
        try:
            limit = float(match.group(2))
        except ValueError:
            match = None
    if match is None or math.isnan(limit):
        raise InputError(
            f"Goal, subject_to '{name}'",
            expected="a relation and a number, such as '<= 100'",
            got=repr(bound),
            fix="Begin with <=, >=, < or >.",
        )
    return Constraint(name, match.group(1), limit)


def _items(models: Sequence[Logs] | Mapping[Any, Logs]) -> list[tuple[Hashable, Logs]]:
    return list(models.items()) if isinstance(models, Mapping) else list(enumerate(models))


def _excess(constraint: Constraint, value: float) -> str:
    if math.isnan(value):
        return f"{constraint.name} is NaN"
    excess = constraint.excess(value)
    percent = f"{100 * excess:.0f}" if excess > 0.1 else f"{100 * excess:.2g}"
    share = f", {percent}% beyond" if constraint.limit and excess else ", not"
    return f"{constraint.name} is {value:g}{share} {constraint.relation} {constraint.limit:g}"


def _ordinal(number: int) -> str:
    words = {2: "second", 3: "third"}
    endings = {} if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}
    return words.get(number, f"{number}{endings.get(number % 10, 'th')}")
