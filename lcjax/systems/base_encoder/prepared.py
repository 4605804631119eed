"""Stars in memory with the views of their parts, computed once: batches are a function of data, settings and seed."""

import hashlib
import json
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lcjax import transforms
from lcjax.cores import cores
from lcjax.errors import ConfigError, DataError
from lcjax.files import cache_folder, new_file
from lcjax.systems.base import Data
from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.systems.base_encoder.joined_bands import joined_bands
from lcjax.systems.base_encoder.parts import packed, points_of, views_of
from lcjax.training.source import Position, stays_on_host
from lcjax.typing import Array

AT_ONCE = 128
"""Parts whose views are computed in one call."""
KEPT = 4096
"""Parts that are written together."""
STEP = 64
"""Padded lengths are multiples of it: a handful of shapes to compile."""
_DRAWS = 6
"""Of the seeds below: what a random number is for."""


class PreparedStars:
    """A split of light curves whose windows, and the views of whose parts, are in memory."""

    def __init__(self, data: Data, experiment: BaseEncoderExperiment, training: bool) -> None:
        """Reads and computes nothing yet.

        Args:
          data: a split whose evaluation batches hold every window once. training: all partings, not the first alone.

        Raises:
          ConfigError: one of several processes.
        """
        if jax.process_count() > 1:
            raise ConfigError("views are prepared by one process: give --contrast.prepared False")
        shares = experiment.contrast.shares if training else experiment.contrast.shares[:1]
        self._data, self._experiment, self._shares = data, experiment, shares
        self.class_names, self.labels, self.n_objects = data.class_names, data.labels, data.n_objects
        self.batch_size, self.seed = experiment.training.batch_size, experiment.training.seed
        encoder = experiment.model.encoder
        self._settings = json.dumps(
            [repr(part) for part in (experiment.views, experiment.window, shares)]
            + [encoder.candidates, encoder.periodogram_bins, encoder.phase_bins]
            + [encoder.bands] * (encoder.bands > 1)
        )
        self.fingerprint = _digest(data.fingerprint, self._settings, str(self.batch_size), str(self.seed))
        self._ready: tuple[dict[str, np.ndarray], np.ndarray, dict[str, np.ndarray]] | None = None

    @property
    def dataset_of_record(self) -> np.ndarray:
        """(R,) str, survey of every record."""
        return self._data.dataset_of_record  # type: ignore[attr-defined]

    def describe(self) -> dict[str, Any]:
        """What there is, for the record of a run."""
        return self._data.describe()

    @property
    def batches_per_epoch(self) -> int:
        """As many as hold every window once."""
        return -(-len(self._all()[1]) // self.batch_size)

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[Position, dict[str, Any]]]:
        """Round after round in seeded orders, without a gap; every star is parted in one of its ways each time."""
        count, per_epoch = len(self._all()[1]), self.batches_per_epoch
        number = epoch * per_epoch + batch
        while True:
            places = np.arange(number * self.batch_size, (number + 1) * self.batch_size)
            rows, ways = np.zeros_like(places), np.zeros_like(places)
            for turn in np.unique(places // count):
                rng = np.random.default_rng((self.seed, int(turn), _DRAWS))
                order, way = rng.permutation(count), rng.integers(len(self._shares), size=count)
                own = places // count == turn
                rows[own], ways[own] = order[places[own] % count], way[places[own] % count]
            yield divmod(number, per_epoch), self._batch(rows, ways)
            number += 1

    def evaluation_batches(self) -> Iterator[dict[str, Any]]:
        """Every window once, in order, parted in the first way; rows that fill up the last batch have weight 0."""
        count = len(self._all()[1])
        for start in range(0, count, self.batch_size):
            rows = np.arange(start, start + self.batch_size)
            batch = self._batch(np.minimum(rows, count - 1), np.zeros(self.batch_size, int))
            filling = rows >= count
            batch["weight"] = np.where(filling, 0, batch["weight"]).astype(np.float32)
            yield batch

    def _batch(self, rows: np.ndarray, ways: np.ndarray) -> dict[str, Any]:
        windows, first, views = self._all()
        batch: dict[str, Any] = {name: value[rows] for name, value in windows.items()}
        batch["first"] = first[rows, ways]
        for part, name in enumerate(("first_views", "second_views")):
            batch[name] = {leaf: value[rows, 2 * ways + part] for leaf, value in views.items()}
        return batch

    def _all(self) -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, np.ndarray]]:
        """Windows (N, ...), first parts (N, ways, L) bool, views (N, 2 ways, ...)."""
        if self._ready is None:
            length, bands = self._experiment.window.length, self._experiment.model.encoder.bands
            windows = _windows(self._data, length)
            if bands > 1:
                windows = joined_bands(windows, bands, length, self.dataset_of_record[windows["record"]])
            windows = _for_the_device(windows)
            first = _parted(windows["mask"], self._shares)
            points = (series.tobytes() for series in points_of(windows).values())
            folder = cache_folder() / "views" / _digest(self._settings, _code(), *points)
            self._ready = windows, first, computed(windows, first, self._experiment, folder)
        return self._ready


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
    return digest.hexdigest()[:16]


def _code() -> str:
    """What views are computed by: those that another version left in the cache are not these."""
    return "".join(path.read_text() for path in sorted(Path(transforms.__file__).parent.glob("*.py")))


def _windows(data: Data, length: int) -> dict[str, np.ndarray]:
    parts = []
    for batch in data.evaluation_batches():
        real = np.flatnonzero(np.asarray(batch["weight"]) > 0)
        if len(real):
            parts.append({name: _padded(np.asarray(value)[real], length) for name, value in batch.items()})
    if not parts:
        raise DataError("there is no light curve to learn from: prepare the data again")
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _for_the_device(windows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without what stays on the host, but for what names a row."""
    kept = ("object_id", "record")
    return {name: value for name, value in windows.items() if name in kept or not stays_on_host(value)}


def _padded(value: np.ndarray, length: int) -> np.ndarray:
    """Series as long as all windows are."""
    return np.pad(value, ((0, 0), (0, length - value.shape[1]))) if value.ndim == 2 else value


def _parted(mask: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """(N, ways, L) bool: of every window a random part of about each share, one point at least on either side."""
    out = np.zeros((len(mask), len(shares), mask.shape[1]), bool)
    for row, points in enumerate(mask):
        rng, there = np.random.default_rng((row, _DRAWS)), np.flatnonzero(points)
        for way, share in enumerate(shares):
            count = int(np.clip(round(share * len(there)), 1, max(len(there) - 1, 1)))
            out[row, way, rng.permutation(there)[:count]] = True
    return out


def computed(
    windows: dict[str, np.ndarray], first: np.ndarray, experiment: BaseEncoderExperiment, folder: Path
) -> dict[str, np.ndarray]:
    """Views of all parts, (N, 2 ways, ...) each: parts of about one length together, on all cores.

    Args:
      folder: where they are written, some thousands at a time: what was interrupted goes on.
    """
    run = jax.jit(lambda batch: packed(views_of(experiment)(batch)))
    many, ways, _ = first.shape
    both = np.stack([first, windows["mask"][:, None] & ~first], axis=2).reshape(many * 2 * ways, -1)
    order = np.argsort(both.sum(1), kind="stable")
    out: dict[str, np.ndarray] = {}
    for begin in range(0, len(order), KEPT):
        rows = order[begin : begin + KEPT]
        path = folder / f"{begin:09d}.npz"
        found = _read(path, len(rows))
        if found is None:
            started = time.monotonic()
            found = _computed(run, windows, both, rows)
            _write(path, found)
            rate = len(rows) / (time.monotonic() - started)
            share = min((begin + KEPT) / len(order), 1.0)
            print(f"views of parts of stars: {share:.0%}, {rate:.0f} a second", file=sys.stderr, flush=True)
        for name, value in found.items():
            out.setdefault(name, np.zeros((len(order), *value.shape[1:]), value.dtype))[rows] = value
    return {name: value.reshape(many, 2 * ways, *value.shape[1:]) for name, value in out.items()}


def _computed(
    run: Callable[[dict], dict[str, Array]], windows: dict[str, np.ndarray], both: np.ndarray, rows: np.ndarray
) -> dict[str, np.ndarray]:
    one = lambda some: jax.tree.map(lambda x: np.asarray(x)[: len(some)], run(gathered(windows, both, some)))
    pieces = [rows[i : i + AT_ONCE] for i in range(0, len(rows), AT_ONCE)]
    with ThreadPoolExecutor(cores()) as pool:
        found = list(pool.map(one, pieces))
    return {name: np.concatenate([part[name] for part in found]) for name in found[0]}


def gathered(windows: dict[str, np.ndarray], parts: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Parts (by row: window times ways, both parts of each) as a batch of points side by side, `AT_ONCE` rows."""
    length = -(-max(int(parts[rows].sum(1).max()), 1) // STEP) * STEP
    batch: dict[str, np.ndarray] = {
        name: np.zeros((AT_ONCE, length), series.dtype) for name, series in points_of(windows).items()
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
