"""Contract rows: core, reshaping and merging layers."""

from gradwise import layers, register
from tests.contracts.case import PAIR, Case, same


@register("test.doubled_plus")
def doubled_plus(x, offset=1.0):
    return 2 * x + offset


def keras_einsum(equation, shape, output_shape, **settings):
    return same("EinsumDense", [shape], equation=equation, output_shape=output_shape, **settings)


CASES = [
    same("Identity", [(4, 5)], masked=True),
    same("ActivityRegularization", [(4, 5)], l1=0.1, l2=0.2, masked=True),
    same("Masking", [(4, 5)]),
    same("Masking", [(4, 5)], mask_value=0.5),
    same("Permute", [(4, 5)], dims=(2, 1)),
    same("Permute", [(4, 5, 2)], dims=(1, 3, 2), masked=True),
    same("RepeatVector", [(5,)], n=3),
    same("Reshape", [(4, 6)], target_shape=(4, 2, 3), masked=True),
    same("Reshape", [(6,)], target_shape=(3, 2)),
    same("ReLU", [(5,)], masked=True),
    Case(
        lambda: layers.Lambda(doubled_plus, arguments={"offset": 0.5}, output_shape=(4, 5)),
        [(4, 5)],
        None,
        couples="always",
        masked=True,
    ),
    Case(lambda: layers.Maxout(3), [(5,)], None),
    Case(lambda: layers.Maxout(4, pieces=3, use_bias=False), [(4, 5)], None, masked=True),
    Case(lambda: layers.ThresholdedReLU(0.3), [(4, 5)], None, masked=True),
    Case(lambda: layers.Activation("maxout"), [(4, 6)], None, masked=True),
    same("Activation", [(4, 6)], activation="glu", masked=True),
    Case(lambda: layers.Activation("sparsemax"), [(4, 6)], None, masked=True),  # wrong in Keras 3.15
    same("Activation", [(4, 6)], activation="log_softmax", masked=True),
    same("Softmax", [(4, 5)], axis=(1, 2), masked=True),
    keras_einsum("ab,bc->ac", (5,), 4, bias_axes="c", activation="tanh"),
    keras_einsum("abc,cd->abd", (4, 5), (None, 6), bias_axes="d"),
    keras_einsum("abc,cde->abde", (4, 5), (None, 2, 3), bias_axes="de"),
    keras_einsum("abcd,cde->abe", (4, 2, 3), (4, 5), bias_axes="be"),
    keras_einsum("...x,xy->...y", (4, 5), 3, bias_axes="y"),
    keras_einsum("...ab,bc->...ac", (2, 4, 5), (4, 3)),
    keras_einsum("ab...,bc->ac...", (4, 5, 2), 3, bias_axes="c"),
    keras_einsum("abc,bcd->abd", (4, 5), (4, 6), bias_axes="bd"),
    same("Add", [*PAIR, (4, 5)]),
    same("Add", [(4, 5), (5,)]),
    same("Multiply", [(4, 5), (4, 1)]),
    same("Average", [*PAIR, (4, 5)]),
    same("Maximum", [*PAIR, (1, 5)]),
    same("Minimum", [*PAIR, (4, 1)]),
    same("Concatenate", [(3, 5), (3, 2), (3, 1)], axis=2),
    same("Dot", [(4, 5), (6, 5)], axes=-1),
    same("Dot", [(3, 4, 5), (6, 5)], axes=(3, 2)),
]
