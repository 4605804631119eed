"""Random damages of files: of their bytes, of the words of a text, of the values of a JSON file, and of what is packed in them."""

import bz2
import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

Seal = Callable[[Any], Any]
"""Makes a damaged JSON file agree again with its own checksums."""

_WORDS = (
    "nan",
    "inf",
    "-",
    "1e999",
    "\0",
    "\u00e9",
    '"',
    "''",
    "9" * 25,
    "",
    "0x1f",
    "1,2",
    "true",
    "-1",
    "0",
    "#",
    "\n",
)
_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2.5, -1e300, float("inf"), float("nan"), 10**30, "", "x", "../x", "\0", "\ud800"),
    *([], {}, [[1]], [None], {"x": {}}, ["a", 1]),
)


def flip(data: bytes, rng: np.random.Generator) -> bytes:
    """One to eight bits."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        out[int(rng.integers(len(out)))] ^= 1 << int(rng.integers(8))
    return bytes(out)


def cut(data: bytes, rng: np.random.Generator) -> bytes:
    """The end is gone; now and then all."""
    return data[: int(rng.integers(len(data)))]


def swap(data: bytes, rng: np.random.Generator) -> bytes:
    """Two blocks of one size have changed places."""
    size = int(rng.integers(1, max(2, len(data) // 4)))
    a, b = sorted(int(i) for i in rng.integers(0, max(1, len(data) - size), 2))
    if b < a + size:
        return data[b:] + data[:b]
    return data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]


def overwrite(data: bytes, rng: np.random.Generator) -> bytes:
    """A run of zeros, of ones or of noise."""
    size = int(2 ** rng.uniform(0, np.log2(len(data) + 1)))
    at = int(rng.integers(0, max(1, len(data) - size + 1)))
    run = (bytes(size), b"\xff" * size, rng.bytes(size))[int(rng.integers(3))]
    return data[:at] + run[: len(data) - at] + data[at + size :]


def insert(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes of noise, or of the file itself once more, anywhere or at the end."""
    size = int(2 ** rng.uniform(0, 10))
    at = len(data) if rng.random() < 0.2 else int(rng.integers(len(data) + 1))
    return data[:at] + (rng.bytes(size) if rng.random() < 0.5 else data[:size]) + data[at:]


def drop(data: bytes, rng: np.random.Generator) -> bytes:
    """A run is gone from the middle."""
    size = int(2 ** rng.uniform(0, np.log2(len(data) + 1)))
    at = int(rng.integers(0, max(1, len(data) - size + 1)))
    return data[:at] + data[at + size :]


BYTES = (flip, flip, cut, swap, overwrite, overwrite, insert, drop)


def word(data: bytes, rng: np.random.Generator) -> bytes:
    """One word of a text is another."""
    found = list(re.finditer(rb"[^\s,=\[\]]+", data))
    if not found:
        return flip(data, rng)
    place = found[int(rng.integers(len(found)))]
    return data[: place.start()] + _WORDS[int(rng.integers(len(_WORDS)))].encode() + data[place.end() :]


def value(data: bytes, rng: np.random.Generator, seal: Seal | None) -> bytes:
    """One value of a JSON file is of another type, or its name is gone, another, or the value much too deep."""
    tree = json.loads(data)
    places: list[tuple[Any, Any]] = []

    def visit(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                visit(node[key])

    visit(tree)
    node, key = places[int(rng.integers(len(places)))]
    how = rng.random()
    if how < 0.15:
        del node[key]
    elif how < 0.3 and isinstance(node, dict):
        node[f"{key}x"] = node.pop(key)
    elif how < 0.33:
        return b"[" * 100_000
    else:
        node[key] = _VALUES[int(rng.integers(len(_VALUES)))]
    sealed = tree if seal is None else seal(tree)
    return (sealed if isinstance(sealed, str) else json.dumps(sealed)).encode("utf-8", "surrogatepass")


def _repacked_zip(data: bytes, rng: np.random.Generator) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    name = list(members)[int(rng.integers(len(members)))]
    members[name] = any_of(BYTES, members[name] or b"\0", rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for name, content in members.items():
            new.writestr(name, content)
    return out.getvalue()


def repacked(data: bytes, rng: np.random.Generator) -> bytes | None:
    """What is packed is damaged and packed again, so that the checksums of the packing agree; None: nothing is packed."""
    if data[:2] == b"\x1f\x8b":
        return gzip.compress(any_of(BYTES, gzip.decompress(data), rng), 1)
    if data[:3] == b"BZh":
        return bz2.compress(any_of(BYTES, bz2.decompress(data), rng))
    return _repacked_zip(data, rng) if data[:2] == b"PK" else None


def any_of(
    ways: tuple[Callable[[bytes, np.random.Generator], bytes], ...], data: bytes, rng: np.random.Generator
) -> bytes:
    """Damaged in one of these ways, and surely another file."""
    while True:
        damaged = ways[int(rng.integers(len(ways)))](data, rng)
        if damaged != data:
            return damaged


def damaged(name: str, data: bytes, rng: np.random.Generator, seal: Seal | None = None) -> tuple[bytes, bool]:
    """A file damaged at random, and whether its checksums were made to agree with the damage.

    Args:
      name: of the file; its ending says what it is. seal: of a JSON file with checksums of its own.
    """
    ending, chance = name.rsplit(".", 1)[-1], rng.random()
    if ending in ("json", "avsc") and chance < 0.6:
        sealed = seal if rng.random() < 0.5 else None
        return any_of((lambda d, r: value(d, r, sealed),), data, rng), sealed is not None
    if ending in ("csv", "ecsv", "dat", "mjd", "toml") and chance < 0.4:
        return any_of((word,), data, rng), False
    if chance < 0.3 and (again := repacked(data, rng)) is not None:
        return again, True
    return any_of(BYTES, data, rng), False
