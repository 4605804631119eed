"""TensorFlow checkpoints (tensor bundle version 2) as numpy arrays, without TensorFlow.

A checkpoint `P` is `P.index`, a sorted table of variable name -> BundleEntryProto, and shards
`P.data-00000-of-0000N` with the raw little-endian bytes of each variable. Object-based checkpoints (TensorFlow 2, names
end in `/.ATTRIBUTES/VARIABLE_VALUE`) and name-based ones (TensorFlow 1 savers) differ only in the names. Text and the
object graph are left out: nothing of a checkpoint is ever executed.
"""

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from lcjax.crc32c import masked_crc32c
from lcjax.errors import WeightsError
from lcjax.pretrained.sstable import TABLE_END, table_entries, varint

ATTRIBUTE = "/.ATTRIBUTES/VARIABLE_VALUE"
"""What object-based checkpoints add to the path of a variable."""

_MAX_INDEX_BYTES = 256 << 20
_TEXT = 7
_DTYPES: dict[int, Any] = {
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    4: np.dtype("u1"),
    5: np.dtype("<i2"),
    6: np.dtype("i1"),
    9: np.dtype("<i8"),
    10: np.dtype("?"),
    14: np.dtype(ml_dtypes.bfloat16),
    17: np.dtype("<u2"),
    19: np.dtype("<f2"),
    22: np.dtype("<u4"),
    23: np.dtype("<u8"),
}


@dataclass(frozen=True)
class Variable:
    """Where and what a variable of a checkpoint is."""

    name: str
    dtype: int
    """TensorFlow's number of the type."""
    shape: tuple[int, ...]
    shard: int = 0
    offset: int = 0
    size: int = 0
    """Bytes."""
    crc: int = 0
    sliced: bool = field(default=False)
    """Saved in pieces (a partitioned variable of TensorFlow 1)."""


def read_checkpoint(path: Path | str) -> dict[str, np.ndarray]:
    """Every numeric variable of a checkpoint, in name order, checksums verified.

    Args:
      path: a prefix (`.../weights`), its `.index` file, or a folder that holds one checkpoint.

    Returns:
      name -> array; names of object-based checkpoints come without `/.ATTRIBUTES/VARIABLE_VALUE`. Text variables, the
      object graph among them, are left out.

    Raises:
      WeightsError: no checkpoint there, or a file that is missing, truncated or changed.
    """
    prefix = find_prefix(Path(path))
    shards, variables = read_index(prefix)
    arrays: dict[str, np.ndarray] = {}
    numeric = [v for v in variables if v.dtype != _TEXT]
    for shard in sorted({v.shard for v in numeric}):
        file = Path(f"{prefix}.data-{shard:05d}-of-{shards:05d}")
        mine = sorted((v for v in numeric if v.shard == shard), key=lambda v: v.offset)
        try:
            with open(file, "rb") as data:
                size = file.stat().st_size
                for variable in mine:
                    arrays[variable.name] = _read_variable(data, size, variable, file)
        except OSError as error:
            raise WeightsError(
                f"'{file}' of the checkpoint cannot be read ({error.strerror}): copy or download it again"
            ) from error
    return {v.name.removesuffix(ATTRIBUTE): arrays[v.name] for v in numeric}


def find_prefix(path: Path) -> Path:
    """The prefix of the checkpoint that `path` means.

    Raises:
      WeightsError: there is none, or a folder holds several and does not say which.
    """
    if path.suffix == ".index" and path.is_file():
        return path.with_suffix("")
    if Path(f"{path}.index").is_file():
        return path
    _refuse_first_format(path)
    if not path.is_dir():
        raise WeightsError(f"there is no checkpoint at '{path}': give its folder, or its path without '.index'")
    named = _named_in_state_file(path)
    if named and Path(f"{named}.index").is_file():
        return named
    if named:
        _refuse_first_format(named)
    found = sorted(path.glob("*.index")) or sorted(path.glob("*/*.index"))
    if not found:
        raise WeightsError(f"folder '{path}' holds no TensorFlow checkpoint: no file there ends in '.index'")
    if len(found) > 1:
        names = ", ".join(str(f.with_suffix("").relative_to(path)) for f in found[:4])
        raise WeightsError(f"folder '{path}' holds {len(found)} checkpoints ({names}): give one of them by its prefix")
    return found[0].with_suffix("")


def _refuse_first_format(file: Path) -> None:
    """Checkpoints of before 2016 are one table that holds the arrays too."""
    try:
        with open(file, "rb") as data:
            data.seek(-len(TABLE_END), os.SEEK_END)
            found = data.read() == TABLE_END
    except OSError:
        return
    if found:
        raise WeightsError(
            f"'{file}' is a checkpoint of TensorFlow's first format, which cannot be read: restore it in TensorFlow and "
            "save it again with tf.compat.v1.train.Saver(), which writes '.index' and '.data' files"
        )


def _named_in_state_file(folder: Path) -> Path | None:
    """The newest checkpoint in the text file `checkpoint`; of its path only the last part counts."""
    try:
        text = (folder / "checkpoint").read_bytes()[:65536].decode(errors="replace")
    except OSError:
        return None
    match = re.search(r'^model_checkpoint_path:\s*"([^"]+)"', text, re.MULTILINE)
    return folder / match.group(1).replace("\\", "/").rsplit("/", 1)[-1] if match else None


def read_index(prefix: Path) -> tuple[int, list[Variable]]:
    """Number of shards and the variables of a checkpoint, in name order.

    Raises:
      WeightsError: the index is missing, too large, damaged, or of a kind this reader does not know.
    """
    file = Path(f"{prefix}.index")
    try:
        if file.stat().st_size > _MAX_INDEX_BYTES:
            raise WeightsError(f"'{file}' is larger than any checkpoint index: is it the right file?")
        data = file.read_bytes()
    except OSError as error:
        raise WeightsError(f"checkpoint index '{file}' cannot be read ({error.strerror})") from error
    shards, variables = None, []
    for key, value in table_entries(data, str(file)):
        try:
            if not key:
                shards = _header(value)
            elif not key.startswith(b"\x00"):  # such keys are the pieces of sliced variables
                variables.append(_entry(key.decode(), value))
        except (ValueError, TypeError, UnicodeDecodeError) as error:
            raise WeightsError(f"checkpoint index '{file}' is damaged at entry {key[:80]!r}: {error}") from error
    if shards is None:
        raise WeightsError(f"checkpoint index '{file}' has no header entry: copy or download it again")
    lost = next((v for v in variables if v.shard >= shards), None)
    if lost:
        raise WeightsError(f"checkpoint index '{file}' is damaged: '{lost.name}' is in shard {lost.shard} of {shards}")
    return shards, variables


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(field number, value) of a protobuf message: int for numbers, bytes for the rest."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
            yield tag >> 3, value
            continue
        if kind == 2:
            size, at = varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"unknown field type {kind}")
        if at + size > len(data):
            raise ValueError("a field goes past the end")
        piece = data[at : at + size]
        yield tag >> 3, piece if kind == 2 else int.from_bytes(piece, "little")
        at += size


def _header(data: bytes) -> int:
    values = dict(_fields(data))
    if values.get(2, 0) != 0:
        raise ValueError("it was written on a big-endian machine")
    shards = values.get(1, 0)
    if not isinstance(shards, int) or not 1 <= shards <= 99_999:
        raise ValueError(f"it promises {shards} shards")
    return shards


def _entry(name: str, data: bytes) -> Variable:
    values: dict[int, Any] = {}
    sliced = False
    for number, value in _fields(data):
        sliced |= number == 7
        values[number] = value
    sizes = []
    for number, dim in _fields(values.get(2, b"")):
        if number == 2:
            sizes.append(dict(_fields(dim)).get(1, 0))
    if any(size >= 1 << 40 for size in sizes):
        raise ValueError(f"impossible shape {sizes}")
    integers = [values.get(i, 0) for i in (1, 3, 4, 5, 6)]
    if not all(isinstance(v, int) for v in integers):
        raise ValueError("a number is missing")
    dtype, shard, offset, size, crc = integers
    return Variable(name, dtype, tuple(sizes), shard, offset, size, crc, sliced)


def _read_variable(data: BinaryIO, file_size: int, variable: Variable, file: Path) -> np.ndarray:
    where = f"variable '{variable.name.removesuffix(ATTRIBUTE)}' in '{file}'"
    if variable.sliced:
        raise WeightsError(f"{where} was saved in pieces (a partitioned variable), which cannot be read: save it whole")
    dtype = _DTYPES.get(variable.dtype)
    if dtype is None:
        raise WeightsError(f"{where} has a type this reader does not know (TensorFlow type {variable.dtype})")
    if math.prod(variable.shape) * dtype.itemsize != variable.size:
        raise WeightsError(f"{where} has {variable.size} bytes, which do not fit its shape {variable.shape}")
    if variable.offset + variable.size > file_size:
        raise WeightsError(
            f"{where} ends at byte {variable.offset + variable.size}, and the file is cut short after {file_size}: copy "
            "or download it again"
        )
    data.seek(variable.offset)
    content = data.read(variable.size)
    if masked_crc32c(content) != variable.crc:
        raise WeightsError(f"{where} has changed since it was written (wrong checksum): copy or download it again")
    array = np.frombuffer(content, dtype).reshape(variable.shape)
    return array.astype(dtype.newbyteorder("=")) if dtype.byteorder == "<" else array.copy()
