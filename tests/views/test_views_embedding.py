import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from gradwise.errors import InputError
from gradwise.views import canvas
from gradwise.views.embedding import image_data_uri, to_png_data_uri, to_svg
from gradwise.views.figures import confusion_matrix, learning_curves

pytestmark = pytest.mark.feature("G10")
NASTY = ["<script>alert(1)</script>", "汉字 $\\frac{1}", "a\x00b\ud800\"'&--><!--", "$x$"]


@pytest.fixture
def svg():
    return to_svg(confusion_matrix(np.full((4, 4), 3), NASTY), 'what "it" <shows>')


def test_svg_is_well_formed_and_fetches_nothing(svg):
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == 'what "it" <shows>'
    assert not {"script", "style", "image", "foreignObject"} & {element.tag for element in root.iter()}
    assert "http" not in svg and "url(#" in svg


def test_names_are_written_as_they_are(svg):
    texts = {element.text for element in ElementTree.fromstring(svg).iter("text")}
    assert "汉字 $\\frac{1}" in texts and "$x$" in texts
    assert "<script>" not in svg


def test_every_reference_finds_its_target_and_no_id_is_idle(svg):
    both = svg + to_svg(learning_curves({"loss": [1.0, 0.5], "val_loss": [1.0, 0.6]}), "")
    defined = re.findall(r' id="([^"]+)"', both)
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', both))
    assert len(defined) == len(set(defined))
    assert set(defined) == used


def test_colours_follow_the_page(svg):
    assert f"var(--figure-ink, {canvas.INK})" in svg
    assert "DejaVu" not in svg


def test_same_figure_same_bytes():
    history = {"loss": [1.0, 0.5], "val_loss": [1.0, 0.6]}
    assert to_svg(learning_curves(history), "x") == to_svg(learning_curves(history), "x")
    assert to_png_data_uri(learning_curves(history)) == to_png_data_uri(learning_curves(history))


@pytest.mark.parametrize("shape", [(8, 8), (8, 6, 1), (5, 7, 3), (1, 1)])
def test_pictures_come_back_pixel_by_pixel(shape):
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    content = base64.b64decode(image_data_uri(image).removeprefix("data:image/png;base64,"))
    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(content))),
        image.squeeze(-1) if shape[-1] == 1 and len(shape) == 3 else image,
    )


@pytest.mark.parametrize(
    "image",
    [np.zeros((8, 8)), np.zeros((8, 8, 4), np.uint8), np.zeros((0, 8), np.uint8), np.zeros(8, np.uint8)],
)
def test_other_arrays_are_refused(image):
    with pytest.raises(
        InputError, match=r"image: expected uint8\[H, W\] or uint8\[H, W, 3\], but got .* Scale the values"
    ):
        image_data_uri(image)
