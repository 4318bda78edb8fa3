"""Contract rows: convolutions."""

from tests.contracts.case import IMAGE, same

STEPS = (7, 3)
VOLUME = (4, 5, 3, 2)
FIRST = "channels_first"

CONVOLUTIONS = [
    same("Conv1D", [STEPS], filters=4, kernel_size=3, wrong_rank=(7,)),
    same("Conv1D", [(4, 3)], filters=2, kernel_size=3, padding="same", activation="relu", masked=True),
    same("Conv1D", [(4, 3)], filters=2, kernel_size=2, padding="causal", dilation_rate=2, masked=True),
    same("Conv1D", [STEPS], filters=4, kernel_size=3, padding="causal", strides=2, use_bias=False),
    same("Conv1D", [(7, 4)], filters=4, kernel_size=2, groups=2, dilation_rate=3),
    same("Conv1D", [(3, 7)], filters=4, kernel_size=3, padding="causal", data_format=FIRST),
    same("Conv1D", [STEPS], filters=4, kernel_size=1, activation="tanh"),
    same("Conv2D", [IMAGE], filters=4, kernel_size=1, strides=2, padding="SAME"),
    same("Conv2D", [(3, 7, 6)], filters=4, kernel_size=(3, 2), strides=(1, 2), data_format=FIRST),
    same("Conv2D", [(4, 6, 5)], filters=4, kernel_size=2, groups=2, padding="same", data_format=FIRST),
    same("Conv2D", [(7, 6, 4)], filters=8, kernel_size=3, groups=4, dilation_rate=(2, 1)),
    same("Conv2D", [IMAGE], filters=2, kernel_size=2, kernel_regularizer="l2", bias_constraint="non_neg"),
    same("Conv3D", [VOLUME], filters=3, kernel_size=2, wrong_rank=(4, 5, 3)),
    same("Conv3D", [VOLUME], filters=3, kernel_size=(2, 3, 1), strides=(2, 1, 2), padding="same"),
    same("Conv3D", [VOLUME], filters=2, kernel_size=2, groups=2, dilation_rate=(1, 2, 1), use_bias=False),
    same("Conv3D", [(2, 4, 5, 3)], filters=3, kernel_size=2, data_format=FIRST),
]

TRANSPOSED = [
    same("Conv1DTranspose", [STEPS], filters=4, kernel_size=3, wrong_rank=(7,)),
    same("Conv1DTranspose", [(4, 3)], filters=2, kernel_size=3, padding="same", masked=True),
    same("Conv1DTranspose", [STEPS], filters=4, kernel_size=3, strides=2, output_padding=1),
    same("Conv1DTranspose", [STEPS], filters=4, kernel_size=2, strides=3, padding="same", output_padding=0),
    same("Conv1DTranspose", [(3, 7)], filters=4, kernel_size=4, strides=2, data_format=FIRST),
    same("Conv2DTranspose", [IMAGE], filters=2, kernel_size=2, strides=2, wrong_rank=(7, 6)),
    same("Conv2DTranspose", [IMAGE], filters=2, kernel_size=3, strides=2, padding="same", activation="relu"),
    same("Conv2DTranspose", [IMAGE], filters=2, kernel_size=(4, 3), strides=(2, 1), padding="same"),
    same("Conv2DTranspose", [IMAGE], filters=2, kernel_size=(1, 2), strides=(3, 2), use_bias=False),
    same("Conv2DTranspose", [IMAGE], filters=2, kernel_size=(3, 2), dilation_rate=(2, 3)),
    same(
        "Conv2DTranspose",
        [(3, 4, 5)],
        filters=2,
        kernel_size=3,
        strides=(2, 3),
        padding="same",
        output_padding=(1, 2),
        data_format=FIRST,
    ),
    same("Conv3DTranspose", [(2, 3, 2, 2)], filters=2, kernel_size=2, strides=2, wrong_rank=(2, 3, 2)),
    same("Conv3DTranspose", [(2, 3, 2, 2)], filters=2, kernel_size=(3, 2, 1), padding="same"),
    same(
        "Conv3DTranspose",
        [(2, 2, 3, 2)],
        filters=2,
        kernel_size=(2, 3, 1),
        strides=(1, 2, 2),
        output_padding=(0, 1, 1),
        data_format=FIRST,
    ),
]

BY_CHANNEL = [
    same("DepthwiseConv1D", [STEPS], kernel_size=3, wrong_rank=(7,)),
    same("DepthwiseConv1D", [(4, 3)], kernel_size=2, padding="same", depth_multiplier=2, masked=True),
    same("DepthwiseConv1D", [(3, 7)], kernel_size=2, strides=2, data_format=FIRST, activation="relu"),
    same("DepthwiseConv2D", [IMAGE], kernel_size=3, wrong_rank=(7, 6)),
    same("DepthwiseConv2D", [IMAGE], kernel_size=(2, 3), strides=2, padding="same", depth_multiplier=2),
    same("DepthwiseConv2D", [IMAGE], kernel_size=2, dilation_rate=2, use_bias=False),
    same("DepthwiseConv2D", [(7, 6, 1)], kernel_size=2, depth_multiplier=3),
    same("DepthwiseConv2D", [(3, 5, 6)], kernel_size=2, depth_multiplier=2, data_format=FIRST),
    same("SeparableConv1D", [STEPS], filters=4, kernel_size=3, wrong_rank=(7,)),
    same("SeparableConv1D", [(4, 3)], filters=2, kernel_size=3, padding="same", masked=True),
    same("SeparableConv1D", [(3, 7)], filters=4, kernel_size=2, dilation_rate=2, data_format=FIRST),
    same("SeparableConv2D", [IMAGE], filters=4, kernel_size=3, wrong_rank=(7, 6)),
    same("SeparableConv2D", [IMAGE], filters=4, kernel_size=2, strides=2, depth_multiplier=2, padding="same"),
    same("SeparableConv2D", [(3, 5, 6)], filters=2, kernel_size=2, activation="tanh", data_format=FIRST),
]

CASES = [*CONVOLUTIONS, *TRANSPOSED, *BY_CHANNEL]
