"""What the brightness of a table is, and magnitudes of it: units, zero points, fluxes, differences. What is lost is counted.

A positive flux F of zero point Z is the magnitude Z - 2.5 lg F, with the error 2.5 / ln 10 * sigma / F (first order). Records
hold magnitudes, so fluxes that are not positive are lost, by name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from data_pipelines.kinds.light_curves.brightness_columns import SIGN, is_unsigned, short
from lcjax.errors import ConfigError

if TYPE_CHECKING:
    from data_pipelines.kinds.light_curves.columns import ColumnNames

POGSON = 2.5 / np.log(10)
"""mag per relative change of flux."""
AB_ZERO_POINTS = {"nJy": 31.4, "uJy": 23.9, "mJy": 16.4, "Jy": 8.9}
"""mag of a flux density of 1 (8.9 - 2.5 lg of the unit in Jy)."""
_JANSKY = {"nJy": 1e-9, "uJy": 1e-6, "mJy": 1e-3, "Jy": 1.0}
_SURVEYS = {"psfflux": "nJy", "scienceflux": "nJy", "psfdiffflux": "nJy", "ujy": "uJy"}
"""Rubin's and ATLAS's fluxes."""
SNANA_ZERO_POINT = 27.5
"""Of FLUXCAL, and of PLAsTiCC's flux."""
_DIFFERENCES = ("psfdiffflux", "forcediffimflux", "ujy")
_UNITS = {unit.lower(): unit for unit in (*AB_ZERO_POINTS, "mag", "mmag")} | {"microjy": "uJy", "µjy": "uJy"}
_COUNTS = ("electron", "e-", "adu", "count", "ct", "dn")
LIMIT = "upper limit"
NOT_POSITIVE, NEGATIVE, NO_SIGN = "flux not positive", "negative difference", f"difference without its sign ({SIGN})"


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
        positive = _positive(flux)
        magnitude = series.get("zero_point", self.zero_point) - 2.5 * np.log10(positive)
        error = (
            POGSON * self.error_scale * series["flux_error"] / positive
            if "flux_error" in series
            else np.full(len(flux), np.nan)
        )
        return magnitude, self._filled(error), {NOT_POSITIVE: flux <= 0}

    def _filled(self, error: np.ndarray) -> np.ndarray:
        return error if self.constant_error is None else np.where(np.isnan(error), self.constant_error, error)


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
    scale = 1.0 if given.unit != "auto" else _error_scale(columns, units, where)
    return replace(_of_fluxes(columns, names, unit, given, where, errors), error_scale=scale)


def _error_scale(columns: Mapping[str, str], units: Mapping[str, str], where: str) -> float:
    """Of errors of fluxes, to the unit of the fluxes."""
    flux, error = (columns.get(field, "") for field in ("flux", "flux_error"))
    own, other = _unit(flux, units), _unit(error, units)
    if not own or not other or own.replace(" ", "") == other.replace(" ", ""):
        return 1.0
    if own in _JANSKY and other in _JANSKY:
        return _JANSKY[other] / _JANSKY[own]
    raise ConfigError(
        f"flux '{flux}' of '{where}' is in {own} and its error '{error}' in {other}: give both in one unit, and say it with --columns.unit"
    )


def _of_fluxes(
    columns: Mapping[str, str],
    names: Sequence[str],
    unit: str,
    given: "ColumnNames",
    where: str,
    errors: str,
) -> Brightness:
    constant = given.constant_error
    if unit in ("mag", "mmag"):
        raise ConfigError(f"flux '{columns['flux']}' of '{where}' is in {unit}: name it with --columns.magnitude")
    name, lower = short(columns["flux"]), {short(n) for n in names}
    difference = name in _DIFFERENCES or (name == "psfflux" and "diasourceid" in lower)
    what = f"magnitudes of {'difference ' if difference else ''}flux '{columns['flux']}'"
    if given.zero_point is not None:
        return Brightness(
            f"{what}, zero point {given.zero_point:g}{errors}",
            True,
            zero_point=given.zero_point,
            constant_error=constant,
        )
    if "zero_point" in columns:
        return Brightness(f"{what}, zero points '{columns['zero_point']}'{errors}", True, constant_error=constant)
    unit = unit if unit in AB_ZERO_POINTS else _SURVEYS.get(name, unit)
    plasticc = name == "flux" and "passband" in lower and bool({"detected", "detected_bool"} & lower)
    zero = SNANA_ZERO_POINT if name == "fluxcal" or plasticc else AB_ZERO_POINTS.get(unit)
    if zero is not None:
        in_unit = f" in {unit}" if unit in AB_ZERO_POINTS else ""
        return Brightness(
            f"{what}{in_unit}, zero point {zero:g}{errors}", True, zero_point=zero, constant_error=constant
        )
    said = (
        f"relative {what} without a zero point (-2.5 lg of it, --columns.zero-point or --columns.unit give one){errors}"
    )
    return Brightness(said, True, constant_error=constant)


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
    if given.difference and is_unsigned(name, names):
        signed = "positive" if "sign" in columns else "unsigned, taken as positive,"
        said = f"magnitudes of {signed} differences '{name}'"
    return Brightness(said + errors, False, scale, error_scale, constant_error=given.constant_error)


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
