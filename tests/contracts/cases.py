"""Every layer, with the settings and inputs it is tried on. A new layer adds a row here."""

from dataclasses import dataclass, field

import numpy as np

from gradwise import layers


@dataclass
class Case:
    """One layer setting.

    make: builds the layer. shapes: the shapes of its inputs, without the batch. keras: the name and
    settings of the same layer in Keras 3, or None where Keras has none. integers: the inputs are indices
    below this number. random: training draws random numbers. wrong_rank: a shape to refuse, or None.
    masked: whether a mask on the first input comes out unchanged.
    """

    make: object
    shapes: list
    keras: tuple | None
    integers: int = 0
    random: bool = False
    wrong_rank: tuple | None = None
    masked: bool = False
    couples: str = "never"
    trains_alike: bool = field(default=True)

    @property
    def id(self):
        layer = self.make()
        settings = {k: v for k, v in layer.get_config().items() if k != "name"}
        return f"{type(layer).__name__}-" + "-".join(f"{k}={v}" for k, v in settings.items()).replace(" ", "")

    def inputs(self, batch=3, seed=0, dtype="float32"):
        generator = np.random.default_rng(seed)
        arrays = [
            generator.integers(0, self.integers, (batch, *shape)).astype("int32")
            if self.integers
            else generator.normal(size=(batch, *shape)).astype(dtype)
            for shape in self.shapes
        ]
        return arrays[0] if len(arrays) == 1 else arrays


def same(
    name, shapes, *, wrong_rank=None, integers=0, random=False, masked=False, couples="never", **settings
):
    """A case whose settings are the same in Keras."""
    return Case(
        lambda: getattr(layers, name)(**settings),
        shapes,
        (name, settings),
        integers=integers,
        random=random,
        wrong_rank=wrong_rank,
        masked=masked,
        couples=couples,
    )


IMAGE = (7, 6, 3)
PAIR = [(4, 5), (4, 5)]

CASES = [
    same("Dense", [(5,)], units=4),
    same("Dense", [(6, 5)], units=4, activation="tanh", use_bias=False, masked=True),
    same("Dense", [(5,)], units=3, activation="softmax"),
    same("Activation", [(5,)], activation="relu", masked=True),
    same("Activation", [(5,)], activation="sigmoid", masked=True),
    same("ReLU", [(5,)], max_value=1.0, negative_slope=0.1, threshold=0.2, masked=True),
    same("LeakyReLU", [(5,)], masked=True),
    same("LeakyReLU", [(5,)], negative_slope=0.02, masked=True),
    same("ELU", [(5,)], alpha=0.7, masked=True),
    same("PReLU", [(4, 5)], alpha_initializer="random_uniform", masked=True),
    same("PReLU", [IMAGE], alpha_initializer="random_uniform", shared_axes=[1, 2], masked=True),
    same("Softmax", [(4, 5)], masked=True),
    same("Softmax", [(4, 5)], axis=1, masked=True),
    same("Dropout", [(50,)], rate=0.4, random=True, masked=True),
    same("Dropout", [(4, 50)], rate=0.4, noise_shape=(None, 1, None), random=True, masked=True),
    same("Flatten", [(4, 5)]),
    same("Flatten", [IMAGE], data_format="channels_first"),
    same("Reshape", [(4, 5)], target_shape=(2, -1)),
    same("Embedding", [(4,)], input_dim=7, output_dim=3, integers=7),
    same("BatchNormalization", [(5,)], couples="training", masked=True),
    same("BatchNormalization", [IMAGE], momentum=0.9, epsilon=1e-2, couples="training"),
    same("BatchNormalization", [IMAGE], axis=1, center=False, scale=False, couples="training"),
    same("Add", PAIR),
    same("Add", [(4, 5), (1, 5)]),
    same("Subtract", PAIR),
    same("Multiply", PAIR),
    same("Average", PAIR),
    same("Maximum", PAIR),
    same("Minimum", PAIR),
    same("Concatenate", [(4, 5), (4, 2)]),
    same("Concatenate", [(3, 5), (4, 5)], axis=1),
    same("Dot", [(5,), (5,)], axes=1),
    same("Dot", [(4, 5), (6, 5)], axes=2),
    same("Dot", [(4, 5), (5, 6)], axes=(2, 1)),
    same("Dot", [(5,), (5,)], axes=1, normalize=True),
    same("Conv2D", [IMAGE], filters=4, kernel_size=3, wrong_rank=(7, 6)),
    same("Conv2D", [IMAGE], filters=4, kernel_size=(2, 3), strides=2, padding="same", activation="relu"),
    same("Conv2D", [IMAGE], filters=4, kernel_size=2, dilation_rate=2, use_bias=False),
    same("Conv2D", [(7, 6, 4)], filters=6, kernel_size=3, groups=2, padding="same"),
    same("MaxPooling2D", [IMAGE], wrong_rank=(7, 6)),
    same("MaxPooling2D", [IMAGE], pool_size=3, strides=2, padding="same"),
    same("AveragePooling2D", [IMAGE], wrong_rank=(7, 6)),
    same("AveragePooling2D", [IMAGE], pool_size=(3, 2), strides=1, padding="same"),
    same("GlobalAveragePooling2D", [IMAGE], wrong_rank=(7, 6)),
    same("GlobalAveragePooling2D", [IMAGE], keepdims=True),
    Case(lambda: layers.Operation("add"), PAIR, None),
    Case(lambda: layers.BatchNormalization(unbiased=True), [(5,)], None, couples="training", masked=True),
]
