"""Simulated stars beside the real ones, whose class and period are known: what the encoder is taught by."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np

from lcjax.errors import ConfigError
from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.systems.base_encoder.kept_views import kept_views
from lcjax.systems.base_encoder.parts import points_of

_DRAWS = 11
"""Of the seeds below: what a random number is for."""
SHARES = (1.0, 1.0, 0.7, 0.5, 0.3)
"""Of a star's points that are shown, one of these for each star: as few as parts of real stars have."""


@runtime_checkable
class Simulating(Protocol):
    """Training data that can simulate stars like its own."""

    def simulated_stars(self, count: int, classes: Sequence[str], length: int, seed: int) -> dict[str, np.ndarray]:
        """`count` stars of `classes` at the epochs and errors of the data's own: `time`, `magnitude`, `magnitude_error`,
        `mask` (N, length), `label` (N,) int32 by `classes`, `period` (N,) float32 days, NaN where there is none.
        """


class SimulatedStars:
    """Rows of simulated stars for every training step."""

    def __init__(
        self, data: object, experiment: BaseEncoderExperiment, say: Callable[[str], None] = lambda text: None
    ) -> None:
        """Simulates nothing yet.

        Args:
          say: told how far the views are, when they are needed first.

        Raises:
          ConfigError: the data cannot simulate stars like its own.
        """
        if not isinstance(data, Simulating):
            raise ConfigError("this data cannot simulate stars like its own: give --simulation.weight 0")
        self._data, self._say = data, say
        self._experiment, self._seed = experiment, experiment.training.seed
        self.count = max(round(experiment.training.batch_size * experiment.simulation.share), 1)
        self._ready: dict[str, Any] | None = None

    def rows(self, number: int) -> dict[str, Any]:
        """Those of training step `number`: `views`, `label`, `period`, and `points` where some are tokens."""
        stars = self.arrays()
        rows = np.random.default_rng((self._seed, number, _DRAWS)).integers(len(stars["label"]), size=self.count)
        return jax.tree.map(lambda values: values[rows], stars)

    def arrays(self) -> dict[str, Any]:
        """All of them, as `rows` gives some."""
        if self._ready is None:
            simulation = self._experiment.simulation
            stars = self._data.simulated_stars(
                simulation.stars, simulation.classes, self._experiment.window.length, self._seed
            )
            shown = _shown(stars["mask"], np.random.default_rng((self._seed, _DRAWS)))
            views = kept_views(stars, shown[:, None], self._experiment, self._say)
            self._ready = {"views": {name: value[:, 0] for name, value in views.items()}}
            self._ready |= {name: stars[name] for name in ("label", "period")}
            if self._experiment.model.encoder.tokens.points:
                self._ready["points"] = {**points_of(stars), "mask": shown}
        return self._ready


def _shown(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N, L) bool: a random share of each star's points, five of them at least."""
    share = rng.choice(SHARES, size=(len(mask), 1))
    rank = np.argsort(np.argsort(np.where(mask, rng.random(mask.shape, np.float32), 2.0), axis=1), axis=1)
    return mask & (rank < np.maximum(share * mask.sum(axis=1, keepdims=True), 5))
