"""One row of the layer contracts: a layer setting with the inputs it is tried on."""

from dataclasses import dataclass

import numpy as np

from gradwise import layers


@dataclass
class Case:
    """One layer setting.

    make: builds the layer. shapes: the shapes of its inputs, without the batch. keras: the name and
    settings of the same layer in Keras 3, or a function that builds it from keras.layers and {}, or None where
    Keras has none. integers: the inputs are indices
    below this number. separate: the inputs are arguments of their own. random: training draws random numbers. wrong_rank: a shape to refuse, or None.
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
    separate: bool = False

    @property
    def id(self):
        layer = self.make()
        settings = {k: v for k, v in layer.get_config().items() if k != "name"}
        return f"{type(layer).__name__}-" + "-".join(
            f"{k}={getattr(v, '__name__', v)}" for k, v in settings.items()
        ).replace(" ", "")

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
    name,
    shapes,
    *,
    wrong_rank=None,
    integers=0,
    random=False,
    masked=False,
    couples="never",
    separate=False,
    **settings,
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
        separate=separate,
    )


IMAGE = (7, 6, 3)
PAIR = [(4, 5), (4, 5)]
