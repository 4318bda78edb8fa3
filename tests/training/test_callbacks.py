"""EarlyStopping, the learning rate callbacks, History, TerminateOnNaN: behaviour and messages."""

import math

import numpy as np
import pytest
from callback_driver import FakeModel, drive, start

from gradwise.callbacks import (
    Callback,
    EarlyStopping,
    History,
    LearningRateScheduler,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from gradwise.errors import InputError
from gradwise.metrics.names import direction, other_name
from gradwise.optimizers.schedules import ExponentialDecay
from gradwise.optimizers.sgd import SGD
from gradwise.registry import find
from gradwise.training.callbacks import history as history_module

pytestmark = pytest.mark.feature("F2")


def losses(*values, name="val_loss"):
    return [{"loss": 1.0, name: value} for value in values]


# EarlyStopping --------------------------------------------------------------------------------------


def test_early_stopping_restores_the_best_weights_and_says_why():
    model = FakeModel()
    stopping = EarlyStopping(patience=2, restore_best_weights=True)
    run, count = drive([stopping], losses(3.0, 1.0, 2.0, 1.5, 0.1), model)
    assert count == 4
    assert (stopping.best, stopping.best_epoch, stopping.stopped_epoch) == (1.0, 1, 3)
    assert model.weight == 2.0
    assert model.stop_training
    assert run.stop_reason == "EarlyStopping: val_loss has not improved for 2 epochs (best 1 in epoch 2)"


def test_early_stopping_restores_when_the_run_ends_by_itself():
    model = FakeModel()
    drive([EarlyStopping(patience=9, restore_best_weights=True)], losses(3.0, 1.0, 2.0), model)
    assert model.weight == 2.0


def test_early_stopping_leaves_the_weights_unless_asked():
    model = FakeModel()
    drive([EarlyStopping(patience=1)], losses(1.0, 2.0, 3.0), model)
    assert model.weight == 2.0


def test_warm_up_longer_than_the_run_still_restores_the_best_epoch():
    model = FakeModel()
    stopping = EarlyStopping(restore_best_weights=True, start_from_epoch=10)
    _, count = drive([stopping], losses(3.0, 1.0, 2.0), model)
    assert count == 3
    assert model.weight == 2.0
    assert stopping.best_epoch == 1


def test_warm_up_is_forgotten_once_epochs_count():
    model = FakeModel()
    stopping = EarlyStopping(patience=1, restore_best_weights=True, start_from_epoch=2)
    _, count = drive([stopping], losses(0.1, 0.2, 5.0, 4.0, 6.0, 1.0), model)
    assert count == 5
    assert (stopping.best, stopping.best_epoch) == (4.0, 3)
    assert model.weight == 4.0


def test_second_fit_starts_afresh():
    stopping = EarlyStopping(patience=1, restore_best_weights=True)
    drive([stopping], losses(0.1, 0.2, 0.3))
    model = FakeModel()
    _, count = drive([stopping], losses(9.0, 8.0, 7.0), model)
    assert count == 3
    assert (stopping.best, stopping.best_epoch, stopping.stopped_epoch) == (7.0, 2, 0)
    assert model.weight == 3.0


def test_epochs_without_validation_do_not_count():
    logs = [{"loss": 1.0}, {"loss": 1.0, "val_loss": 2.0}] * 2 + [{"loss": 1.0}] * 3
    _, count = drive([EarlyStopping(patience=2)], logs, names=["loss", "val_loss"])
    assert count == 7


def test_nan_is_never_the_best():
    model = FakeModel()
    stopping = EarlyStopping(patience=3, restore_best_weights=True)
    drive([stopping], losses(math.nan, 2.0, math.nan, 1.5), model)
    assert (stopping.best, stopping.best_epoch) == (1.5, 3)


def test_min_delta_and_baseline():
    _, count = drive([EarlyStopping(patience=1, min_delta=-0.5)], losses(3.0, 2.6, 2.2, 1.0))
    assert count == 2
    run, count = drive([EarlyStopping(patience=2, baseline=0.5)], losses(3.0, 2.0, 2.0, 2.0, 0.1))
    assert count == 3
    assert "on the baseline 0.5" in run.stop_reason


def test_verbose_speaks(capsys):
    drive([EarlyStopping(patience=1, verbose=1, restore_best_weights=True)], losses(1.0, 2.0))
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 2: early stopping (best 1 in epoch 1)",
        "Restoring model weights from the end of the best epoch: 1",
    ]


@pytest.mark.parametrize("monitor", ["val_acc", "val_accuracy"])
@pytest.mark.parametrize("logged", ["val_acc", "val_accuracy"])
def test_acc_and_accuracy_are_one_name(monitor, logged):
    _, count = drive([EarlyStopping(monitor, patience=1)], losses(0.5, 0.7, 0.6, 0.9, name=logged))
    assert count == 3


def test_misspelt_monitor_is_refused_before_training():
    with pytest.raises(InputError) as error:
        start([EarlyStopping("val_accuracc")], names=["loss", "accuracy", "val_loss", "val_accuracy"])
    assert str(error.value).startswith(
        "EarlyStopping: expected the name of a logged value, but got 'val_accuracc'. Did you mean 'val_accuracy'"
    )


def test_monitor_without_validation_data_is_explained():
    with pytest.raises(InputError) as error:
        start([EarlyStopping("val_acc")], names=["loss", "accuracy"])
    assert str(error.value) == (
        "EarlyStopping: expected validation data, to watch 'val_acc', but got a run without any. "
        "Pass validation_data or validation_split to fit, or watch 'accuracy'."
    )


def test_direction_is_not_guessed():
    with pytest.raises(InputError, match=r"whether more is better, but got mode='auto'. Pass mode='min' or"):
        start([EarlyStopping("val_quality")], names=["loss", "val_quality"])
    start([EarlyStopping("val_quality", mode="max")], names=["loss", "val_quality"])


def test_announced_names_may_be_watched():
    class AddsF1(Callback):
        def on_train_begin(self, logs=None):
            self.params["metrics"] = [*self.params["metrics"], "val_f1"]

        def on_epoch_end(self, epoch, logs=None):
            logs["val_f1"] = -float(epoch)

    _, count = drive([AddsF1(), EarlyStopping("val_f1", patience=1)], losses(1.0, 1.0, 1.0))
    assert count == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "maximum"}, "EarlyStopping: expected mode 'auto', 'min' or 'max', but got 'maximum'"),
        ({"patience": -1}, "expected patience as a whole number of at least 0, but got -1"),
        ({"patience": 2.5}, "expected patience as a whole number"),
        ({"start_from_epoch": True}, "expected start_from_epoch as a whole number"),
        ({"min_delta": math.nan}, "EarlyStopping: expected min_delta as a number"),
        ({"baseline": "low"}, "EarlyStopping: expected baseline as a number"),
        ({"monitor": None}, "EarlyStopping: expected monitor as the name of a logged value, but got None"),
    ],
)
def test_early_stopping_refuses(settings, message):
    with pytest.raises(InputError) as error:
        EarlyStopping(**settings)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("loss", "min"), ("head_loss", "min"), ("val_mean_squared_error", "min"), ("mae", "min"),
        ("accuracy", "max"), ("val_acc", "max"), ("binary_accuracy", "max"), ("top_k_categorical_accuracy", "max"),
        ("auc_2", "max"), ("val_f1", "max"), ("f1_score", "max"), ("precision_1", "max"), ("recall", "max"),
        ("val_r2", "max"), ("r2_score", "max"), ("mean_io_u", "max"), ("false_positives", "min"),
        ("categorical_crossentropy", "min"), ("kl_divergence", "min"), ("precision_at_recall", "max"),
    ],
)  # fmt: skip
def test_directions(name, expected):
    assert direction("here", name) == expected


@pytest.mark.parametrize("name", ["vacc", "metric", "aucx", "lossy", "score"])
def test_names_without_a_direction(name):
    with pytest.raises(InputError, match="Pass mode"):
        direction("here", name)


def test_other_names():
    assert other_name("val_head_acc") == "val_head_accuracy"
    assert other_name("val_mean_absolute_error") == "val_mae"
    assert other_name("val_loss") is None


# The learning rate ----------------------------------------------------------------------------------


def rates_of(callbacks, count=4, learning_rate=0.1):
    history = History()
    drive([*callbacks, history], losses(*[1.0] * count), FakeModel(learning_rate))
    return history.history["learning_rate"]


def test_scheduler_sets_and_logs_each_epoch():
    assert rates_of([LearningRateScheduler(lambda epoch: 0.5**epoch)]) == [1.0, 0.5, 0.25, 0.125]
    assert rates_of([LearningRateScheduler(lambda epoch, lr: lr * 0.5)], 3, 1.0) == [0.5, 0.25, 0.125]
    assert rates_of([LearningRateScheduler(lambda epoch: np.float32(0.5))], 1) == [0.5]


def test_scheduler_leaves_a_schedules_own_settings_alone():
    def step_decay(epoch, drop=0.5):
        return drop**epoch

    def from_rate(epoch, learning_rate=None):
        return learning_rate / 2

    assert rates_of([LearningRateScheduler(step_decay)], 2) == [1.0, 0.5]
    assert rates_of([LearningRateScheduler(from_rate)], 2, 1.0) == [0.5, 0.25]


@pytest.mark.parametrize("result", [None, math.nan, math.inf, -0.1, "0.1", True])
def test_scheduler_refuses_what_is_no_rate(result):
    with pytest.raises(
        InputError, match=r"LearningRateScheduler, epoch 1: expected what schedule returns as a"
    ):
        rates_of([LearningRateScheduler(lambda epoch: result)])


def test_an_error_within_the_schedule_is_not_swallowed():
    def broken(epoch, learning_rate):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        rates_of([LearningRateScheduler(broken)])


def test_scheduler_wants_a_function():
    with pytest.raises(InputError, match="a constant rate is a setting of the optimizer"):
        LearningRateScheduler(0.1)


@pytest.mark.parametrize(
    "make", [lambda: LearningRateScheduler(lambda epoch: 0.1), lambda: ReduceLROnPlateau("loss")]
)
def test_an_optimizer_with_a_schedule_is_refused_at_the_start(make):
    model = FakeModel()
    model.optimizer = SGD(ExponentialDecay(0.1, 100, 0.9))
    with pytest.raises(InputError, match="but got one that follows ExponentialDecay. Drop this callback"):
        start([make()], model)


def test_plateau_lowers_waits_and_keeps_the_least():
    plateau = ReduceLROnPlateau(factor=0.1, patience=2, cooldown=1, min_lr=0.005, min_delta=0)
    assert rates_of([plateau], 9) == pytest.approx([0.1] * 3 + [0.01] * 2 + [0.005] * 4)


def test_plateau_speaks_and_starts_afresh(capsys):
    plateau = ReduceLROnPlateau("loss", patience=1, verbose=1)
    drive([plateau], [{"loss": 1.0}] * 2)
    assert capsys.readouterr().out == "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.01\n"
    drive([plateau], [{"loss": 5.0}, {"loss": 4.0}])
    assert plateau.best == 4.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"factor": 1.0}, "expected factor as a number of at least 0 and below 1, but got 1.0"),
        ({"factor": -0.1}, "expected factor as a number"),
        ({"patience": -1}, "expected patience as a whole number"),
        ({"cooldown": 0.5}, "expected cooldown as a whole number"),
        ({"min_lr": -1}, "expected min_lr as a number of at least 0"),
    ],
)
def test_plateau_refuses(settings, message):
    with pytest.raises(InputError) as error:
        ReduceLROnPlateau(**settings)
    assert "ReduceLROnPlateau: " + message in str(error.value)


# TerminateOnNaN -------------------------------------------------------------------------------------


def test_terminates_within_an_epoch(capsys):
    model = FakeModel()
    callback_list, run = start([TerminateOnNaN()], model)
    callback_list.call("on_epoch_begin", 2, {})
    callback_list.span_end(10, {"loss": 1.0})
    assert run.stop_reason is None
    callback_list.span_end(20, {"loss": math.nan})
    callback_list.call("on_epoch_end", 2, {"loss": math.nan})
    assert run.stop_reason == "TerminateOnNaN: the loss became nan in epoch 3, by step 20"
    assert model.stop_training
    assert capsys.readouterr().out == run.stop_reason + "\n"


def test_terminates_after_an_epoch_and_again_in_the_next_fit():
    callback = TerminateOnNaN()
    for _ in range(2):
        run, count = drive([callback], [{"loss": 1.0}, {"loss": math.inf}, {"loss": 1.0}])
        assert count == 2
        assert run.stop_reason == "TerminateOnNaN: the loss became inf in epoch 2"


# History --------------------------------------------------------------------------------------------


def test_history_records_and_finds_the_other_name():
    history = History()
    drive([history], [{"loss": 2.0, "accuracy": 0.5}, {"loss": 1.0, "accuracy": 0.75}], first=3)
    assert history.history == {"loss": [2.0, 1.0], "accuracy": [0.5, 0.75]}
    assert history.history["acc"] == [0.5, 0.75]
    assert history.epoch == [3, 4]
    assert history.params["epochs"] == 2
    with pytest.raises(KeyError):
        history.history["val_acc"]
    drive([history], [{"loss": 2.0}])
    assert (history.history, history.epoch) == ({"loss": [2.0]}, [0])


def test_history_keeps_both_names_apart_when_both_are_logged():
    history = History()
    drive([history], [{"accuracy": 0.5, "acc": 0.25}])
    assert history.history == {"accuracy": [0.5], "acc": [0.25]}


def test_history_plot_draws_through_the_registry(tmp_path):
    pytest.importorskip("gradwise.views.figures")
    try:
        find("figures", "learning_curves", "here")
    except InputError:
        pytest.skip("no view is registered for learning curves")
    history = History()
    drive([history], losses(3.0, 2.0, 1.0))
    figure = history.plot(tmp_path / "plots" / "curves.png", best_epoch=3)
    assert figure.axes
    assert (tmp_path / "plots" / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_history_plot_passes_epochs_counted_from_one(monkeypatch):
    seen = []
    monkeypatch.setattr(history_module, "find", lambda *names: lambda *drawn: seen.append((names[:2], drawn)))
    history = History()
    drive([history], losses(3.0, 2.0), first=4)
    history.plot()
    assert seen == [(("figures", "learning_curves"), (history.history, [5, 6], None))]
