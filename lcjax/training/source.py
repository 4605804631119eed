"""What the engine asks of data: seeded batches that can be restarted anywhere, one pass for evaluation."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from lcjax.errors import DataError
from lcjax.typing import Batch

Position = tuple[int, int]
"""(epoch, batch of the epoch): two integers name any place in the endless sequence of training batches."""


class Source(Protocol):
    """Batches of this process's rows; concatenated in rank order they are the global batch."""

    fingerprint: str

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[Position, Batch]]:
        """Endless; restarted at a position it yields exactly the same rest."""

    def evaluation_batches(self) -> Iterator[Batch]:
        """One pass in fixed order; rows that only fill up a batch have weight 0."""


def stays_on_host(value: np.ndarray) -> bool:
    """Whether an entry of a batch never leaves the host: text, and numbers of 64 bits (ids, times in days).

    >>> [stays_on_host(np.zeros(1, kind)) for kind in ("U3", "int64", "float64", "int32", "float32", "bool")]
    [True, True, True, False, False, False]
    """
    kind, size = value.dtype.kind, value.dtype.itemsize
    return kind not in "biufcV" or (kind in "iuf" and size > 4) or size > 8


def device_part(batch: Batch) -> Batch:
    """The entries that go to the device, of all streams."""
    parts = {
        name: device_part(value) if isinstance(value, dict) else np.asarray(value) for name, value in batch.items()
    }
    reaches = lambda value: bool(value) if isinstance(value, dict) else not stays_on_host(value)
    return {name: value for name, value in parts.items() if reaches(value)}


def check_reaches_device(spec: Batch, batch: Batch, where: str = "") -> None:
    """Makes sure that a batch brings the device what a task asks for.

    Args:
      spec: `Task.batch_spec`. batch: of the training data, host entries included. where: path of a stream.

    Raises:
      DataError: an entry is not there, or is text or has 64 bits and would stay on the host.
    """
    for name, wanted in spec.items():
        path = f"{where}{name}"
        if name not in batch:
            raise DataError(f"batches of the training data have no '{path}': the model takes {', '.join(spec)}")
        value = batch[name]
        if isinstance(wanted, dict) != isinstance(value, dict):
            kinds = {True: "a stream of its own", False: "an array"}
            raise DataError(
                f"'{path}' in batches of the training data is {kinds[isinstance(value, dict)]} where the model takes "
                f"{kinds[isinstance(wanted, dict)]}"
            )
        if isinstance(wanted, dict):
            check_reaches_device(wanted, value, f"{path}/")
        elif stays_on_host(np.asarray(value)):
            raise DataError(
                f"'{path}' in batches of the training data is {np.asarray(value).dtype}, which stays on the host (text "
                f"and 64-bit numbers do), and the model takes it: give it as {np.dtype(wanted.dtype)}"
            )
