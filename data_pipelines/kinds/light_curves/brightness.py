"""Magnitudes and fluxes of the points of a table, once it is known what its brightness is (see `brightness_choice`).

Magnitudes are of positive fluxes alone (see `fluxes`): what has none is named, and is in the series of fluxes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from data_pipelines.kinds.light_curves.brightness_columns import SIGN
from data_pipelines.kinds.light_curves.fluxes import (
    COMMON_UNIT,
    COMMON_ZERO_POINT,
    LIMIT,
    MAGNITUDE,
    NOT_POSITIVE,
    POGSON,
    flux_of_magnitude,
    magnitude_of_flux,
)

_SENTINEL = 50.0
"""|mag| of no star: where a limit stands beside it, the limit holds."""
NEGATIVE, NO_SIGN = "negative difference", f"difference without its sign ({SIGN})"


@dataclass(frozen=True)
class Brightness:
    """How the columns of one table become magnitudes and fluxes."""

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
        if "magnitude" in series:
            magnitude = _scaled(series["magnitude"], self.scale)
        else:  # a table of non-detections
            magnitude = np.full(len(series["limit"]), np.nan)
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
        error = _flux_error(series, self.error_scale)
        magnitude, error = magnitude_of_flux(flux, error, series.get("zero_point", self.zero_point))
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
            flux, error = series["flux"], _flux_error(series, self.error_scale)
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


def _flux_error(series: Mapping[str, np.ndarray], scale: float) -> np.ndarray:
    if "flux_error" in series:
        return _scaled(series["flux_error"], scale)
    if "signal_to_noise" in series:
        ratio = series["signal_to_noise"]
        return np.abs(series["flux"] / np.where(ratio == 0, np.nan, ratio))
    return np.full(len(series["flux"]), np.nan)


def _scaled(values: np.ndarray, scale: float) -> np.ndarray:
    return values if scale == 1 else values * scale


def _positive(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, np.nan)


def signs(texts: Iterable[str | None]) -> np.ndarray:
    """`isdiffpos` in any of its forms as (N,) float64: +1, -1, NaN where it is not said.

    >>> signs(["t", "f", "1", "-1", "0", "True", None]).tolist()
    [1.0, -1.0, 1.0, -1.0, -1.0, 1.0, nan]
    """
    known = {"t": 1.0, "true": 1.0, "1": 1.0, "f": -1.0, "false": -1.0, "0": -1.0, "-1": -1.0}
    return np.array([known.get((text or "").strip().lower(), np.nan) for text in texts], np.float64)
