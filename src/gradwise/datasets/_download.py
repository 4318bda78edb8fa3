"""Downloads a published file: resumed where it broke off, verified, and put in place whole or not at all."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from gradwise.datasets._official import Source
from gradwise.errors import FileError
from gradwise.version import __version__

_TRIES = 4
_SILENCE = 30.0  # seconds without a byte after which a try is given up
_CHUNK = 2**18


class _BrokenOffError(Exception):
    """The server sent less than it had announced."""


def download(name: str, source: Source, folder: Path) -> Path:
    """Fetches a file into a folder, unless another process has just done so.

    What has come is kept in NAME.part, also when the process is killed, and the next call goes on from there.
    Only a complete file with the right hash gets its name.

    Args:
        name: The file's name in the folder.
        source: Where it is published, and its hash.
        folder: Where it is put; made if need be.

    Returns:
        The file's path.

    Raises:
        FileError: There is no connection, the server has no such file, or what came has another hash. The
            message says where to get the file, and where to put it.
    """
    target, part = folder / name, folder / f"{name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f"{name}.lock"):
            if not target.is_file():
                _complete(name, source, part, target)
                os.replace(part, target)
    except OSError as error:
        raise refusal(name, source, target, f"{type(error).__name__}: {error}") from error
    return target


def _complete(name: str, source: Source, part: Path, target: Path) -> None:
    """Brings the part to the whole file."""
    found = _hash(part, source) if part.exists() else ""
    for _ in range(2):  # what was there before may have belonged to another file: then all of it once more
        if found == source.sha256:
            return
        _fetch(name, source, part, target)
        found = _hash(part, source)
        if found != source.sha256:
            part.unlink()
    if found != source.sha256:
        raise refusal(name, source, target, f"a file with SHA-256 {found}")


def _fetch(name: str, source: Source, part: Path, target: Path) -> None:
    for number in range(_TRIES):
        try:
            return _append(name, source, part)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and part.exists():  # more is there than the server has
                part.unlink()
                continue
            if error.code < 500 or number == _TRIES - 1:
                raise refusal(name, source, target, f"the answer {error.code} {error.reason}") from error
        except urllib.error.URLError as error:
            raise refusal(name, source, target, f"no connection ({error.reason})") from error
        except (TimeoutError, ConnectionError, http.client.HTTPException, _BrokenOffError) as error:
            if number == _TRIES - 1:
                told = str(error) or type(error).__name__
                raise refusal(name, source, target, f"a connection that broke off ({told})") from error
        time.sleep(0.2 * 2**number)
    return None


def _append(name: str, source: Source, part: Path) -> None:
    """Adds to the part what is missing of it."""
    start = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": f"gradwise/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(source.address, headers=headers)
    with urllib.request.urlopen(request, timeout=_SILENCE) as answer, part.open("ab") as file:
        if answer.status != 206 or not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            file.truncate(0)  # the server sends everything
            start = 0
        announced = answer.headers.get("Content-Length")
        total = start + int(announced) if announced else None
        size = start
        with _Progress(name, total) as progress:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                size += len(chunk)
                progress(size)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and size < total:
        raise _BrokenOffError(f"{size} of {total} bytes came")


class _Progress:
    """A line on a terminal that tells how far a download is; elsewhere one line in all."""

    def __init__(self, name: str, total: int | None) -> None:
        self.name, self.total = name, total
        self._live = sys.stderr.isatty()
        self._told = 0.0

    def __enter__(self) -> _Progress:
        if not self._live:
            sys.stderr.write(f"Downloading {self.name}{self._size(self.total)}\n")
        return self

    def __call__(self, size: int) -> None:
        if self._live and time.monotonic() - self._told > 0.1:
            self._told = time.monotonic()
            self._show(size)

    def __exit__(self, kind: Any, *_: Any) -> None:
        if self._live:
            if kind is None and self.total:
                self._show(self.total)
            sys.stderr.write("\n")

    def _show(self, size: int) -> None:
        share = f" {size / self.total:4.0%} of" if self.total else ""
        sys.stderr.write(f"\rDownloading {self.name}{share}{self._size(self.total or size)} ")
        sys.stderr.flush()

    @staticmethod
    def _size(count: int | None) -> str:
        return "" if count is None else f" {count / 1e6:.1f} MB"


def _hash(path: Path, source: Source) -> str:
    digest = hashlib.sha256()
    try:
        with gzip.open(path) if source.unpacked else path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except (OSError, EOFError) as error:
        return f"unknown ({error})"
    return digest.hexdigest()


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Waits until no other process is in this context with the same file; a killed one has left it."""
    with path.open("ab") as file:
        _lock(file)
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        while True:
            with contextlib.suppress(OSError):  # gives up after ten seconds
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                return

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)


def refusal(name: str, source: Source, target: Path, got: str) -> FileError:
    """Builds the error of a download that failed.

    Args:
        name: The file's name.
        source: Where it is published.
        target: Where it was to be put.
        got: What came instead.

    Returns:
        The error, ready to be raised.
    """
    kind = "its content with " if source.unpacked else ""
    return FileError(
        f"download of '{name}'",
        expected=f"the file at {source.address} ({kind}SHA-256 {source.sha256})",
        got=got,
        fix=f"Get it by other means and put it at '{target}', or into the folder that GRADWISE_DATA names.",
    )
