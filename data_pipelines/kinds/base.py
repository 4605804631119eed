"""What a kind of data offers: its records on disk, its batches, its description, and the reading of raw input to be answered."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from data_pipelines.kinds.reading import PrepareSettings, Reader, Request
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import Record, RecordLayout
from lcjax.errors import ConfigError, Rejection

if TYPE_CHECKING:
    from data_pipelines.kinds.description import Description
    from data_pipelines.shards.manifest import Manifest
    from data_pipelines.shards.source import ShardSource


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
