"""Stars in memory with the views of their parts, computed once: batches are a function of data, settings and seed."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from lcjax.errors import ConfigError
from lcjax.systems.base import Data
from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.systems.base_encoder.joined_bands import joined_bands, windows_of
from lcjax.systems.base_encoder.kept_views import digest, kept_views, view_settings
from lcjax.systems.base_encoder.simulated_stars import SimulatedStars
from lcjax.training.source import Position, stays_on_host

_DRAWS = 6
"""Of the seeds below: what a random number is for."""


class PreparedStars:
    """A split of light curves whose windows, and the views of whose parts, are in memory."""

    def __init__(
        self,
        data: Data,
        experiment: BaseEncoderExperiment,
        training: bool,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Reads and computes nothing yet.

        Args:
          data: a split whose evaluation batches hold every window once. training: all partings, not the first alone.
          say: told what is set aside and how far the views are, when they are needed first.

        Raises:
          ConfigError: one of several processes.
        """
        if jax.process_count() > 1:
            raise ConfigError("views are prepared by one process: give --contrast.prepared False")
        shares = experiment.contrast.shares if training else experiment.contrast.shares[:1]
        self._data, self._experiment, self._shares, self._say = data, experiment, shares, say
        self.class_names, self.labels, self.n_objects = data.class_names, data.labels, data.n_objects
        self.batch_size, self.seed = experiment.training.batch_size, experiment.training.seed
        self._simulated = SimulatedStars(data, experiment, say) if training and experiment.simulation.weight else None
        settings = [*view_settings(experiment), repr(experiment.window), shares]
        settings += [repr(experiment.simulation)] * (self._simulated is not None)
        self.fingerprint = digest(data.fingerprint, repr(settings), str(self.batch_size), str(self.seed))
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
        return -(-len(self.arrays()[1]) // self.batch_size)

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[Position, dict[str, Any]]]:
        """Round after round in seeded orders, without a gap; every star is parted in one of its ways each time."""
        count, per_epoch = len(self.arrays()[1]), self.batches_per_epoch
        number = epoch * per_epoch + batch
        while True:
            places = np.arange(number * self.batch_size, (number + 1) * self.batch_size)
            rows, ways = np.zeros_like(places), np.zeros_like(places)
            for turn in np.unique(places // count):
                rng = np.random.default_rng((self.seed, int(turn), _DRAWS))
                order, way = rng.permutation(count), rng.integers(len(self._shares), size=count)
                own = places // count == turn
                rows[own], ways[own] = order[places[own] % count], way[places[own] % count]
            chosen = self._batch(rows, ways)
            if self._simulated is not None:
                chosen["simulated"] = self._simulated.rows(number)
            yield divmod(number, per_epoch), chosen
            number += 1

    def evaluation_batches(self) -> Iterator[dict[str, Any]]:
        """Every window once, in order, parted in the first way; rows that fill up the last batch have weight 0."""
        count = len(self.arrays()[1])
        for start in range(0, count, self.batch_size):
            rows = np.arange(start, start + self.batch_size)
            batch = self._batch(np.minimum(rows, count - 1), np.zeros(self.batch_size, int))
            filling = rows >= count
            batch["weight"] = np.where(filling, 0, batch["weight"]).astype(np.float32)
            yield batch

    def _batch(self, rows: np.ndarray, ways: np.ndarray) -> dict[str, Any]:
        windows, first, views = self.arrays()
        batch: dict[str, Any] = {name: value[rows] for name, value in windows.items()}
        batch["first"] = first[rows, ways]
        for part, name in enumerate(("first_views", "second_views")):
            batch[name] = {leaf: value[rows, 2 * ways + part] for leaf, value in views.items()}
        return batch

    def arrays(self) -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, np.ndarray]]:
        """Windows (N, ...), first parts (N, ways, L) bool, views (N, 2 ways, ...)."""
        if self._ready is None:
            length, bands = self._experiment.window.length, self._experiment.model.encoder.bands
            windows = windows_of(self._data, length)
            if bands > 1:
                windows = joined_bands(windows, bands, length, self.dataset_of_record[windows["record"]], self._say)
            windows = _for_the_device(windows)
            first = _parted(windows["mask"], self._shares)
            both = np.stack([first, windows["mask"][:, None] & ~first], axis=2)
            parts = both.reshape(len(first), 2 * len(self._shares), -1)
            self._ready = windows, first, kept_views(windows, parts, self._experiment, self._say)
        return self._ready


def _for_the_device(windows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without what stays on the host, but for what names a row."""
    kept = ("object_id", "record")
    return {name: value for name, value in windows.items() if name in kept or not stays_on_host(value)}


def _parted(mask: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """(N, ways, L) bool: of every window a random part of about each share, one point at least on either side."""
    out = np.zeros((len(mask), len(shares), mask.shape[1]), bool)
    for row, points in enumerate(mask):
        rng, there = np.random.default_rng((row, _DRAWS)), np.flatnonzero(points)
        for way, share in enumerate(shares):
            count = int(np.clip(round(share * len(there)), 1, max(len(there) - 1, 1)))
            out[row, way, rng.permutation(there)[:count]] = True
    return out
