"""Losses of label sequences whose place in time is not known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.losses.base import PlainLoss
from gradwise.ops.ctc import ctc
from gradwise.registry import register


@register("losses.CTC")
class CTC(PlainLoss):
    """Connectionist temporal classification: -log p of the labels under all their alignments with the steps.

    Targets are int[B, L]: class labels from 1 to K - 1, filled up with 0, which is the blank. The model gives
    logits float[B, T, K], from a last layer without activation; after a softmax training finds them by
    itself. Steps that the model's mask leaves out do not exist for the loss. Labels that fit no alignment
    (more than there are steps, counting a blank between equal neighbours) are refused by `fit` where the
    number of steps is known; elsewhere such a sample costs infinity and has no gradient.

    Source: Graves et al., 2006, "Connectionist temporal classification".

    Args:
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> even = np.zeros((1, 2, 3))  # label 1 in two steps: 3 of 9 paths
        >>> round(float(CTC()(np.array([[1, 0]]), even)), 4)
        1.0986
    """

    target_kind: str = "sequences"

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.ctc.ctc`."""
        return ctc(y_true, y_pred)

    def values_after(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        activation: str | None = None,
        logits: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> jax.Array:
        """Computes the loss of each sample over the steps that the mask keeps; see `Loss`."""
        scores = logits if logits is not None and activation == "softmax" else y_pred
        return ctc(y_true, self.prepare(scores), mask)


def check_label_sequences(
    targets: np.ndarray[Any, Any], output_shape: Sequence[int | None], where: str
) -> None:
    """Refuses label sequences that CTC cannot read or that fit no alignment.

    Args:
        targets: number[N, L].
        output_shape: The shape of the model's output, (batch, T, K); unknown sizes refuse nothing.
        where: Where the targets were given, for the error.

    Raises:
        InputError: A label is not whole or outside 0 ... K - 1, a label follows a 0, or a row needs more than
            T steps.

    Example:
        >>> check_label_sequences(np.array([[1, 2, 0]]), (None, 4, 3), "fit")
    """
    if targets.ndim != 2 or len(output_shape) != 3:
        return  # the tracing of the loss says what is wrong
    steps, classes = output_shape[1:]
    odd = (targets != np.floor(targets)) | (targets < 0)
    if classes is not None:
        odd |= targets >= classes
    here = targets != 0
    gaps = here[:, 1:] & ~here[:, :-1]
    if odd.any():
        row = int(odd.any(1).argmax())
        got = f"{targets[row][odd[row]][0]:g} in row {row}"
        fix = (
            "Number the classes from 1 and fill the rows up with 0, the blank, one more class of the output."
        )
        top = "K - 1" if classes is None else f"{classes - 1}"
        raise InputError(where, expected=f"whole labels from 1 to {top} for CTC", got=got, fix=fix)
    if gaps.any():
        row = int(gaps.any(1).argmax())
        raise InputError(
            where,
            expected="rows of labels filled up with 0 at the end for CTC",
            got=f"a label after a 0 in row {row}",
            fix="Number the classes from 1: 0 is the blank, not a class.",
        )
    needed = here.sum(1) + (here[:, 1:] & (targets[:, 1:] == targets[:, :-1])).sum(1)
    if steps is not None and needed.max() > steps:
        row = int((needed > steps).argmax())
        raise InputError(
            where,
            expected=f"labels that fit the {steps} steps of the output for CTC",
            got=f"row {row}, which needs {needed[row]} (a blank between equal neighbours counted)",
            fix="Leave such samples out, or give the model more steps.",
        )
