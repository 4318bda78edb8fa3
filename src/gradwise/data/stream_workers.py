"""Worker processes for a feed, by the Grain library."""

from __future__ import annotations

import atexit
import multiprocessing.util  # which has its own clean-up at exit, and must register it before ours
import os
import shutil
import signal
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np

from gradwise.data.stream_feed import Feed, Piece
from gradwise.data.stream_samples import map_arrays
from gradwise.errors import InputError, MissingExtraError, StateError

_SHARED_MEMORY = Path("/dev/shm")
_ENOUGH_SHARED_MEMORY = 1 << 30


class Workers:
    """The pieces of a feed, made ahead by processes that live until `close`.

    Args:
        feed: The pieces.
        workers: How many processes.
        ahead: How many pieces each of them makes ahead.

    Raises:
        MissingExtraError: Grain is not installed.
        InputError: The source or transform cannot be sent to another process.
        StateError: The script has no guard `if __name__ == "__main__":`.
    """

    def __init__(self, feed: Feed, workers: int, ahead: int) -> None:
        # A worker runs the script anew as far as its guard. Without one it would start workers of its own.
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            raise _killed("exit code 1")
        folder = tempfile.mkdtemp(prefix="gradwise-")
        self._held: list[Any] = []
        self._end = weakref.finalize(self, _close, self._held, folder)
        # At exit, before multiprocessing ends the threads that Grain frees shared memory with.
        atexit.register(self._end)
        try:
            self._held.append(_iterator(_Sent(feed, folder), workers, ahead))
        except BaseException:
            self._end()
            raise

    def __iter__(self) -> Iterator[Piece]:
        return self

    def __next__(self) -> Piece:
        if not self._held:
            raise StateError(
                "Loader", expected="running workers", got="closed ones", fix="Begin a new loop over it."
            )
        try:
            values, count, broken, last = next(self._held[0])
        except RuntimeError as error:
            self.close()
            if "terminated unexpectedly" not in str(error):
                raise
            raise _killed(str(error)) from None
        except BaseException:
            self.close()
            raise
        # Copied out of the shared memory, which is then free again, whatever the user does with the batch.
        return Piece(map_arrays(_own, values) if count else None, count, broken, last)

    def close(self) -> None:
        """Ends the processes."""
        self._end()
        atexit.unregister(self._end)


class _Sent:
    """A feed that goes to the workers in a file.

    Python sends what a process begins with through a pipe, and waits for ever if the process dies before it
    has read all of that; a script without a guard is enough. So what goes that way has to be small. Pieces
    are tuples, as Grain looks for arrays in tuples, dicts and lists only.
    """

    def __init__(self, feed: Feed, folder: str) -> None:
        self._length = len(feed)
        self._path = os.path.join(folder, "feed")
        self._feed: Feed | None = None
        _write(feed, self._path)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, number: int) -> tuple[Any, ...]:
        if self._feed is None:
            import cloudpickle  # type: ignore[import-untyped]

            with open(self._path, "rb") as stream:
                self._feed = cast(Feed, cloudpickle.load(stream))
        piece = self._feed[number]
        return piece.values, piece.count, piece.broken, piece.last


def _write(feed: Feed, path: str) -> None:
    try:
        import cloudpickle
        import grain  # type: ignore[import-untyped]  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("Loader(workers=…)", "grain", "stream") from error
    try:
        with open(path, "wb") as stream:
            cloudpickle.dump(feed, stream)
    except Exception as error:
        raise InputError(
            "Loader(workers=…)",
            expected="a source and a transform that can be sent to other processes",
            got=f"{type(error).__name__}: {error}",
            fix="Open files and connections inside __getitem__ or the generator, or use workers=0.",
        ) from error


def _iterator(feed: _Sent, workers: int, ahead: int) -> Any:
    import grain
    from absl import flags  # type: ignore[import-untyped]

    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()  # Grain reads its flags, which only Abseil's own programs parse
    small = 0 if _much_shared_memory() else sys.maxsize
    dataset = grain.MapDataset.source(feed).to_iter_dataset(
        grain.ReadOptions(num_threads=0, prefetch_buffer_size=0)
    )
    options = grain.experimental.DatasetOptions(min_shm_size=small)
    return iter(
        grain.experimental.WithOptionsIterDataset(dataset, options).mp_prefetch(
            grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=ahead),
            worker_init_fn=_begin,
        )
    )


def _much_shared_memory() -> bool:
    """Tells whether arrays may travel in shared memory; containers often have 64 MB of it, and then crash."""
    if not _SHARED_MEMORY.is_dir():
        return True
    return shutil.disk_usage(_SHARED_MEMORY).free >= _ENOUGH_SHARED_MEMORY


def _begin(worker: int, workers: int) -> None:
    """Runs first in each worker."""
    del worker, workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the main process ends it
    if "jax" in sys.modules:
        # A transform that uses JAX must not take the accelerator's memory from the training process.
        sys.modules["jax"].config.update("jax_platforms", "cpu")


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # it was killed, and could not end its workers


def _own(value: Any) -> Any:
    return np.array(value) if isinstance(value, np.ndarray) else value


def _close(held: list[Any], folder: str) -> None:
    while held:
        held.pop().close()
    shutil.rmtree(folder, ignore_errors=True)


def _killed(told: str) -> StateError:
    code = told.split("exit code", 1)[-1].split(".")[0].strip()
    reasons = {
        "-9": "The system kills a process when memory runs out: use fewer workers or smaller batches.",
        "-7": "Shared memory ran out: give the container more (--shm-size), or use fewer workers.",
        "1": "If the training script has no line `if __name__ == '__main__':` around its code, add it.",
    }
    return StateError(
        "Loader",
        expected="workers that live to the end",
        got=f"one that ended with exit code {code}",
        fix=reasons.get(code, "Use workers=0 to see what happens there."),
    )
