"""Light curves of a catalogue's objects: a file each, as ASAS-SN gives them, or one table of all."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_pipelines.kinds.light_curves.sentinels import filled_fluxes
from data_pipelines.kinds.multimodal.catalogue import IDS, TABLES, _texts, ids_of, name_of_file, read_any
from data_pipelines.kinds.multimodal.file_names import NearNames
from data_pipelines.kinds.multimodal.options import MultimodalOptions
from data_pipelines.sources.measurements import UNIT
from data_pipelines.sources.spectra import read_text_table
from data_pipelines.sources.wavelengths import plain_name
from lcjax.errors import ConfigError, DataError

FOLDERS = ("photometry", "light_curves", "lightcurves", "vardb_files")
TIMES = ("time", "hjd", "mjd", "bjd", "jd")
FLUXES = (("flux", "flux_err"), ("flux", "flux_error"), ("flux", "error"))
JULIAN = 2_400_000.5
TIME_UNITS = {
    "": 0.0,
    "mjd": 0.0,
    **dict.fromkeys(("d", "day", "days"), 0.0),
    **dict.fromkeys(("jd", "hjd", "bjd"), JULIAN),
}
"""What a column `u_time` of a table says of each row -> days before MJD 0."""
MAGNITUDES = (
    ("mag", "mag_err"),
    ("mag", "err"),
    ("mag", "magerr"),
    ("magnitude", "magnitude_error"),
    ("magnitude", "error"),
)

_FAINTEST = 50.0
"""Beyond any star, mag."""
_MAGNITUDE_UNITS = ("", "mag")


def flux_of(magnitude: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flux in units of that of magnitude 0, and its error; 0 where the error of the magnitude is not known."""
    flux = 10.0 ** (-0.4 * magnitude)
    return flux, np.where(np.isfinite(error), flux * error * np.log(10) / 2.5, 0.0)


def measured_flux(kind: object, value: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flux and error of columns that are `FLUXES` or `MAGNITUDES`; NaN where a number such as 99.99 mag stands for nothing."""
    if kind is MAGNITUDES:
        return flux_of(np.where(np.abs(value) <= _FAINTEST, value, np.nan), error)
    return np.where(filled_fluxes(value), np.nan, value), known_error(error)


def known_error(error: np.ndarray) -> np.ndarray:
    """Errors, 0 where they are not known: a point without an error is a point."""
    return np.where(np.isfinite(error), error, 0.0)


class Photometry:
    """Finds the light curve of an object."""

    def __init__(self, files: Sequence[Path], options: MultimodalOptions, catalogue: Path) -> None:
        """Reads the table, if there is one; files are read when they are asked for.

        Raises:
          ConfigError: two files for one object, or a table without the columns. DataError: it cannot be read.
        """
        self._band, self._brightness, self.used = options.band, options.brightness, set()
        self._files: dict[str, Path] = {}
        below = [f for f in files if f != catalogue and {part.lower() for part in f.parts[:-1]} & set(FOLDERS)]
        for file in below:
            if (other := self._files.setdefault(name_of_file(file.name), file)) != file:
                raise ConfigError(f"'{other}' and '{file}' could both be the light curve of one object: leave one out")
        tables = [f for f in files if f.name.lower().startswith("photometry") and f.name.lower().endswith(TABLES)]
        if len(tables) > 1:
            raise ConfigError(
                f"'{tables[0].name}' and '{tables[1].name}' could both be the table of photometry: leave one out"
            )
        self._table: dict[str, list[tuple[str, float, float, float]]] = _table(tables[0]) if tables else {}
        self.used |= set(tables)
        self._near = NearNames({}, (), "")

    def expect(self, ids: Sequence[str]) -> None:
        """Says which objects there are.

        Raises:
          DataError: no light curve is of any of them.
        """
        named = {**dict.fromkeys(self._table, Path("photometry")), **self._files}
        self._near = NearNames(named, ids, "light curves")

    def of(self, object_id: str) -> tuple[np.ndarray | None, str]:
        """(M, 3) time, flux, error, and the name of the band; None where there is no light curve.

        Raises:
          DataError: its file cannot be read, or there are two light curves.
        """
        path = self._files.get(object_id)
        if object_id in self._table:
            if path is not None:
                raise DataError(f"it is in the table of photometry and in '{path}': leave one out")
            return self._of_table(self._table[object_id])
        if path is None:
            self._near.check(object_id)
            return None, ""
        self.used.add(path)
        return read_light_curve(path, self._brightness), ""

    def _of_table(self, points: list[tuple[str, float, float, float]]) -> tuple[np.ndarray | None, str]:
        bands: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
        for band, *numbers in points:
            bands[band].append(tuple(numbers))  # type: ignore[arg-type]
        band = self._band or max(sorted(bands), key=lambda name: len(bands[name]))
        rows = np.array(bands.get(band, []))
        return (rows if len(rows) else None), band


def read_light_curve(path: Path, brightness: str | None = None) -> np.ndarray:
    """(M, 3) time, flux, error of a file: by the names of its columns; without names five as ASAS-SN has them (HJD, magnitude,
    error, flux, error), or time, brightness and error.

    Args:
      brightness: of three columns without names, `flux` or `magnitude`.

    Raises:
      DataError: other columns, or three without names of which nobody says what they are.
    """
    names, rows, *_ = read_text_table(path, 3)
    lower = [plain_name(name)[0] for name in names]
    if lower:
        times = [lower.index(name) for name in TIMES if name in lower]
        pair = next(((kind, p) for kind in (FLUXES, MAGNITUDES) for p in kind if set(p) <= set(lower)), None)
        if len(times) != 1 or pair is None:
            raise DataError(
                f"'{path}' has the columns {', '.join(names)}: one time ({', '.join(TIMES)}) is wanted, and flux, flux_err or mag, mag_err"
            )
        kind, which = pair
        _check_units(path, [plain_name(name)[1] for name in names], times[0], kind, [*map(lower.index, which)])
        found = rows[:, [times[0], *map(lower.index, which)]]
    elif rows.shape[1] == 5:
        kind, found = FLUXES, rows[:, [0, 3, 4]]
    elif rows.shape[1] == 3 and (brightness or not len(rows)):
        kind, found = FLUXES if brightness == "flux" else MAGNITUDES, rows
    elif rows.shape[1] == 3:
        raise DataError(
            f"'{path}' has three columns without names: say with --multimodal.brightness flux or magnitude what the second is"
        )
    else:
        raise DataError(
            f"'{path}' has {rows.shape[1]} columns without names: five (HJD, magnitude, error, flux, error) or three (time, brightness, "
            "error) are known"
        )
    flux, error = measured_flux(kind, *found[:, 1:].T)
    return np.column_stack([found[:, 0], flux, error])


def _check_units(path: Path, units: Sequence[str], time: int, kind: object, brightness: Sequence[int]) -> None:
    """Raises DataError where the names of columns give times that are no days, or magnitudes and errors in two units."""
    if units[time] not in TIME_UNITS:
        raise DataError(f"'{path}' has times in '{units[time]}': known are MJD, JD, HJD, BJD and days")
    said = [units[i] for i in brightness]
    if kind is MAGNITUDES and (odd := [unit for unit in said if unit not in _MAGNITUDE_UNITS]):
        raise DataError(f"'{path}' has magnitudes or their errors in '{odd[0]}': write them in mag")
    if kind is FLUXES and all(said) and len(set(said)) > 1:
        raise DataError(f"'{path}' has fluxes in '{said[0]}' and their errors in '{said[1]}': write both in one unit")


def _table(path: Path) -> dict[str, list[tuple[str, float, float, float]]]:
    table = read_any(path)
    names = {name.lower(): name for name in table.column_names}
    ids = next((names[n] for n in IDS if n in names), None)
    times = [names[n] for n in TIMES if n in names]
    pair = next(((kind, p) for kind in (FLUXES, MAGNITUDES) for p in kind if set(p) <= set(names)), None)
    if ids is None or len(times) != 1 or pair is None:
        raise ConfigError(
            f"the table of photometry '{path}' must have an id ({', '.join(IDS)}), one time ({', '.join(TIMES)}), and flux, flux_err "
            f"or mag, mag_err: it has {', '.join(table.column_names[:12])}"
        )
    kind, (value, error) = pair
    numbers = [np.array([_number(t) for t in _texts(table[n])]) for n in (times[0], names[value], names[error])]
    time, values, errors = numbers
    told = (table.schema.field(times[0]).metadata or {}).get(UNIT, b"").decode()
    in_one_unit(time, [told] * len(time), path)
    units = [(table.schema.field(n).metadata or {}).get(UNIT, b"").decode() for n in (names[value], names[error])]
    _check_units(path, ["", *(unit.lower().partition("(")[0].strip() for unit in units)], 0, kind, [1, 2])
    if "u_time" in names:
        time = in_one_unit(time, _texts(table[names["u_time"]]), path)
    values, errors = measured_flux(kind, values, errors)
    bands = _texts(table[names["band"]]) if "band" in names else [""] * len(time)
    found: dict[str, list[tuple[str, float, float, float]]] = defaultdict(list)
    for object_id, band, *point in zip(ids_of(table[ids], f"'{path}'"), bands, time, values, errors, strict=True):
        found[object_id].append((band, *map(float, point)))  # type: ignore[arg-type]
    return found


def in_one_unit(time: np.ndarray, units: list[str], path: Path) -> np.ndarray:
    """Times of a table whose rows say their unit: Julian dates become MJD where both occur.

    Raises:
      ConfigError: a unit that is none of days.
    """
    lower = [unit.lower() for unit in units]
    if odd := sorted(set(lower) - set(TIME_UNITS)):
        raise ConfigError(f"'{path}' has times in '{odd[0]}': known are MJD, JD, HJD, BJD and days")
    before = np.array([TIME_UNITS[unit] for unit in lower])
    return time - before if len(np.unique(before)) > 1 else time


def _number(text: str) -> float:
    try:
        return float(text) if text else np.nan
    except ValueError:
        return np.nan
