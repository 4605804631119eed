"""What the brightness in a dataset is, as its manifest says it to programs: kind, zero point, unit, errors.

`manifest.json` of light curves has under `meaning`

| entry | |
| --- | --- |
| brightness.kind | `magnitude`, `total_flux`, `difference_flux` or `relative_flux` (of no known zero point): what was measured |
| brightness.series | `magnitude`, or `flux and magnitude`: what the records hold (see `records`) |
| brightness.zero_point | mag of a flux of 1, null where it is not known; one for the whole dataset |
| brightness.unit | of the fluxes, empty where it is not known; `mag` without fluxes |
| brightness.error | what the errors are: standard deviations |
| brightness.min_points | light curves with fewer magnitudes are left out by who wants magnitudes |
| brightness.counts | of datasets of fluxes: points, negative ones, limits, and those without a magnitude, by reason |
| time.scale | `mjd_tai`, `mjd_utc`, `bjd_tdb`, `bjd_tcb`, `hjd`; empty where it is not known |

Manifests that have no such entry are of magnitudes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data_pipelines.kinds.light_curves.fluxes import (
    COMMON_UNIT,
    COMMON_ZERO_POINT,
    DIFFERENCE,
    MAGNITUDE,
    RELATIVE,
    TOTAL,
    FluxSeries,
    contradiction,
)
from data_pipelines.shards.manifest import Manifest
from lcjax.errors import DataError

KINDS = (MAGNITUDE, TOTAL, DIFFERENCE, RELATIVE)
_SERIES = {False: "magnitude", True: "flux and magnitude"}
_ERROR = "standard deviation"


@dataclass(frozen=True)
class DatasetBrightness:
    """Of one dataset."""

    kind: str = MAGNITUDE
    has_fluxes: bool = False
    """Whether records hold fluxes beside magnitudes."""
    zero_point: float = np.nan
    """mag of a flux of 1; NaN where it is not known, or there are no fluxes."""
    unit: str = "mag"
    min_points: int = 0
    """Magnitudes that a light curve must have to be used for them."""

    def as_meaning(self, time_scale: str = "", counts: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """For the manifest."""
        brightness = {
            "kind": self.kind,
            "series": _SERIES[self.has_fluxes],
            "zero_point": None if np.isnan(self.zero_point) else float(self.zero_point),
            "unit": self.unit,
            "error": _ERROR,
            "min_points": self.min_points,
        }
        counted = {"counts": dict(counts)} if counts else {}
        return {"brightness": brightness | counted, "time": {"scale": time_scale}}

    @property
    def said(self) -> str:
        """In words.

        >>> DatasetBrightness("difference_flux", True, 31.4, "nJy").said
        'difference flux in nJy, zero point 31.4; magnitudes of what is positive'
        """
        if not self.has_fluxes:
            return "magnitudes"
        name = "magnitudes with upper limits, as flux" if self.kind == MAGNITUDE else self.kind.replace("_", " ")
        unit = f" in {self.unit}" if self.unit else ""
        zero = "no zero point" if np.isnan(self.zero_point) else f"zero point {self.zero_point:g}"
        return f"{name}{unit}, {zero}; magnitudes of what is positive"


def brightness_of(manifest: Manifest) -> DatasetBrightness:
    """What a dataset of light curves says of its brightness.

    Raises:
      DataError: it says what this lcjax does not know.
    """
    said = manifest.meaning.get("brightness", {})
    if not said:
        return DatasetBrightness()
    try:
        kind, series, zero, unit = said["kind"], said["series"], said["zero_point"], str(said["unit"])
        has_fluxes = {text: has for has, text in _SERIES.items()}[series]
        zero_point, min_points = float("nan" if zero is None else zero), int(said["min_points"])
        known = kind in KINDS
    except (KeyError, TypeError, ValueError, AttributeError):
        known = False
    if not known:
        raise DataError(
            f"the manifest of '{manifest.folder}' says of its brightness what this lcjax does not know ({said}): prepare the data again"
        )
    return DatasetBrightness(kind, has_fluxes, zero_point, unit, min_points)


@dataclass
class BrightnessFound:
    """What the raw light curves of one dataset hold, table by table, as one brightness."""

    origins: dict[tuple[str, float, str], str] = field(default_factory=dict)
    """Kind, zero point (NaN as -inf, so that it equals itself) and unit -> the first light curve with it."""
    has_fluxes: bool = False

    def add(self, fluxes: FluxSeries | None, origin: str) -> None:
        """One more light curve; None: it has magnitudes alone.

        Raises:
          DataError: its brightness and that of others cannot be in one dataset.
        """
        self.has_fluxes |= fluxes is not None
        new = (MAGNITUDE, COMMON_ZERO_POINT, COMMON_UNIT)
        if fluxes is not None:
            new = (fluxes.kind, -np.inf if np.isnan(fluxes.zero_point) else fluxes.zero_point, fluxes.unit)
        if new in self.origins:
            return
        for known, where in self.origins.items():
            if why := contradiction(_with_nan(known), _with_nan(new)):
                raise DataError(
                    f"'{where}' and '{origin}' hold {why}, which cannot be in one dataset: prepare them apart, with --name, or say what "
                    "they are with --columns.flux, --columns.zero-point and --columns.difference"
                )
        self.origins[new] = origin

    def result(self, min_points: int) -> DatasetBrightness:
        """The brightness of the whole dataset: its zero point, or a common one where there are several."""
        if not self.has_fluxes:
            kinds = {kind for kind, _, _ in self.origins} or {MAGNITUDE}
            return DatasetBrightness(kinds.pop(), min_points=min_points)
        kind = next((kind for kind, _, _ in self.origins if kind != MAGNITUDE), MAGNITUDE)
        native = {(zero, unit) for own, zero, unit in self.origins if own == kind}
        zeros = {zero for zero, _ in native}
        zero, unit = next(iter(native)) if len(zeros) == 1 else (COMMON_ZERO_POINT, COMMON_UNIT)
        if len(native) > 1 and len(zeros) == 1:
            unit = ""  # of one zero point and several names
        return DatasetBrightness(kind, True, np.nan if zero == -np.inf else zero, unit, min_points)


def _with_nan(known: tuple[str, float, str]) -> tuple[str, float]:
    return known[0], np.nan if known[1] == -np.inf else known[1]
