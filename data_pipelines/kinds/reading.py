"""How raw input is asked for: by a dataset that is built of it, and by a model that answers it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_pipelines.processes import Processes
from data_pipelines.splits import assign_splits
from lcjax.errors import ConfigError

Options = Mapping[str, Any]
"""Name of an option group -> its dataclass, filled in by the user."""


@dataclass(frozen=True)
class Request:
    """What a model takes of every item, and how its items are read."""

    takes: Mapping[str, Any] = field(default_factory=dict)
    """Of this model, said by its system in this kind's words (for alerts: `columns`, `stamps`, ...)."""
    options: Options = field(default_factory=dict)
    """The user's, by the names of `Kind.predict_options`."""
    processes: Processes = field(default_factory=lambda: Processes(0))
    """That share the reading."""
    say: Callable[[str], None] = print
    """Told at once what the user should know: which column is which, a file set aside."""


class Reader(ABC):
    """Raw input, or prepared shards, as items for a system to answer, in order."""

    rejection_columns: tuple[str, ...] = ("object_id", "reason", "origin")
    """Of the table of what was set aside."""

    @abstractmethod
    def items(self, inputs: Sequence[str]) -> Iterator[Any]:
        """Items and `Rejection`s of files and folders, in the order given.

        Raises:
          DataError: an input is missing, holds nothing of the kind, or is damaged beyond use.
        """

    def decoded(self, messages: Iterable[Any]) -> Iterator[Any]:
        """Items and `Rejection`s of the messages of a stream, one for one.

        Raises:
          ConfigError: this kind of data does not come in streams.
        """
        raise ConfigError("this model does not read alerts: Kafka topics are for models that do")

    def sentences(self) -> list[str]:
        """What became of the input, for the user, once all is read."""
        return []

    def check(self) -> None:
        """Whether what was read may count as success, once all is read and the answers are written.

        Raises:
          DataError: too much of the input was lost.
        """
        return


@dataclass(frozen=True)
class PrepareSettings:
    """What a dataset builder is asked for."""

    sources: tuple[Path, ...] = ()
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0
    n_objects: int = 3000
    """Simulated datasets only."""
    processes: int = 0
    """That share the work where it is heavy; the records are the same. They are spawned, so a script that asks for some needs
    `if __name__ == "__main__"`."""
    options: Options = field(default_factory=dict)
    """The user's, by the names of `Kind.prepare_options`."""

    def assign_by_fractions(self, labels: Mapping[str, str | None], star_of: Mapping[str, str]) -> dict[str, str]:
        """Name of a star -> split, as `fractions` and `seed` say; what `datasets.star_splits` asks for."""
        del star_of
        return assign_splits(labels, self.fractions, self.seed)
