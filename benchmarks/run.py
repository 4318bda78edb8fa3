"""Measures this library and its peers side by side and writes the table of ratios.

Every round runs each peer once on a workload, each in a process of its own and in turn, so that a slow
minute of the machine hits all of them alike; the tables show medians over the rounds.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import machine
from processes import FOLDER, PEERS, run_peer
from report import render
from workloads import LADDER, WORKLOADS, Workload, missing_files

PREDICTED = ("mnist", "boston16")  # workloads of the one-sample predictions


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="at least so much steady training per run")
    parser.add_argument("--limit", type=float, default=240.0, help="stop a process after so many seconds")
    parser.add_argument("--quick", action="store_true", help="one round, shorter, written nowhere")
    parser.add_argument("--only", nargs="+", choices=list(WORKLOADS), help="these workloads, written nowhere")
    parser.add_argument("--ladder", action="store_true", help="one convnet in many sizes, written nowhere")
    parser.add_argument("--peers", nargs="+", help="these libraries, written nowhere")
    parser.add_argument("--out", type=Path, help="folder for the tables; default benchmarks/results")
    options = parser.parse_args()
    names = [peer.name for peer in PEERS]
    if unknown := set(options.peers or ()) - set(names):
        parser.error(f"unknown {', '.join(sorted(unknown))}; --peers takes {', '.join(names)}")
    if missing := missing_files():
        parser.error(f"set GRADWISE_DATA to the folder that holds {', '.join(missing)}")
    if options.quick:
        options.rounds, options.seconds = 1, 0.3
    if options.out is None and not (options.quick or options.only or options.peers or options.ladder):
        options.out = FOLDER / "results"
    return options


def _measure(options: argparse.Namespace) -> list[dict]:
    """The events of all runs, one row each."""
    names = options.only or [name for name in WORKLOADS if (name in LADDER) == options.ladder]
    training = [(name, "train") for name in names]
    # Each prediction is a median of many calls already: one round of them is enough.
    predicting = [(name, "predict") for name in PREDICTED if name in names]
    peers = [peer for peer in PEERS if not options.peers or peer.name in options.peers]
    rows = []
    for number in range(options.rounds):
        rows += _products(number + 1)
        # The order turns from round to round: nobody always runs after the same neighbour.
        order = peers[number % len(peers) :] + peers[: number % len(peers)]
        for workload, measure in training + (predicting if number == 0 else []):
            for peer in order:
                has_none = peer.name == "sklearn" and not _only_dense(WORKLOADS[workload])
                if has_none or (peer.slow and number % 3 == 2):
                    continue
                place = {"round": number + 1, "workload": workload, "measure": measure, "peer": peer.name}
                print(*place.values(), file=sys.stderr)
                events = run_peer(peer, workload, measure, options.seconds, options.limit)
                rows += [place | event for event in events]
    return rows


def _only_dense(workload: Workload) -> bool:
    return workload.network is None and all(layer[0] == "dense" for layer in workload.layers)


def _products(number: int) -> list[dict]:
    """What the machine itself can do at the matrix products of each dense network."""
    print(number, "matrix products", file=sys.stderr)
    answer = json.loads(subprocess.check_output([sys.executable, str(FOLDER / "matmul.py")]))
    place = {"event": "products", "measure": "products", "round": number}
    return [place | {"workload": workload} | figures for workload, figures in answer.items()]


def _replace(path: Path, text: str) -> None:
    """Writes the whole file or leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(path.suffix + ".new")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def main() -> None:
    options = _arguments()
    host = machine.describe()
    started = datetime.datetime.now()
    result = {
        "date": started.date().isoformat(),
        "machine": host,
        "rounds": options.rounds,
        "rows": _measure(options),
    }
    result["minutes"] = round((datetime.datetime.now() - started).total_seconds() / 60, 1)
    processor = re.sub(r"\W+", "-", str(host["processor"]).lower().replace("(r)", "")).strip("-")
    stem = f"{result['date']}-{processor}-{host['cores']}-cores"
    if options.out:
        _replace(options.out / f"{stem}.json", json.dumps(result, indent=1) + "\n")
    text = render(result)
    print(text)
    if options.out:
        _replace(options.out / f"{stem}.md", text)
        print(f"written to {options.out / stem}.md and .json", file=sys.stderr)


if __name__ == "__main__":
    main()
