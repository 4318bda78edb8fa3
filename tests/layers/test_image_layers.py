"""Layers on images: Keras' answers where nothing is random, geometry of boxes and masks, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError
from tests.layers.keras_twin import keras, keras_ways

pytestmark = pytest.mark.feature("A8", "A6")

FORMATS = ("channels_last", "channels_first")
BOX_FORMATS = ("xyxy", "xywh", "center_xywh", "rel_xyxy")


def training(layer, x, key=0):
    layer(x)
    # As one program: its operations one by one take far longer to compile.
    return jax.jit(lambda x, key: gw.functional_call(layer, {}, x, training=True, key=key)[0])(
        x, jax.random.key(key)
    )


def drawn_settings(count=14):
    random = np.random.default_rng(7)
    for number in range(count):
        size = tuple(int(n) for n in random.integers(1, 12, 2))
        wanted = {"height": int(random.integers(1, 12)), "width": int(random.integers(1, 12))}
        way = random.integers(3)
        methods = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
        settings = {
            **wanted,
            "interpolation": methods[number % 5],
            "antialias": bool(random.integers(2)),
            "crop_to_aspect_ratio": bool(way == 1),
            "pad_to_aspect_ratio": bool(way == 2),
            "fill_value": float(random.integers(3)),
            "data_format": FORMATS[random.integers(2)],
        }
        yield pytest.param(size, settings, id=f"{number}-{size[0]}x{size[1]}")


@pytest.mark.parametrize(("size", "settings"), list(drawn_settings()))
def test_resizing_and_center_crop_equal_keras(size, settings):
    last = settings["data_format"] == "channels_last"
    x = np.random.default_rng(0).uniform(0, 255, (2, *size, 3) if last else (2, 3, *size)).astype("float32")
    crop = {name: settings[name] for name in ("height", "width", "data_format")}
    for name, given in [("Resizing", settings), ("CenterCrop", crop)]:
        with keras_ways():
            theirs = getattr(keras().layers, name)(**given)(x)
        np.testing.assert_allclose(getattr(layers, name)(**given)(x), theirs, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize(
    ("scale", "offset"), [(1 / 255, 0), (1 / 127.5, -1), ([1, 2, 3], 0.5), (2.0, [0, 1, 0])]
)
@pytest.mark.parametrize("data_format", FORMATS)
def test_rescaling_equals_keras(scale, offset, data_format):
    if data_format == "channels_first" and isinstance(offset, list):
        offset = 0.25  # Keras places scales there, not offsets
    x = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 3)).astype("uint8")
    twin = keras()
    before = gw.config.image_data_format(), twin.config.image_data_format()
    gw.config.set_image_data_format(data_format)
    twin.config.set_image_data_format(data_format)
    try:
        mine = layers.Rescaling(scale, offset)(x)
        with keras_ways():
            theirs = twin.layers.Rescaling(np.array(scale), np.array(offset))(x)
    finally:
        gw.config.set_image_data_format(before[0])
        twin.config.set_image_data_format(before[1])
    assert mine.dtype == jnp.float32
    np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)


GEOMETRY = {
    "Resizing": lambda **o: layers.Resizing(40, 64, **o),
    "Resizing-cropped": lambda **o: layers.Resizing(50, 30, crop_to_aspect_ratio=True, **o),
    "Resizing-framed": lambda **o: layers.Resizing(50, 30, pad_to_aspect_ratio=True, **o),
    "CenterCrop": lambda **o: layers.CenterCrop(20, 25, **o),
    "CenterCrop-larger": lambda **o: layers.CenterCrop(60, 25, **o),
    "RandomFlip": lambda **o: layers.RandomFlip(**o),
    "RandomCrop": lambda **o: layers.RandomCrop(24, 30, **o),
    "RandomCrop-larger": lambda **o: layers.RandomCrop(50, 30, **o),
    "RandomTranslation": lambda **o: layers.RandomTranslation(0.5, 0.4, "constant", **o),
    "RandomTranslation-nearest": lambda **o: layers.RandomTranslation(0.5, 0.4, "constant", "nearest", **o),
    "RandomZoom": lambda **o: layers.RandomZoom(0.4, (-0.3, 0.1), "constant", **o),
    "RandomRotation": lambda **o: layers.RandomRotation(0.5, "constant", **o),
    "RandomShear": lambda **o: layers.RandomShear(0.5, 0.4, fill_mode="constant", **o),
}


def painted(boxes, height, width):
    masks = np.zeros((len(boxes), height, width, 1), "int32")
    for mask, (left, top, right, bottom) in zip(masks, boxes.astype(int), strict=True):
        mask[top:bottom, left:right] = 7
    return masks


def converted(boxes, box_format, height, width):
    """Boxes in another format, written out on its own; -1 stays."""
    left, top, right, bottom = np.moveaxis(boxes, -1, 0)
    parts = {
        "xyxy": (left, top, right, bottom),
        "xywh": (left, top, right - left, bottom - top),
        "center_xywh": ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top),
        "rel_xyxy": (left / width, top / height, right / width, bottom / height),
    }[box_format]
    return np.where((boxes == -1).all(-1, keepdims=True), -1, np.stack(parts, -1)).astype("float32")


@pytest.mark.parametrize("name", GEOMETRY)
def test_boxes_lie_around_what_was_painted_there(name):
    """Each box is painted into a mask; both are moved; the mask's extent is the box."""
    height, width, count = 34, 45, 60
    random = np.random.default_rng(0)
    starts = random.integers(0, (width - 12, height - 12), (count, 2))
    boxes = np.concatenate([starts, starts + random.integers(4, 12, (count, 2))], 1).astype("float32")
    masks = painted(boxes, height, width)
    inputs = {
        "images": masks.astype("float32"),
        "bounding_boxes": boxes[:, None],
        "segmentation_masks": masks,
        "labels": np.arange(count, dtype="int32"),
    }
    outputs = training(GEOMETRY[name](bounding_box_format="xyxy"), inputs)
    np.testing.assert_array_equal(outputs["labels"], np.arange(count))
    moved, seen = np.asarray(outputs["segmentation_masks"]), np.asarray(outputs["bounding_boxes"])[:, 0]
    assert moved.dtype == np.int32
    assert outputs["images"].shape == moved.shape
    slack, found = 1.01, 0
    for mask, box in zip(moved[..., 0], seen, strict=True):
        rows, columns = np.nonzero(mask)
        if box[0] == -1:
            np.testing.assert_array_equal(box, -1)
            assert len(rows) <= 2  # what rounding leaves at the border
            continue
        assert (box[2:] > box[:2]).all()
        if len(rows) == 0:
            assert (box[2:] - box[:2]).min() < 1
            continue
        found += 1
        extent = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        if name in ("RandomRotation", "RandomShear"):
            # A corner may be too thin to hold the middle of a pixel.
            assert (np.abs(box - extent) < 3).all()
            assert (box[:2] <= np.add(extent[:2], slack)).all()
            assert (box[2:] >= np.subtract(extent[2:], slack)).all()
        else:
            larger = "Resizing" in name or "larger" in name
            np.testing.assert_allclose(box, extent, atol=2.5 if larger else slack)
    assert found > count / 4


@pytest.mark.slow
@pytest.mark.parametrize("box_format", BOX_FORMATS[1:])
@pytest.mark.parametrize("name", ["RandomFlip", "Resizing"])
def test_all_formats_of_boxes_tell_the_same(name, box_format):
    boxes = np.array([[[2, 3, 20, 9], [-1, -1, -1, -1], [30, 10, 44, 33]]] * 5, "float32")
    images = np.zeros((5, 34, 45, 1), "float32")
    make = GEOMETRY[name]
    expected = training(
        make(bounding_box_format="xyxy", name="same"), {"images": images, "bounding_boxes": boxes}
    )
    new = np.asarray(expected["images"]).shape[1:3]
    given = {"images": images, "bounding_boxes": converted(boxes, box_format, 34, 45)}
    outputs = training(make(bounding_box_format=box_format, name="same"), given)["bounding_boxes"]
    expected = converted(np.asarray(expected["bounding_boxes"]), box_format, *new)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(outputs[:, 1], -1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["RandomFlip", "RandomCrop", "RandomTranslation", "RandomRotation"])
def test_channels_first_does_the_same(name):
    x = np.random.default_rng(0).uniform(0, 255, (6, 34, 45, 3)).astype("float32")
    boxes = np.array([[[2, 3, 20, 9]]] * 6, "float32")
    masks = (x[..., :1] > 100).astype("int32")
    make, results = GEOMETRY[name], []
    for data_format in FORMATS:
        move = (lambda a: a) if data_format == "channels_last" else (lambda a: np.moveaxis(a, -1, 1))
        given = {"images": move(x), "bounding_boxes": boxes, "segmentation_masks": move(masks)}
        layer = make(bounding_box_format="xyxy", data_format=data_format, name="same")
        results.append(training(layer, given))
    last, first = results
    for part in ("images", "segmentation_masks"):
        np.testing.assert_allclose(np.moveaxis(first[part], 1, -1), last[part], rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(first["bounding_boxes"], last["bounding_boxes"])


def test_masks_get_0_from_outside_whatever_images_get():
    layer = layers.RandomTranslation((1.0, 1.0), 0.0, "constant", fill_value=128.0)
    ones = np.ones((2, 4, 5, 1))
    outputs = training(layer, {"images": ones.astype("float32"), "segmentation_masks": ones.astype("int32")})
    assert (np.asarray(outputs["images"]) == 128).all()
    assert (np.asarray(outputs["segmentation_masks"]) == 0).all()


def test_a_random_crop_of_images_too_small_is_the_largest_part_enlarged():
    x = np.random.default_rng(0).uniform(0, 255, (2, 5, 8, 3)).astype("float32")
    outputs = training(layers.RandomCrop(9, 9), x)
    with keras_ways():
        expected = keras().layers.CenterCrop(9, 9)(x)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-3)


def test_dicts_go_through_a_model_and_a_file(tmp_path):
    images, boxes = gw.Input((8, 9, 3), dtype="uint8"), gw.Input((2, 4))
    parts = {"images": images, "bounding_boxes": boxes}
    for layer in (
        layers.RandomRotation(0.1, bounding_box_format="xyxy"),
        layers.RandomBrightness(0.2),
        layers.Resizing(4, 4, bounding_box_format="xyxy"),
    ):
        parts = layer(parts)
    model = gw.Model([images, boxes], [parts["images"], parts["bounding_boxes"]])
    assert [output.shape for output in model.outputs] == [(None, 4, 4, 3), (None, 2, 4)]
    model.save(tmp_path / "model.gwz")
    again = gw.load_model(tmp_path / "model.gwz")
    x = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 3)).astype("uint8")
    y = np.array([[[0, 0, 9, 4], [-1, -1, -1, -1]]] * 3, "float32")
    seen, moved = again.predict([x, y], verbose=0)
    np.testing.assert_array_equal(moved, [[[0, 0, 4, 2], [-1, -1, -1, -1]]] * 3)
    np.testing.assert_array_equal(seen, model.predict([x, y], verbose=0)[0])


IMAGES = np.zeros((2, 4, 5, 3), "float32")
BOXES = np.zeros((2, 1, 4), "float32")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Resizing(0, 3), "Resizing '.*': expected height to be a positive integer"),
        (lambda: layers.Resizing(3, 3, "cubic"), "interpolation to be one of nearest, bilinear, bicubic"),
        (lambda: layers.Resizing(3, 3, fill_mode="wrap"), "fill_mode to be one of constant, but got 'wrap'"),
        (lambda: layers.Resizing(3, 3, fill_value="x"), "fill_value to be a number, but got 'x'. Set fill_v"),
        (
            lambda: layers.Resizing(3, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True),
            "crop_to_aspect_ratio or pad_to_aspect_ratio, or neither, but got both. Choose whether to cut",
        ),
        (lambda: layers.Rescaling("big"), "scale to be a number, or a list .* got 'big'. Set scale=1 / 255"),
        (lambda: layers.Rescaling(1, [[1]]), r"offset to be a number, or a list .* got \[\[1\]\]. Set off"),
        (
            lambda: layers.RandomFlip("sideways"),
            "mode to be one of horizontal_and_vertical, horizontal, vert",
        ),
        (lambda: layers.RandomCrop(3, -1), "expected width to be a positive integer, but got -1"),
        (
            lambda: layers.RandomTranslation(1.5, 0),
            r"height_factor to be a number, or two of them, from -1 to 1, but got 1.5. Set height_factor=0.2",
        ),
        (
            lambda: layers.RandomZoom(0.1, (-1, 0)),
            r"width_factor to be .* from -0.99 to 1, but got \(-1, 0\)",
        ),
        (lambda: layers.RandomShear((0.1, 0.2, 0.3)), "x_factor to be a number, or two of them, from 0 to 1"),
        (lambda: layers.RandomRotation(True), "factor to be a number, or two of them"),
        (
            lambda: layers.RandomRotation(0.1, "mirror"),
            "fill_mode to be one of reflect, constant, nearest, w",
        ),
        (
            lambda: layers.RandomRotation(0.1, interpolation="cubic"),
            "interpolation to be one of bilinear, ne",
        ),
        (
            lambda: layers.RandomBrightness(0.1, (1,)),
            r"value_range to be the least and the greatest value of",
        ),
        (
            lambda: layers.RandomHue(0.1, (1, 1)),
            r"but got \(1, 1\). Set value_range=\(0, 1\) for images scal",
        ),
        (
            lambda: layers.RandomGrayscale(1.5),
            "factor to be a number from 0 to 1, but got 1.5. Set factor=0.1",
        ),
        (
            lambda: layers.RandomErasing(fill_value="x"),
            "fill_value to be a number, a list with one for each c",
        ),
        (lambda: layers.PCAColorAugmentation(-1), "stddev, a standard deviation of at least 0, but got -1"),
        (
            lambda: layers.RandomFlip(bounding_box_format="yxyx"),
            "bounding_box_format to be one of xyxy, xywh",
        ),
        (
            lambda: layers.RandomHue(0.1)(IMAGES[..., :1]),
            "three channels, red, green and blue, but got 1 of t",
        ),
        (lambda: layers.RandomFlip()(IMAGES[0]), r"images of shape \[batch, height, width, channels\]"),
        (
            lambda: layers.RandomFlip()({"images": IMAGES, "masks": IMAGES}),
            "name of a part of the inputs, but got 'masks'. Known names: bounding_boxes, images, labels, se",
        ),
        (
            lambda: layers.RandomFlip()({"labels": BOXES}),
            "a dict with 'images', but got one with 'labels'. P",
        ),
        (
            lambda: layers.RandomFlip()({"images": IMAGES, "bounding_boxes": BOXES}),
            "bounding_box_format to say what the numbers of a box are, but got boxes without it. Set bound",
        ),
        (
            lambda: layers.RandomFlip(bounding_box_format="xyxy")(
                {"images": IMAGES, "bounding_boxes": BOXES[0]}
            ),
            r"bounding_boxes of shape \[batch, boxes, 4\], but got \(1, 4\). Fill up the boxes of each image",
        ),
        (
            lambda: layers.PCAColorAugmentation().adapt([]),
            "PCAColorAugmentation '.*', adapt: expected at lea",
        ),
    ],
)
def test_what_cannot_work_is_refused(make, text):
    with pytest.raises(InputError, match=text):
        make()
