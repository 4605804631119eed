"""Tables of labels beside light curves: CSV files that name stars or files and their classes, and have no times.

What a file is, its columns say and not its name.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from data_pipelines.kinds.light_curves.columns import COMMON_NAMES, ColumnNames
from data_pipelines.kinds.light_curves.id_columns import check_text
from data_pipelines.shards.class_names import is_no_class
from data_pipelines.sources.arrow_batches import CSV, file_batches
from data_pipelines.sources.csv_tables import csv_header
from data_pipelines.sources.identity import bare_name
from data_pipelines.sources.light_curve import RawLightCurve

_FILE_NAMES = ("file", "filename", "file_name")
_ENDINGS = (".dat", ".csv", ".tsv", ".parquet", ".fits", ".fit", ".ecsv", ".mjd", ".tar", ".gz", ".bz2", ".txt")


@dataclass
class Labels:
    """Classes by the id of a star, or by the file that it is in."""

    of_star: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    of_file: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    used: set[tuple[str, str]] = field(default_factory=set)
    """Entries that a light curve was found for."""

    def __bool__(self) -> bool:
        return bool(self.of_star or self.of_file)

    def add(self, curve: RawLightCurve, path: Path) -> RawLightCurve:
        """The light curve with all the classes that are known of it."""
        own = curve.labels or ((curve.label,) if curve.label else ())
        found = dict.fromkeys(own)
        for kind, name, table in (("star", curve.object_id, self.of_star), ("file", bare_name(path), self.of_file)):
            if name in table:
                self.used.add((kind, name))
                found |= dict.fromkeys(sorted(table[name]))
        if not found:
            return curve
        return replace(curve, label=next(iter(found)), labels=tuple(found))

    def unused(self) -> list[str]:
        """Stars and files that labels are given for and that were not there."""
        entries = [("star", name) for name in self.of_star] + [("file", name) for name in self.of_file]
        return [name for kind, name in entries if (kind, name) not in self.used]


def is_label_table(path: Path, columns: ColumnNames) -> bool:
    """Whether a file is a table of labels: a CSV with names and classes and without times."""
    return path.name.lower().endswith(CSV) and _columns(csv_header(path), columns) is not None


def read_labels(paths: Iterable[Path], columns: ColumnNames) -> Labels:
    """The classes that tables of labels give.

    Raises:
      DataError: an id that a spreadsheet has rounded.
    """
    labels = Labels()
    for path in paths:
        for batch in file_batches(path):
            key, label = _columns(batch.schema.names, columns) or ("", "")
            for name, value in zip(batch.column(key).to_pylist(), batch.column(label).to_pylist(), strict=True):
                name, value = (name or "").strip(), (value or "").strip()
                check_text(name, f"'{path}'")
                if not name or not value or is_no_class(value):
                    continue
                if key.lower() in _FILE_NAMES:
                    labels.of_file[_bare(Path(name).name)].add(value)
                else:
                    labels.of_star[_bare(name)].add(value)
    return labels


def _columns(names: list[str], columns: ColumnNames) -> tuple[str, str] | None:
    """The column of stars or files and that of classes; None where these are no labels."""
    lower = {name.lower(): name for name in reversed(names)}
    times = (columns.time.lower(),) if columns.time else COMMON_NAMES["time"]
    if any(name in lower for name in times):
        return None
    keys = ((columns.object_id or "").lower(), *_FILE_NAMES, *COMMON_NAMES["object_id"])
    classes = ((columns.label or "").lower(), *COMMON_NAMES["label"])
    key = next((lower[name] for name in keys if name in lower), None)
    label = next((lower[name] for name in classes if name in lower and lower[name] != key), None)
    return (key, label) if key and label else None


def _bare(name: str) -> str:
    """A name without the endings of data files, which some tables give with the id."""
    return bare_name(Path(name)) if name.lower().endswith(_ENDINGS) else name
