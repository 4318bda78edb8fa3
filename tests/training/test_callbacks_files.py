"""ModelCheckpoint, CSVLogger, TensorBoard and LambdaCallback."""

import copy
import csv
import math
import sys
import types

import numpy as np
import pytest
from callback_driver import FakeModel, drive, start

from gradwise.callbacks import Callback, CSVLogger, LambdaCallback, ModelCheckpoint, TensorBoard
from gradwise.errors import InputError, MissingExtraError

pytestmark = pytest.mark.feature("F2")


def losses(*values):
    return [{"loss": 1.0, "val_loss": value, "val_accuracy": 0.5} for value in values]


# ModelCheckpoint ------------------------------------------------------------------------------------


def test_checkpoint_names_files_by_epoch_and_logs(tmp_path):
    model = FakeModel()
    pattern = tmp_path / "runs" / "{epoch:02d}-{val_loss:.2f}-{val_acc:.1f}.keras"
    drive([ModelCheckpoint(pattern)], losses(3.0, 1.234), model)
    folder = tmp_path / "runs"
    assert model.saved == [str(folder / "01-3.00-0.5.keras"), str(folder / "02-1.23-0.5.keras")]
    assert folder.is_dir()


def test_checkpoint_makes_folders_named_by_the_epoch(tmp_path):
    drive([ModelCheckpoint(tmp_path / "{epoch}" / "model.keras")], losses(3.0, 1.0))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]


def test_checkpoint_saves_only_the_best(tmp_path, capsys):
    model = FakeModel()
    path = str(tmp_path / "best{epoch}.keras")
    checkpoint = ModelCheckpoint(path, save_best_only=True, save_weights_only=True, verbose=1)
    drive([checkpoint], losses(3.0, math.nan, 2.0, 2.5), model)
    assert model.saved == [f"weights:{tmp_path}/best1.keras", f"weights:{tmp_path}/best3.keras"]
    assert checkpoint.best == 2.0
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 1: val_loss improved to 3.00000",
        f"Epoch 1: saving weights to {tmp_path}/best1.keras",
        "Epoch 2: val_loss did not improve from 3.00000",
        "Epoch 3: val_loss improved from 3.00000 to 2.00000",
        f"Epoch 3: saving weights to {tmp_path}/best3.keras",
        "Epoch 4: val_loss did not improve from 2.00000",
    ]


def test_checkpoint_remembers_its_best_for_the_same_model_only(tmp_path):
    model, other = FakeModel(), FakeModel()
    checkpoint = ModelCheckpoint(tmp_path / "best", save_best_only=True, initial_value_threshold=5.0)
    drive([checkpoint], losses(6.0, 2.0), model)
    drive([checkpoint], losses(3.0, 2.5), model)
    assert len(model.saved) == 1
    drive([checkpoint], losses(3.0), other)
    assert len(other.saved) == 1


def test_checkpoint_skips_epochs_it_cannot_judge(tmp_path):
    model = FakeModel()
    logs = [{"loss": 1.0}, {"loss": 1.0, "val_loss": 2.0}]
    drive([ModelCheckpoint(tmp_path / "{epoch}-{val_loss}", save_best_only=True)], logs, model)
    assert model.saved == [f"{tmp_path}/2-2.0"]
    drive([ModelCheckpoint(tmp_path / "{epoch}-{val_loss:.1f}")], logs, model)
    assert model.saved[1:] == [f"{tmp_path}/1-nan", f"{tmp_path}/2-2.0"]


def test_checkpoint_by_steps_counts_over_epochs(tmp_path):
    model = FakeModel()
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}-{batch}-{loss}", save_freq=3)
    assert isinstance(checkpoint, ModelCheckpoint)
    callback_list, _ = start([checkpoint], model, ["loss", "val_loss"])
    assert callback_list.acts_between_steps() == "ModelCheckpoint"
    for epoch in range(2):
        callback_list.call("on_epoch_begin", epoch, {})
        for step in range(4):
            callback_list.step_end(step, {"loss": 0.5})
        callback_list.call("on_epoch_end", epoch, {"loss": 0.5})
    assert model.saved == [f"{tmp_path}/1-3-0.5", f"{tmp_path}/2-2-0.5"]


def test_checkpoint_by_epochs_does_not_slow_training_down(tmp_path):
    callback_list, _ = start([ModelCheckpoint(tmp_path / "model")])
    assert callback_list.acts_between_steps() is None
    assert callback_list.per_step == []


def test_checkpoint_by_steps_can_be_derived_from_and_copied(tmp_path):
    class Mine(ModelCheckpoint):
        pass

    checkpoint = copy.deepcopy(Mine(tmp_path / "{batch}", save_freq=1))
    assert isinstance(checkpoint, Mine)
    model = FakeModel()
    callback_list, _ = start([checkpoint], model)
    callback_list.step_end(0, {"loss": 0.5})
    assert model.saved == [f"{tmp_path}/1"]


@pytest.mark.parametrize(
    ("settings", "names", "message"),
    [
        ({"filepath": "{val_los:.2f}"}, ["loss", "val_loss"], "got 'val_los'. Did you mean 'val_loss'"),
        ({"filepath": "{val_loss}"}, ["loss"], "expected validation data, to watch 'val_loss'"),
        ({"filepath": "{batch}"}, ["loss"], "expected the name of a logged value, but got 'batch'"),
        ({"filepath": "{}"}, ["loss"], "expected the name of a logged value, but got ''"),
        ({"filepath": "{loss:zz}"}, ["loss"], "expected a filepath with fields such as {epoch:02d}"),
        (
            {"save_best_only": True},
            ["loss"],
            "Pass validation_data or validation_split to fit, or watch 'loss'.",
        ),
        ({"save_best_only": True, "monitor": "x"}, ["loss", "x"], "expected a direction for 'x'"),
        ({"save_best_only": True, "save_freq": 2}, ["loss", "val_loss"], "expected validation data"),
    ],
)
def test_checkpoint_refuses_before_training(tmp_path, settings, names, message):
    settings = {**settings, "filepath": tmp_path / settings.get("filepath", "model.keras")}
    with pytest.raises(InputError) as error:
        start([ModelCheckpoint(**settings)], names=names)
    assert message in str(error.value)
    assert "ModelCheckpoint" in str(error.value)


def test_checkpoint_refuses_bad_settings():
    with pytest.raises(InputError, match=r"\(Single '}' encountered in format string\)"):
        ModelCheckpoint("model}")
    with pytest.raises(
        InputError, match="save_freq other than 'epoch' as a whole number of at least 1, but got 'batch'"
    ):
        ModelCheckpoint("model", save_freq="batch")


def test_checkpoint_refuses_folders_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="expected a file in a folder that can be written to"):
        start([ModelCheckpoint(tmp_path / "file" / "model.keras")])
    with pytest.raises(InputError, match="it is a folder, not a file"):
        start([ModelCheckpoint(tmp_path)])


# CSVLogger ------------------------------------------------------------------------------------------


def rows_of(path, **settings):
    with open(path, newline="") as file:
        return list(csv.reader(file, **settings))


def test_csv_has_a_line_per_epoch(tmp_path):
    path = tmp_path / "new" / "log.csv"
    logs = [{"loss": 2.0, "accuracy": 0.5}, {"loss": 1.0, "accuracy": 0.75, "val_loss": 1.5}]
    drive([CSVLogger(path, separator=";")], logs, names=["loss", "accuracy", "val_loss"])
    assert rows_of(path, delimiter=";") == [
        ["epoch", "accuracy", "loss", "val_loss"],
        ["0", "0.5", "2.0", "NA"],
        ["1", "0.75", "1.0", "1.5"],
    ]


def test_csv_appends_to_its_columns_or_replaces(tmp_path):
    path = tmp_path / "log.csv"
    drive([CSVLogger(path)], [{"loss": 2.0, "accuracy": 0.5}])
    drive([CSVLogger(path, append=True)], [{"loss": 1.0}], first=1)
    assert rows_of(path) == [["epoch", "accuracy", "loss"], ["0", "0.5", "2.0"], ["1", "NA", "1.0"]]
    with pytest.raises(InputError) as error:
        drive([CSVLogger(path, append=True)], [{"loss": 1.0, "auc": 0.5}])
    assert "expected a file with columns for auc, but got the columns epoch, accuracy, loss." in str(
        error.value
    )
    drive([CSVLogger(path)], [{"loss": 1.0}])
    assert rows_of(path) == [["epoch", "loss"], ["0", "1.0"]]


def test_csv_refuses(tmp_path):
    with pytest.raises(InputError, match="expected one character as separator, but got ', '"):
        CSVLogger("log.csv", separator=", ")
    with pytest.raises(InputError, match="expected a file that can be written"):
        start([CSVLogger(tmp_path)])


# LambdaCallback -------------------------------------------------------------------------------------


def test_lambda_calls_by_position_at_every_moment():
    seen = []
    callback = LambdaCallback(
        on_epoch_begin=lambda epoch, information: seen.append(("begin", epoch)),
        on_epoch_end=lambda epoch, information: seen.append(("end", epoch, information["loss"])),
        on_train_begin=lambda information: seen.append("train"),
        on_train_end=lambda information: seen.append("done"),
    )
    drive([callback], [{"loss": 2.0}])
    assert seen == ["train", ("begin", 0), ("end", 0, 2.0), "done"]
    assert start([callback])[0].per_step == []


@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_batch_end"])
def test_lambda_for_steps(hook):
    seen = []
    callback = LambdaCallback(**{hook: lambda batch, logs: seen.append((batch, logs["loss"]))})
    callback_list, _ = start([callback])
    assert callback_list.acts_between_steps() == "LambdaCallback"
    callback_list.step_end(7, {"loss": 0.5})
    assert seen == [(7, 0.5)]
    reading = LambdaCallback(**{hook: print}, reads_only_logs=True)
    callback_list, _ = start([reading])
    assert callback_list.acts_between_steps() is None
    assert callback_list.per_step == [reading]


def test_lambda_refuses():
    with pytest.raises(
        InputError, match="LambdaCallback: expected the name of a hook, but got 'on_epoch_ends'. Did you"
    ):
        LambdaCallback(on_epoch_ends=print)
    with pytest.raises(
        InputError, match="expected a function as on_epoch_end, but got 3. Pass the function itself"
    ):
        LambdaCallback(on_epoch_end=3)


def test_each_lambda_callback_is_its_own():
    first, second = LambdaCallback(on_epoch_end=print), LambdaCallback()
    assert type(second).on_epoch_end is Callback.on_epoch_end
    assert type(first).__name__ == type(second).__name__ == "LambdaCallback"
    assert isinstance(first, LambdaCallback)


# TensorBoard ----------------------------------------------------------------------------------------


class Writer:
    made: dict = {}

    def __init__(self, logdir):
        self.values = []
        self.histograms = []
        self.closed = False
        Writer.made[logdir] = self

    def add_scalar(self, tag, value, step):
        self.values.append((tag, value, step))

    def add_histogram(self, tag, values, step):
        self.histograms.append((tag, values.shape, step))

    def flush(self):
        pass

    def close(self):
        self.closed = True


def test_tensorboard_separates_training_and_validation(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", types.SimpleNamespace(SummaryWriter=Writer))
    Writer.made = {}
    model = FakeModel()
    variable = types.SimpleNamespace(numpy=lambda: np.zeros((2, 3)))
    model.named_variables = lambda: {"dense/kernel": variable}
    callback = TensorBoard(tmp_path, histogram_freq=2)
    drive([callback], [{"loss": 2.0, "val_loss": 3.0}, {"loss": 1.0}, {"loss": 0.5}], model)
    train, validation = Writer.made[str(tmp_path / "train")], Writer.made[str(tmp_path / "validation")]
    assert train.values == [("epoch_loss", 2.0, 0), ("epoch_loss", 1.0, 1), ("epoch_loss", 0.5, 2)]
    assert validation.values == [("epoch_loss", 3.0, 0)]
    assert train.histograms == [("dense/kernel", (2, 3), 0), ("dense/kernel", (2, 3), 2)]
    assert train.closed and validation.closed


def test_tensorboard_writes_event_files(tmp_path):
    pytest.importorskip("tensorboardX")
    drive([TensorBoard(tmp_path)], [{"loss": 2.0, "val_loss": 3.0}])
    for part in ("train", "validation"):
        (file,) = (tmp_path / part).glob("events.out.tfevents.*")
        assert b"epoch_loss" in file.read_bytes()


def test_tensorboard_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingExtraError) as error:
        start([TensorBoard()])
    assert str(error.value) == (
        "TensorBoard: expected the package 'tensorboardX', but got no such package installed. "
        "Install it with: pip install 'gradwise[tensorboard]'."
    )


def test_tensorboard_refuses():
    with pytest.raises(InputError, match="TensorBoard: expected log_dir as a folder, but got 3"):
        TensorBoard(3)
    with pytest.raises(InputError, match="expected histogram_freq as a whole number of at least 0"):
        TensorBoard(histogram_freq=-1)
