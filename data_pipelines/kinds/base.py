"""What a kind of data offers: its records on disk, its batches, its description, and the reading of raw input to be answered."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from data_pipelines.kinds.report import Report
from data_pipelines.processes import Processes
from data_pipelines.shards.layout import Record, RecordLayout
from data_pipelines.splits import assign_splits
from lcjax.errors import ConfigError, Rejection

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


class Kind:
    """One kind of data. A room of `data_pipelines.kinds` has one as `KIND`; others come by the entry points `lcjax.kinds`.

    Name, unit and layout are enough to learn from records that are there; `read_files` makes them from raw files. Everything
    else has a default that a kind replaces where it has more to say.
    """

    name: str
    """As systems and manifests call it: `light_curves`."""
    unit: str
    """Plural, for messages: `light curves`."""
    layout: RecordLayout
    """Of its records."""
    simulated: ClassVar[str] = ""
    """Dataset that is simulated for who trains on this kind and gives no data; none where it is empty."""
    prepare_options: ClassVar[Mapping[str, type]] = {}
    """Option group of `lcjax data prepare` -> dataclass."""
    evaluation_rows: ClassVar[int] = 64
    """Of a batch that is scored: fewer where a record is large."""
    takes_labels: ClassVar[bool] = False
    """Whether `open_source` takes `labels`, a table that says more of the classes of records than the data does."""
    predict_options: ClassVar[Mapping[str, type]] = {}
    """Option group of `lcjax predict` -> dataclass."""

    def open_source(self, paths: Sequence[Path | str], split: str, batch_size: int, **settings: Any) -> "ShardSource":
        """Training and evaluation batches of one split of prepared datasets; `settings` as in `ShardSource`."""
        from data_pipelines.shards.source import ShardSource

        return ShardSource(paths, split, batch_size, layout=self.layout, **settings)

    def describe(self, manifest: "Manifest", n_examples: int = 6) -> "Description":
        """Numbers, facts and pictures of a prepared dataset: how many records of each class, what every number is like."""
        from data_pipelines.kinds.description import describe_records

        del n_examples
        return describe_records(manifest, self.layout, self.unit)

    def read_files(
        self, paths: Sequence[Path], settings: PrepareSettings, report: Report
    ) -> Iterator[Record | Rejection]:
        """Records of raw files and folders, in order, whose `label` is the name of a class or None.

        Called once to count and once for each split to write, so it must give the same each time.

        Args:
          settings: `settings.options` are the user's. report: to note files set aside or left alone.

        Raises:
          ConfigError: this kind of data is not read from files. DataError: a path is missing or of no use at all.
        """
        raise ConfigError(f"{self.unit} are not read from files: give a prepared dataset")

    def reader(self, request: Request) -> Reader:
        """Reads raw input for a model: the records themselves, of files and of prepared datasets."""
        from data_pipelines.kinds.record_reader import RecordReader

        return RecordReader(self, request)

    def tools(self) -> Mapping[str, Callable[..., Any]]:
        """What systems need done on the host to single items of this kind, by the names they ask for."""
        return {}
