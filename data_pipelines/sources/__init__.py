"""Format readers: survey files in, raw light curves out, nothing mended. Damaged files are named and set aside."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.sources.light_curve import RawLightCurve
from data_pipelines.sources.originals import read_labels, read_macho, read_text
from data_pipelines.sources.tables import is_table, read_table
from lcjax.errors import DataError

__all__ = ["ColumnNames", "RawLightCurve", "list_files", "read_light_curves"]

_CATALOGUE_FILES = {
    "partition_info.csv",
    "partition_join_info.csv",
    "skymap.fits",
    "point_map.fits",
    "data_thumbnail.parquet",
}
"""What a HATS catalogue has beside its light curves."""
_ORIGINALS = (".dat", ".mjd", ".tar.bz2", ".tar.gz", ".tar")


def list_files(
    paths: Sequence[Path | str],
    suffixes: tuple[str, ...] = (),
    on_other: Callable[[Path], None] | None = None,
) -> list[Path]:
    """Files at and below `paths`, sorted; hidden files and those of catalogue metadata (`_metadata`) left out.

    Args:
      paths: files are taken as they are; folders are searched.
      suffixes: endings of the files wanted in folders (tables of labels are always found); none: every known format.
      on_other: told of files in folders that are of no wanted format.

    Raises:
      DataError: a path does not exist, or nothing to read is there.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise DataError(f"there is no file or folder '{path}'")
        if path.is_file():
            files.append(path)
            continue
        below = [p for p in sorted(path.rglob("*")) if p.is_file() and not p.name.startswith(("_", "."))]
        known = _wanted(below, suffixes)
        if not any(not _is_label_table(p) for p in known):
            formats = ", ".join(suffixes) or "Parquet, CSV, ECSV, FITS, .dat, MACHO archives"
            raise DataError(f"folder '{path}' holds no light-curve files ({formats})")
        for other in sorted(set(below) - set(known)) if on_other else []:
            on_other(other)
        files += known
    return files


def _wanted(below: list[Path], suffixes: tuple[str, ...]) -> list[Path]:
    if suffixes:
        return [p for p in below if p.name.lower().endswith(suffixes) or _is_label_table(p)]
    return [p for p in below if (is_table(p) or p.name.endswith(_ORIGINALS)) and p.name not in _CATALOGUE_FILES]


def _is_label_table(path: Path) -> bool:
    return "label" in path.stem.lower() and path.suffix == ".csv"


def read_light_curves(
    paths: Sequence[Path | str],
    columns: ColumnNames | None = None,
    *,
    suffixes: tuple[str, ...] = (),
    on_columns: Callable[[dict[str, str]], None] | None = None,
    on_bad_file: Callable[[Path, str], None] | None = None,
    on_other: Callable[[Path], None] | None = None,
) -> Iterator[RawLightCurve]:
    """Raw light curves of files and folders, in file order: one per object and band.

    Args:
      paths: files or folders. columns: names of columns in tables; None or unset fields: common names.
      suffixes, on_other: as in `list_files`.
      on_columns: told once per table which column is which, and what times, brightness and flags are. on_bad_file: told of a file that cannot be read, which is then
        left out; without it such a file is an error. If no file can be read at all it is an error in either case.

    Raises:
      DataError: nothing could be read, a column is missing, or a file is damaged and `on_bad_file` is not given.
      ConfigError: times or brightness of a file can mean two things; gives the choices.
    """
    files = list_files(paths, suffixes, on_other)
    labels: dict[str, str] = {}
    for path in [p for p in files if _is_label_table(p)]:
        if len(files) > 1:
            labels |= read_labels(path)
            files.remove(path)
    problems: list[DataError] = []
    for path in files:
        try:
            yield from _read_one(path, columns or ColumnNames(), labels, on_columns)
        except DataError as error:
            if on_bad_file is None or len(files) == 1:
                raise
            problems.append(error)
            on_bad_file(path, str(error))
    if problems and len(problems) == len(files):
        raise DataError(f"none of {len(files)} files could be read; the first: {problems[0]}")


def _read_one(
    path: Path, columns: ColumnNames, labels: dict[str, str], on_columns: Callable[[dict[str, str]], None] | None
) -> Iterator[RawLightCurve]:
    name = path.name.lower()
    if is_table(path):
        yield from read_table(path, columns, on_columns)
    elif name.endswith((".mjd", ".tar.bz2", ".tar.gz", ".tar")):
        yield from read_macho(path)
    elif name.endswith(".dat"):
        yield from read_text(path, "", labels.get(path.stem), columns.time_format, on_columns)
    else:
        raise DataError(
            f"'{path}' is of no known format: light curves come as Parquet, CSV, ECSV, FITS, .dat or MACHO .tar.bz2"
        )
