"""The settings that every optimizer takes besides its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict


class SharedOptions(TypedDict, total=False):
    """The settings of all optimizers, less the weight decay, which some place among their own.

    Example:
        >>> sorted(SharedOptions.__annotations__)[:2]
        ['clipnorm', 'clipvalue']
    """

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    gradient_accumulation_steps: int | None
    learning_rate_multipliers: Mapping[str, float] | None
    name: str | None


class OptimizerOptions(SharedOptions, total=False):
    """The settings of all optimizers; `Optimizer` says what they mean.

    Example:
        >>> "weight_decay" in OptimizerOptions.__annotations__
        True
    """

    weight_decay: float | None
