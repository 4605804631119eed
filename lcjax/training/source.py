"""What the engine asks of data: seeded batches that can be restarted anywhere, one pass for evaluation."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

HOST_KEYS = frozenset({"object_id", "alert_id", "mjd", "reference_mjd", "band", "record"})
"""Batch entries that stay on the host."""

Position = tuple[int, int]
"""(epoch, batch of the epoch): two integers name any place in the endless sequence of training batches."""


class Source(Protocol):
    """Batches of this process's rows; concatenated in rank order they are the global batch."""

    fingerprint: str

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[Position, dict[str, np.ndarray]]]:
        """Endless; restarted at a position it yields exactly the same rest."""

    def evaluation_batches(self) -> Iterator[dict[str, np.ndarray]]:
        """One pass in fixed order; rows that only fill up a batch have weight 0."""


def device_part(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The entries that go to the device."""
    return {name: value for name, value in batch.items() if name not in HOST_KEYS}


def count_points(batch: dict[str, np.ndarray]) -> float:
    """Observed points in this process's rows (rows, for data without a mask); padding is not counted.

    >>> count_points({"mask": np.array([[True, True, False], [True, False, False]]), "weight": np.array([1.0, 0.0])})
    2.0
    """
    for name in ("mask", "length", "weight"):
        if name in batch:
            values = np.asarray(batch[name]) > 0 if name != "length" else np.asarray(batch[name])
            per_row = values.reshape(len(values), -1).sum(axis=1)
            return float(per_row[np.asarray(batch["weight"]) > 0].sum() if "weight" in batch else per_row.sum())
    return float(len(next(iter(batch.values()))))
