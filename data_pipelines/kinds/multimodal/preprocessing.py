"""Light curves and spectra as AstroM3 prepares them (arXiv 2411.08842), on the host in the precision of the files.

A light curve is shifted by its mean and divided by its spread, the median absolute deviation (without 1.4826); time runs from 0 to
1. A spectrum is interpolated to a grid and treated alike.
"""

from dataclasses import dataclass

import numpy as np

from lcjax.errors import DataError

YEAR = 365.0
"""Days, as the published code has it."""
GRID = (3850.0, 9000.0, 2.0)
"""Angstrom: first sample, end, step of the published spectra."""


@dataclass(frozen=True)
class NormalisedCurve:
    """A whole light curve, sorted by time."""

    time: np.ndarray
    """(M,) 0 at the first point, 1 at the last."""
    flux: np.ndarray
    flux_error: np.ndarray
    log_spread: float
    """log10 of the median absolute deviation, in the unit of the fluxes."""
    years: float
    """From the first to the last point, in years of 365 days."""
    first_time: float
    mean: float
    """Of the fluxes, in their unit: what makes magnitudes of them again."""


@dataclass(frozen=True)
class NormalisedSpectrum:
    """A spectrum on a grid."""

    flux: np.ndarray
    error: np.ndarray
    """The third column of the file over the spread, whatever it is."""
    log_spread: float


def normalised_curve(rows: np.ndarray) -> NormalisedCurve:
    """Light curve (M, 3): time (days), flux, flux error, in any order.

    Rows that are alike count once; rows that are not finite are left out.

    Raises:
      DataError: fewer than two points, all at one time, or more than half of the fluxes alike, so that the spread is 0.
    """
    rows = np.asarray(rows)
    rows = np.unique(rows[np.isfinite(rows).all(axis=1)], axis=0)
    if len(rows) < 2 or rows[-1, 0] == rows[0, 0]:
        raise DataError(f"{len(rows)} usable points at different times, where two are the least")
    time, flux, error = rows.T
    spread = np.median(np.abs(flux - np.median(flux)))
    if not spread > 0:
        raise DataError("more than half of the fluxes are alike, so that their spread is 0")
    span = time[-1] - time[0]
    as_float32 = lambda x: np.asarray(x, np.float32)
    return NormalisedCurve(
        as_float32((time - time[0]) / span),
        as_float32((flux - flux.mean()) / spread),
        as_float32(error / spread),
        float(np.log10(spread)),
        float(span / YEAR),
        float(time[0]),
        float(flux.mean()),
    )


def grid_points(grid: tuple[float, float, float] = GRID) -> np.ndarray:
    """Wavelengths of a grid, the end left out.

    >>> len(grid_points()), float(grid_points()[-1])
    (2575, 8998.0)
    """
    start, end, step = grid
    return start + step * np.arange(int(np.ceil((end - start) / step - 1e-9)))


def normalised_spectrum(rows: np.ndarray, grid: tuple[float, float, float] = GRID) -> NormalisedSpectrum:
    """Spectrum (M, 3): wavelength (Angstrom), flux, and a third column such as its error or inverse variance.

    Values beyond the ends are those at the ends. The spread leaves out fluxes of exactly 0, the mean does not.

    Raises:
      DataError: more than half of the samples not finite, fewer than two usable ones, none of them within the grid, or fluxes without spread.
    """
    rows = np.asarray(rows)
    usable = np.isfinite(rows).all(axis=1)
    if 2 * usable.sum() < len(rows):
        raise DataError(f"{int((~usable).sum()):,} of its {len(rows):,} samples are not finite")
    rows = rows[usable]
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    points = grid_points(grid)
    inside = (rows[:, 0] >= points[0]) & (rows[:, 0] <= points[-1])
    if inside.sum() < 2:
        raise DataError(f"{int(inside.sum())} usable samples between {points[0]:g} and {points[-1]:g} Angstrom")
    flux, third = (np.interp(points, rows[:, 0], rows[:, i]) for i in (1, 2))
    some = flux[flux != 0]
    spread = np.median(np.abs(some - np.median(some))) if len(some) else 0.0
    if not spread > 0:
        covered = np.mean((points >= rows[0, 0]) & (points <= rows[-1, 0]))
        raise DataError(
            f"more than half of the fluxes on the grid are alike, so that their spread is 0 (its samples cover {covered:.0%} of the "
            "grid, which goes on with the value at their end)"
        )
    return NormalisedSpectrum(
        np.asarray((flux - flux.mean()) / spread, np.float32),
        np.asarray(third / spread, np.float32),
        float(np.log10(spread)),
    )
