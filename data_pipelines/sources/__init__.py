"""Format readers: survey files in, raw light curves out, nothing mended. Damaged files are named and set aside."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.kinds.light_curves.id_columns import FILE_NAME
from data_pipelines.sources.folders import check_there, files_below
from data_pipelines.sources.identity import FileNames, file_names
from data_pipelines.sources.label_tables import Labels, is_label_table, read_labels
from data_pipelines.sources.light_curve import RawLightCurve
from data_pipelines.sources.originals import macho_keys, read_macho, read_text
from data_pipelines.sources.snana import is_head
from data_pipelines.sources.tables import is_table, read_table, splits_stars, table_keys
from data_pipelines.sources.whole_stars import count_bands, count_parts, together, whole_stars
from lcjax.errors import DataError
from lcjax.files import is_left_over

__all__ = ["ColumnNames", "RawLightCurve", "list_files", "read_light_curves"]

_CATALOGUE_FILES = {
    "partition_info.csv",
    "partition_join_info.csv",
    "skymap.fits",
    "point_map.fits",
    "data_thumbnail.parquet",
}
"""What a HATS catalogue has beside its light curves."""
_ARCHIVES = (".mjd", ".tar.bz2", ".tar.gz", ".tar")
_ORIGINALS = (".dat", *_ARCHIVES)


def list_files(
    paths: Sequence[Path | str],
    suffixes: tuple[str, ...] = (),
    on_other: Callable[[Path], None] | None = None,
    columns: ColumnNames | None = None,
) -> list[Path]:
    """Files at and below `paths`, sorted, links followed; hidden files and those of catalogue metadata (`_metadata`) left out.

    Args:
      paths: files are taken as they are; folders are searched.
      suffixes: endings of the files wanted in folders (tables of labels are always found); none: every known format.
      on_other: told of files in folders that are of no wanted format.
      columns: as in `read_light_curves`, to tell tables of labels from light curves.

    Raises:
      DataError: a path does not exist, or nothing to read is there.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        check_there(path)
        if path.is_file():
            files.append(path)
            continue
        found = [p for p in sorted(files_below(path)) if not is_left_over(p)]
        below = [p for p in found if not p.name.startswith(("_", "."))]
        known = _wanted(below, suffixes, columns or ColumnNames())
        if not known or (suffixes and not any(p.name.lower().endswith(suffixes) for p in known)):
            formats = ", ".join(suffixes) or "Parquet, CSV, ECSV, FITS, SNANA, .dat, MACHO archives"
            raise DataError(f"folder '{path}' holds no light-curve files ({formats})")
        for other in sorted(set(below) - set(known)) if on_other else []:
            on_other(other)
        files += known
    return files


def _wanted(below: list[Path], suffixes: tuple[str, ...], columns: ColumnNames) -> list[Path]:
    if suffixes:
        return [p for p in below if p.name.lower().endswith(suffixes) or is_label_table(p, columns)]
    return [p for p in below if _is_light_curves(p)]


def _is_light_curves(path: Path) -> bool:
    known = is_table(path) or path.name.endswith(_ORIGINALS)
    return known and path.name not in _CATALOGUE_FILES and not is_head(path)


def read_light_curves(
    paths: Sequence[Path | str],
    columns: ColumnNames | None = None,
    *,
    suffixes: tuple[str, ...] = (),
    on_columns: Callable[[dict[str, str]], None] | None = None,
    on_bad_file: Callable[[Path, str], None] | None = None,
    on_other: Callable[[Path], None] | None = None,
    on_labels: Callable[[Labels], None] | None = None,
    bands_together: bool = False,
) -> Iterator[RawLightCurve]:
    """Raw light curves of files and folders: one per object and band, however many parts it is in; in the order of their last parts.

    Args:
      paths: files or folders. columns: names of columns in tables; None or unset fields: common names.
      suffixes, on_other: as in `list_files`.
      on_columns: told once per table which column is which, and what times, brightness and flags are. on_bad_file: told of a file that cannot be read, which is then
        left out; without it such a file is an error. If no file can be read at all it is an error in either case.
      on_labels: told at the end of the tables of labels that were among the files, if any were, and which of them were of use.
      bands_together: the bands of a star in a row, where the last of them is.

    Raises:
      DataError: nothing could be read, a column is missing, or a file is damaged and `on_bad_file` is not given.
      ConfigError: times or brightness of a file can mean two things; gives the choices.
    """
    columns = columns or ColumnNames()
    files = list_files(paths, suffixes, on_other, columns)
    tables = [path for path in files if len(files) > 1 and is_label_table(path, columns)]
    files = [path for path in files if path not in tables]
    if not files:
        raise DataError(f"'{tables[0]}' holds labels, and there are no light curves beside it: give these too")
    labels = read_labels(tables, columns)
    names = file_names(files, whole=columns.object_id == FILE_NAME)
    counts = count_parts(_keys(files, columns, names)) if len(files) > 1 or splits_stars(files[0]) else {}
    parts = _parts(files, columns, labels, names, on_columns, on_bad_file)
    curves = whole_stars(parts, counts)
    yield from together(curves, count_bands(_keys(files, columns, names))) if bands_together else curves
    if on_labels and labels:
        on_labels(labels)


def _parts(
    files: list[Path],
    columns: ColumnNames,
    labels: Labels,
    names: FileNames,
    on_columns: Callable[[dict[str, str]], None] | None,
    on_bad_file: Callable[[Path, str], None] | None,
) -> Iterator[RawLightCurve]:
    problems: list[DataError] = []
    for path in files:
        try:
            for part in _read_one(path, columns, names, on_columns):
                yield labels.add(part, path)
        except DataError as error:
            if on_bad_file is None or len(files) == 1:
                raise
            problems.append(error)
            on_bad_file(path, str(error))
    if problems and len(problems) == len(files):
        raise DataError(f"none of {len(files)} files could be read; the first: {problems[0]}")


def _keys(files: list[Path], columns: ColumnNames, names: FileNames) -> Iterator[tuple[str, str]]:
    """Object id and band of all parts, in the order in which they are read; where a file cannot be read, says the reading of it."""
    for path in files:
        with contextlib.suppress(DataError):
            if is_table(path):
                yield from table_keys(path, columns, names)
            elif path.name.lower().endswith(_ARCHIVES):
                yield from macho_keys(path)
            else:
                yield names.star(path, {}), names.band(path, {})


def _read_one(
    path: Path,
    columns: ColumnNames,
    names: FileNames,
    on_columns: Callable[[dict[str, str]], None] | None,
) -> Iterator[RawLightCurve]:
    name = path.name.lower()
    if is_table(path):
        yield from read_table(path, columns, on_columns, names)
    elif name.endswith(_ARCHIVES):
        yield from read_macho(path, columns.time_format, on_columns)
    elif name.endswith(".dat"):
        yield from read_text(path, names.star(path, {}), names.band(path, {}), columns.time_format, on_columns)
    else:
        raise DataError(
            f"'{path}' is of no known format: light curves come as Parquet, CSV, ECSV, FITS, SNANA's text, .dat or MACHO .tar.bz2"
        )
