"""Hand-made features of light curves by the package `light-curve` (Malanchev et al. 2021, MNRAS 502, 5147): the rival that
every embedding has to beat.

23 numbers a curve: eighteen of the distribution and order of magnitudes, four of a period search, the mean magnitude. The mean
magnitude says how bright a star appears, which depends on its distance and on the survey: `BRIGHTNESS` and `PERIOD` name the
columns to leave out where that is not wanted. No other feature changes when a constant is added to all magnitudes.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from lcjax.errors import DataError, MissingExtraError

MAX_FREQUENCY = 10.0
"""Cycles a day: periods from 0.1 d, whatever the median cadence is."""
_GRID = 2**17 + 1
"""Frequencies from 0 on: steps of 7.6e-5 a day, four or more for each resolved frequency of ten years."""
_ROUNDING = 1e-12
"""What a curve without any variation has instead of 0."""
BRIGHTNESS = ("mean",)
PERIOD = (
    "log_periodogram_period_0",
    "periodogram_period_s_to_n_0",
    "log_periodogram_period_1",
    "periodogram_period_s_to_n_1",
)
_LOGARITHMIC = (
    "amplitude",
    "standard_deviation",
    "median_absolute_deviation",
    "inter_percentile_range_25",
    "inter_percentile_range_10",
    "percent_amplitude",
    "chi2",
    "eta",
    "eta_e",
    "maximum_slope",
    "periodogram_period_0",
    "periodogram_period_1",
)
"""Positive, over decades: their decimal logarithm is the feature."""
_ORDER = (
    "amplitude",
    "standard_deviation",
    "median_absolute_deviation",
    "inter_percentile_range_25",
    "inter_percentile_range_10",
    "percent_amplitude",
    "beyond_1_std",
    "cusum",
    "skew",
    "kurtosis",
    "anderson_darling_normal",
    "stetson_K",
    "chi2",
    "eta",
    "eta_e",
    "maximum_slope",
    "magnitude_percentage_ratio_40_5",
    "magnitude_percentage_ratio_20_10",
    "periodogram_period_0",
    "periodogram_period_s_to_n_0",
    "periodogram_period_1",
    "periodogram_period_s_to_n_1",
    "mean",
)
FEATURES = tuple(f"log_{name}" if name in _LOGARITHMIC else name for name in _ORDER)
"""Names of the columns of `light_curve_features`."""


class Curve(Protocol):
    """A light curve in one band, times ascending."""

    @property
    def mjd(self) -> np.ndarray:
        """(N,) days."""

    @property
    def magnitude(self) -> np.ndarray:
        """(N,) mag."""

    @property
    def magnitude_error(self) -> np.ndarray:
        """(N,) mag."""


def light_curve_features(curves: Iterable[Curve], jobs: int = 1) -> np.ndarray:
    """`FEATURES` of every curve: (N, 23) float64.

    A feature that a curve has too few points for, or that is not defined for it (the skewness of a constant), is NaN: a
    random forest takes it as it is, other classifiers want the median of the others.

    Args:
      jobs: threads.

    Raises:
      MissingExtraError: the package is not installed.
    """
    extractor = _extractor()
    series = [_series(curve) for curve in curves]
    if not series:
        return np.zeros((0, len(FEATURES)))
    enough = [len(time) > 1 for time, _, _ in series]
    found = np.full((len(series), len(_ORDER)), np.nan)
    # Of a curve with one point there is nothing but its brightness.
    found[:, -1] = [magnitude.mean() if len(magnitude) else np.nan for _, magnitude, _ in series]
    wanted = [one for one, good in zip(series, enough, strict=True) if good]
    if wanted:
        some = extractor.many(wanted, fill_value=np.nan, sorted=True, check=False, n_jobs=jobs)
        found[np.flatnonzero(enough)] = _in_order(np.asarray(some, np.float64), extractor.names)
    columns = [_ORDER.index(name) for name in _LOGARITHMIC]
    positive = found[:, columns] > _ROUNDING
    found[:, columns] = np.log10(found[:, columns], out=np.full(positive.shape, np.nan), where=positive)
    return np.where(np.isfinite(found), found, np.nan)


def columns_without(names: Sequence[str]) -> list[int]:
    """Columns of the features whose names are not among these.

    Raises:
      DataError: there is no feature of a name.

    >>> len(columns_without(BRIGHTNESS)), len(columns_without(PERIOD))
    (22, 19)
    """
    if unknown := [name for name in names if name not in FEATURES]:
        raise DataError(f"there is no feature '{unknown[0]}': there are {', '.join(FEATURES)}")
    return [i for i, name in enumerate(FEATURES) if name not in names]


def _series(curve: Curve) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times from the first point, magnitudes, and weights: the package takes what it calls sigma."""
    time = np.asarray(curve.mjd, np.float64)
    time = time - time[0] if len(time) else time
    magnitude, error = (np.ascontiguousarray(x, np.float64) for x in (curve.magnitude, curve.magnitude_error))
    return np.ascontiguousarray(time), magnitude, error


def _extractor() -> Any:
    try:
        import light_curve
    except ModuleNotFoundError as error:
        raise MissingExtraError("light-curve", "classic", "computing features of light curves") from error
    frequencies = np.linspace(0.0, 2 * np.pi * MAX_FREQUENCY, _GRID)
    return light_curve.Extractor(
        light_curve.Amplitude(),
        light_curve.StandardDeviation(),
        light_curve.MedianAbsoluteDeviation(),
        light_curve.InterPercentileRange(0.25),
        light_curve.InterPercentileRange(0.10),
        light_curve.PercentAmplitude(),
        light_curve.BeyondNStd(1.0),
        light_curve.Cusum(),
        light_curve.Skew(),
        light_curve.Kurtosis(),
        light_curve.AndersonDarlingNormal(),
        light_curve.StetsonK(),
        light_curve.ReducedChi2(),
        light_curve.Eta(),
        light_curve.EtaE(),
        light_curve.MaximumSlope(),
        light_curve.MagnitudePercentageRatio(0.40, 0.05),
        light_curve.MagnitudePercentageRatio(0.20, 0.10),
        light_curve.Periodogram(peaks=2, freqs=frequencies, fast=True),
        light_curve.Mean(),
    )


def _in_order(table: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The package's columns as `_ORDER` has them: by their names, whatever the package's order is."""
    return table[:, [list(names).index(name) for name in _ORDER]]
