"""What the brightness of a table is: units, zero points, fluxes, differences; and its magnitudes and fluxes.

Magnitudes are of positive fluxes alone (see `fluxes`): what has none is named, and is in the series of fluxes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from data_pipelines.kinds.light_curves.brightness_columns import SIGN, is_of_star, is_unsigned, short
from data_pipelines.kinds.light_curves.fluxes import (
    COMMON_UNIT,
    COMMON_ZERO_POINT,
    DIFFERENCE,
    LIMIT,
    MAGNITUDE,
    NOT_POSITIVE,
    POGSON,
    RELATIVE,
    TOTAL,
    flux_of_magnitude,
    magnitude_of_flux,
)
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
_COUNTS = ("electron", "e-", "adu", "count", "ct", "dn")
_SENTINEL = 50.0
"""|mag| of no star: where a limit stands beside it, the limit holds."""
NEGATIVE, NO_SIGN = "negative difference", f"difference without its sign ({SIGN})"


@dataclass(frozen=True)
class Brightness:
    """How the columns of one table become magnitudes."""

    said: str
    """What the brightness is, for the report and the manifest."""
    flux: bool = False
    scale: float = 1.0
    """mag of a magnitude of 1 in the table's unit: 0.001 for mmag."""
    error_scale: float = 1.0
    """Of its error."""
    zero_point: float = 0.0
    """mag of a flux of 1, where no column says it."""
    constant_error: float | None = None
    """mag."""
    kind: str = MAGNITUDE
    """As `fluxes` calls it."""
    unit: str = COMMON_UNIT
    """Of the fluxes that `fluxes` gives; empty where it is not known."""
    flux_zero_point: float = COMMON_ZERO_POINT
    """mag of 1 in that unit; NaN where it is not known."""
    keeps_fluxes: bool = False
    """Whether there is more than magnitudes can say: fluxes, signs, limits."""

    def magnitudes(self, series: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """Magnitudes and errors of one light curve, and what cannot be one.

        Args:
          series: field -> (N,) float64: `magnitude` or `flux`, and of their errors, `signal_to_noise`, `zero_point`, `limit`, `sign`
            (+1, -1, NaN) what the table has.

        Returns:
          (N,) magnitudes; (N,) errors, mag; reason -> (N,) bool, True at points that have no magnitude for that reason.
        """
        if self.flux:
            return self._of_flux(series)
        magnitude = _scaled(series["magnitude"], self.scale)
        if "magnitude_error" in series:
            error = _scaled(series["magnitude_error"], self.error_scale)
        elif "signal_to_noise" in series:
            error = POGSON / _positive(series["signal_to_noise"])
        else:
            error = np.full(len(magnitude), np.nan)
        faults = {}
        if "sign" in series:
            faults = {NEGATIVE: series["sign"] < 0, NO_SIGN: np.isnan(series["sign"])}
        if "limit" in series:  # before the sign, which a limit has not
            faults = {LIMIT: np.isnan(magnitude) & np.isfinite(series["limit"])} | faults
        return magnitude, self._filled(error), faults

    def _of_flux(self, series: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        flux = series["flux"]
        magnitude, error = magnitude_of_flux(flux, _flux_error(series), series.get("zero_point", self.zero_point))
        return magnitude, self._filled(error), {NOT_POSITIVE: flux <= 0}

    def fluxes(
        self, series: Mapping[str, np.ndarray], limited: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """Fluxes of one light curve, all of `flux_zero_point`.

        Args:
          series: as in `magnitudes`. limited: (N,) bool, points whose flux or magnitude is a limit.

        Returns:
          (N,) fluxes and (N,) errors, NaN at limits; (N,) limits, 0 at other points; reason -> (N,) bool as in `magnitudes`.
        """
        faults = {}
        if self.flux:
            flux, error = series["flux"], _flux_error(series)
            if self.constant_error is not None:  # mag: it says nothing of a flux that is not positive
                usual = np.where(flux > 0, flux * self.constant_error / POGSON, np.nan)
                error = np.where(np.isnan(error), usual, error)
            if "zero_point" in series:
                scale = 10 ** (0.4 * (self.flux_zero_point - series["zero_point"]))
                flux, error = flux * scale, error * scale
            limit = np.where(limited, flux, 0.0)
        else:
            magnitude, error, _ = self.magnitudes(series)
            brightness, error = flux_of_magnitude(magnitude, error, self.flux_zero_point)
            limit = np.where(limited, brightness, 0.0)
            if "limit" in series:
                beside = np.isfinite(series["limit"]) & ~(np.abs(magnitude) <= _SENTINEL)
                limit = np.where(beside, flux_of_magnitude(series["limit"], 0.0, self.flux_zero_point)[0], limit)
                limited = limited | beside
            sign = series.get("sign", np.ones(len(magnitude)))
            flux = sign * brightness
            faults = {NO_SIGN: np.isnan(sign) & ~limited}
        measured = lambda values: np.where(limited, np.nan, values)
        return measured(flux), measured(error), limit, faults

    def _filled(self, error: np.ndarray) -> np.ndarray:
        return error if self.constant_error is None else np.where(np.isnan(error), self.constant_error, error)


def _flux_error(series: Mapping[str, np.ndarray]) -> np.ndarray:
    if "flux_error" in series:
        return series["flux_error"]
    if "signal_to_noise" in series:
        ratio = series["signal_to_noise"]
        return np.abs(series["flux"] / np.where(ratio == 0, np.nan, ratio))
    return np.full(len(series["flux"]), np.nan)


def _scaled(values: np.ndarray, scale: float) -> np.ndarray:
    return values if scale == 1 else values * scale


def _positive(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, np.nan)


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
    unit = given.unit if given.unit != "auto" else _unit(columns[kind], units)
    errors = _error_said(columns, kind, constant)
    if kind == "magnitude":
        return _of_magnitude(columns, names, unit, units, given, where, errors)
    if unit in ("mag", "mmag"):
        raise ConfigError(f"flux '{columns['flux']}' of '{where}' is in {unit}: name it with --columns.magnitude")
    name, lower = short(columns["flux"]), {short(n) for n in names}
    plasticc = name == "flux" and "passband" in lower and bool({"detected", "detected_bool"} & lower)
    difference = given.difference or name in _DIFFERENCES or plasticc
    difference |= name == "psfflux" and bool(_SOURCES_OF_DIFFERENCES & lower)
    what = f"magnitudes of {'difference ' if difference else ''}flux '{columns['flux']}'"
    kind = DIFFERENCE if difference else TOTAL
    made = partial(Brightness, flux=True, constant_error=constant, keeps_fluxes=True)
    if given.zero_point is not None:
        said, zero = f"{what}, zero point {given.zero_point:g}{errors}", given.zero_point
        return made(said, zero_point=zero, kind=kind, unit=_unit_of(zero), flux_zero_point=zero)
    if "zero_point" in columns:
        return made(f"{what}, zero points '{columns['zero_point']}'{errors}", kind=kind)
    unit = unit if unit in AB_ZERO_POINTS else _SURVEYS.get(name, unit)
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
    if short(name).startswith("g_transit_"):
        said += " (the columns of BP and RP are not read)"
    difference = given.difference and is_unsigned(name, names)
    if difference:
        signed = "positive" if "sign" in columns else "unsigned, taken as positive,"
        said = f"magnitudes of {signed} differences '{name}'"
    return Brightness(
        said + errors,
        False,
        scale,
        error_scale,
        constant_error=given.constant_error,
        kind=DIFFERENCE if difference else MAGNITUDE,
        # A limit of a difference is none of the star's own magnitude.
        keeps_fluxes=difference or ("limit" in columns and not is_of_star(name)),
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


def signs(texts: Iterable[str | None]) -> np.ndarray:
    """`isdiffpos` in any of its forms as (N,) float64: +1, -1, NaN where it is not said.

    >>> signs(["t", "f", "1", "-1", "0", "True", None]).tolist()
    [1.0, -1.0, 1.0, -1.0, -1.0, 1.0, nan]
    """
    known = {"t": 1.0, "true": 1.0, "1": 1.0, "f": -1.0, "false": -1.0, "0": -1.0, "-1": -1.0}
    return np.array([known.get((text or "").strip().lower(), np.nan) for text in texts], np.float64)
