"""The published dataset of AstroM3 in its Parquet layout (Hugging Face AstroMLCore), processed or raw, from local files.

Configurations are folders `{full,sub50,sub25,sub10}_{42,0,66,12,123}`, perhaps with `_norm`, each with files of the splits
train, validation (or val) and test.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_pipelines.kinds.multimodal.options import MultimodalOptions
from data_pipelines.kinds.multimodal.records import encode_object, encode_processed
from data_pipelines.shards.layout import Record
from lcjax.catalogue_columns import METADATA, PHOTOMETRIC
from lcjax.errors import ConfigError, DataError, Rejection, first_line

CONFIGURATION = re.compile(r"(full|sub50|sub25|sub10)_(\d+)(_norm)?")
_SPLITS = {"train": "train", "validation": "validation", "val": "validation", "valid": "validation", "test": "test"}
_IDS = ("object_id", "id", "name", "source_id", "edr3_source_id", "gaia_id")
_ROWS = 64


def published_files(sources: Sequence[Path], options: MultimodalOptions) -> list[tuple[str, Path]]:
    """(split, file) of the one configuration that is meant.

    Raises:
      ConfigError: several configurations, and nothing says which. DataError: no files of splits.
    """
    files = [f for source in sources for f in ([source] if source.is_file() else sorted(source.rglob("*.parquet")))]
    configurations: dict[str, list[Path]] = {}
    for file in files:
        name = next((part for part in reversed(file.parts[:-1]) if CONFIGURATION.fullmatch(part)), "")
        configurations.setdefault(name, []).append(file)
    chosen = [name for name in configurations if _fits(name, options, alone=len(configurations) == 1)]
    if len(chosen) != 1:
        listed = ", ".join(sorted(configurations)) or "none"
        raise ConfigError(
            f"--source holds the configurations {listed}, and {len(chosen)} of them are meant: give --multimodal.subset and "
            "--multimodal.published-seed, or the folder of one as --source"
        )
    found = [(split, file) for file in configurations[chosen[0]] if (split := split_of_file(file))]
    if not found:
        raise DataError(f"none of the {len(files)} Parquet files is called after a split (train, validation, test)")
    return found


def _fits(name: str, options: MultimodalOptions, alone: bool) -> bool:
    found = CONFIGURATION.fullmatch(name)
    if found is None:
        return alone
    seed = options.published_seed
    return ((alone and options.subset == "full") or found[1] == options.subset) and seed in (None, int(found[2]))


def split_of_file(file: Path) -> str | None:
    """Split that a file is called after.

    >>> split_of_file(Path("full_42/val-00000-of-00002.parquet")), split_of_file(Path("readme.parquet"))
    ('validation', None)
    """
    return _SPLITS.get(re.split(r"[-_.]", file.name)[0].lower())


def read_published(files: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, Record | Rejection]]:
    """(split, record or rejection) of every row.

    Raises:
      DataError: a file that cannot be read, or has other columns.
    """
    seen: set[str] = set()
    for split, path in files:
        try:
            file = pq.ParquetFile(path)
            names = _class_names(file.schema_arrow)
            lacking = {"photometry", "spectra", "metadata", "label"} - set(file.schema_arrow.names)
            if lacking:
                raise DataError(f"'{path}' has no column '{min(lacking)}': it has {', '.join(file.schema_arrow.names)}")
            row = 0
            for batch in file.iter_batches(_ROWS):
                for cells in batch.to_pylist():
                    object_id = next(
                        (str(cells[c]) for c in _IDS if cells.get(c) not in (None, "")), f"{split}-{path.stem}-{row}"
                    )
                    row += 1
                    for found in _objects(object_id, cells, names, path):
                        if not isinstance(found, Rejection) and object_id in seen:
                            found = Rejection(object_id, "an object of this name was read before", str(path))
                        yield split, found
                    seen.add(object_id)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"'{path}' cannot be read as Parquet ({first_line(error)}): restore it") from error


def _objects(
    object_id: str, cells: Mapping[str, Any], names: Sequence[str], path: Path
) -> Iterator[Record | Rejection]:
    try:
        photometry, spectra = (_matrix(cells[name], name) for name in ("photometry", "spectra"))
        label = _label(cells["label"], names)
        if isinstance(cells["metadata"], Mapping):
            columns = {k: v for part in cells["metadata"].values() for k, v in (part or {}).items()}
            numbers = {k: float("nan") if v is None else float(v) for k, v in columns.items()}
            record, faults = encode_object(object_id, photometry, spectra, numbers, label, origin=str(path))
            yield from [*faults, *([record] if record else [])]
            return
        metadata = np.asarray(cells["metadata"], np.float32)
        yield encode_processed(object_id, photometry, spectra, metadata, (PHOTOMETRIC, METADATA), label)
    except (DataError, TypeError, ValueError) as error:
        yield Rejection(object_id, f"unfit row: {error}", str(path))


def _matrix(value: Any, name: str) -> np.ndarray:
    if value is None:
        raise DataError(f"no {name}")
    found = np.asarray(value, np.float32)
    if found.ndim != 2:
        raise DataError(f"{name} of the shape {found.shape}, which is no table")
    return found


def _label(value: Any, names: Sequence[str]) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if not isinstance(value, int) or (value >= 0 and value >= len(names)):
        raise DataError(f"the label {value!r}, and the file names {len(names)} classes")
    return names[value] if value >= 0 else None


def _class_names(schema: pa.Schema) -> tuple[str, ...]:
    """Names of the classes, as the datasets library writes them into the schema."""
    try:
        about = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        return tuple(about["info"]["features"]["label"]["names"])
    except (ValueError, KeyError, TypeError):
        return ()
