"""State dictionaries of PyTorch (`.pth`, `.pt`), read without PyTorch and without executing anything.

Two layouts are known: the zip archive of today, and the one stream of pickles before PyTorch 1.6. Both are pickles, which in
general are programs. This reader is no unpickler: `pickle_values` follows the few instructions that dictionaries, lists,
numbers and texts are written with, and of all that a pickle may call it knows those names that rebuild a tensor. Anything
else is refused by its name. Sizes are bounded by the bytes that are there.
"""

import math
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lcjax.errors import WeightsError
from lcjax.pretrained.pickle_values import Call, PickleError, Reference, read_pickle

_MAX_BYTES = 4 << 30
_MAX_PICKLE = 64 << 20
_DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}
_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_START = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
_NESTS = ("state_dict", "model_state_dict", "model")
"""Names under which training scripts keep the weights among other things."""


@dataclass(frozen=True)
class _Storage:
    """Numbers in the file."""

    dtype: str
    key: str
    count: int


def read_state_dict(source: Path | str) -> dict[str, np.ndarray]:
    """Name -> array of a state dictionary, or of the one that a checkpoint holds.

    Raises:
      WeightsError: not such a file, damaged, or a pickle that does more than hold arrays.
    """
    source = Path(source)
    try:
        size = source.stat().st_size
        if size > _MAX_BYTES:
            raise WeightsError(f"'{source}' has {size:,} bytes, more than any weights of ours: is it the right file?")
        with open(source, "rb") as file:
            start = file.read(len(_LEGACY_START))
        read = _read_zip if start[:2] == b"PK" else _read_legacy if start == _LEGACY_START else None
        if read is None:
            raise WeightsError(
                f"'{source}' is no file of PyTorch weights (neither a zip archive nor the older form): give a .pth file or a "
                ".safetensors file"
            )
        return _named_arrays(read(source), source)
    except OSError as error:
        raise WeightsError(f"'{source}' cannot be read ({error.strerror or error})") from error
    except PickleError as error:
        raise WeightsError(
            f"'{source}' is refused, nothing of it was executed: {error}; save the state dictionary alone with "
            "torch.save(model.state_dict(), ...) or as .safetensors"
        ) from error


# --- the zip archive
def _read_zip(source: Path) -> tuple[Any, dict[str, np.ndarray]]:
    try:
        with zipfile.ZipFile(source) as archive:
            names = [name for name in archive.namelist() if name.split("/")[-1] == "data.pkl"]
            if len(names) != 1:
                raise WeightsError(f"'{source}' is a zip archive without PyTorch weights in it (no data.pkl)")
            root = names[0].removesuffix("data.pkl")
            if f"{root}byteorder" in archive.namelist() and _member(archive, f"{root}byteorder", 16) != b"little":
                raise WeightsError(f"'{source}' was written on a big-endian machine: save it on another one")
            tree = read_pickle(_member(archive, names[0], _MAX_PICKLE), storage_of)
            content = {}
            for storage in _storages(tree):
                data = _member(archive, f"{root}data/{storage.key}", _MAX_BYTES)
                content[storage.key] = _numbers(data, storage, source)
            return tree, content
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise WeightsError(f"'{source}' is no sound archive ({error}): copy or download it again") from error


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    info = archive.getinfo(name)
    # Stored as it is, so that a small file cannot unpack to a large one.
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > limit:
        raise zipfile.BadZipFile(f"'{name}' is packed or too large, as PyTorch never writes it")
    return archive.read(info)


# --- the stream of pickles
def _read_legacy(source: Path) -> tuple[Any, dict[str, np.ndarray]]:
    """Magic number, version, machine, the dictionary, keys of the storages, then each with its count before it."""
    data = source.read_bytes()
    at, parts = 0, []
    for _ in range(5):
        value, at = read_pickle(data, storage_of, at, with_end=True)
        parts.append(value)
    if parts[0] != _MAGIC or not isinstance(parts[4], list):
        raise PickleError("it is not in the form that PyTorch wrote before version 1.6")
    wanted = {storage.key: storage for storage in _storages(parts[3])}
    content = {}
    for key in parts[4]:
        storage = wanted.get(key) if isinstance(key, str) else None
        if storage is None or at + 8 > len(data):
            raise PickleError(f"its list of storages does not fit ('{str(key)[:40]}')")
        (count,) = struct.unpack_from("<q", data, at)
        end = at + 8 + count * _size(storage.dtype)
        if count < 0 or end > len(data):
            raise PickleError("it is cut short")
        content[key] = _numbers(data[at + 8 : end], storage, source)
        at = end
    return parts[3], content


# --- what both hold
def storage_of(pid: Any) -> _Storage:
    """A storage from its persistent id: ('storage', class, key, device, count)."""
    fits = isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage"
    if not fits or not isinstance(pid[1], Reference) or not isinstance(pid[2], str) or not isinstance(pid[4], int):
        raise PickleError("it refers to something that is no array")
    if pid[1].module not in ("torch", "torch.storage") or pid[1].name not in _DTYPES:
        raise PickleError(f"it holds numbers of a type that is not known ('{pid[1]}')")
    return _Storage(_DTYPES[pid[1].name], pid[2], pid[4])


def _size(dtype: str) -> int:
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def _numbers(data: bytes, storage: _Storage, source: Path) -> np.ndarray:
    if len(data) != storage.count * _size(storage.dtype):
        raise WeightsError(f"'{source}' is damaged: storage '{storage.key}' has {len(data)} bytes, not those promised")
    if storage.dtype == "bfloat16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    return np.frombuffer(data, storage.dtype)


def _storages(tree: Any) -> list[_Storage]:
    found: dict[str, _Storage] = {}
    for tensor in _tensors(tree).values():
        storage = tensor.arguments[0]
        if found.setdefault(storage.key, storage) != storage:
            raise PickleError(f"its storage '{storage.key}' is of two types")
    return list(found.values())


def _tensors(tree: Any) -> dict[str, Call]:
    """The state dictionary: name -> the call that rebuilds a tensor; other things beside the tensors are left out."""
    for name in _NESTS:
        if isinstance(tree, dict) and isinstance(tree.get(name), dict):
            tree = tree[name]
    if not isinstance(tree, dict):
        raise PickleError("it holds no dictionary of arrays")
    found = {}
    for name, value in tree.items():
        while isinstance(value, Call) and value.function.name == "_rebuild_parameter" and value.arguments:
            value = value.arguments[0]
        if isinstance(name, str) and isinstance(value, Call) and value.function.name == "_rebuild_tensor_v2":
            if len(value.arguments) < 4 or not isinstance(value.arguments[0], _Storage):
                raise PickleError(f"its array '{name}' is not described as PyTorch does it")
            found[name] = value
    if not found:
        raise PickleError("it holds no dictionary of arrays")
    return found


def _named_arrays(read: tuple[Any, dict[str, np.ndarray]], source: Path) -> dict[str, np.ndarray]:
    tree, content = read
    arrays = {}
    for name, tensor in _tensors(tree).items():
        storage, offset, shape, strides = tensor.arguments[:4]
        numbers = content.get(storage.key)
        whole = lambda values: isinstance(values, tuple) and all(isinstance(n, int) and n >= 0 for n in values)
        if numbers is None or not whole(shape) or not whole(strides) or len(shape) != len(strides):
            raise PickleError(f"its array '{name}' is not described as PyTorch does it")
        last = sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) if math.prod(shape) else -1
        repeated = any(s == 0 and n > 1 for n, s in zip(shape, strides, strict=True))
        if not isinstance(offset, int) or offset < 0 or repeated or offset + last >= len(numbers):
            raise WeightsError(f"'{source}' is damaged: array '{name}' reaches beyond its numbers")
        bytes_apart = [s * numbers.itemsize for s in strides]
        view = np.lib.stride_tricks.as_strided(numbers[offset:], shape, bytes_apart, writeable=False)
        arrays[name] = view.copy()
    return arrays
