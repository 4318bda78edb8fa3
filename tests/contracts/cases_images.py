"""Contract rows: layers that prepare images and words, and change them at random in training."""

from gradwise import layers
from tests.contracts.case import IMAGE, Case, same

FIRST = (3, 7, 6)
# Keras knows no boxes of this form, and where it moves boxes or images otherwise, it is no oracle.
BOTH = {"data_format": "channels_first"}


def random(name, shape=IMAGE, *, integers=0, wrong_rank=(7, 6), **settings):
    """A row for a layer that does nothing at prediction."""
    return same(name, [shape], random=True, wrong_rank=wrong_rank, integers=integers, **settings)


def ours(make, shape=IMAGE, **options):
    """A row for a layer that Keras has not, or has otherwise."""
    return Case(make, [shape], None, **options)


CASES = [
    same("Rescaling", [(5,)], scale=0.5, offset=-1.0, masked=True),
    same("Rescaling", [IMAGE], scale=[0.5, 2.0, 1.0], offset=[1.0, 0.0, -1.0]),
    same("Rescaling", [(5,)], scale=1 / 255, integers=256, masked=True),
    same("Resizing", [IMAGE], height=4, width=9, wrong_rank=(7, 6)),
    same("Resizing", [IMAGE], height=3, width=3, interpolation="bicubic", antialias=True),
    same("Resizing", [IMAGE], height=5, width=4, interpolation="nearest"),
    same("Resizing", [FIRST], height=4, width=3, crop_to_aspect_ratio=True, **BOTH),
    same("Resizing", [IMAGE], height=4, width=8, pad_to_aspect_ratio=True, fill_value=2.0),
    same("CenterCrop", [IMAGE], height=4, width=3, wrong_rank=(7, 6)),
    same("CenterCrop", [IMAGE], height=9, width=3),
    same("CenterCrop", [FIRST], height=2, width=6, **BOTH),
    random("RandomFlip"),
    random("RandomFlip", FIRST, mode="horizontal", seed=3, **BOTH),
    ours(lambda: layers.RandomFlip("vertical"), integers=256, random=True),
    ours(lambda: layers.RandomCrop(4, 3), random=True, wrong_rank=(7, 6)),
    ours(lambda: layers.RandomCrop(4, 3, seed=3, data_format="channels_first"), FIRST, random=True),
    random("RandomTranslation", height_factor=0.3, width_factor=(-0.1, 0.4)),
    random("RandomTranslation", FIRST, height_factor=0.3, width_factor=0.0, interpolation="nearest", **BOTH),
    random("RandomRotation", factor=0.2),
    random("RandomRotation", FIRST, factor=(0.1, 0.2), fill_mode="constant", fill_value=3.0, **BOTH),
    random("RandomZoom", height_factor=0.3),
    random("RandomZoom", height_factor=0.3, width_factor=(-0.2, 0.1), fill_mode="nearest", seed=5),
    random("RandomShear", x_factor=0.3, y_factor=0.2),
    random("RandomBrightness", factor=0.2, value_range=(-4, 4)),
    random("RandomContrast", factor=0.2, value_range=(-4, 4)),
    random("RandomSaturation", factor=0.4, value_range=(-4, 4)),
    random("RandomHue", factor=0.4, value_range=(-4, 4)),
    random("RandomHue", FIRST, factor=0.4, value_range=(-4, 4), **BOTH),
    random("RandomGrayscale", factor=0.5, seed=2),
    random("RandomErasing", factor=(1.0, 1.0), value_range=(-4, 4)),
    random("RandomErasing", FIRST, factor=(1.0, 1.0), fill_value=1.0, **BOTH),
    random("RandomColorJitter", value_range=(-4, 4), brightness_factor=0.2, hue_factor=0.2),
    ours(lambda: layers.RandomChannelShift(0.2, value_range=(-4, 4)), random=True, wrong_rank=(7, 6)),
    ours(lambda: layers.PCAColorAugmentation(value_range=(-4, 4)), random=True, wrong_rank=(7, 6)),
    ours(lambda: layers.RandomWordReplacement(30, 0.5), (9,), integers=30, random=True, masked=True),
    ours(
        lambda: layers.RandomWordReplacement(30, 0.9, 2, synonyms=[[0, 0], *([[0, 4]] * 29)]),
        (9,),
        integers=30,
        random=True,
        masked=True,
    ),
]
