"""Runs one peer in a process of its own, on a terminal of its own, and gathers what it reports."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent
MARK = "@bench "


class Peer(NamedTuple):
    """A library to be measured: its name in the tables, its script, the Keras engine, if it is Keras, and
    whether it takes so long to start that every third round goes without it."""

    name: str
    script: str
    backend: str | None = None
    slow: bool = False


PEERS = (
    Peer("Gradwise", "run_gradwise.py"),
    Peer("Keras-JAX", "run_keras.py", "jax"),
    Peer("Keras-TF", "run_keras.py", "tensorflow", slow=True),
    Peer("Keras-torch", "run_keras.py", "torch", slow=True),
    Peer("PyTorch", "run_torch.py"),
    Peer("sklearn", "run_sklearn.py"),
)


def run_peer(peer: Peer, workload: str, measure: str, seconds: float, limit: float) -> list[dict]:
    """Returns the events of one run, each with the seconds from the start of the process until it came.

    A run that fails, or takes longer than `limit` seconds, ends with an event "failed".
    """
    environment = os.environ | {
        "BENCHMARK_SECONDS": str(seconds),
        "TERM": "xterm-256color",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    if peer.backend:
        environment["KERAS_BACKEND"] = peer.backend
    # A terminal, not a pipe: progress bars show what a user at a terminal would see.
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    command = [sys.executable, str(FOLDER / "peers" / peer.script), workload, measure]
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    events, last_lines = _read_events(ours, process, start, limit)
    os.close(ours)
    if process.wait() != 0:
        events.append({"event": "failed", "reason": " | ".join(last_lines)})
    return events


def _read_events(terminal: int, process: subprocess.Popen, start: float, limit: float) -> tuple[list, list]:
    events: list[dict] = []
    last_lines: list[str] = []
    pending = b""
    while True:
        left = start + limit - time.perf_counter()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            os.killpg(process.pid, signal.SIGKILL)
            return events, [f"stopped after {limit:g} s"]
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux' way to say that the other end is closed
            chunk = b""
        if not chunk:
            return events, last_lines
        now = time.perf_counter() - start
        *lines, pending = (pending + chunk).split(b"\n")
        for line in (raw.decode(errors="replace").strip() for raw in lines):
            if line.startswith(MARK):
                events.append(json.loads(line[len(MARK) :]) | {"elapsed": now})
            elif line:
                last_lines = [*last_lines[-2:], line]
