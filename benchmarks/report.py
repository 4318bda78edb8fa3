"""Turns the events of a benchmark run into tables of medians and ratios, in Markdown."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from typing import NamedTuple

from processes import PEERS
from workloads import WORKLOADS

OURS = "Gradwise"
NAMES = [peer.name for peer in PEERS]
KERAS = [name for name in NAMES if name.startswith("Keras")]

Figures = dict[str, dict[str, float]]  # workload -> peer -> median


class Target(NamedTuple):
    """A promise and what came of it."""

    what: str
    wanted: str
    reached: str
    met: bool


def _medians(rows: list[dict], event: str, field: str) -> Figures:
    samples: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["event"] == event and row["measure"] == "train":
            samples[row["workload"]][row["peer"]].append(row[field])
    return {
        workload: {peer: statistics.median(values) for peer, values in by_peer.items()}
        for workload, by_peer in samples.items()
    }


def _duration(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1 or unit == "µs":
            value = seconds * scale
            # Three digits, never an exponent.
            return f"{value:.{max(0, 2 - math.floor(math.log10(max(value, 1e-9))))}f} {unit}"
    raise ValueError(seconds)


def _table(head: list[str], body: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
    lines = [head, ["-" * width for width in widths], *body]
    return "\n".join(
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines
    )


def _cell(value: float | None, ours: float | None) -> str:
    if value is None:
        return "–"
    return _duration(value) + (f" ({value / ours:.2f}×)" if ours else "")


def _best(figures: dict[str, float]) -> tuple[str, float] | None:
    peers = [(name, value) for name, value in figures.items() if name != OURS]
    return min(peers, key=lambda item: item[1]) if peers else None


def _comparison(figures: Figures) -> str:
    """Our time and, in brackets, how many times longer each peer took."""
    body = []
    for workload, by_peer in figures.items():
        ours = by_peer.get(OURS)
        cells = [_cell(by_peer.get(name), ours) for name in NAMES if name != OURS]
        body.append([WORKLOADS[workload].title, _cell(ours, None), *cells])
    return _table(["workload", *NAMES], body)


def _epoch_targets(figures: Figures) -> list[Target]:
    found = []
    for workload, by_peer in figures.items():
        wanted, best = WORKLOADS[workload].target, _best(by_peer)
        if wanted is None or best is None or OURS not in by_peer:
            continue
        ratio = best[1] / by_peer[OURS]
        found.append(
            Target(
                f"epoch, {WORKLOADS[workload].title}",
                f"≥ {wanted:g}× the best peer",
                f"{ratio:.2f}× {best[0]}",
                ratio >= wanted,
            )
        )
    return found


def _start_targets(figures: Figures) -> list[Target]:
    found = []
    for workload, by_peer in figures.items():
        keras = {name: by_peer[name] for name in KERAS if name in by_peer}
        if OURS in by_peer and keras:
            name, seconds = min(keras.items(), key=lambda item: item[1])
            reached = f"{_duration(by_peer[OURS])}, {name} {_duration(seconds)}"
            title = f"start to end of first epoch, {WORKLOADS[workload].title}"
            found.append(Target(title, "faster than every Keras", reached, by_peer[OURS] < seconds))
    return found


def _memory_targets(figures: Figures) -> list[Target]:
    found = []
    for workload, by_peer in figures.items():
        if OURS in by_peer and "Keras-JAX" in by_peer:
            ours, theirs = by_peer[OURS], by_peer["Keras-JAX"]
            reached = f"{ours:.0f} MiB, {theirs:.0f} MiB"
            title = f"peak memory, {WORKLOADS[workload].title}"
            found.append(Target(title, "≤ Keras-JAX", reached, ours <= theirs))
    return found


def _inference_targets(figures: Figures) -> list[Target]:
    found = []
    for workload, by_peer in figures.items():
        if OURS in by_peer and (best := _best(by_peer)):
            ratio = best[1] / by_peer[OURS]
            title = f"prediction of the training set, {WORKLOADS[workload].title}"
            found.append(Target(title, "≥ 1× the best peer", f"{ratio:.2f}× {best[0]}", ratio >= 1))
    return found


def _compile_targets(figures: Figures) -> list[Target]:
    found = []
    for workload, by_peer in figures.items():
        if OURS in by_peer and "Keras-JAX" in by_peer:
            ours, theirs = by_peer[OURS], by_peer["Keras-JAX"]
            title = f"compilation, {WORKLOADS[workload].title}"
            found.append(
                Target(
                    title,
                    "< 2× Keras-JAX's",
                    f"{_duration(ours)}, {_duration(theirs)}",
                    ours < 2 * theirs,
                )
            )
    return found


def _memory(figures: Figures) -> str:
    body = []
    for workload, by_peer in figures.items():
        cells = [f"{by_peer[name]:.0f}" if name in by_peer else "–" for name in NAMES]
        body.append([WORKLOADS[workload].title, *cells])
    return _table(["MiB", *NAMES], body)


def _predictions(rows: list[dict]) -> tuple[str, list[Target]]:
    samples: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in rows:
        if row["event"] == "predicted":
            samples[row["workload"], row["peer"], row["path"]].append(row["microseconds"])
    medians = {key: statistics.median(values) for key, values in samples.items()}
    body = [[WORKLOADS[w].title, peer, path, f"{value:.0f} µs"] for (w, peer, path), value in medians.items()]
    targets = []
    for workload in dict.fromkeys(key[0] for key in medians):
        peers = {f"{p}, {path}": v for (w, p, path), v in medians.items() if w == workload and p != OURS}
        if (ours := medians.get((workload, OURS, "predict"))) and peers:
            name, best = min(peers.items(), key=lambda item: item[1])
            targets.append(
                Target(
                    f"predict one sample, {WORKLOADS[workload].title}",
                    "≥ 5× the best path, or < 100 µs",
                    f"{ours:.0f} µs, {best / ours:.2f}× {name}",
                    ours < 100 or best >= 5 * ours,
                )
            )
    return _table(["workload", "library", "path", "median"], body), targets


def _imports(rows: list[dict]) -> tuple[str, list[Target]]:
    samples: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row["event"] == "imported":
            samples[row["peer"]].append(row["seconds"])
    medians = {name: statistics.median(samples[name]) for name in NAMES if name in samples}
    targets = []
    if OURS in medians:
        targets.append(Target("import", "< 1 s", _duration(medians[OURS]), medians[OURS] < 1))
    return _table(
        ["library", "import"], [[name, _duration(value)] for name, value in medians.items()]
    ), targets


def _steps(epochs: Figures, sizes: dict[str, list[int]]) -> str:
    """The cost of one training step where there is no validation set."""
    if not (by_peer := epochs.get("tiny", {})):
        return ""
    steps = math.ceil(sizes["tiny"][0] / WORKLOADS["tiny"].batch_size)
    return _table(list(by_peer), [[_duration(value / steps) for value in by_peer.values()]])


def _fractions(epochs: Figures, sizes: dict[str, list[int]], rows: list[dict]) -> str:
    """The time that the matrix products alone would take, as a share of each epoch."""
    products: dict[str, dict] = {}  # the fastest round of each workload: what the machine can do at best
    for row in rows:
        if row["event"] == "products":
            old = products.setdefault(row["workload"], row)
            products[row["workload"]] = min(old, row, key=lambda item: item["step_seconds"])
    body = []
    for workload, step in products.items():
        if workload not in epochs:
            continue
        train, validation = sizes[workload]
        batch = WORKLOADS[workload].batch_size
        shortest = (step["step_seconds"] * train + step["forward_seconds"] * validation) / batch
        speed = step["step_operations"] / step["step_seconds"] / 1e9
        by_peer = epochs[workload]
        cells = [f"{shortest / by_peer[name]:.0%}" if name in by_peer else "–" for name in NAMES]
        body.append([WORKLOADS[workload].title, f"{speed:.1f}", *cells])
    return _table(["workload", "GFLOP/s possible", *NAMES], body) if body else ""


def _failures(rows: list[dict]) -> str:
    """The runs that ended early, and those whose network learned nothing."""
    lines = []
    for row in rows:
        # "not <" rather than ">=": a loss that is not a number must show up too.
        if row["event"] == "trained" and not row["losses"][1] < row["losses"][0]:
            reason = f"the loss went from {row['losses'][0]} to {row['losses'][1]}"
        elif row["event"] == "failed":
            reason = row["reason"]
        else:
            continue
        lines.append(f"- {row['workload']} {row['measure']} {row['peer']}, round {row['round']}: {reason}")
    return "\n".join(lines)


def _machine(host: dict) -> str:
    busy = " The machine was busy: take these figures as hints." if host["busy"] else ""
    packages = ", ".join(f"{name} {version}" for name, version in host["packages"].items())
    return (
        f"{host['processor']}, {host['cores']} cores, {host['memory_gib']} GiB, {host['system']}, "
        f"load average {host['load_average_at_start']} at the start. "
        f"Python {host['python']}, {packages}.{busy}"
    )


def render(result: dict) -> str:
    """Returns the whole page."""
    rows = result["rows"]
    epochs = _medians(rows, "trained", "epoch_seconds")
    starts = _medians(rows, "first_epoch", "elapsed")
    memory = _medians(rows, "trained", "memory_mib")
    inference = _medians(rows, "inferred", "seconds")
    compilation = _medians(rows, "compiled", "seconds")
    sizes = {row["workload"]: row["sizes"] for row in rows if row["event"] == "trained"}
    predictions, predict_targets = _predictions(rows)
    imports, import_targets = _imports(rows)
    targets = [
        *_epoch_targets(epochs),
        *_inference_targets(inference),
        *_compile_targets(compilation),
        *_start_targets(starts),
        *predict_targets,
        *import_targets,
        *_memory_targets(memory),
    ]
    summary = _table(
        ["target", "wanted", "reached", "met"],
        [[t.what, t.wanted, t.reached, "yes" if t.met else "NO"] for t in targets],
    )
    sections = [
        ("Targets", summary),
        ("Steady epoch (in brackets: times ours)", _comparison(epochs)),
        (
            "Prediction of the training set (in brackets: times ours)",
            _comparison(inference) if inference else "",
        ),
        ("Compilation: the first epoch less a later one (in brackets: times ours)", _comparison(compilation)),
        ("Process start to end of first epoch (in brackets: times ours)", _comparison(starts)),
        ("One training step of 20-32-1, batch 32", _steps(epochs, sizes)),
        ("Prediction of one sample, NumPy in and out", predictions),
        ("Import", imports),
        ("Peak memory of the training process", _memory(memory)),
        ("Share of the machine's matrix-product speed", _fractions(epochs, sizes, rows)),
        ("Failed runs", _failures(rows)),
    ]
    return "\n".join(
        [
            f"# Benchmarks of {result['date']}",
            "",
            _machine(result["machine"]),
            "",
            f"Medians of {result['rounds']} rounds in {result['minutes']} minutes, with metrics, "
            "validation set and progress bar. What is measured and how: `benchmarks/README.md`.",
            "",
            *(f"## {title}\n\n{text}\n" for title, text in sections if text),
        ]
    )
