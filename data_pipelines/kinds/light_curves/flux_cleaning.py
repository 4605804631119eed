"""Cleaning of light curves that have fluxes: every sound flux stays, whatever its sign, and so do upper limits."""

from collections import Counter
from dataclasses import replace

import numpy as np

from data_pipelines.kinds.light_curves.cleaning import (
    COPY,
    REPEATED,
    CleaningReport,
    CleaningSettings,
    CleanLightCurve,
    clean,
    in_mjd,
    near_the_others,
)
from data_pipelines.kinds.light_curves.fluxes import POGSON, FluxSeries
from data_pipelines.kinds.light_curves.sentinels import filled_fluxes
from data_pipelines.sources.light_curve import RawLightCurve
from lcjax.errors import Rejection


def clean_with_fluxes(
    raw: RawLightCurve, settings: CleaningSettings, report: CleaningReport | None = None
) -> CleanLightCurve | Rejection:
    """Cleans the fluxes of a raw light curve, and its magnitudes by the rules of `clean`; as `clean` where there are no fluxes.

    The object stays where it has `settings.min_points` fluxes, limits not counted; it may then have fewer magnitudes, or none.
    Points of the report are fluxes.
    """
    if raw.fluxes is None:
        return clean(raw, settings, report)
    report = CleaningReport() if report is None else report
    report.points_read += len(raw.fluxes) + raw.fluxes.repeated + sum(raw.fluxes.lost.values())
    if raw.fluxes.repeated:
        report.points_dropped[REPEATED] += raw.fluxes.repeated
    if raw.parts > 1:
        report.notes["stars put together of several parts"] += 1
    fluxes, dropped = clean_fluxes(raw.fluxes, settings, report.notes)
    measured = int(np.count_nonzero(fluxes.measured))
    fault = "no object id" if not raw.object_id else raw.fault
    if not fault and measured < settings.min_points:
        why = f" ({', '.join(f'{n} {r}' for r, n in dropped.items())})" if dropped else ""
        fault = f"fewer than {settings.min_points} points: {measured}{why}"
    report.points_dropped.update(dropped)
    if fault:
        report.points_dropped["of rejected objects"] += len(fluxes)
        rejection = Rejection(raw.object_id, fault, raw.origin)
        report.rejected.append(rejection)
        return rejection
    curve = clean(raw, replace(settings, min_points=0))
    assert isinstance(curve, CleanLightCurve)  # whatever rejects an object has been looked at
    report.points_kept += len(fluxes)
    report.curves_kept += 1
    report.add_fluxes(fluxes, len(curve.mjd), fewest_magnitudes(settings))
    return replace(curve, fluxes=fluxes)


def fewest_magnitudes(settings: CleaningSettings) -> int:
    """Magnitudes that a light curve with fluxes must have to be used for them."""
    return max(settings.min_points, 1)


def clean_fluxes(
    fluxes: FluxSeries, settings: CleaningSettings, notes: Counter[str] | None = None
) -> tuple[FluxSeries, Counter[str]]:
    """The sound points, at strictly ascending times, and the reasons why others are not among them.

    In order: times that are not finite; fluxes and errors that are not finite, or of no float32; of fluxes made of magnitudes
    those that were sentinels; Julian dates become MJD; times far from the median; of points at one time the measured one with the
    smallest error stays, else the lowest limit.
    """
    dropped: Counter[str] = Counter(fluxes.lost)

    def keep(good: np.ndarray, reason: str) -> None:
        nonlocal fluxes
        if bad := len(good) - int(np.count_nonzero(good)):
            dropped[reason] += bad
            fluxes = fluxes.take(good)

    keep(np.isfinite(fluxes.mjd), "time not finite")
    largest, smallest = np.finfo(np.float32).max, np.finfo(np.float32).tiny
    fine = lambda values: np.abs(values) <= largest  # False for NaN
    keep(fine(np.where(fluxes.measured, fluxes.flux, fluxes.limit)), "flux not finite")
    keep(fine(fluxes.flux_error) | ~fluxes.measured, "flux error not finite")
    keep((fluxes.flux_error >= smallest) | ~fluxes.measured, "flux error not positive")
    if not fluxes.of_magnitudes:
        keep(~filled_fluxes(fluxes.flux), "flux is a sentinel")
    if fluxes.of_magnitudes:
        keep(*_no_sentinel(fluxes, settings))
        uncertain = POGSON * fluxes.flux_error > settings.max_error * np.abs(fluxes.flux)
        keep(~uncertain | ~fluxes.measured, "error out of range")
    if len(fluxes):
        mjd, converted = in_mjd(fluxes.mjd)
        if converted:
            fluxes = replace(fluxes, mjd=mjd)
            if notes is not None:
                notes["Julian dates converted to MJD"] += 1
        keep(near_the_others(fluxes.mjd, settings), "time far from the others")
    if len(fluxes) > 1 and np.any(np.diff(fluxes.mjd) <= 0):
        if notes is not None and np.any(np.diff(fluxes.mjd) < 0):
            notes["unsorted times sorted"] += 1
        worth = np.where(fluxes.measured, fluxes.flux_error, np.inf)
        fluxes = fluxes.take(np.lexsort((fluxes.limit, worth, fluxes.mjd)))
        points = np.stack([fluxes.mjd, np.nan_to_num(fluxes.flux), np.nan_to_num(fluxes.flux_error), fluxes.limit])
        copies = len(fluxes) - len(np.unique(points, axis=1).T)
        keep(np.concatenate([[True], np.diff(fluxes.mjd) > 0]), "time repeated")
        if copies:
            dropped["time repeated"] -= copies
            dropped[COPY] += copies
    return replace(fluxes, lost={}, repeated=0), +dropped


def _no_sentinel(fluxes: FluxSeries, settings: CleaningSettings) -> tuple[np.ndarray, str]:
    brightness = np.abs(np.where(fluxes.measured, fluxes.flux, fluxes.limit))
    with np.errstate(divide="ignore"):
        magnitude = fluxes.zero_point - 2.5 * np.log10(brightness)
    return np.abs(magnitude) <= settings.max_magnitude, "magnitude is a sentinel"
