"""Worker processes: the same batches, errors that arrive, and no process left behind."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from gradwise.data import Loader
from gradwise.data.broken import BrokenSample
from gradwise.errors import InputError, MissingExtraError, StateError

pytest.importorskip("grain")
pytestmark = pytest.mark.feature("A6")

N = 53
X = np.arange(N * 2, dtype=np.float32).reshape(N, 2)
Y = np.arange(N)


def pairs():
    return zip(X, Y, strict=True)


def noisy(sample, rng):
    return sample[0] + rng.normal(size=2), sample[1]


def same(ours, theirs):
    assert len(ours) == len(theirs)
    for batch, other in zip(ours, theirs, strict=True):
        for a, b in zip(batch, other, strict=True):
            assert type(a) is np.ndarray and a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("source", [(X, Y), list(pairs()), pairs], ids=["arrays", "items", "generator"])
def test_workers_give_the_same_batches_and_go_on_from_anywhere(source):
    settings = {"batch_size": 8, "seed": 3, "window": 20, "transform": noisy}
    alone = Loader(source, **settings)
    epochs, states = [[], []], []
    for epoch in epochs:
        for batch in alone:
            epoch.append(batch)
            states.append(alone.state())
    with Loader(source, workers=2, **settings) as loader:
        loader.restore(json.loads(json.dumps(states[2])))
        rest = []
        for place, batch in enumerate(loader, start=3):
            rest.append(batch)
            assert loader.state() == states[place]
        same(rest, epochs[0][3:])
        pids = {process.pid for process in multiprocessing.active_children()}
        same(list(loader), epochs[1])
        assert {process.pid for process in multiprocessing.active_children()} == pids  # they stay
        assert len(pids) == 2 and loader.state() == alone.state()
    gone(pids)


def gone(pids):
    deadline = time.monotonic() + 5
    while any(running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert pids and not any(running(pid) for pid in pids)


def running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as status:
        return status.read().rsplit(")", 1)[1].split()[0] != "Z"


class Troubled:
    """Sample 5 is broken, sample 30 raises."""

    def __len__(self):
        return N

    def __getitem__(self, index):
        if index == 5:
            raise BrokenSample("5.png", "no image")
        if index == 30:
            raise KeyError("label of 30")
        return X[index], Y[index]


def test_errors_arrive_with_the_sample_and_broken_ones_are_skipped():
    loader = Loader(Troubled(), 8, shuffle=False, workers=1)
    rows = []
    with pytest.raises(
        InputError, match=r"Loader, sample 30: .* got KeyError: 'label of 30' \(.*, line \d+\)"
    ):
        for _, y in loader:
            rows += y.tolist()
    assert rows == [row for row in range(24) if row != 5] or rows == [row for row in range(17) if row != 5]
    assert loader.state()["broken"] in (0, 1)
    assert not multiprocessing.active_children()


def pid_of(sample):
    return np.int64(os.getpid())


def test_a_killed_worker_ends_in_an_error():
    loader = Loader(np.arange(10_000), 1, workers=2, transform=pid_of, shuffle=False)
    with pytest.raises(
        StateError, match=r"got one that ended with exit code -9. The system kills a process when mem"
    ):
        for (pid,) in loader:
            os.kill(int(pid[0]), signal.SIGKILL)
    assert not multiprocessing.active_children()


def test_what_cannot_be_sent_is_refused(tmp_path):
    with open(tmp_path / "file", "w") as stream:
        loader = Loader((X, Y), workers=1, transform=lambda sample: (stream, sample)[1])
        with pytest.raises(
            InputError, match="that can be sent to other processes, but got PicklingError: Cannot pickle"
        ):
            next(iter(loader))


def test_without_grain_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "grain", None)
    with pytest.raises(MissingExtraError, match=r"the package 'grain'.* pip install 'gradwise\[stream\]'"):
        next(iter(Loader((X, Y), workers=1)))
    assert len(list(Loader((X, Y)))) == 2


def test_small_shared_memory_is_not_used_and_leaving_early_ends_the_workers(monkeypatch):
    from gradwise.data import stream_workers

    monkeypatch.setattr(stream_workers, "_ENOUGH_SHARED_MEMORY", 1 << 60)
    loader = Loader((X, Y), 8, seed=0, workers=1)
    same([next(iter(loader))], list(Loader((X, Y), 8, seed=0))[:1])
    assert not multiprocessing.active_children()


SCRIPT = """
import os, sys, time
import numpy as np
from gradwise.data import Loader

def main():
    global loader  # still there at exit
    loader = Loader(np.arange(400), 4, workers=1, transform=lambda sample: np.int64(os.getpid()))
    for number, batch in enumerate(loader):
        if number == 2:
            print(batch[0][0], flush=True)
            {body}

if __name__ == "__main__":
    main()
"""


def script(path, body):
    path.write_text(textwrap.dedent(SCRIPT).format(body=body))
    return subprocess.Popen(
        [sys.executable, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_scripts_without_a_guard_are_told(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.format(body="pass").replace('if __name__ == "__main__":', "if True:"))
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "has no line `if __name__ == '__main__':` around its code, add it." in done.stderr.splitlines()[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_no_process_is_left_behind(tmp_path):
    endings = {"interrupt": "time.sleep(60)", "error": "raise ValueError('mine')", "end": "pass"}
    started = {name: script(tmp_path / f"{name}.py", body) for name, body in endings.items()}
    for name, process in started.items():
        pid = int(process.stdout.readline() or process.stderr.read())
        if name == "interrupt":
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
        _, told = process.communicate(timeout=60)
        gone({pid})
        code, last = {
            "interrupt": (-signal.SIGINT, "KeyboardInterrupt"),
            "error": (1, "ValueError: mine"),
            "end": (0, ""),
        }[name]
        assert process.returncode == code and told.strip().endswith(last), told
        assert "leaked" not in told and "ignored" not in told and told.count("Traceback") == (name != "end")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_end_with_a_killed_parent(tmp_path):
    process = script(tmp_path / "killed.py", "time.sleep(60)")
    pid = int(process.stdout.readline() or process.stderr.read())
    process.kill()
    process.communicate(timeout=60)
    gone({pid})
