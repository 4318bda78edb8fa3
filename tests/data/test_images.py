"""Keras' four functions, against Keras."""

import io

import keras
import numpy as np
import pytest
from PIL import Image

from gradwise.data.images import array_to_img, img_to_array, load_img, save_img
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A6")

MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I"]


@pytest.fixture
def image_file(tmp_path, rng):
    def write(mode):
        pixels = rng.integers(0, 256, (9, 13, 4), dtype=np.uint8)
        image = Image.fromarray(pixels)
        if mode == "I;16":
            image = Image.fromarray(rng.integers(0, 65536, (9, 13), dtype=np.uint16))
        elif mode == "I":
            image = Image.fromarray(rng.integers(0, 65536, (9, 13), dtype=np.int32))
        else:
            image = image.convert("RGB").convert(mode) if mode in ("P", "1", "CMYK") else image.convert(mode)
        path = tmp_path / ("image.tif" if mode in ("CMYK", "I") else "image.png")
        image.save(path)
        return path

    return write


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("color_mode", ["grayscale", "rgb", "rgba"])
@pytest.mark.parametrize("keep_aspect_ratio", [False, True])
def test_load_img_is_keras(image_file, mode, color_mode, keep_aspect_ratio):
    path = image_file(mode)
    if color_mode == "rgba" and mode.startswith("I"):
        pytest.skip("Pillow does not convert these")
    for size in (None, (9, 13), (5, 4), (20, 30)):
        settings = {"color_mode": color_mode, "target_size": size, "keep_aspect_ratio": keep_aspect_ratio}
        ours, theirs = load_img(path, **settings), keras.utils.load_img(path, **settings)
        assert ours.mode == theirs.mode and ours.size == theirs.size
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"])
def test_load_img_interpolations_are_keras(image_file, interpolation):
    path = image_file("RGB")
    settings = {"target_size": (6, 8), "interpolation": interpolation}
    np.testing.assert_array_equal(
        np.asarray(load_img(path, **settings)), np.asarray(keras.utils.load_img(path, **settings))
    )


def test_load_img_takes_what_keras_takes(image_file):
    path = image_file("RGB")
    expected = np.asarray(keras.utils.load_img(path))
    for source in (path, str(path), str(path).encode(), io.BytesIO(path.read_bytes())):
        np.testing.assert_array_equal(np.asarray(load_img(source)), expected)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first", None])
@pytest.mark.parametrize("dtype", [None, "uint8", "float64"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16"])
def test_img_to_array_is_keras(image_file, mode, data_format, dtype):
    dtype = "uint16" if mode == "I;16" and dtype == "uint8" else dtype
    image = Image.open(image_file(mode))
    ours = img_to_array(image, data_format, dtype)
    theirs = keras.utils.img_to_array(image, data_format, dtype)
    np.testing.assert_array_equal(ours, theirs)
    assert ours.dtype == theirs.dtype


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("top", [200, 1000])
def test_array_to_img_is_keras(rng, data_format, scale, channels, top):
    if not scale and top > 255 and channels > 1:
        pytest.skip("beyond what a colour can be")
    x = rng.uniform(0, top, (5, 6, channels))
    before = x.copy()
    if data_format == "channels_first":
        x = x.transpose(2, 0, 1)
    ours, theirs = array_to_img(x, data_format, scale), keras.utils.array_to_img(x, data_format, scale)
    assert ours.mode == theirs.mode
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    np.testing.assert_array_equal(x.reshape(-1).sum(), before.sum())


def test_array_to_img_of_one_value():
    x = np.full((2, 2, 3), 7.0)
    np.testing.assert_array_equal(np.asarray(array_to_img(x)), np.asarray(keras.utils.array_to_img(x)))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.JPEG", "a.bmp"])
def test_save_img_is_keras(tmp_path, rng, name):
    x = rng.uniform(0, 1, (8, 9, 3))
    save_img(tmp_path / name, x)
    (tmp_path / "keras").mkdir()
    keras.utils.save_img(tmp_path / "keras" / name, x)
    assert (tmp_path / name).read_bytes() == (tmp_path / "keras" / name).read_bytes()


def test_save_img_to_an_open_file_with_options(rng):
    x = rng.uniform(0, 1, (8, 9, 3))
    ours, theirs = io.BytesIO(), io.BytesIO()
    save_img(ours, x, file_format="jpg", quality=30)
    keras.utils.save_img(theirs, x, file_format="jpg", quality=30)
    assert ours.getvalue() == theirs.getvalue()


def test_jpeg_drops_transparency_with_a_warning(tmp_path, rng):
    x = rng.uniform(0, 1, (8, 9, 4))
    with pytest.warns(UserWarning, match="JPEG has no transparency, which is dropped"):
        save_img(tmp_path / "a.jpg", x)
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.mode == "RGB"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: load_img("a.png", color_mode="gray"),
            "load_img: expected the name of a color_mode, but got 'gray'",
        ),
        (lambda: load_img("a.png", interpolation="cubic"), "Did you mean 'bicubic'"),
        (lambda: load_img("a.png", target_size=(3,)), "load_img, target_size: expected a height and a width"),
        (
            lambda: img_to_array(np.zeros((1, 2, 3, 3))),
            r"img_to_array: expected one image, but got shape \(1, 2, 3, 3\)",
        ),
        (lambda: img_to_array(np.zeros((2, 2)), "last"), "img_to_array: expected the name of a data_format"),
        (
            lambda: array_to_img(np.zeros((2, 3))),
            r"array_to_img: expected one image with 1, 3 or 4 channels, but got shape \(2, 3\)",
        ),
        (lambda: array_to_img(np.zeros((2, 3, 2))), r"but got shape \(2, 3, 2\). Pass one image"),
        (lambda: array_to_img(np.zeros((0, 3, 3))), r"but got shape \(0, 3, 3\)"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(InputError, match=message):
        call()
