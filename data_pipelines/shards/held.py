"""A few records kept in memory: the labelled shots of a target, in batches balanced by class."""

import copy
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from data_pipelines.shards.batches import Batch
from data_pipelines.shards.classes import class_numbers
from data_pipelines.shards.source import ShardSource
from lcjax.errors import DataError

Position = tuple[int, int]


class HeldRecords:
    """Chosen records, each class in equal shares of every batch as far as it goes; a source like any other.

    A round is a permutation of every class by (seed, round), dealt in turn; a batch has at most as many rows as there are records, and
    what is left of a round is dropped. So two integers are enough to go on anywhere.
    """

    def __init__(
        self,
        records: Batch,
        class_names: Sequence[str],
        batch_size: int,
        seed: int = 0,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        """Of rows as a batch holds them.

        Args:
          batch_size: rows at most. share: number of this process, and of all, which share the rows of a batch.

        Raises:
          DataError: fewer records than processes.
        """
        self.records, self.class_names, self.seed, self.share = records, tuple(class_names), seed, share
        self.labels = records["label"]
        self._numbers: np.ndarray | None = None
        self.n_objects = len(set(records["object_id"].tolist()))
        self.batch_size = min(batch_size, len(self.labels)) // share[1] * share[1]
        if not self.batch_size:
            raise DataError(f"{len(self.labels)} labelled records cannot be shared by {share[1]} processes: label more")
        self.batches_per_epoch = max(len(self.labels) // self.batch_size, 1)
        text = "\n".join([*records["object_id"].tolist(), str(batch_size), str(seed)])
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]

    def _order(self, epoch: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, epoch])
        turns = np.empty(len(self.labels), np.float64)
        for label in np.unique(self.labels):
            own = np.flatnonzero(self.labels == label)
            turns[own] = rng.permutation(len(own)) + rng.uniform(size=len(own)) * 0.5
        return np.argsort(turns, kind="stable")

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[Position, Batch]]:
        """Endless; the same from any position on."""
        while True:
            order = self._order(epoch)
            for number in range(batch, self.batches_per_epoch):
                rows = order[number * self.batch_size : (number + 1) * self.batch_size]
                rows = np.array_split(rows, self.share[1])[self.share[0]]
                yield (epoch, number), {name: value[rows] for name, value in self._numbered().items()}
            epoch, batch = epoch + 1, 0

    def evaluation_batches(self) -> Iterator[Batch]:
        """All records once, in one batch."""
        yield dict(self._numbered())

    def _numbered(self) -> Batch:
        return self.records if self._numbers is None else self.records | {"label": self._numbers[self.labels]}

    def describe(self) -> dict[str, Any]:
        """How many there are."""
        return {"objects": self.n_objects, "class_names": list(self.class_names)}

    def remarks(self) -> list[str]:
        """Nothing."""
        return []

    def relabelled(self, class_names: Sequence[str]) -> Self:
        """The same records in the same order, the labels of batches numbered as in `class_names`; -1 for none."""
        other = copy.copy(self)
        other._numbers = np.array([*class_numbers(self.class_names, class_names), -1], np.int32)
        return other


def hold(
    pool: ShardSource,
    shots: Mapping[str, Sequence[str]],
    reopen: Callable[..., ShardSource],
    batch_size: int,
    share: tuple[int, int] = (0, 1),
) -> HeldRecords:
    """The records of chosen objects.

    Args:
      pool: the split that they are of. shots: class -> objects. reopen: the same split, of the objects `only`.

    Raises:
      DataError: nothing is chosen.
    """
    chosen = {name for names in shots.values() for name in names}
    if not chosen:
        raise DataError(f"no labelled {pool.unit} were chosen: ask for at least one shot")
    rows: dict[str, list[np.ndarray]] = {}
    for batch in reopen(only=chosen).evaluation_batches():
        keep = (batch["weight"] > 0) & (batch["label"] >= 0)
        for name, value in batch.items():
            rows.setdefault(name, []).append(value[keep])
    records = {name: np.concatenate(values) for name, values in rows.items()}
    order = np.lexsort((records["record"], records["object_id"].astype(str)))
    records = {name: value[order] for name, value in records.items()}
    return HeldRecords(records, pool.class_names, batch_size, pool.seed, share)
