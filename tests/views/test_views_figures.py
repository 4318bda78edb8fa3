import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix as reference_counts

from gradwise.errors import InputError
from gradwise.views.canvas import TRAINING, VALIDATION
from gradwise.views.embedding import to_svg
from gradwise.views.figures import confusion_matrix, images_grid, learning_curves, predicted_against_true
from gradwise.views.tallies import most_confused

pytestmark = pytest.mark.feature("F6")
NAN = float("nan")


def _texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_training_is_dots_and_validation_a_line():
    axes = learning_curves({"loss": [3.0, 2.0], "val_loss": [3.0, 2.5]}).axes[0]
    training, validation = axes.lines
    assert (training.get_marker(), training.get_linestyle(), training.get_color()) == ("o", "None", TRAINING)
    assert (validation.get_marker(), validation.get_linestyle(), validation.get_color()) == (
        "None",
        "-",
        VALIDATION,
    )
    assert training.get_xydata().tolist() == [[1.0, 3.0], [2.0, 2.0]]


def test_one_panel_for_each_metric():
    history = {"loss": [1.0], "mae": [1.0], "val_loss": [1.0], "val_mae": [1.0], "val_auc": [0.5]}
    assert len(learning_curves(history).axes) == 3


@pytest.mark.parametrize(
    ("values", "scale"),
    [([100.0, 0.5], "log"), ([10.0, 0.5], "linear"), ([100.0, 0.0], "linear"), ([NAN, NAN], "linear")],
)
def test_a_loss_over_two_decades_gets_a_logarithmic_axis(values, scale):
    assert learning_curves({"loss": values}).axes[0].get_yscale() == scale


def test_another_metric_stays_linear():
    assert learning_curves({"accuracy": [0.001, 0.9]}).axes[0].get_yscale() == "linear"


def test_the_kept_epoch_is_marked():
    figure = learning_curves({"loss": [3.0, 2.0, 1.0]}, epochs=[5, 6, 7], best_epoch=6)
    assert list(figure.axes[0].lines[-1].get_xdata()) == [6, 6]
    assert "kept: epoch 6" in to_svg(figure, "")


def test_epochs_are_whole_and_start_with_the_first():
    for last in (1, 2, 7, 8, 40, 120, 1000):
        ticks = learning_curves({"loss": list(range(1, last + 1))}).axes[0].get_xticks()
        assert all(tick == int(tick) and 1 <= tick <= last for tick in ticks)
        assert 1 <= len(ticks) <= 9 and ticks[0] == 1


def test_fewer_validation_values_belong_to_later_epochs():
    axes = learning_curves({"loss": [4.0, 3.0, 2.0, 1.0], "val_loss": [3.0, 1.0]}).axes[0]
    assert axes.lines[1].get_xdata().tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    "history",
    [
        {"loss": [0.7]},
        {"loss": [0.7], "val_loss": [0.8]},
        {"loss": [0.7, NAN, float("inf")]},
        {"loss": [NAN]},
        {"val_loss": [1.0]},
    ],
)
def test_short_and_broken_histories_are_drawn(history):
    assert to_svg(learning_curves(history), "curves").startswith("<svg")


@pytest.mark.parametrize("values", [[5e-5, 1e-5], [1e7, 3e6], [1000.1, 1000.2]])
def test_labels_say_whole_values(values):
    figure = learning_curves({"loss": values})
    to_svg(figure, "")
    assert figure.axes[0].yaxis.get_offset_text().get_text() == ""


def test_an_empty_history_is_refused():
    with pytest.raises(InputError, match="learning_curves: expected a history, but got no values. Train for"):
        learning_curves({"loss": []})


def test_matrix_shows_each_count():
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    counts = reference_counts(true, predicted)
    shown = [int(text) for text in _texts(confusion_matrix(counts, list("abcd")))]
    assert shown == [int(count) for count in counts.ravel() if count]


@pytest.mark.parametrize("classes", [1, 2, 10, 20, 21, 60])
def test_matrix_of_any_size(classes):
    counts = np.random.default_rng(0).integers(0, 9, (classes, classes))
    figure = confusion_matrix(counts, [f"a long class name, number {index}" for index in range(classes)])
    assert to_svg(figure, "matrix").startswith("<svg")
    assert (len(figure.axes[0].get_xticklabels()) == classes) == (classes <= 20)


def test_empty_rows_and_perfect_models():
    assert _texts(confusion_matrix(np.zeros((3, 3), int), list("abc"))) == []
    assert "no mistakes" in _texts(
        confusion_matrix(np.eye(30, dtype=int), [str(index) for index in range(30)])
    )


def test_matrix_that_does_not_fit_is_refused():
    message = (
        r"confusion_matrix: expected counts of shape \(3, 3\), one class name for each row, but got \(2, 2\)"
    )
    with pytest.raises(InputError, match=message):
        confusion_matrix(np.eye(2), list("abc"))


def test_most_confused_pairs_come_first():
    counts = np.array([[90, 2, 8], [5, 5, 0], [2, 0, 3]])
    assert most_confused(counts, limit=3) == [(0, 2, 8, 0.08), (1, 0, 5, 0.5), (2, 0, 2, 0.4)]
    assert most_confused(np.eye(3, dtype=int)) == []


@pytest.mark.parametrize(
    "pairs", [([], []), ([1.0], [1.0]), ([1.0, 1.0], [1.0, 1.0]), ([1.0, NAN], [NAN, 2.0])]
)
def test_scatter_of_few_or_broken_numbers(pairs):
    assert to_svg(predicted_against_true(*map(np.array, pairs)), "scatter").startswith("<svg")


def test_scatter_is_square_and_thinned():
    figure = predicted_against_true(np.arange(50_000.0), np.zeros(50_000))
    axes = figure.axes[0]
    assert axes.get_xlim() == axes.get_ylim()
    assert len(axes.lines[1].get_xdata()) <= 2000


def test_scatter_of_different_lengths_is_refused():
    with pytest.raises(InputError, match="expected as many predictions as true numbers, but got 1 and 2"):
        predicted_against_true(np.zeros(2), np.zeros(1))


def test_pictures_keep_their_pixels():
    images = [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 1), np.uint8), np.zeros((5, 7, 3), np.uint8)]
    figure = images_grid(images, ["grey", "grey too", "汉字"])
    assert [axes.images[0].get_interpolation() for axes in figure.axes] == ["nearest"] * 3


def test_pictures_without_captions_are_refused():
    with pytest.raises(
        InputError, match="images_grid: expected at least one picture and a caption for each, but got 0"
    ):
        images_grid([], [])


def test_the_users_settings_neither_count_nor_change():
    plain = to_svg(learning_curves({"loss": [1.0, 0.5]}), "")
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30.0, "lines.linewidth": 9.0}):
        assert to_svg(learning_curves({"loss": [1.0, 0.5]}), "") == plain
        assert matplotlib.rcParams["font.size"] == 30.0


def test_nothing_is_imported_before_it_is_drawn():
    script = (
        "import sys, gradwise.views, gradwise.views.report, gradwise.views.figures\n"
        "print([name for name in ('matplotlib', 'PIL') if name in sys.modules])\n"
        "gradwise.views.figures.learning_curves({'loss': [1.0]})\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "False"]
