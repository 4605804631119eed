"""The windows of the stars that were drawn, in memory, and what a frozen encoder makes of them: computed once."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from lcjax.errors import DataError
from lcjax.systems.base import Data
from lcjax.systems.light_curve_classifier.subset import Subset
from lcjax.training.source import Position

Encode = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
"""Windows -> entries of the batch that stand for them."""


MOST_ENCODED = 1 << 30
"""Bytes: five thousand windows of 200 points and 256 channels."""
_AT_ONCE = 64
"""Windows that a frozen encoder sees together."""


class ArrayWindows:
    """A source of windows that are at hand: batches are a function of the windows, the batch size and the seed."""

    fingerprint: str

    def __init__(
        self,
        collect: Callable[[], dict[str, np.ndarray]],
        class_names: Sequence[str],
        batch_size: int,
        seed: int,
        fingerprint: str = "",
    ) -> None:
        """`collect`: gives all windows when they are first asked for: entries of a batch, (N, ...) each, `label` and
        `weight` among them.
        """
        self._collect = collect
        self.class_names, self.batch_size, self.seed = tuple(class_names), batch_size, seed
        self.fingerprint = fingerprint

    @cached_property
    def windows(self) -> dict[str, np.ndarray]:
        """All windows."""
        return self._collect()

    @property
    def batches_per_epoch(self) -> int:
        """As many as hold every window once."""
        return -(-len(self.windows["label"]) // self.batch_size)

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[Position, dict[str, np.ndarray]]]:
        """Round after round in seeded orders, without a gap: batch k holds the rows [k b, (k + 1) b) of that sequence."""
        windows, per_epoch = self.windows, self.batches_per_epoch
        count, number = len(windows["label"]), epoch * per_epoch + batch
        orders: dict[int, np.ndarray] = {}
        while True:
            rows = np.arange(number * self.batch_size, (number + 1) * self.batch_size)
            for turn in np.unique(rows // count):
                if turn not in orders:
                    orders[turn] = np.random.default_rng((self.seed, int(turn), 3)).permutation(count)
            picked = np.array([orders[turn][at] for turn, at in zip(*divmod(rows, count), strict=True)])
            orders = {turn: order for turn, order in orders.items() if turn >= rows[-1] // count}
            yield divmod(number, per_epoch), {name: value[picked] for name, value in windows.items()}
            number += 1

    def evaluation_batches(self) -> Iterator[dict[str, np.ndarray]]:
        """Every window once, in order; rows that fill up the last batch have weight 0 and no label."""
        windows = self.windows
        count = len(windows["label"])
        for start in range(0, count, self.batch_size):
            rows = np.arange(start, start + self.batch_size)
            batch = {name: value[np.minimum(rows, count - 1)] for name, value in windows.items()}
            filling = rows >= count
            batch["weight"] = np.where(filling, 0, batch["weight"]).astype(np.float32)
            batch["label"] = np.where(filling, -1, batch["label"]).astype(np.int32)
            yield batch


class DrawnWindows(ArrayWindows):
    """The windows of a subset of the stars of a split, read and encoded when they are first asked for."""

    def __init__(
        self,
        data: Data,
        subset: Subset,
        length: int,
        batch_size: int,
        seed: int,
        encode: Encode | None = None,
        settings: Any = (),
    ) -> None:
        """Reads nothing yet.

        Args:
          data: a split whose evaluation batches hold every window once. subset: of its stars.
          length: that windows are padded to. encode: see `Encode`; None: the bare windows.
          settings: what else decides what is learned from, for the fingerprint (JSON).
        """
        text = json.dumps([data.fingerprint, subset.ids(), length, batch_size, seed, settings])
        fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]
        super().__init__(self._drawn, subset.class_names, batch_size, seed, fingerprint)
        self.labels = subset.label_of_record
        self.n_objects = int((subset.times > 0).sum())
        self.subset, self._data, self._length, self._encode = subset, data, length, encode

    def describe(self) -> dict[str, Any]:
        """Counts, classes, and the names of the stars."""
        return {
            "objects": self.n_objects,
            "class_names": list(self.class_names),
            "stars": self.subset.ids(),
            "left_out_classes": self.subset.left_out,
        }

    def _drawn(self) -> dict[str, np.ndarray]:
        times, parts = self.subset.times_of_record, []
        for batch in self._data.evaluation_batches():
            record = np.asarray(batch["record"])
            count = np.where(np.asarray(batch["weight"]) > 0, times[np.maximum(record, 0)], 0) * (record >= 0)
            if not count.any():
                continue
            ready = {name: _padded(np.asarray(value), self._length) for name, value in batch.items()}
            ready["label"] = self.labels[np.maximum(record, 0)].astype(np.int32)
            rows = np.repeat(np.arange(len(count)), count)
            parts.append({name: value[rows] for name, value in ready.items()})
        if not parts:
            raise DataError("none of the stars to learn from has a window: prepare the data again")
        windows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return windows if self._encode is None else encoded(windows, self._encode)


def encoded(windows: dict[str, np.ndarray], encode: Encode) -> dict[str, np.ndarray]:
    """The windows with what `encode` makes of them, so many at once that one compiled program serves all.

    The bare windows, of which the network makes it again at every step, where it would take more than `MOST_ENCODED` bytes.
    """
    count, parts = len(windows["label"]), []
    for start in range(0, count, _AT_ONCE):
        rows = np.minimum(np.arange(start, start + _AT_ONCE), count - 1)
        found = encode({name: value[rows] for name, value in windows.items()})
        parts.append({name: value[: count - start] for name, value in found.items()})
        if sum(value.nbytes for value in found.values()) / _AT_ONCE * count > MOST_ENCODED:
            return windows
    return windows | {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _padded(value: np.ndarray, length: int) -> np.ndarray:
    """Series as long as all windows are."""
    return np.pad(value, ((0, 0), (0, length - value.shape[1]))) if value.ndim == 2 else value
