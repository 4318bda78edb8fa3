"""Decoding of every kind of image, against Pillow, NumPy and what was drawn."""

import errno
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from gradwise.data.broken import BrokenSample
from gradwise.data.image_decoding import ImageReader, decode_image
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A6")


def encoded(image, kind="PNG", **kwargs):
    file = io.BytesIO()
    image.save(file, kind, **kwargs)
    return file.getvalue()


@pytest.fixture
def photo(rng):
    """A smooth colour picture, 60 high and 80 wide."""
    rows, columns = np.mgrid[0:60, 0:80]
    layers = [np.sin(rows / 9), np.cos(columns / 7), np.sin((rows + columns) / 11)]
    return Image.fromarray(np.uint8(127 + 120 * np.stack(layers, axis=-1)))


def test_colour_comes_as_it_was(photo, tmp_path):
    photo.save(tmp_path / "photo.png")
    result = decode_image(tmp_path / "photo.png")
    np.testing.assert_array_equal(result, np.asarray(photo))
    assert result.dtype == np.uint8 and result.flags.writeable
    np.testing.assert_array_equal(decode_image((tmp_path / "photo.png").read_bytes()), result)
    np.testing.assert_array_equal(decode_image(str(tmp_path / "photo.png")), result)


def test_grey_in_one_three_and_four_channels():
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    file = encoded(Image.fromarray(values))
    np.testing.assert_array_equal(decode_image(file, channels=1), values[:, :, None])
    np.testing.assert_array_equal(decode_image(file, channels=3), np.stack([values] * 3, axis=-1))
    four = decode_image(file, channels=4)
    np.testing.assert_array_equal(four[:, :, 0], values)
    assert (four[:, :, 3] == 255).all()


def test_colour_as_grey_is_luma(photo):
    red, green, blue = np.moveaxis(np.asarray(photo, dtype=float), -1, 0)
    expected = 0.299 * red + 0.587 * green + 0.114 * blue  # ITU-R 601-2
    result = decode_image(encoded(photo), channels=1)[:, :, 0]
    assert np.abs(result - expected).max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_transparent_becomes_white(channels):
    pixels = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 128]]], dtype=np.uint8)
    rgb, alpha = pixels[..., :3].astype(float), pixels[..., 3:] / 255
    expected = rgb * alpha + 255 * (1 - alpha)
    if channels == 1:
        expected = expected @ np.array([[0.299], [0.587], [0.114]])
    result = decode_image(encoded(Image.fromarray(pixels)), channels=channels)
    assert np.abs(result - expected).max() <= 1
    np.testing.assert_array_equal(decode_image(encoded(Image.fromarray(pixels)), channels=4), pixels)


def test_grey_with_alpha():
    file = encoded(Image.fromarray(np.array([[[0, 255], [0, 0], [100, 255]]], dtype=np.uint8)))
    assert Image.open(io.BytesIO(file)).mode == "LA"
    assert decode_image(file, channels=1)[0, :, 0].tolist() == [0, 255, 100]
    assert decode_image(file)[0].tolist() == [[0] * 3, [255] * 3, [100] * 3]


@pytest.mark.parametrize("transparency", [None, 1, b"\xff\x00\xff"])
def test_palettes(transparency):
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    extra = {} if transparency is None else {"transparency": transparency}
    middle = [0, 255, 0] if transparency is None else [255, 255, 255]
    file = encoded(image, **extra)
    assert Image.open(io.BytesIO(file)).mode == "P"
    assert decode_image(file)[0].tolist() == [[255, 0, 0], middle, [0, 0, 255]]


def test_a_transparent_colour_without_alpha():
    image = Image.fromarray(np.array([[[1, 2, 3], [9, 9, 9]]], dtype=np.uint8))
    assert decode_image(encoded(image, transparency=(9, 9, 9)))[0].tolist() == [[1, 2, 3], [255, 255, 255]]


def test_one_bit():
    image = Image.fromarray(np.array([[True, False, True]]))
    assert image.mode == "1"
    assert decode_image(encoded(image), channels=1)[0, :, 0].tolist() == [255, 0, 255]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(kind):
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    result = decode_image(encoded(image, kind))
    assert np.abs(result.astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_cut_off(kind):
    values = np.array([[0, 255, 256], [32768, 65534, 65535]], dtype=np.uint16)
    file = encoded(Image.fromarray(values), kind)
    assert Image.open(io.BytesIO(file)).mode.startswith("I;16")
    expected = np.round(values / 65535 * 255)
    np.testing.assert_array_equal(decode_image(file, channels=1)[:, :, 0], expected)
    np.testing.assert_array_equal(decode_image(file)[:, :, 2], expected)
    kept = decode_image(file, channels=1, dtype="uint16")
    assert kept.dtype == np.uint16
    np.testing.assert_array_equal(kept[:, :, 0], values)
    four = decode_image(file, channels=4, dtype="uint16")
    assert (four[:, :, 3] == 65535).all() and (four[:, :, 1] == values).all()


def test_big_endian_sixteen_bits():
    image = Image.frombytes("I;16B", (2, 1), struct.pack(">HH", 1, 65535))
    file = encoded(image, "TIFF")
    assert decode_image(file, channels=1, dtype="uint16")[0, :, 0].tolist() == [1, 65535]


def test_sixteen_bits_are_resized_as_such():
    values = np.array([[1000, 3000], [1000, 3000]], dtype=np.uint16)
    file = encoded(Image.fromarray(values))
    assert decode_image(file, 1, 1, dtype="uint16").tolist() == [[[2000]]]
    large = decode_image(
        encoded(Image.fromarray(np.uint16([[0, 65535]]))), (4, 8), 1, interpolation="bicubic"
    )
    assert large[0, 0, 0] == 0 and large[0, -1, 0] == 255  # the overshoot does not wrap around


def test_eight_bits_as_sixteen():
    file = encoded(Image.fromarray(np.uint8([[0, 1, 255]])))
    assert decode_image(file, channels=1, dtype="uint16")[0, :, 0].tolist() == [0, 257, 65535]


def test_pixels_without_a_fixed_range_are_refused():
    float_file = encoded(Image.fromarray(np.ones((2, 2), np.float32)), "TIFF")
    with pytest.raises(BrokenSample, match="pixels in floating point, which have no fixed range"):
        decode_image(float_file)
    wide = encoded(Image.fromarray(np.full((2, 2), 70_000, np.int32)), "TIFF")
    with pytest.raises(BrokenSample, match="32-bit pixels, which have no fixed range"):
        decode_image(wide)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotations(photo, kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"WEBP": {"lossless": True}}.get(kind, {})
    file = encoded(photo, kind, exif=exif, **lossless)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert("RGB"))
    assert expected.shape[:2] == ((60, 80) if orientation < 5 else (80, 60))
    np.testing.assert_array_equal(decode_image(file), expected)


@pytest.mark.parametrize("orientation", [1, 6, 7])
def test_rotated_jpeg_at_a_fraction(orientation):
    rows, columns = np.mgrid[0:300, 0:400]
    image = Image.fromarray(np.uint8(np.stack([rows / 300, columns / 400, rows * 0], -1) * 255))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encoded(image, "JPEG", exif=exif, quality=95)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    expected = np.asarray(upright.resize((30, 20), Image.Resampling.BILINEAR), dtype=float)
    result = decode_image(file, (20, 30))
    assert np.abs(result - expected).mean() < 1 and np.abs(result - expected).max() < 6


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_does_not_matter(photo):
    file = encoded(photo, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 20)
    assert decode_image(file).shape == (60, 80, 3)


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
    file = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert Image.open(io.BytesIO(file)).n_frames == 3
    assert decode_image(file)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["BMP", "GIF", "PNG", "PPM", "TIFF", "JPEG2000", "WEBP", "JPEG"])
def test_formats(kind):
    file = encoded(Image.new("RGB", (32, 16), (200, 100, 0)), kind)
    result = decode_image(file)
    assert result.shape == (16, 32, 3)
    assert np.abs(result.astype(int) - [200, 100, 0]).max() <= 4


def test_formats_that_start_programs_are_refused(tmp_path):
    (tmp_path / "page.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    with pytest.raises(BrokenSample, match="no image of a kind that is read"):
        decode_image(tmp_path / "page.jpg")


METHODS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "hamming": Image.Resampling.HAMMING,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}


@pytest.mark.parametrize("interpolation", METHODS)
@pytest.mark.parametrize("size", [(30, 20), (90, 100), 24])
def test_resizing_is_pillows(photo, interpolation, size):
    height, width = (size, size) if isinstance(size, int) else size
    expected = np.asarray(photo.resize((width, height), METHODS[interpolation]))
    result = decode_image(encoded(photo), size, interpolation=interpolation)
    np.testing.assert_array_equal(result, expected)


def test_shrinking_averages():
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 255
    result = decode_image(encoded(Image.fromarray(np.uint8(checks))), 8, 1)
    assert np.abs(result[1:-1, 1:-1].astype(int) - 128).max() <= 2


@pytest.mark.parametrize("size", [(20, 20), (10, 40), (40, 10), (120, 100)])
def test_cropping_and_padding_are_keras(photo, size):
    import keras

    pixels = np.asarray(photo, dtype="float32")
    for option in ({"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True}):
        theirs = np.asarray(
            keras.ops.image.resize(pixels, size, antialias=True, data_format="channels_last", **option)
        )
        ours = decode_image(encoded(photo), size, **option).astype(float)
        assert ours.shape == theirs.shape
        # At the edges of a cut, Pillow still sees the pixels beside it.
        assert np.abs(ours - theirs)[1:-1, 1:-1].max() < 1.01
        assert np.abs(ours - theirs).max() <= 5


def test_padding_keeps_the_shape_of_things():
    result = decode_image(encoded(Image.new("RGB", (20, 10), "white")), (40, 40), pad_to_aspect_ratio=True)
    white = result[:, :, 0] == 255
    assert white[11:29].all() and not white[:10].any() and not white[30:].any()
    clear = decode_image(encoded(Image.new("RGB", (20, 10))), 40, 4, pad_to_aspect_ratio=True)
    assert clear[0, 0].tolist() == [0, 0, 0, 0] and clear[20, 20].tolist() == [0, 0, 0, 255]


def test_channels_first(photo):
    reader = ImageReader((20, 30), data_format="channels_first")
    expected = decode_image(encoded(photo), (20, 30))
    np.testing.assert_array_equal(reader(encoded(photo)), expected.transpose(2, 0, 1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
def test_truncated_files(photo, kind, tmp_path):
    content = encoded(photo, kind)
    (tmp_path / "cut").write_bytes(content[: len(content) // 2])
    with pytest.raises(
        BrokenSample, match=r"cut': expected a sample that can be read, but got .*damaged data \("
    ) as caught:
        decode_image(tmp_path / "cut")
    assert caught.value.path == str(tmp_path / "cut")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("sides", [(12_000, 12_000), (60_000, 60_000)])
def test_decompression_bombs(sides):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", *sides, 8, 0, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )
    for attempt in (decode_image, ImageReader().look):
        with pytest.raises(BrokenSample, match=r"more than 89478485 pixels \(PIL.Image.MAX_IMAGE_PIXELS\)"):
            attempt(bomb)


def test_the_limit_of_pixels_is_pillows(photo, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(BrokenSample, match="more than 100 pixels"):
        decode_image(encoded(photo))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert decode_image(encoded(photo)).shape == (60, 80, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "an empty file"), (b"no image at all", "no image of a kind that is read")],
)
def test_no_images(tmp_path, content, reason):
    path = tmp_path / "note.jpg"
    path.write_bytes(content)
    for attempt in (decode_image, ImageReader().look):
        with pytest.raises(BrokenSample, match=reason):
            attempt(path)
        with pytest.raises(BrokenSample, match=f"'image': .*{reason}"):
            attempt(content)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(BrokenSample, match="gone.png': .* but got No such file or directory"):
        decode_image(tmp_path / "gone.png")
    with pytest.raises(BrokenSample, match="Is a directory"):
        ImageReader().look(str(tmp_path))


def test_the_machines_trouble_is_not_the_files(monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(OSError, match="Too many open files"):
        decode_image("a.png")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": (0, 4)}, r"image size: expected a height and a width in pixels, but got \(0, 4\)"),
        ({"size": (1, 2, 3)}, r"got \(1, 2, 3\). Pass them as \(height, width\)"),
        ({"size": 2.5}, "but got 2.5"),
        ({"size": True}, "but got True"),
        ({"channels": 2}, "image channels: expected one of 1, 3, 4, but got 2"),
        ({"dtype": "float32"}, "image dtype: expected one of 'uint8', 'uint16', but got 'float32'"),
        ({"data_format": "last"}, "image data_format: expected one of 'channels_last', 'channels_first'"),
        ({"interpolation": "bilinaer"}, "Did you mean 'bilinear'"),
        (
            {"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True},
            "expected crop_to_aspect_ratio or pad_to_aspect_ratio, but got both",
        ),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(InputError, match=message):
        ImageReader(**settings)


@pytest.mark.parametrize("name", ["images/chelsea.png", "images/camera.png", "images/horse.png"])
def test_real_images(real_file, name):
    path = real_file(name)
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGBA"), dtype=float)
    rgb, alpha = expected[..., :3], expected[..., 3:] / 255
    assert np.abs(decode_image(path) - (rgb * alpha + 255 * (1 - alpha))).max() <= 1


def test_a_real_photograph_at_a_fraction(real_file):
    path = real_file("images/rocket.jpg")
    with Image.open(path) as image:
        expected = np.asarray(image.resize((64, 64), Image.Resampling.BILINEAR), dtype=float)
    difference = np.abs(decode_image(path, 64) - expected)
    assert difference.mean() < 1 and difference.max() < 40
