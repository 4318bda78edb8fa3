"""The zip around a model: written in one piece or not at all, checked before anything is read."""

from __future__ import annotations

import json
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from gradwise.errors import FileError

FORMAT = 1
_MEMBERS = ("metadata.json", "config.json", "extras.json", "weights.safetensors")
_TYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}
# What damaged bytes bring up in the readers of zip and JSON; text that is nested too deep among them.
_DAMAGE = (
    ValueError,
    KeyError,
    EOFError,
    OSError,
    RuntimeError,
    RecursionError,
    NotImplementedError,
    struct.error,
    zlib.error,
)
_JSON_LIMIT = 64 * 2**20  # bytes; a configuration has kilobytes


def write(
    path: str | os.PathLike[str],
    *,
    metadata: Mapping[str, Any],
    config: Any,
    extras: Any,
    arrays: Mapping[str, np.ndarray],
    overwrite: bool = True,
) -> None:
    """Writes an archive: a temporary file in the same folder takes the old file's place when it is whole.

    Args:
        path: The file.
        metadata: Format number, library version and the like.
        config: The architecture and training settings as JSON.
        extras: Further JSON: preprocessing, class names.
        arrays: The weights by place.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        FileError: The folder is missing or cannot be written to, or the file is there already.
    """
    import safetensors.numpy

    target = Path(path)
    if not target.parent.is_dir():
        raise FileError(
            f"save to '{target}'", expected="an existing folder", got="none", fix="Create it first."
        )
    if target.is_dir() or (target.exists() and not overwrite):
        got = "a folder" if target.is_dir() else "a file that is there already"
        raise FileError(
            f"save to '{target}'", expected="a new file name", got=got, fix="Choose another name."
        )
    weights = safetensors.numpy.save({name: np.asarray(array, order="C") for name, array in arrays.items()})
    texts = {"metadata.json": metadata, "config.json": config, "extras.json": extras}
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    except OSError as error:
        raise FileError(
            f"save to '{target}'",
            expected="a folder that can be written to",
            got=error.strerror or str(error),
            fix="Choose another folder, or change its permissions.",
        ) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                for name, value in texts.items():
                    _put(archive, name, json.dumps(value, ensure_ascii=False, indent=1).encode())
                _put(archive, "weights.safetensors", weights)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], Any, Any, dict[str, np.ndarray]]:
    """Reads an archive after checking its members and sizes.

    Args:
        path: The file.

    Returns:
        metadata, config, extras and the arrays by place.

    Raises:
        FileError: The file is missing, damaged, not the library's, or of a newer format.
    """
    import safetensors

    target = Path(path)
    if not target.is_file():
        raise FileError(
            f"load '{target}'", expected="a model file", got="no such file", fix="Check the path."
        )
    try:
        with zipfile.ZipFile(target) as archive:
            _check_members(archive, target)
            metadata = json.loads(archive.read("metadata.json"))
            _check_format(metadata, target)
            config = json.loads(archive.read("config.json"))
            extras = json.loads(archive.read("extras.json"))
            arrays = _arrays(archive.read("weights.safetensors"))
    except (zipfile.BadZipFile, safetensors.SafetensorError, *_DAMAGE) as error:
        raise _damaged(target, str(error)) from error
    return metadata, config, extras, arrays


def _arrays(content: bytes) -> dict[str, np.ndarray]:
    """Reads the arrays; the library's own reader to NumPy knows no bfloat16."""
    import safetensors

    entries: list[tuple[str, dict[str, Any]]] = safetensors.deserialize(content)  # type: ignore[no-untyped-call]
    return {
        name: np.frombuffer(entry["data"], jnp.dtype(_TYPES[entry["dtype"]])).reshape(entry["shape"])
        for name, entry in entries
    }


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    # A fixed date: the same model gives the same bytes.
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    archive.writestr(info, content)


def _check_members(archive: zipfile.ZipFile, target: Path) -> None:
    infos = archive.infolist()
    if sorted(info.filename for info in infos) != sorted(_MEMBERS):
        names = ", ".join(info.filename for info in infos[:8])
        raise FileError(
            f"load '{target}'",
            expected=f"a model file with {', '.join(_MEMBERS)}",
            got=f"an archive with {names}",
            fix="Pass a file that model.save wrote.",
        )
    for info in infos:
        stored = info.compress_type == zipfile.ZIP_STORED and info.file_size == info.compress_size
        if not stored or info.file_size > target.stat().st_size:
            raise _damaged(target, f"'{info.filename}' is compressed or claims a wrong size")
        if info.filename.endswith(".json") and info.file_size > _JSON_LIMIT:
            raise _damaged(target, f"'{info.filename}' has {info.file_size} bytes")


def _check_format(metadata: Any, target: Path) -> None:
    number = metadata.get("format") if isinstance(metadata, dict) else None
    if not isinstance(number, int) or number < 1:
        raise _damaged(target, "no format number")
    if number > FORMAT:
        raise FileError(
            f"load '{target}'",
            expected=f"a file of format {FORMAT} or older",
            got=f"format {number}, written by gradwise {metadata.get('gradwise')}",
            fix="Update gradwise.",
        )


def _damaged(target: Path, what: str) -> FileError:
    return FileError(
        f"load '{target}'", expected="a whole model file", got=what, fix="Save or copy it again."
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
