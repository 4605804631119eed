"""Survey files -> a verified dataset folder, whole or not at all."""

import contextlib
import io
import json
import logging
import os
import shutil
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data_pipelines.kinds.alerts.settings import AlertReport, AlertSettings
from data_pipelines.kinds.alerts.weak_labels import LabelSettings
from data_pipelines.kinds.light_curves.cleaning import CleaningReport, CleaningSettings
from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.shards.manifest import Manifest, read_manifest, verify, write_manifest
from lcjax.errors import ConfigError, DataError, LcjaxError, StorageError

SHARDS = 8
"""Per split: four processes can share them, and short streams stay long enough to shuffle."""


@dataclass(frozen=True)
class Prepared:
    """What was written, and what cleaning did."""

    manifest: Manifest
    report: CleaningReport | AlertReport
    objects: dict[str, int]
    """Records (light curves, alerts) per split."""


def prepare(
    name: str,
    sources: Sequence[Path | str],
    out: Path | str,
    *,
    columns: ColumnNames | None = None,
    cleaning: CleaningSettings | None = None,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    seed: int = 0,
    shards: int = SHARDS,
    n_objects: int = 3000,
    alerts: AlertSettings | None = None,
    labels: LabelSettings | None = None,
    processes: int = 0,
) -> Prepared:
    """Writes `out/<name>/<version>/` through the dataset's tfds builder.

    An older preparation of the same name is replaced only once the new one is complete. Objects that are set aside are in
    `rejected.parquet` (object_id, reason, origin), counts in `cleaning.json`.

    Raises:
      ConfigError: no such dataset, or settings that make no sense. DataError: nothing usable in the sources.
      StorageError: `out` cannot be written.
    """
    from data_pipelines.datasets import find_builder
    from data_pipelines.datasets.survey_builder import PrepareSettings

    if shards < 1:
        raise ConfigError(f"--shards is {shards}: it must be at least 1")
    builder_class = find_builder(name)
    settings = PrepareSettings(
        sources=tuple(Path(s) for s in sources),
        columns=columns or ColumnNames(),
        cleaning=cleaning or CleaningSettings(),
        fractions=tuple(fractions),
        seed=seed,
        n_objects=n_objects,
        alerts=alerts or AlertSettings(),
        labels=labels or LabelSettings(),
        processes=processes,
    )
    out = Path(out)
    temporary = out / f".{name}.{os.getpid()}.partial"
    try:
        temporary.mkdir(parents=True)
        builder = _build(builder_class, settings, temporary, shards)
        folder = Path(builder.data_dir)
        _write_reports(folder, builder.report, settings)
        write_manifest(folder)
        final = out / name
        old = out / f".{name}.{os.getpid()}.old"
        if final.exists():
            final.rename(old)
        try:
            (temporary / name).rename(final)
        except OSError:
            if old.exists():
                old.rename(final)
            raise
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise _storage_error(out, error.strerror or str(error)) from error
    except LcjaxError:
        raise
    except Exception as error:
        if (why := _writing_failed(error)) is None:
            raise
        raise _storage_error(out, why) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    manifest = _read_back(final / str(builder.version))
    objects = Counter({s.split: 0 for s in manifest.shards})
    for shard in manifest.shards:
        objects[shard.split] += shard.records
    return Prepared(manifest, builder.report, dict(objects))


def _writing_failed(error: BaseException | None) -> str | None:
    """What TensorFlow's writer says of a full or read-only disk; its own family of errors, which tfds wraps in others."""
    while error is not None:
        if isinstance(error, OSError):
            return error.strerror or str(error)
        if type(error).__module__.startswith("tensorflow.python.framework.errors"):
            return str(error).splitlines()[0].rpartition("; ")[2][:160]
        error = error.__cause__ or error.__context__
    return None


def _storage_error(out: Path, why: str) -> StorageError:
    return StorageError(f"cannot write the dataset to '{out}': {why}; choose another --out or free space")


def _read_back(folder: Path) -> Manifest:
    """Reads back what was written; a dataset is announced only when it verifies."""
    damage = verify(folder)
    if damage:
        raise DataError(f"the dataset was written but does not verify: {damage[0]}; is the disk sound?")
    return read_manifest(folder)


def _build(builder_class: Any, settings: Any, folder: Path, shards: int) -> Any:
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.utils import shard_utils

    class FewerForSmallSplits(shard_utils.ShardConfig):
        """tfds refuses a split with fewer records than shards: such a split gets as many shards as records."""

        def get_number_shards(self, total_size: int, num_examples: int, *args: Any, **kwargs: Any) -> int:
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


def _write_reports(folder: Path, report: CleaningReport | AlertReport, settings: Any) -> None:
    content = report.as_dict() | {
        "seed": settings.seed,
        "fractions": list(settings.fractions),
        **(
            {k: getattr(settings.alerts, k) for k in ("keep", "per_class", "cap")}
            if isinstance(report, AlertReport)
            else {}
        ),
        "sources": [p.name for p in settings.sources],
    }
    (folder / "cleaning.json").write_text(json.dumps(content, indent=1))
    types = {"alert_id": pa.int64()}
    names = report.rejection_columns
    rejected = {k: [getattr(r, k) for r in report.rejected] for k in names}
    schema = pa.schema([(k, types.get(k, pa.string())) for k in names])
    pq.write_table(pa.table(rejected, schema=schema), folder / "rejected.parquet")
