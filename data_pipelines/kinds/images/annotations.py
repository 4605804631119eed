"""A table beside images: classes, target numbers and places by the name of the object or of its file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from data_pipelines.kinds.images.fields import LABELS, NAMES, choose
from data_pipelines.kinds.images.options import FOLDER, NOTHING, ImageSettings
from data_pipelines.sources.arrow_batches import file_batches
from data_pipelines.sources.cells import number_of, text_of
from lcjax.errors import ConfigError, DataError

_ENDINGS = (".png", ".jpg", ".jpeg", ".fits", ".fit", ".fts", ".fits.gz", ".fits.fz", ".npy")


@dataclass
class Annotation:
    """What a table says of one object."""

    labels: list[Any] = field(default_factory=list)
    """Each once; several contradict each other."""
    numbers: dict[str, set[float]] = field(default_factory=dict)
    """Target, `ra` or `dec` -> its values, one where the rows agree."""


def bare(name: str) -> str:
    """The name of an image without the ending of its file.

    >>> bare("a/b.fits.gz"), bare("587722981742084096")
    ('b', '587722981742084096')
    """
    name = name.replace("\\", "/").rsplit("/", 1)[-1]
    ending = max((e for e in _ENDINGS if name.lower().endswith(e)), key=len, default="")
    return name[: len(name) - len(ending)]


def number(value: Any) -> float:
    """Of a cell; NaN where it is none."""
    return number_of(value) if isinstance(value, str | bytes) or value is None else float(value)


def read_annotations(path: Path, settings: ImageSettings, said: dict[str, str]) -> dict[str, Annotation]:
    """Object, or bare name of its file -> what the table says.

    Raises:
      DataError: the table cannot be read or lacks a column. ConfigError: which column is which is open.
    """
    if not path.exists():
        raise DataError(f"there is no table '{path}' (--images.table)")
    found: dict[str, Annotation] = {}
    keys: Mapping[str, str | None] = {}
    for batch in file_batches(path):
        keys = keys or _columns(batch.schema.names, settings, path)
        columns = {role: _cells(batch, name) for role, name in keys.items() if name}
        surveys = _cells(batch, settings.survey_column) if settings.survey_column else None
        for row, name in enumerate(columns["object"]):
            if name is None or (surveys is not None and text_of(surveys[row]) != settings.survey):
                continue
            entry = found.setdefault(bare(str(name)), Annotation())
            label = columns["label"][row] if "label" in columns else None
            if label not in (None, "") and label not in entry.labels:
                entry.labels.append(label)
            for role in keys.keys() - {"object", "label"}:
                value = number(columns[role][row])
                if value == value:
                    entry.numbers.setdefault(role, set()).add(value)
    if not found:
        raise DataError(
            f"the table '{path}' names no images" + (f" of {settings.survey}" if settings.survey_column else "")
        )
    said["table"] = f"objects {keys['object']}, classes {keys.get('label') or NOTHING}"
    return found


def _columns(names: list[str], settings: ImageSettings, path: Path) -> dict[str, str | None]:
    key = choose(settings.object_id, NAMES, names, f"'{path}'", "object-id")
    if key is None:
        raise ConfigError(
            f"no column of '{path}' has a usual name of objects: say --images.object-id, one of {', '.join(names)}"
        )
    wanted = None if settings.label in (NOTHING, FOLDER) else settings.label
    label = (
        None
        if settings.label in (NOTHING, FOLDER)
        else choose(wanted, LABELS, [n for n in names if n != key], f"'{path}'", "label")
    )
    renamed = settings.target_names or settings.targets
    if len(renamed) != len(settings.targets):
        raise ConfigError(
            f"--images.target-names names {len(renamed)} numbers, --images.targets {len(settings.targets)}"
        )
    numbers = dict(zip(renamed, settings.targets, strict=True)) | {"ra": settings.ra, "dec": settings.dec}
    for column in (*numbers.values(), settings.survey_column):
        choose(column, (), names, f"'{path}'", "targets")
    return {"object": key, "label": label} | {role: column for role, column in numbers.items() if column}


def _cells(batch: pa.RecordBatch, name: str) -> list[Any]:
    return batch.column(name).to_pylist()
