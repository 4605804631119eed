"""Which column is which: names given by the user, else the names surveys commonly use."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Literal

from data_pipelines.kinds.light_curves import brightness_columns, id_columns
from data_pipelines.kinds.light_curves.times import TimeFormat, offset_of_name
from lcjax.errors import DataError

Unit = Literal["auto", "mag", "mmag", "nJy", "uJy", "mJy", "Jy", "nmgy", "mgy"]


@dataclasses.dataclass(frozen=True)
class ColumnNames:
    """Names of the columns of a light-curve table, and what is in them. None, auto: recognised, or refused with the choices."""

    object_id: str | None = None
    """`filename`: every file is one star, named by its header (OBJECT, id) or itself."""
    time: str | None = None
    time_format: TimeFormat = "auto"
    """What times count: MJD, Julian dates (less 2400000 or 2450000), TESS's, Kepler's or Gaia's days, Unix seconds, ISO dates."""
    magnitude: str | None = None
    magnitude_error: str | None = None
    flux: str | None = None
    """Instead of a magnitude: datasets keep all fluxes, of any sign; magnitudes are of the positive ones."""
    flux_error: str | None = None
    unit: Unit = "auto"
    """Of magnitude or flux; auto: as the table says it, or as the survey's columns have it."""
    zero_point: float | None = None
    """mag of a flux of 1; without any, fluxes and magnitudes are relative."""
    difference: bool = False
    """The brightness is a difference from a reference. Of magnitudes (magpsf), isdiffpos is the sign: datasets keep signed fluxes,
    magnitudes are of the positive ones."""
    constant_error: float | None = None
    """mag; the error of points that have none, of every point where there is no such column."""
    flag: str | None = None
    """Quality flag, 0 is good; none: use no flags. Default: those of ZTF, Gaia, Kepler, TESS and Rubin by their rules."""
    flag_bits: int | None = None
    """Bits of the flag that set a point aside. Default: the survey's rule, else all."""
    table: str | None = None
    """Of a FITS file with several tables, the one with the light curves: its name (EXTNAME) or number."""
    band: str | None = None
    """Per point or per object; optional."""
    label: str | None = None
    """Class name; optional."""


COMMON_NAMES: dict[str, tuple[str, ...]] = {
    "object_id": (*id_columns.NAMES, *id_columns.LAST_RESORT),
    "time": (
        "mjd", "time", "hmjd", "bjd", "hjd", "jd", "midpointmjdtai", "midpointtai", "obs_time", "date", "t", "bmjd", "epoch",
        "obsmjd", "mjd_obs", "btjd", "times", "bkjd", "expmidptmjd", "bjd_tdb", "g_transit_time", "unix", "unixtime", "unix_time",
        "timestamp", "datetime", "date_obs", "date-obs",
    ),
    "band": ("band", "filter", "bandpass", "passband", "fid", "filtercode", "filt", "bands", "filters", "flt"),
    "label": ("label", "class", "class_name", "type", "vartype", "var_type", "target", "classification", "labels"),
}  # fmt: skip
REQUIRED = ("time",)
"""The id may be missing: then the file is one star."""


def recognise(available: Iterable[str], given: ColumnNames, where: str) -> dict[str, str]:
    """Field -> column for every field found; dotted names of nested columns match by their last part.

    Of the brightness there are `magnitude`, `magnitude_error` or `flux`, `flux_error`, and what goes with them (see
    `brightness_columns`).

    Raises:
      DataError: required columns are missing (the id may be: then the file is one star), given names do not exist, or several
        columns may be the id; the sentence names them all, and the columns found.
      ConfigError: the brightness can mean two things.
    """
    names = list(available)
    found: dict[str, str] = {}
    missing: list[str] = []
    options: list[str] = []
    for field in COMMON_NAMES:
        wanted = getattr(given, field)
        if wanted == id_columns.FILE_NAME and field == "object_id" and wanted not in names:
            continue
        if wanted is not None:
            if (match := brightness_columns.named(wanted, names)) is None:
                missing.append(f"'{wanted}' for the {field.replace('_', ' ')}")
                options.append(field)
            else:
                found[field] = match
            continue
        if field == "object_id":
            match = id_columns.id_column(names, where)
        else:
            match = brightness_columns.first(COMMON_NAMES[field], names, tuple(found.values()))
        if match is None and field == "time":
            match = next((name for name in names if offset_of_name(name) is not None), None)
        if match is not None:
            found[field] = match
        elif field in REQUIRED:
            missing.append(f"for the {field.replace('_', ' ')}")
            options.append(field)
    brightness = brightness_columns.find(names, given, where, tuple(found.values()))
    missing += brightness.missing
    options += brightness.options
    if missing:
        raise DataError(
            f"'{where}' has no column {listed(missing)}: it has {', '.join(names) or 'no columns'}; name "
            f"{'it' if len(missing) == 1 else 'them'} with {listed(['--columns.' + o.replace('_', '-') for o in options])}"
            f"{brightness.advice}"
        )
    found |= brightness.columns
    _check_alike(found, names, given, where)
    return found


def _check_alike(found: dict[str, str], names: Sequence[str], given: ColumnNames, where: str) -> None:
    """Columns whose names differ in case alone can mean two things, where the user does not name one."""
    options = {field.name: getattr(given, field.name) for field in dataclasses.fields(given)}
    for field, chosen in found.items():
        alike = [name for name in names if name.lower() == chosen.lower()]
        if len(alike) > 1 and options.get(field) is None:
            advice = f"name one with --columns.{field.replace('_', '-')}" if field in options else "rename one"
            raise DataError(
                f"'{where}' has the columns {listed(alike)}, any of which may be the {field.replace('_', ' ')}: {advice}"
            )


def listed(parts: Sequence[str]) -> str:
    """Words in a row.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
