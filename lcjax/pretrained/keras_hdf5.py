"""Layers of a Keras model in an HDF5 file, read without Keras.

Both layouts are known, Keras 3 (`layers/NAME/vars/0`) and Keras 2 (`model_weights/NAME/NAME/kernel:0`). Needs `h5py` (extra
`interop`).
"""

import io
import json
import re
import struct
from typing import Any

import numpy as np

from lcjax.errors import MissingExtraError, WeightsError

_MAX_NUMBERS = 32 << 20
"""Of one array."""
_HEAP_HEADER = 16
"""Bytes, of a heap and of each object in it."""


def read_keras(content: bytes, name: str) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Any], list[str]]:
    """Layer name -> {`kernel`, `bias`}, the Keras configuration if the file has one, and the names left out."""
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("h5py", "interop", "reading Keras weights") from error
    _check_heaps(content, name)
    layers: dict[str, dict[str, np.ndarray]] = {}
    ignored: list[str] = []

    def visit(path: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        known = re.search(r"([^/]+)/vars/([01])$", path) or re.search(r"([^/]+)/(kernel|bias)(?::0)?$", path)
        if known is None or path.startswith(("optimizer", "_optimizer")):
            ignored.append(path)
            return
        # Nothing outside the file, nothing without bound.
        if item.is_virtual or item.external or item.size > _MAX_NUMBERS or item.dtype.kind != "f":
            raise WeightsError(f"'{path}' in '{name}' is no plain array of at most {_MAX_NUMBERS:,} floats")
        part = {"0": "kernel", "1": "bias"}.get(known[2], known[2])
        layers.setdefault(known[1], {})[part] = item[()].astype(np.float32)

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            file.visititems(visit)
            text = file.attrs.get("model_config", "{}")
            config = json.loads(text.decode() if isinstance(text, bytes) else text)
    except WeightsError:
        raise
    except Exception as error:  # HDF5 reports damage through many classes
        raise WeightsError(f"'{name}' is no readable HDF5 file ({error}): copy or download it again") from error
    return layers, config if isinstance(config, dict) else {}, ignored


def _check_heaps(content: bytes, name: str) -> None:
    """Walks the global heaps, where long texts are kept (HDF5 file format 3.0, section III.E).

    The library does the same, and for ever where an object takes no room.

    Raises:
      WeightsError: there is such an object.
    """
    at = -1
    while (at := content.find(b"GCOL\x01", at + 1)) >= 0:
        (size,) = struct.unpack_from("<Q", content[at + 8 : at + 16].ljust(8, b"\0"))
        end, place = at + size, at + _HEAP_HEADER
        if end > len(content):  # no heap, or one that the library refuses
            continue
        while place + _HEAP_HEADER <= end:
            number, _, _, length = struct.unpack_from("<HHIQ", content, place)
            # Object 0 is the room that is left, its own header included.
            taken = length if number == 0 else _HEAP_HEADER + (length + 7) // 8 * 8
            if taken == 0 or taken > end - place:
                raise WeightsError(f"'{name}' is no readable HDF5 file (damaged heap): copy or download it again")
            place += taken
