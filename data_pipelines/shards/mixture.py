"""Several streams side by side, such as labelled data of one survey and unlabelled data of another: a batch of each a step."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, Self

import numpy as np

from data_pipelines.shards.batches import Batch
from lcjax.errors import ConfigError

Position = tuple[int, int]
"""(epoch, batch of the epoch)"""


class BatchSource(Protocol):
    """Batches of one stream: what `ShardSource` has."""

    fingerprint: str
    batches_per_epoch: int
    class_names: tuple[str, ...]
    labels: np.ndarray
    n_objects: int

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[Position, Batch]]:
        """Endless; restarted at a position it yields exactly the same rest."""

    def evaluation_batches(self) -> Iterator[Batch]:
        """One pass in fixed order."""

    def describe(self) -> dict[str, Any]:
        """What there is, for the record of a run."""

    def relabelled(self, class_names: Sequence[str]) -> Self:
        """The same with labels numbered as in `class_names`."""


class Mixture:
    """Paired streams, each with its own data and batch size; itself a source.

    A batch is a dict of batches, `{"source": {...}, "target": {...}}`. The first stream counts: positions, epochs, classes and
    labels are its own, and the others give their batch of the same number, counted from the beginning of the run, in rounds of
    their own. So two integers are enough to go on anywhere. Several processes share a mixture when they share each of its parts.
    """

    def __init__(self, parts: Mapping[str, BatchSource], evaluated: str | None = None) -> None:
        """Pairs the streams.

        Args:
          parts: name -> stream, the first of which counts. evaluated: the stream whose batches are evaluated; None: the first.

        Raises:
          ConfigError: no streams, or none called `evaluated`.
        """
        if not parts:
            raise ConfigError("a mixture needs at least one stream")
        self.parts = dict(parts)
        self.first = next(iter(self.parts))
        self.evaluated = self.first if evaluated is None else evaluated
        self._check(self.evaluated)
        text = "\n".join(f"{name} {part.fingerprint}" for name, part in self.parts.items())
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]
        counts = self.parts[self.first]
        self.batches_per_epoch, self.n_objects = counts.batches_per_epoch, counts.n_objects
        self.class_names, self.labels = counts.class_names, counts.labels

    def _check(self, name: str) -> None:
        if name not in self.parts:
            raise ConfigError(f"this mixture has no stream '{name}': it has {', '.join(self.parts)}")

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[Position, dict[str, Batch]]]:
        """Endless ((epoch, batch), batches by name); the same from any position on, whatever was read before."""
        number = epoch * self.batches_per_epoch + batch
        streams = [part.train_batches(*divmod(number, part.batches_per_epoch)) for part in self.parts.values()]
        for found in zip(*streams, strict=True):
            yield found[0][0], {name: ready for name, (_, ready) in zip(self.parts, found, strict=True)}

    def evaluation_batches(self, name: str | None = None) -> Iterator[Batch]:
        """One pass over one stream, in fixed order: its own batches, not nested.

        Args:
          name: of the stream; None: the one that was chosen.

        Raises:
          ConfigError: there is no such stream.
        """
        name = self.evaluated if name is None else name
        self._check(name)
        return self.parts[name].evaluation_batches()

    def describe(self) -> dict[str, Any]:
        """What the first stream has, and all streams by name."""
        return self.parts[self.first].describe() | {"streams": {n: part.describe() for n, part in self.parts.items()}}

    def relabelled(self, class_names: Sequence[str]) -> "Mixture":
        """The same streams, all with the labels of their batches numbered as in `class_names`."""
        renumbered = {name: part.relabelled(class_names) for name, part in self.parts.items()}
        return Mixture(renumbered, self.evaluated)
