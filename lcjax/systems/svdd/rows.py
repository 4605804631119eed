"""The rows of a feature table in memory, as a source of batches: a function of the rows, the batch size and the seed."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lcjax.errors import ConfigError, DataError
from lcjax.training.source import Position


class FeatureRows:
    """N objects with features; labels index into `class_names`, -1 for objects that are not learned from."""

    def __init__(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        object_ids: Sequence[str] | np.ndarray,
        feature_names: Sequence[str],
        class_names: Sequence[str],
        batch_size: int = 1024,
        seed: int = 0,
        balance: bool = True,
        fingerprint: str = "",
        all_labels: np.ndarray | None = None,
        all_class_names: Sequence[str] = (),
    ) -> None:
        """Copies nothing.

        Args:
          features: (N, F) float32, missing values NaN. labels: (N,) int.
          all_labels, all_class_names: the classes of the data, held-out ones among them; None: as `labels`.
        """
        self.features, self.labels = np.asarray(features, np.float32), np.asarray(labels, np.int32)
        self.object_ids = np.asarray(object_ids, object)
        self.feature_names, self.class_names = tuple(feature_names), tuple(class_names)
        self.all_labels = self.labels if all_labels is None else np.asarray(all_labels, np.int32)
        self.all_class_names = tuple(all_class_names) or self.class_names
        self.batch_size, self.seed, self.balance = batch_size, seed, balance
        self.n_objects = int((self.labels >= 0).sum())
        settings = [fingerprint, list(self.feature_names), list(self.class_names), batch_size, seed, balance]
        self.fingerprint = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]

    def check_classes(self) -> None:
        """Makes sure that every known class can be learned.

        Raises:
          DataError: nothing to learn from, or a class with one object.
        """
        counts = np.bincount(self.labels[self.labels >= 0], minlength=len(self.class_names))
        if not counts.sum():
            raise DataError("the training split has no objects of known classes: nothing can be learned as usual")
        for name, count in zip(self.class_names, counts, strict=True):
            if count < 2:
                what = "no objects" if not count else "one object"
                raise DataError(
                    f"class '{name}' has {what} in the training split: a centre needs two or more; hold the class out with "
                    f"--inputs.outliers {name}, or prepare the data without it"
                )

    def describe(self) -> dict[str, Any]:
        """Counts, for the record of a run."""
        names = self.class_names
        counts = {name: int((self.labels == i).sum()) for i, name in enumerate(names)}
        return {
            "objects": self.n_objects,
            "class_names": list(names),
            "of_class": counts,
            "features": len(self.feature_names),
        }

    @property
    def batches_per_epoch(self) -> int:
        """As many as hold as many rows as there are to learn from."""
        return -(-self.n_objects // self.batch_size)

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[Position, dict[str, np.ndarray]]]:
        """Endless: rows drawn with replacement, every class alike (or every row)."""
        known = np.flatnonzero(self.labels >= 0)
        share = (
            np.bincount(self.labels[known]).astype(float)[self.labels[known]] if self.balance else np.ones(len(known))
        )
        chance = np.cumsum(1 / share)
        number = epoch * self.batches_per_epoch + batch
        while True:
            drawn = np.random.default_rng((self.seed, number, 5)).random(self.batch_size) * chance[-1]
            yield divmod(number, self.batches_per_epoch), self._batch(known[np.searchsorted(chance, drawn, "right")])
            number += 1

    def evaluation_batches(self) -> Iterator[dict[str, np.ndarray]]:
        """Every row once, in order; rows that fill up the last batch have weight 0."""
        for begin in range(0, len(self.labels), self.batch_size):
            rows = np.arange(begin, begin + self.batch_size)
            filling = rows >= len(self.labels)
            batch = self._batch(np.minimum(rows, len(self.labels) - 1))
            batch["weight"] = np.where(filling, 0, 1).astype(np.float32)
            batch["label"] = np.where(filling, -1, batch["label"]).astype(np.int32)
            yield batch

    def _batch(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return {
            "features": self.features[rows],
            "label": self.labels[rows],
            "weight": np.ones(len(rows), np.float32),
            "record": rows,
            "object_id": self.object_ids[rows],
        }


def known_labels(
    labels: np.ndarray, names: Sequence[str], outliers: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels among the classes that are no outliers, -1 for all others, and the names of those classes.

    Raises:
      ConfigError: an outlier class that is not there, or no class that is none.
    """
    for name in outliers:
        if name not in names:
            raise ConfigError(
                f"there is no class '{name}' to hold out: the data has {', '.join(names) or 'no classes'}"
            )
    known = tuple(name for name in names if name not in outliers)
    if not known:
        raise ConfigError("all classes are held out as outliers: leave at least one to learn")
    number = np.array([known.index(name) if name in known else -1 for name in names] + [-1], np.int32)
    return number[labels], known
