"""Callbacks that watch a goal: one optimising metric under satisficing ones."""

import numpy as np
import pytest
from callback_driver import FakeModel, drive

from gradwise import Input, Sequential, layers
from gradwise.callbacks import Callback, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from gradwise.errors import InputError
from gradwise.metrics import Goal

pytestmark = pytest.mark.feature("D4")
GOAL = Goal("val_accuracy", subject_to={"predict_ms": "<= 100"})


def epochs(*pairs):
    return [{"val_accuracy": accuracy, "predict_ms": ms} for accuracy, ms in pairs]


def test_early_stopping_keeps_the_best_epoch_that_is_allowed():
    stopping = EarlyStopping(GOAL, patience=2, restore_best_weights=True)
    model = FakeModel()
    run, count = drive(
        [stopping], epochs((0.95, 1500), (0.90, 80), (0.92, 95), (0.99, 101), (0.91, 90)), model
    )
    assert count == 5
    assert stopping.best_epoch == 2 and stopping.best.value == 0.92 and stopping.best.feasible
    assert model.weight == 3
    assert "max val_accuracy with predict_ms <= 100 has not improved for 2 epochs (best 0.92 in epoch 3)" in (
        run.stop_reason
    )


def test_among_forbidden_epochs_the_nearest_is_best():
    stopping = EarlyStopping(GOAL, patience=9)
    drive([stopping], epochs((0.9, 300), (0.5, 200), (0.99, 250)))
    assert stopping.best_epoch == 1 and not stopping.best.feasible


def test_min_delta_and_baseline_count_for_the_optimising_metric():
    stopping = EarlyStopping(GOAL, patience=2, min_delta=0.05)
    drive([stopping], epochs((0.90, 80), (0.93, 80), (0.96, 80)))
    assert stopping.best_epoch == 2
    logs = epochs((0.90, 80), (0.89, 80), (0.94, 80))
    assert drive([EarlyStopping(GOAL, patience=2, baseline=0.95)], logs)[1] == 2
    assert drive([EarlyStopping(GOAL, patience=2, baseline=0.85)], logs)[1] == 3


def test_nothing_known_is_no_improvement():
    stopping = EarlyStopping(GOAL, patience=2)
    _, count = drive([stopping], epochs((float("nan"), 80), (0.9, float("nan")), (0.5, 80)))
    assert count == 2 and stopping.best is None
    stopping = EarlyStopping(GOAL, patience=3)
    drive([stopping], epochs((0.5, 80), (float("nan"), 80), (0.9, float("nan"))))
    assert stopping.best_epoch == 0


def test_an_epoch_that_measures_only_a_part_does_not_count():
    stopping = EarlyStopping(GOAL, patience=1)
    logs = [*epochs((0.9, 80)), {"val_accuracy": 0.99}, *epochs((0.95, 80))]
    _, count = drive([stopping], logs)
    assert count == 3 and stopping.best_epoch == 2


def test_checkpoint_saves_the_best_that_is_allowed(tmp_path, capsys):
    model = FakeModel()
    checkpoint = ModelCheckpoint(
        tmp_path / "{epoch}.keras", GOAL, save_best_only=True, verbose=1, initial_value_threshold=0.85
    )
    drive([checkpoint], epochs((0.99, 300), (0.8, 80), (0.9, 80), (0.95, 120), (0.92, 95)), model)
    assert [path.rsplit("/", 1)[-1] for path in model.saved] == ["3.keras", "5.keras"]
    assert "val_accuracy with predict_ms <= 100 improved from 0.90000 to 0.92000" in capsys.readouterr().out


def test_the_learning_rate_falls_when_the_goal_stands_still():
    model = FakeModel(0.1)
    lowering = ReduceLROnPlateau(GOAL, factor=0.5, patience=1, min_delta=0)
    drive([lowering], epochs((0.9, 80), (0.95, 200), (0.92, 80)), model)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.05)


def test_a_name_that_nothing_logs_is_refused_before_training():
    for callback in (EarlyStopping(GOAL), ModelCheckpoint("x.keras", GOAL, save_best_only=True)):
        with pytest.raises(InputError, match="expected the name of a logged value, but got 'predict_ms'"):
            drive([callback], [{"val_accuracy": 0.5}])


def test_the_goal_has_the_mode():
    with pytest.raises(
        InputError,
        match="EarlyStopping: expected mode='auto' with a goal that says max itself, but got mode='min'. Give the",
    ):
        EarlyStopping(GOAL, mode="min")


class SlowLater(Callback):
    """Logs a prediction time that grows, as a stand-in for a measurement."""

    def on_train_begin(self, logs=None):
        self.params["metrics"] = [*self.params["metrics"], "predict_ms"]

    def on_epoch_end(self, epoch, logs=None):
        logs["predict_ms"] = 60.0 + 20 * epoch


def test_real_training_ends_with_the_best_allowed_weights(rng):
    x = rng.normal(size=(96, 3)).astype("float32")
    y = x @ np.array([1.0, -2.0, 0.5], "float32")
    model = Sequential([Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    goal = Goal("val_loss", {"predict_ms": "<= 100"})
    stopping = EarlyStopping(goal, patience=5, restore_best_weights=True)
    history = model.fit(
        x, y, epochs=8, validation_data=(x, y), callbacks=[SlowLater(), stopping], verbose=0
    ).history
    assert stopping.best_epoch == 2  # later epochs have a lower loss, but predict too slowly
    assert min(history["val_loss"]) < history["val_loss"][2]
    assert model.evaluate(x, y, verbose=0) == pytest.approx(history["val_loss"][2], rel=1e-4)
