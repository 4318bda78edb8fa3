"""ProgressBar on a pretended terminal, a pipe, and a pretended clock."""

import io
import re

import pytest
from callback_driver import drive, start

from gradwise.callbacks import LambdaCallback, ProgressBar
from gradwise.errors import InputError
from gradwise.training.callbacks.terminal import say

pytestmark = pytest.mark.feature("F2")

SAMPLE = {"accuracy": 0.98123, "loss": 0.0621}


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")


def one_epoch(stream, spans, logs, *, verbose=1, steps=469, epochs=20, epoch=2, **params):
    """Trains one epoch: spans are (seconds from its start, steps done)."""
    clock = Clock()
    bar = ProgressBar(verbose, stream, clock)
    callback_list, _ = start([bar], steps=steps, epochs=epochs, **params)
    callback_list.call("on_epoch_begin", epoch, {})
    for seconds, done in spans:
        clock.now = 100.0 + seconds
        callback_list.span_end(done, SAMPLE)
    callback_list.call("on_epoch_end", epoch, logs)
    return callback_list


def test_a_terminal_shows_the_line_growing():
    stream = Terminal()
    one_epoch(stream, [(0.5, 150), (1.2, 300), (1.8, 469)], {**SAMPLE, "val_loss": 0.07}, samples=60000)
    drawn = stream.getvalue().split("\r\033[K")[1:]
    assert drawn[0] == "Epoch 3/20 ━━━━━━────────────── 150/469  0.5 s  accuracy 0.9812  loss 0.0621"
    assert drawn[1] == "Epoch 3/20 ━━━━━━━━━━━━━─────── 300/469  1.2 s  accuracy 0.9812  loss 0.0621"
    assert drawn[-1] == (
        "Epoch 3/20 ━━━━━━━━━━━━━━━━━━━━ 469/469  1.8 s  33,333 samples/s  accuracy 0.9812  loss 0.0621"
        "  val_loss 0.0700\n"
    )
    assert len(drawn) == 4


def test_drawing_again_is_limited_to_ten_times_a_second():
    stream = Terminal()
    one_epoch(stream, [(step / 1000, step) for step in range(1, 1000)], SAMPLE, steps=1000)
    assert stream.getvalue().count("\r") <= 11


def test_the_time_left_is_told_when_it_is_long():
    stream = Terminal()
    one_epoch(stream, [(8.0, 1), (18.0, 101)], SAMPLE, steps=401)
    assert "  1/401  8.0 s  accuracy" in stream.getvalue()
    assert "101/401  18.0 s  30.0 s left  accuracy" in stream.getvalue()


def test_steps_unknown():
    stream = Terminal()
    one_epoch(stream, [(1.0, 30), (2.0, 60)], SAMPLE, steps=None)
    assert "\033[KEpoch 3/20  30 steps  1.0 s  accuracy" in stream.getvalue()
    assert "60/60  2.0 s  30 steps/s" in stream.getvalue()


@pytest.mark.parametrize("columns", [20, 45, 60, 75, 90])
def test_lines_that_are_drawn_again_never_wrap(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Terminal()
    one_epoch(stream, [(1.0, 100), (2.0, 200)], SAMPLE)
    drawn = stream.getvalue().split("\r\033[K")[1:-1]
    assert len(drawn) == 2
    assert all(len(line) < columns for line in drawn)
    assert drawn[0].startswith("Epoch 3/20")


def test_colours_only_where_wanted(monkeypatch):
    stream = Terminal()
    monkeypatch.delenv("NO_COLOR")
    one_epoch(stream, [(1.0, 100)], SAMPLE)
    assert "\033[32m━━━━\033[90m────────────────\033[0m" in stream.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    one_epoch(stream, [(1.0, 100)], SAMPLE)
    assert "\033[3" not in stream.getvalue()


def test_a_terminal_without_these_characters_gets_others():
    stream = Terminal()
    stream.encoding = "ascii"
    one_epoch(stream, [(1.0, 100)], SAMPLE)
    assert "====----------------" in stream.getvalue()
    stream.getvalue().encode("ascii")


@pytest.mark.parametrize("kind", ["pipe", "dumb", "verbose 2"])
def test_elsewhere_only_the_final_line(monkeypatch, kind):
    if kind == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    stream = io.StringIO() if kind == "pipe" else Terminal()
    one_epoch(stream, [(0.5, 150), (1.8, 469)], SAMPLE, verbose=2 if kind == "verbose 2" else 1)
    assert stream.getvalue() == "Epoch 3/20  469/469  1.8 s  261 steps/s  accuracy 0.9812  loss 0.0621\n"


def test_an_epoch_that_was_stopped_shows_how_far_it_came():
    stream = Terminal()
    one_epoch(stream, [(1.0, 20)], SAMPLE, steps=40, samples=4000)
    last = stream.getvalue().split("\r\033[K")[-1]
    assert last.startswith("Epoch 3/20 ━━━━━━━━━━────────── 20/40  1.0 s  2,000 samples/s")


def run_epochs(stream, count, seconds, *, epochs=None, end=True):
    clock = Clock()
    bar = ProgressBar(1, stream, clock)
    callback_list, _ = start([bar], steps=4, epochs=epochs or count)
    for epoch in range(count):
        callback_list.call("on_epoch_begin", epoch, {})
        clock.now += seconds
        callback_list.span_end(4, {"loss": 1.0})
        callback_list.call("on_epoch_end", epoch, {"loss": 1.0})
    if end:
        callback_list.call("on_train_end", {"loss": 1.0})
    return re.sub("\r|\033\\[K", "", stream.getvalue()).splitlines()


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_thousands_of_tiny_epochs_do_not_flood(stream):
    lines = run_epochs(stream, 3000, 0.001)
    assert lines[0].startswith("Epoch 1/3000")
    assert lines[-2].startswith("Epoch 3000/3000")
    shown = [line for line in lines if line.startswith("Epoch")]
    assert len(shown) == len(lines) - 1 <= 82
    assert (
        lines[-1] == f"{3000 - len(shown):,} of 3,000 epochs are not shown: "
        "after the first 50, at most 10 lines a second are printed."
    )


def test_the_last_epoch_of_a_run_that_was_stopped_is_shown():
    lines = run_epochs(io.StringIO(), 57, 0.001, epochs=1000)
    assert [line.split()[1] for line in lines[:-1]] == [f"{epoch}/1000" for epoch in [*range(1, 51), 57]]
    assert lines[-1].startswith("6 of 57 epochs are not shown")


def test_slow_epochs_are_all_shown():
    lines = run_epochs(io.StringIO(), 30, 0.2)
    assert len(lines) == 30


def test_an_interrupted_line_is_ended():
    stream = Terminal()
    clock = Clock()
    callback_list, _ = start([ProgressBar(1, stream, clock)], steps=10)
    callback_list.call("on_epoch_begin", 0, {})
    clock.now += 1
    callback_list.span_end(5, SAMPLE)
    callback_list.call("on_train_end", {})
    assert stream.getvalue().endswith("0.0621\n")


def test_a_bar_can_be_used_again():
    stream = io.StringIO()
    bar = ProgressBar(2, stream, Clock())
    for _ in range(2):
        drive([bar], [{"loss": 1.0}], epochs=1)
    assert stream.getvalue() == "Epoch 1/1  0.0 ms  loss 1.0000\n" * 2


def test_messages_go_on_a_line_of_their_own(capsys):
    stream = Terminal()
    stream.write("Epoch 1/3 ━━──")
    say("Epoch 1: early stopping", stream)
    assert stream.getvalue() == "Epoch 1/3 ━━──\r\033[KEpoch 1: early stopping\n"
    say("plain")
    assert capsys.readouterr().out == "plain\n"


def test_programs_without_a_console_print_nothing(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    drive([ProgressBar(1), LambdaCallback(on_epoch_end=lambda epoch, logs: say("x"))], [{"loss": 1.0}])


def test_verbose_is_one_or_two():
    with pytest.raises(InputError) as error:
        ProgressBar(3)
    assert str(error.value) == (
        "ProgressBar: expected verbose 1 or 2, but got 3. Pass verbose=0 to fit to print nothing."
    )
