"""What the columns of one table mean: its times, its brightness, its flags, decided once and applied to every star."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from data_pipelines.kinds.light_curves.brightness import Brightness
from data_pipelines.kinds.light_curves.brightness_choice import choose_brightness
from data_pipelines.kinds.light_curves.brightness_columns import first, short
from data_pipelines.kinds.light_curves.fluxes import FluxSeries
from data_pipelines.kinds.light_curves.quality import Flags, choose_flags, flag_fault
from data_pipelines.kinds.light_curves.times import (
    AS_MJD,
    FIRST,
    LAST,
    MJD_ZERO,
    SCALE,
    Clock,
    choose_clock,
    time_scale,
)
from lcjax.errors import ConfigError

if TYPE_CHECKING:
    from data_pipelines.kinds.light_curves.columns import ColumnNames

_FIELDS = (
    "time",
    "magnitude",
    "magnitude_error",
    "signal_to_noise",
    "flux",
    "flux_error",
    "zero_point",
    "sign",
    "limit",
)
GAIA = ("transit_id", "rejected_by_photometry")
"""Columns by which Gaia's epoch photometry is known: its data model says what `time` is."""
UNLIKE = "times unlike those of the table"


@dataclass(frozen=True)
class Points:
    """Points of one light curve, in MJD and magnitudes, without those that are known to have none."""

    mjd: np.ndarray
    magnitude: np.ndarray
    magnitude_error: np.ndarray
    lost: dict[str, int]
    """Reason -> points that were in the table and are not here."""
    fluxes: FluxSeries | None = None
    """All points, where they are more than magnitudes."""


@dataclass(frozen=True)
class Interpretation:
    """How the rows of one table become light curves."""

    series: dict[str, str]
    """Field, or `flag:NAME`, -> column of everything that a point has."""
    clock: Clock
    iso: bool
    """Whether the times are dates."""
    brightness: Brightness
    flags: Flags
    scale: str = ""
    """Time scale, as far as it is known: `mjd_tai`, `bjd_tdb` (see `times.time_scale`)."""
    checked: bool = True
    """Whether stars whose times are of another count than the table's are to be found; not where the user says what they count."""

    @property
    def every_point(self) -> set[str]:
        """Fields of `series` that each point has of its own; a flag or zero point may be that of the whole star."""
        return {"time", "magnitude", "magnitude_error", "flux", "flux_error"} & set(self.series)

    @property
    def said(self) -> dict[str, str]:
        """For the report."""
        out = {
            "times": ", ".join(filter(None, (self.clock.said, self.clock.rounded))),
            "brightness": self.brightness.said,
            "flags": self.flags.said,
            SCALE: self.scale,
        }
        return {name: text for name, text in out.items() if text}

    def _is_unlike(self, mjd: np.ndarray) -> bool:
        """Whether a star has times of another count; whole Julian dates among MJD are none: cleaning converts them."""
        if not self.checked or not len(mjd) or (mjd.min() >= FIRST and mjd.max() <= LAST):
            return False
        finite = mjd[np.isfinite(mjd)]
        if not len(finite):
            return False
        middle = float(np.median(finite))
        return not (FIRST <= middle <= LAST or FIRST <= middle - MJD_ZERO <= LAST)

    def points(self, pieces: Mapping[str, np.ndarray]) -> Points:
        """One light curve, of `series` as (N,) float64 each."""
        flags = {name: pieces[f"flag:{name}"] for name in self.flags.bits}
        magnitude, error, faults = self.brightness.magnitudes(pieces)
        mjd = self.clock.mjd(pieces["time"])
        flagged = self.flags.faults(flags)
        unlike = {UNLIKE: np.ones(len(mjd), bool)} if self._is_unlike(mjd) else {}
        sound, lost = _sound(len(mjd), flagged | faults | unlike)
        fluxes = self._fluxes(mjd, pieces, flagged, unlike) if self.brightness.keeps_fluxes else None
        if not lost:
            return Points(mjd, magnitude, error, {}, fluxes)
        return Points(mjd[sound], magnitude[sound], error[sound], lost, fluxes)

    def _fluxes(
        self,
        mjd: np.ndarray,
        pieces: Mapping[str, np.ndarray],
        flagged: Mapping[str, np.ndarray],
        unlike: Mapping[str, np.ndarray],
    ) -> FluxSeries:
        """All that was measured, and limits: only points that are flagged for something else, or have no sign, are left out."""
        limits = {reason: flagged[reason] for name in self.flags.limits if (reason := flag_fault(name)) in flagged}
        limited = np.any([np.zeros(len(mjd), bool), *limits.values()], axis=0)
        flux, error, limit, faults = self.brightness.fluxes(pieces, limited)
        others = {reason: bad for reason, bad in flagged.items() if reason not in limits}
        sound, lost = _sound(len(mjd), others | faults | unlike)
        kind, zero_point, unit = self.brightness.kind, self.brightness.flux_zero_point, self.brightness.unit
        of_magnitudes = not self.brightness.flux
        whole = FluxSeries(mjd, flux, error, limit, kind, zero_point, unit, of_magnitudes, lost)
        return whole if not lost else whole.take(sound)


def _sound(count: int, faults: Mapping[str, np.ndarray]) -> tuple[np.ndarray, dict[str, int]]:
    """(N,) bool, points without a fault; reason -> points, each counted for the first."""
    lost, sound = {}, np.ones(count, bool)
    for reason, bad in faults.items():
        if found := int(np.count_nonzero(bad & sound)):
            lost[reason] = found
            sound &= ~bad
    return sound, lost


def interpret(
    columns: Mapping[str, str],
    names: Sequence[str],
    times: np.ndarray,
    iso: bool,
    given: "ColumnNames",
    where: str,
    units: Mapping[str, str] | None = None,
    header: Mapping[str, object] | None = None,
) -> Interpretation:
    """What the columns of a table mean.

    Args:
      columns: as `recognise` found them. names: of all columns. times: (N,) of the table, or enough of them to tell what they
        count. iso: they were dates, and are MJD. given: by the user. where: the file.
      units: column -> unit. header: of a FITS table.

    Raises:
      ConfigError: times or brightness can mean two things; gives the choices.
    """
    units = units or {}
    name = columns["time"]
    unit = units.get(name, "")
    if first(GAIA[:1], names) and first(GAIA[1:], names) and short(name) == "time":
        unit = "Gaia's JD - 2455197.5"
    if iso and given.time_format not in ("auto", "iso"):
        raise ConfigError(f"column '{name}' of '{where}' holds dates, not numbers: leave --columns.time-format out")
    clock = (
        Clock(AS_MJD.zero, AS_MJD.per_day, "dates, UTC where they name no zone")
        if iso
        else choose_clock(times, short(name), where, given.time_format, unit, header)
    )
    brightness = choose_brightness(columns, names, units, given, where)
    flags = choose_flags(names, columns, given, where)
    if flags.limits:
        brightness = replace(brightness, keeps_fluxes=True)
    series = {field: columns[field] for field in _FIELDS if field in columns}
    return Interpretation(
        series | {f"flag:{name}": name for name in flags.bits},
        clock,
        iso,
        brightness,
        flags,
        time_scale(short(name), iso, clock, unit, header or {}),
        given.time_format == "auto",
    )
