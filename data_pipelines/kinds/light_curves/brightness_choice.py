"""Which brightness the columns of a table hold: kind, unit, zero point; what can mean two things is refused with the choices."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from data_pipelines.kinds.light_curves.brightness import Brightness
from data_pipelines.kinds.light_curves.brightness_columns import FLUXES, first, is_of_star, is_pan_starrs, short
from data_pipelines.kinds.light_curves.fluxes import DIFFERENCE, MAGNITUDE, RELATIVE, TOTAL
from lcjax.errors import ConfigError

if TYPE_CHECKING:
    from data_pipelines.kinds.light_curves.columns import ColumnNames

AB_ZERO_POINTS = {"nJy": 31.4, "uJy": 23.9, "mJy": 16.4, "Jy": 8.9, "nmgy": 22.5, "mgy": 0.0}
"""mag of a flux density of 1 (8.9 - 2.5 lg of the unit in Jy), and of SDSS's maggies."""
_SURVEYS = {"psfflux": "nJy", "scienceflux": "nJy", "psfdiffflux": "nJy", "ujy": "uJy"}
"""Rubin's and ATLAS's fluxes."""
SNANA_ZERO_POINT = 27.5
"""Of FLUXCAL, and of PLAsTiCC's flux: both of the image less a reference."""
_DIFFERENCES = ("psfdiffflux", "forcediffimflux", "ujy", "fluxcal")
_SOURCES_OF_DIFFERENCES = {"diasourceid", "diaforcedsourceid"}
"""Ids in Rubin's tables whose psfFlux is of a difference."""
_UNITS = {unit.lower(): unit for unit in (*AB_ZERO_POINTS, "mag", "mmag")}
_UNITS |= {"microjy": "uJy", "µjy": "uJy", "nanomaggy": "nmgy", "nanomaggies": "nmgy", "maggy": "mgy", "maggies": "mgy"}
_ENOUGH = 10
_COUNTS = ("electron", "e-", "adu", "count", "ct", "dn")


def choose_brightness(
    columns: Mapping[str, str],
    names: Sequence[str],
    units: Mapping[str, str],
    given: "ColumnNames",
    where: str,
) -> Brightness:
    """How a table's brightness becomes magnitudes.

    Args:
      columns: field -> column, as `recognise` found them. names: of all columns. units: column -> unit, as far as the table
        says them. given: by the user. where: the file.

    Raises:
      ConfigError: a unit that does not fit, or an error that is none.
    """
    constant = given.constant_error
    if constant is not None and not 0 < constant < np.inf:
        raise ConfigError(f"--columns.constant-error is {constant}: an error must be more than 0 mag")
    kind = "flux" if "flux" in columns else "magnitude"
    if kind not in columns:
        return Brightness(f"upper limits '{columns['limit']}'", kind=DIFFERENCE, keeps_fluxes=True)
    unit = given.unit if given.unit != "auto" else _unit(columns[kind], units)
    errors = _error_said(columns, kind, constant)
    if kind == "magnitude":
        return _of_magnitude(columns, names, unit, units, given, where, errors)
    scale = 1.0 if given.unit != "auto" else _error_scale(columns, units, where)
    return _of_flux(columns, names, unit, scale, given, where, errors)


def check_no_magnitudes(flux: np.ndarray, error: np.ndarray, columns: Mapping[str, str], where: str) -> None:
    """Magnitudes in a column that is called flux are not taken for fluxes.

    Fluxes of many points that all lie between 5 and 30 with errors of some hundredths are as good as never measured: the errors would
    be a thousandth of them. A column that says its unit, or that the user names, is believed.

    Args:
      flux, error: (N,), as many as there are to tell by.

    Raises:
      ConfigError: they look like magnitudes.
    """
    flux, error = flux[np.isfinite(flux)], np.abs(error[np.isfinite(error)])
    if len(flux) < _ENOUGH or len(error) < _ENOUGH or not (flux.min() > 5 and flux.max() < 30):
        return
    if not (0.0005 < np.median(error) < 0.3 and np.median(error) < 0.01 * np.median(flux)):
        return
    name = columns["flux"]
    raise ConfigError(
        f"column '{name}' of '{where}' holds values around {np.median(flux):.1f} with errors of {np.median(error):.3f}, as magnitudes do: "
        f"say --columns.magnitude {name} or --columns.flux {name}"
    )


def _error_scale(columns: Mapping[str, str], units: Mapping[str, str], where: str) -> float:
    """Of errors of fluxes, to the unit of the fluxes."""
    flux, error = (columns.get(field, "") for field in ("flux", "flux_error"))
    own, other = _unit(flux, units), _unit(error, units)
    if not own or not other or own.replace(" ", "") == other.replace(" ", ""):
        return 1.0
    if own in AB_ZERO_POINTS and other in AB_ZERO_POINTS:
        return 10 ** (0.4 * (AB_ZERO_POINTS[own] - AB_ZERO_POINTS[other]))
    raise ConfigError(
        f"flux '{flux}' of '{where}' is in {own} and its error '{error}' in {other}: give both in one unit, and say it with --columns.unit"
    )


def _of_flux(
    columns: Mapping[str, str],
    names: Sequence[str],
    unit: str,
    error_scale: float,
    given: "ColumnNames",
    where: str,
    errors: str,
) -> Brightness:
    constant = given.constant_error
    if unit in ("mag", "mmag"):
        raise ConfigError(f"flux '{columns['flux']}' of '{where}' is in {unit}: name it with --columns.magnitude")
    name, lower = short(columns["flux"]), {short(n) for n in names}
    plasticc = name == "flux" and "passband" in lower and bool({"detected", "detected_bool"} & lower)
    difference = given.difference or name in _DIFFERENCES or plasticc
    difference |= name == "psfflux" and bool(_SOURCES_OF_DIFFERENCES & lower)
    what = f"magnitudes of {'difference ' if difference else ''}flux '{columns['flux']}'"
    kind = DIFFERENCE if difference else TOTAL
    made = partial(Brightness, flux=True, error_scale=error_scale, constant_error=constant, keeps_fluxes=True)
    if given.zero_point is not None:
        said, zero = f"{what}, zero point {given.zero_point:g}{errors}", given.zero_point
        return made(said, zero_point=zero, kind=kind, unit=_unit_of(zero), flux_zero_point=zero)
    if "zero_point" in columns and unit in AB_ZERO_POINTS:
        raise ConfigError(
            f"flux '{columns['flux']}' of '{where}' is in {unit}, of zero point {AB_ZERO_POINTS[unit]:g}, and column '{columns['zero_point']}' "
            f"gives zero points: say --columns.unit {unit} or --columns.zero-point, or leave the column out"
        )
    if "zero_point" in columns:
        return made(f"{what}, zero points '{columns['zero_point']}'{errors}", kind=kind)
    unit = unit if unit in AB_ZERO_POINTS else "Jy" if is_pan_starrs(name, names) else _SURVEYS.get(name, unit)
    zero = SNANA_ZERO_POINT if name == "fluxcal" or plasticc else AB_ZERO_POINTS.get(unit)
    if zero is not None:
        in_unit = f" in {unit}" if unit in AB_ZERO_POINTS else ""
        said = f"{what}{in_unit}, zero point {zero:g}{errors}"
        return made(said, zero_point=zero, kind=kind, unit=_unit_of(zero), flux_zero_point=zero)
    said = (
        f"relative {what} without a zero point (-2.5 lg of it, --columns.zero-point or --columns.unit give one){errors}"
    )
    return made(said, kind=kind if difference else RELATIVE, unit=unit, flux_zero_point=np.nan)


def _unit_of(zero_point: float) -> str:
    """Of a flux with this zero point, where it has a name."""
    return next((unit for unit, zero in AB_ZERO_POINTS.items() if zero == zero_point), "")


def _of_magnitude(
    columns: Mapping[str, str],
    names: Sequence[str],
    unit: str,
    units: Mapping[str, str],
    given: "ColumnNames",
    where: str,
    errors: str,
) -> Brightness:
    name = columns["magnitude"]
    if given.zero_point is not None:
        raise ConfigError(f"--columns.zero-point is for fluxes, and '{name}' of '{where}' is a magnitude: leave it out")
    if unit in AB_ZERO_POINTS or unit.startswith(_COUNTS):
        raise ConfigError(f"column '{name}' of '{where}' is a flux in {unit}: name it with --columns.flux")
    scale = 1e-3 if unit == "mmag" else 1.0
    of_error = _unit(columns.get("magnitude_error", ""), units)
    error_scale = scale if given.unit != "auto" or not of_error else 1e-3 if of_error == "mmag" else 1.0
    said = f"magnitudes '{name}'" + (" in mmag" if scale < 1 else "")
    if flux := first(FLUXES, names, tuple(columns.values())):
        said += f" (its flux '{flux}' is kept with --columns.flux {flux})"
    if short(name).startswith("g_transit_"):
        said += " (the columns of BP and RP are not read)"
    if given.difference:
        signed = "positive" if "sign" in columns else "unsigned, taken as positive,"
        said = f"magnitudes of {signed} differences '{name}'"
    return Brightness(
        said + errors,
        False,
        scale,
        error_scale,
        constant_error=given.constant_error,
        kind=DIFFERENCE if given.difference else MAGNITUDE,
        # A limit of a difference is none of the star's own magnitude.
        keeps_fluxes=given.difference or ("limit" in columns and not is_of_star(name)),
    )


def _error_said(columns: Mapping[str, str], kind: str, constant: float | None) -> str:
    if f"{kind}_error" in columns:
        return f", missing errors {constant:g} mag" if constant else ""
    if "signal_to_noise" in columns:
        return f", errors of '{columns['signal_to_noise']}'"
    return f", every error {constant:g} mag"


def _unit(name: str, units: Mapping[str, str]) -> str:
    """Of a column: what the table says, else the end of its name (flux_nJy); `mag(AB)` is `mag`.

    >>> _unit("flux", {"flux": "nJy"}), _unit("m", {"m": "mag(AB)"}), _unit("V_mmag", {}), _unit("flux", {"flux": "electron / s"})
    ('nJy', 'mag', 'mmag', 'electron / s')
    """
    said = units.get(name, "").strip()
    plain = said.lower().partition("(")[0].replace(" ", "")
    end = short(name).rsplit("_", 1)[-1]
    # Of unit names only the first letter tells mJy from MJy: what is not written as expected is not guessed.
    if said.startswith("MJy"):
        return said
    return _UNITS.get(plain) or (said if said else _UNITS.get(end, "") if end != short(name) else "")
