"""Views of many parts of stars, computed once on all cores and kept in the cache."""

import functools
import hashlib
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lcjax import transforms
from lcjax.cores import cores
from lcjax.files import cache_folder, new_file
from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.systems.base_encoder.parts import at_once, packed, points_of, views_of
from lcjax.typing import Array

AT_ONCE = 128
"""Parts whose views are computed in one call, at least."""
KEPT = 4096
"""Parts that are written together."""
STEP = 64
"""Padded lengths are multiples of it on a CPU: a handful of shapes to compile. An accelerator, which compiles for minutes and has
no use for few points, gets multiples of eight times as many."""


def digest(*parts: str | bytes) -> str:
    """Tells settings and data apart."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part.encode() if isinstance(part, str) else part)
    return found.hexdigest()[:16]


def view_settings(experiment: BaseEncoderExperiment) -> list[Any]:
    """What views depend on besides the points."""
    encoder = experiment.model.encoder
    sizes = [encoder.candidates, encoder.periodogram_bins, encoder.phase_bins]
    return [repr(experiment.views), *sizes, *[encoder.bands] * (encoder.bands > 1)]


def _code() -> str:
    """What views are computed by: those that another version left in the cache are not these."""
    return "".join(path.read_text() for path in sorted(Path(transforms.__file__).parent.glob("*.py")))


def kept_views(
    windows: dict[str, np.ndarray],
    parts: np.ndarray,
    experiment: BaseEncoderExperiment,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, np.ndarray]:
    """Packed views of all parts, (N, P, ...) each: parts of about one length together, on all cores.

    They are written to the cache some thousands at a time: what was interrupted goes on.

    Args:
      windows: series (N, L) of `points_of`. parts: (N, P, L) bool, the points of each part.
      say: told how far it is, after every file.
    """
    points = (series.tobytes() for series in points_of(windows).values())
    settings = repr(view_settings(experiment))
    folder = cache_folder() / "views" / digest(settings, _code(), *points, np.packbits(parts).tobytes())
    run = _packed_views(experiment)
    many, ways, _ = parts.shape
    flat = parts.reshape(many * ways, -1)
    order = np.argsort(flat.sum(1), kind="stable")
    out: dict[str, np.ndarray] = {}
    for begin in range(0, len(order), KEPT):
        rows = order[begin : begin + KEPT]
        path = folder / f"{begin:09d}.npz"
        found = _read(path, len(rows))
        if found is None:
            started = time.monotonic()
            found = _computed(run, windows, flat, rows)
            _write(path, found)
            rate = len(rows) / (time.monotonic() - started)
            share = min((begin + KEPT) / len(order), 1.0)
            say(f"views of parts of stars: {share:.0%}, {rate:.0f} a second")
        for name, value in found.items():
            out.setdefault(name, np.zeros((len(order), *value.shape[1:]), value.dtype))[rows] = value
    return {name: value.reshape(many, ways, *value.shape[1:]) for name, value in out.items()}


@functools.lru_cache(maxsize=2)
def _packed_views(experiment: BaseEncoderExperiment) -> Callable[[dict[str, np.ndarray]], Mapping[str, Array]]:
    """Compiled once for all that a run prepares: parts to learn from, those to judge on, simulated stars."""
    return jax.jit(lambda batch: packed(views_of(experiment)(batch)))


def _computed(
    run: Callable[[dict[str, np.ndarray]], Mapping[str, Array]],
    windows: dict[str, np.ndarray],
    parts: np.ndarray,
    rows: np.ndarray,
) -> dict[str, np.ndarray]:
    one = lambda some: jax.tree.map(lambda x: np.asarray(x)[: len(some)], run(gathered(windows, parts, some)))
    size = max(AT_ONCE, at_once())
    pieces = [rows[i : i + size] for i in range(0, len(rows), size)]
    # An accelerator computes one call after the other, and memory would be taken for all.
    with ThreadPoolExecutor(cores() if jax.default_backend() == "cpu" else 2) as pool:
        found = list(pool.map(one, pieces))
    return {name: np.concatenate([part[name] for part in found]) for name in found[0]}


def gathered(windows: dict[str, np.ndarray], parts: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Parts (by row: window times parts of each) as a batch of points side by side, of the size that is compiled."""
    step = STEP if jax.default_backend() == "cpu" else 8 * STEP
    length = -(-max(int(parts[rows].sum(1).max()), 1) // step) * step
    size = max(AT_ONCE, at_once())
    batch: dict[str, np.ndarray] = {
        name: np.zeros((size, length), series.dtype) for name, series in points_of(windows).items()
    }
    each = len(parts) // len(windows["mask"])
    for i, row in enumerate(rows):
        points = np.flatnonzero(parts[row])
        for name in batch:
            batch[name][i, : len(points)] = windows[name][row // each, points]
    return batch


def _read(path: Path, rows: int) -> dict[str, np.ndarray] | None:
    """What is kept, or None where it has to be computed again: absent, cut short, or of other sizes."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            found = {name: kept[name] for name in kept.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return found if found and all(len(value) == rows for value in found.values()) else None


def _write(path: Path, views: dict[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **views)
