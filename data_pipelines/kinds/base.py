"""What a kind of data offers: its records on disk, its batches, its description, and the reading of raw input to be answered."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from data_pipelines.processes import Processes
from lcjax.errors import ConfigError

if TYPE_CHECKING:
    from data_pipelines.kinds.description import Description
    from data_pipelines.shards.manifest import Manifest
    from data_pipelines.shards.source import ShardSource

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


class Kind(ABC):
    """One kind of data. A room of `data_pipelines.kinds` has one as `KIND`; others come by the entry points `lcjax.kinds`."""

    name: str
    """As systems and manifests call it: `light_curves`."""
    unit: str
    """Plural, for messages: `light curves`."""
    prepare_options: ClassVar[Mapping[str, type]] = {}
    """Option group of `lcjax data prepare` -> dataclass."""
    predict_options: ClassVar[Mapping[str, type]] = {}
    """Option group of `lcjax predict` -> dataclass."""

    @abstractmethod
    def open_source(self, paths: Sequence[Path | str], split: str, batch_size: int, **settings: Any) -> "ShardSource":
        """Training and evaluation batches of one split of prepared datasets; `settings` as in `ShardSource`."""

    @abstractmethod
    def describe(self, manifest: "Manifest", n_examples: int = 6) -> "Description":
        """Numbers, facts and pictures of a prepared dataset."""

    @abstractmethod
    def reader(self, request: Request) -> Reader:
        """Reads raw input for a model."""

    def tools(self) -> Mapping[str, Callable[..., Any]]:
        """What systems need done on the host to single items of this kind, by the names they ask for."""
        return {}
