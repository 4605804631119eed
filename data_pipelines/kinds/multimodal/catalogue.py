"""The catalogue of objects of several modalities: ids, classes, positions, numbers, names of spectra."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_pipelines.kinds.multimodal.options import MultimodalOptions
from data_pipelines.sources.astropy_tables import read_with_astropy
from data_pipelines.sources.catalogues import DEGREES, check_unit
from data_pipelines.sources.csv_tables import read_csv
from lcjax.errors import ConfigError, DataError, Rejection, first_line

IDS = ("object_id", "id", "name", "source_id", "edr3_source_id")
LABELS = ("label", "class", "target")
SPECTRA = ("spectrum", "spec_filename", "file")
IMAGE_NAMES = {"stamps": ("stamps_file", "stamp_file"), "host": ("host_file", "host_image")}
TABLES = (".csv", ".csv.gz", ".parquet", ".fits", ".ecsv")
_EMPTY = ("", "nan", "none", "null", "--", "n/a")
UNITS = {
    "parallax": ("mas",),
    "parallax_error": ("mas",),
    **dict.fromkeys(
        ("pm", "pmra", "pmdec", "pmra_error", "pmdec_error"), ("mas / yr", "mas/yr", "mas.yr**-1", "mas yr-1")
    ),
    "period": ("d", "day", "days"),
    **dict.fromkeys(("ra", "dec", "l", "b"), DEGREES),
}
"""Column of a known meaning -> the unit that it is taken to be in, as tables write it."""
_EXACT = 2.0**53
"""Floats from here on skip whole numbers."""


@dataclass(frozen=True)
class Catalogue:
    """One entry an object."""

    path: Path
    ids: list[str]
    labels: list[str | None]
    spectrum_names: list[str]
    image_names: dict[str, list[str]]
    """Modality -> names of files, '' where none is named."""
    numbers: dict[str, np.ndarray]
    ra: np.ndarray | None
    dec: np.ndarray | None
    faults: list[Rejection]
    """Rows that are not used."""

    def __len__(self) -> int:
        return len(self.ids)


def read_catalogue(files: Sequence[Path], options: MultimodalOptions) -> Catalogue:
    """The catalogue among the files, or the one that is named.

    Raises:
      ConfigError: columns that are not there, or several that could be meant. DataError: no catalogue, or one of no use.
    """
    path = options.catalogue or _only_catalogue(files)
    table = read_any(path)
    check_units(table, path)
    texts = {name: _texts(table[name]) for name in table.column_names}
    own = _chosen(texts, options.id_column, IDS, "ids", "id-column", path, needed=True)
    ids = ids_of(table[own], f"'{path}'")
    label = _chosen(texts, options.label_column, LABELS, "classes", "label-column", path)
    spectrum = _chosen(texts, options.spectrum_column, SPECTRA, "spectra", "spectrum-column", path)
    said = {"stamps": options.stamps_column, "host": options.host_column}
    pictures = {
        name: _chosen(texts, said[name], usual, f"names of {name} files", f"{name}-column", path)
        for name, usual in IMAGE_NAMES.items()
    }
    faults, rows, seen = [], [], Counter(ids)
    for row, object_id in enumerate(ids):
        if not object_id:
            faults.append(Rejection(f"row {row + 1}", "no id in the catalogue", str(path)))
        elif seen[object_id] > 1:
            faults.append(Rejection(object_id, f"its id is in {seen[object_id]} rows of the catalogue", str(path)))
        else:
            rows.append(row)
    if not rows:
        raise DataError(f"the catalogue '{path}' has no row with an id of its own")
    # A place on the sky is no property of an object: it is kept, and is no number to learn from.
    left = {label, spectrum, "ra", "dec", own, *pictures.values()}
    numbers, where = _numbers(texts, left, options.columns, path), lambda name: name in texts
    position = {name: _as_number(texts[name])[0][rows] if where(name) else None for name in ("ra", "dec")}
    return Catalogue(
        path,
        [ids[row] for row in rows],
        [(texts[label][row] or None) if label else None for row in rows],
        [texts[spectrum][row] if spectrum else "" for row in rows],
        {name: [texts[column][row] if column else "" for row in rows] for name, column in pictures.items()},
        {name: column[rows] for name, column in numbers.items()},
        position["ra"],
        position["dec"],
        faults,
    )


def check_units(table: pa.Table, path: Path) -> None:
    """Refuses columns of a known meaning whose header gives another unit: a parallax in arcseconds moves every magnitude by 15.

    Raises:
      DataError: there is one.
    """
    for field in table.schema:
        if field.name in UNITS:
            check_unit(field, UNITS[field.name], path)


def _only_catalogue(files: Sequence[Path]) -> Path:
    tables = [file for file in files if file.name.lower().endswith(TABLES)]
    named = [file for file in tables if file.name.lower().startswith(("catalogue", "catalog", "metadata"))]
    if len(named) != 1:
        listed = ", ".join(file.name for file in named[:4]) or "none"
        raise ConfigError(
            f"--source must hold one table called catalogue.* (or catalog.*, metadata.*), and holds {listed}: say which with "
            "--multimodal.catalogue"
        )
    return named[0]


def read_any(path: Path) -> pa.Table:
    """A table of any of the formats.

    Raises:
      DataError: it cannot be read.
    """
    try:
        if path.name.lower().endswith((".csv", ".csv.gz")):
            return read_csv(path)
        if path.suffix.lower() == ".parquet":
            return pq.read_table(path)
        return read_with_astropy(path)
    except (pa.ArrowException, OSError, EOFError) as error:
        raise DataError(f"'{path}' cannot be read as a table ({first_line(error)})") from error


def _texts(column: pa.ChunkedArray) -> list[str]:
    return [text_of(value) for value in column.to_pylist()]


def text_of(value: object) -> str:
    """A cell as text, '' where it is empty.

    >>> text_of(12), text_of(" 12 "), text_of(12.0), text_of(b"a"), text_of(None), text_of("NaN")
    ('12', '12', '12.0', 'a', '', '')
    """
    found = "" if value is None else value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    found = found.strip()
    return "" if found.lower() in _EMPTY else found


def name_of_file(name: str) -> str:
    """A file's name without folders, packing and ending: what an object or spectrum is called.

    >>> name_of_file("a/spec-55862-B6212_sp06-003.fits.gz"), name_of_file("J1234.5+67.8.dat"), name_of_file("J1234.5")
    ('spec-55862-B6212_sp06-003', 'J1234.5+67.8', 'J1234.5')
    """
    bare = Path(name).name.removesuffix(".gz")
    return re.sub(r"\.[A-Za-z][A-Za-z0-9]{0,6}$", "", bare)


def id_of(value: object) -> str:
    """An id as text: tables that lack some ids hold whole numbers as floats, and `12.0` is the object `12`.

    Raises:
      DataError: a float so large that it stands for several whole numbers, as Gaia's would be.

    >>> id_of(12.0), id_of("12.0"), id_of("007"), id_of("V12.5")
    ('12', '12', '007', 'V12.5')
    """
    text = text_of(value)
    if re.fullmatch(r"\d+\.0*|\d(\.\d*)?[eE]\+?\d+", text):
        number = float(text)
        if number >= _EXACT:
            raise DataError(
                f"the id {text} is a rounded number that may be of several objects: write ids as whole numbers or text"
            )
        return str(int(number)) if number == int(number) else text
    return text


def ids_of(column: pa.ChunkedArray, where: str) -> list[str]:
    """Ids of a table.

    Args:
      where: named in errors.

    Raises:
      DataError: as `id_of`.
    """
    try:
        return [id_of(value) for value in column.to_pylist()]
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def _chosen(
    texts: dict[str, list[str]],
    asked: str | None,
    usual: Sequence[str],
    what: str,
    option: str,
    path: Path,
    needed: bool = False,
) -> str:
    """Name of a column, or '' where there is none."""
    listed = ", ".join(list(texts)[:12])
    if asked is not None:
        if asked not in texts:
            raise ConfigError(f"'{path}' has no column '{asked}' (--multimodal.{option}): it has {listed}")
        return asked
    found = [name for name in usual if name in texts]
    if len(found) > 1 and len({tuple(texts[name]) for name in found}) > 1:
        raise ConfigError(f"{what} may be in {' or '.join(found)} of '{path}': say which with --multimodal.{option}")
    if needed and not found:
        raise ConfigError(
            f"'{path}' has no column of {what} ({', '.join(usual)}): say which with --multimodal.{option}"
        )
    return found[0] if found else ""


def _as_number(texts: list[str]) -> tuple[np.ndarray, int]:
    """float64, NaN where there is none, and how many texts are no numbers."""
    values, bad = np.full(len(texts), np.nan), 0
    for row, text in enumerate(texts):
        if text:
            try:
                values[row] = float(text)
            except ValueError:
                bad += 1
    return values, bad


def _numbers(texts: dict[str, list[str]], left: set[str], asked: Sequence[str], path: Path) -> dict[str, np.ndarray]:
    if odd := [name for name in asked if name not in texts]:
        raise ConfigError(
            f"'{path}' has no column '{odd[0]}' (--multimodal.columns): it has {', '.join(list(texts)[:12])}"
        )
    found = {}
    for name in asked or [name for name in texts if name not in left]:
        values, bad = _as_number(texts[name])
        if asked and bad:
            raise DataError(f"column '{name}' of '{path}' holds {bad} cells that are no numbers")
        # A column of texts is none of numbers; one with a stray text keeps its numbers.
        if np.isfinite(values).any() and bad <= 0.1 * len(values):
            found[name] = np.where(np.isfinite(values), values, np.nan)
    return found
