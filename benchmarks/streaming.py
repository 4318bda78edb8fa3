"""Training from files against training from memory: speed on the plain convnet, and memory on a huge file.

    python benchmarks/streaming.py speed            # memory, .npy file, Loader, JPEG files; medians of rounds
    python benchmarks/streaming.py memory --gib 20  # one epoch over a file of 20 GiB, and the peak memory

Everything lies in a temporary folder (`--folder` chooses where), which is removed at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIZE, CLASSES = 64, 10
BATCH = 32


def write_images(folder: Path, count: int) -> None:
    """Writes smooth noise, which makes JPEG files of a usual size, as files and as an array."""
    from PIL import Image

    random = np.random.default_rng(0)
    images = np.empty((count, SIZE, SIZE, 3), np.uint8)
    for place in range(count):
        small = Image.fromarray(random.integers(0, 256, (16, 16, 3), np.uint8))
        images[place] = np.asarray(small.resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    labels = random.integers(0, CLASSES, count).astype(np.int32)
    np.save(folder / "x.npy", images)
    np.save(folder / "y.npy", labels)
    for label in range(CLASSES):
        (folder / "jpeg" / str(label)).mkdir(parents=True)
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(image).save(folder / "jpeg" / str(label) / f"{place:06d}.jpg", quality=90)


def convnet():
    from networks import plain_convnet

    import gradwise as gw

    inner = plain_convnet(gw, SIZE)
    model = gw.Sequential([gw.layers.Input((SIZE, SIZE, 3)), gw.layers.Rescaling(1 / 255), *inner.layers])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def source_of(kind: str, folder: Path):
    """The data in one of the forms that are compared."""
    from gradwise.data import ImageFolder, Loader, file_arrays

    if kind == "memory":
        return np.load(folder / "x.npy"), np.load(folder / "y.npy")
    if kind == "file":
        file_arrays._LARGE = 1  # read from the file however small it is
        return np.load(folder / "x.npy", mmap_mode="r"), np.load(folder / "y.npy")
    if kind == "loader":
        arrays = np.load(folder / "x.npy", mmap_mode="r"), np.load(folder / "y.npy", mmap_mode="r")
        return Loader(arrays, BATCH, seed=0), None
    return Loader(ImageFolder(folder / "jpeg", (SIZE, SIZE)), BATCH, seed=0, workers=int(kind[-1])), None


def one_run(kind: str, folder: Path, epochs: int) -> None:
    """Trains and prints the seconds of the epochs after the first, and how long was waited for data."""
    x, y = source_of(kind, folder)
    model = convnet()
    options = {"batch_size": BATCH, "verbose": 0}
    model.fit(x, y, epochs=1, **options)
    began = time.perf_counter()
    history = model.fit(x, y, epochs=epochs, **options)
    seconds = (time.perf_counter() - began) / epochs
    waited = statistics.mean(history.input_bound) if history.input_bound else 0.0
    print(json.dumps({"kind": kind, "epoch": seconds, "waited": waited}))


def speed(folder: Path, count: int, rounds: int) -> None:
    write_images(folder, count)
    kinds = ("memory", "file", "loader", "jpeg0", "jpeg1", "jpeg2")
    found: dict[str, list[dict]] = {kind: [] for kind in kinds}
    for turn in range(rounds):
        for kind in kinds[turn % len(kinds) :] + kinds[: turn % len(kinds)]:
            command = [sys.executable, __file__, "run", kind, "--folder", str(folder)]
            answer = subprocess.run(command, capture_output=True, text=True, check=True)
            found[kind].append(json.loads(answer.stdout.splitlines()[-1]))
            print(found[kind][-1], flush=True)
    base = statistics.median(run["epoch"] for run in found["memory"])
    print(f"\nplain convnet, {count} images of {SIZE} x {SIZE}, batch {BATCH}, medians of {rounds} rounds")
    for kind, runs in found.items():
        epoch = statistics.median(run["epoch"] for run in runs)
        waited = statistics.median(run["waited"] for run in runs)
        print(f"{kind:8} {count / epoch:8.0f} images/s  {base / epoch:5.0%} of memory  waited {waited:4.0%}")


def resident() -> float:
    """The largest resident size of this process so far, in GiB; `getrusage` would count the parent's, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**20


def memory(folder: Path, gib: float, features: int) -> None:
    rows = int(gib * 2**30) // (4 * features)
    path = folder / "huge.npy"
    huge = np.lib.format.open_memmap(path, "w+", np.float32, (rows, features))
    random = np.random.default_rng(0)
    block = random.standard_normal((4096, features)).astype(np.float32)
    for start in range(0, rows, len(block)):
        huge[start : start + len(block)] = block[: rows - start]
    huge.flush()
    del huge
    command = [sys.executable, __file__, "epoch", str(path), "--folder", str(folder)]
    subprocess.run(command, check=True)


def one_epoch(path: Path) -> None:
    import gradwise as gw

    x = np.load(path, mmap_mode="r")
    y = np.tile(np.arange(8, dtype=np.int32) % 2, -(-len(x) // 8))[: len(x)]
    model = gw.Sequential(
        [gw.layers.Input((x.shape[1],)), gw.layers.Dense(16, activation="relu"), gw.layers.Dense(2)]
    )
    model.compile("sgd", gw.losses.SparseCategoricalCrossentropy(from_logits=True))
    print(f"{x.nbytes / 2**30:.1f} GiB in {len(x):,} rows; {resident():.2f} GiB resident before", flush=True)
    began = time.perf_counter()
    history = model.fit(x, y, batch_size=512, verbose=2)
    seconds = time.perf_counter() - began
    print(
        f"one shuffled epoch: {seconds:.0f} s, {x.nbytes / 2**30 / seconds:.2f} GiB/s, "
        f"waited {history.input_bound[0]:.0%}, at most {resident():.2f} GiB resident"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("speed", "memory", "run", "epoch"))
    parser.add_argument("item", nargs="?")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--gib", type=float, default=20)
    parser.add_argument("--features", type=int, default=3072)
    given = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))
    if given.what == "run":
        return one_run(given.item, given.folder, epochs=2)
    if given.what == "epoch":
        return one_epoch(Path(given.item))
    folder = Path(tempfile.mkdtemp(dir=given.folder))
    try:
        if given.what == "speed":
            speed(folder, given.count, given.rounds)
        else:
            memory(folder, given.gib, given.features)
    finally:
        shutil.rmtree(folder)
        os.sync()


if __name__ == "__main__":
    main()
