"""Survey files -> a verified dataset folder, whole or not at all."""

import contextlib
import io
import json
import logging
import shutil
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from data_pipelines.datasets import find_builder
from data_pipelines.datasets.naming import REPORT, REQUEST, check_name, check_place, named, request_hash
from data_pipelines.datasets.options import complete_options
from data_pipelines.kinds.reading import PrepareSettings
from data_pipelines.kinds.report import Report
from data_pipelines.shards.manifest import Manifest, read_manifest, verify
from data_pipelines.shards.writing import write_manifest
from lcjax.errors import ConfigError, DataError, LcjaxError, StorageError
from lcjax.files import new_folder, printable

if TYPE_CHECKING:
    from data_pipelines.datasets.survey_builder import SurveyBuilder

SHARDS = 8
"""Per split: four processes can share them, and short streams stay long enough to shuffle."""
_ADVICE = "choose another --out or free space"


@dataclass(frozen=True)
class Prepared:
    """What was written, and what became of the raw input."""

    manifest: Manifest
    report: Report
    objects: dict[str, int]
    """Records (light curves, alerts) per split."""

    def rows(self) -> dict[str, str]:
        """What is worth printing: name -> text."""
        rows = self.report.rows(self.objects)
        rows["classes"] = ", ".join(self.manifest.class_names) or "none"
        rows["bands"] = ", ".join(band or "(unnamed)" for band in self.manifest.bands)
        if others := list(self.report.other_files):
            shown = ", ".join(Path(p).name for p in others[:3]) + (", ..." if len(others) > 3 else "")
            rows["files left alone"] = f"{len(others):,} of no wanted format ({shown})"
        return rows


def prepare(
    dataset: str,
    sources: Sequence[Path | str],
    out: Path | str,
    *,
    name: str | None = None,
    overwrite: bool = False,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    seed: int = 0,
    shards: int = SHARDS,
    n_objects: int = 3000,
    processes: int = 0,
    **options: object,
) -> Prepared:
    """Writes `out/<name>/<version>/` through the dataset's tfds builder.

    What the same request made before is replaced once the new one is complete; anything else that is there is refused. Objects that are set aside are in
    `rejected.parquet` (object_id, reason, origin), counts in `cleaning.json`.

    Args:
      dataset: which builder. name: what to call what it makes; None: as the builder is called.
      overwrite: replace whatever dataset of that name is in `out`.
      options: option groups by name, as the dataset's kind of data has them: `columns=ColumnNames(time="t")`. None: defaults.

    Raises:
      ConfigError: no such dataset, options it does not understand, settings that make no sense, or another dataset is there.
      DataError: nothing usable in the sources. StorageError: `out` cannot be written.
    """
    if shards < 1:
        raise ConfigError(f"--shards is {shards}: it must be at least 1")
    name = dataset if name is None else check_name(name)
    builder_class = named(find_builder(dataset), name)
    paths = tuple(Path(source) for source in sources)
    settings = PrepareSettings(paths, tuple(fractions), seed, n_objects, processes, options)
    complete_options(settings, builder_class.kind, dataset)
    out, request = Path(out), request_hash(dataset, settings, shards)
    check_place(out / name, request, overwrite)
    with _refused_writes(out), new_folder(out / name, _ADVICE) as temporary:
        building = temporary / ".building"
        builder = _build(builder_class, settings, building, shards)
        folder = Path(builder.data_dir)
        _write_reports(folder, builder.report, settings, request)
        builder.write_beside(folder)
        write_manifest(folder, builder.layout, builder.report.facts(), builder.meaning())
        # Of what tfds makes where it is told to, the version is wanted, right below the name of the dataset.
        folder.rename(temporary / folder.name)
        shutil.rmtree(building)
    manifest = _read_back(out / name / str(builder.version))
    objects = Counter({s.split: 0 for s in manifest.shards})
    for shard in manifest.shards:
        objects[shard.split] += shard.records
    return Prepared(manifest, builder.report, dict(objects))


@contextlib.contextmanager
def _refused_writes(out: Path) -> Iterator[None]:
    """Turns what TensorFlow's writer says of a full or read-only disk, which tfds wraps in other errors, into one sentence."""
    try:
        yield
    except LcjaxError:
        raise
    except Exception as error:
        if (why := _writer_error(error)) is None:
            raise
        raise StorageError(f"cannot write the dataset to '{out}': {why}; {_ADVICE}") from error


def _writer_error(error: BaseException | None) -> str | None:
    """The refusal behind an error, None where there is none."""
    import tensorflow as tf

    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, tf.errors.OpError):
            return error.message
        if isinstance(error, OSError):
            return error.strerror or str(error)
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def _read_back(folder: Path) -> Manifest:
    """Reads back what was written; a dataset is announced only when it verifies."""
    damage = verify(folder)
    if damage:
        raise DataError(f"the dataset was written but does not verify: {damage[0]}; is the disk sound?")
    return read_manifest(folder)


def _build(
    builder_class: "type[SurveyBuilder]", settings: PrepareSettings, folder: Path, shards: int
) -> "SurveyBuilder":
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.utils import shard_utils

    class FewerForSmallSplits(shard_utils.ShardConfig):
        """tfds refuses a split with fewer records than shards: such a split gets as many shards as records."""

        def get_number_shards(self, total_size: int, num_examples: int, *args: object, **kwargs: object) -> int:
            return max(1, min(shards, num_examples))

    class Sharded(tfds.download.DownloadConfig):
        def get_shard_config(self) -> shard_utils.ShardConfig:
            return FewerForSmallSplits(num_shards=shards)

    tfds.disable_progress_bar()
    logging.getLogger("absl").setLevel(logging.ERROR)
    # tfds prints to stdout where it writes, which is a temporary folder.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        builder = builder_class(settings=settings, data_dir=str(folder))
        builder.download_and_prepare(download_config=Sharded())
    return builder


def _write_reports(folder: Path, report: Report, settings: PrepareSettings, request: str) -> None:
    content = report.as_dict() | {
        "seed": settings.seed,
        "fractions": list(settings.fractions),
        "sources": [p.name for p in settings.sources],
        REQUEST: request,
    }
    (folder / REPORT).write_text(json.dumps(content, indent=1))
    types = {"alert_id": pa.int64()}
    names = report.rejection_columns
    rejected = {k: [getattr(r, k) for r in report.rejected] for k in names}
    for name in names:
        if name not in types:  # names of files may be no text
            rejected[name] = [printable(text) for text in rejected[name]]
    schema = pa.schema([(k, types.get(k, pa.string())) for k in names])
    pq.write_table(pa.table(rejected, schema=schema), folder / "rejected.parquet")
