"""Batches of simulated alerts, held in memory: what a network that shall rank a simulated night learns from."""

from collections.abc import Iterator

import numpy as np

from data_pipelines.kinds.alerts.records import stack_stamps
from data_pipelines.simulate.night import SURVEY, simulated_night
from data_pipelines.simulate.stamp_classes import CLASS_NAMES

_FIRST = 10_000_000
"""Number of the first alert: none of those that are shown."""
_BATCH = 64


class SimulatedBatches:
    """A source of batches for a training loop."""

    class_names, metadata_names, surveys = CLASS_NAMES, (), (SURVEY,)
    batch_size = _BATCH

    def __init__(self, count: int = 1200, first: int = _FIRST) -> None:
        """Simulates `count` alerts."""
        night = list(simulated_night(count, first=first))
        self.n_objects, self.fingerprint = count, f"simulated-{first}-{count}"
        self._rows = {
            "stamps": np.stack([stack_stamps(alert) for alert, _ in night]),
            "metadata": np.zeros((count, 0), np.float32),
            "ra": np.array([alert.ra for alert, _ in night], np.float32),
            "dec": np.array([alert.dec for alert, _ in night], np.float32),
            "label": np.array([CLASS_NAMES.index(name) for _, name in night], np.int32),
            "weight": np.ones(count, np.float32),
        }

    @property
    def labels(self) -> np.ndarray:
        """(R,) int32."""
        return self._rows["label"]

    def describe(self) -> dict[str, object]:
        """What there is."""
        return {"objects": self.n_objects, "class_names": list(CLASS_NAMES)}

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[tuple[int, int], dict[str, np.ndarray]]]:
        """Endless ((epoch, batch), batch), in an order that depends on the epoch alone."""
        per_epoch = self.n_objects // _BATCH
        number = epoch * per_epoch + batch
        while True:
            number += 1
            order = np.random.default_rng((number - 1) // per_epoch).permutation(self.n_objects)
            at = ((number - 1) % per_epoch) * _BATCH
            yield divmod(number, per_epoch), {k: v[order[at : at + _BATCH]] for k, v in self._rows.items()}

    def evaluation_batches(self) -> Iterator[dict[str, np.ndarray]]:
        """All, in order."""
        for at in range(0, self.n_objects - _BATCH + 1, _BATCH):
            yield {k: v[at : at + _BATCH] for k, v in self._rows.items()}
