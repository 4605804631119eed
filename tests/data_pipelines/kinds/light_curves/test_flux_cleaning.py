"""Cleaning of fluxes: signs and limits stay, unsound points go by name, and nothing is counted twice or not at all."""

import numpy as np
import pytest

from data_pipelines.kinds.light_curves.cleaning import CleaningReport, CleaningSettings, CleanLightCurve
from data_pipelines.kinds.light_curves.flux_cleaning import clean_fluxes, clean_with_fluxes
from data_pipelines.kinds.light_curves.fluxes import FluxSeries, flux_of_magnitude, magnitude_of_flux
from data_pipelines.sources.light_curve import RawLightCurve

N = 12


def raw(changed=None, **more):
    """One star, half of whose fluxes are negative, as readers give it."""
    columns = {
        "mjd": 60_000 + np.arange(N, dtype=float),
        "flux": np.where(np.arange(N) % 2, -100.0, 100.0),
        "flux_error": np.full(N, 5.0),
        "limit": np.zeros(N),
    }
    columns |= changed or {}
    fluxes = FluxSeries(**columns, kind="difference_flux", zero_point=23.9, unit="uJy", lost={"flagged": 2})
    magnitude, error = magnitude_of_flux(columns["flux"], columns["flux_error"], 23.9)
    some = np.isfinite(magnitude)
    lost = {"flagged": 2, "flux not positive": int((~some).sum())}
    return RawLightCurve(
        "s", "g", columns["mjd"][some], magnitude[some], error[some], lost=lost, fluxes=fluxes, origin="t", **more
    )


def cleaned(star, **settings):
    report = CleaningReport()
    found = clean_with_fluxes(star, CleaningSettings(**settings), report)
    assert report.points_read == report.points_kept + report.points_dropped.total()
    return found, report


def test_negative_fluxes_stay():
    curve, report = cleaned(raw())
    assert len(curve.fluxes) == N and len(curve.mjd) == N // 2
    assert report.points_dropped == {"flagged": 2} and report.points_kept == N
    assert report.fluxes.without == {"flux not positive": 6} and report.fluxes.curves_without == 0


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("mjd", np.nan, "time not finite"),
        ("mjd", 2_000_000.0, "time far from the others"),
        ("mjd", 60_000.0, "time repeated"),
        ("flux", np.inf, "flux not finite"),
        ("flux", 1e39, "flux not finite"),
        ("flux_error", np.nan, "flux error not finite"),
        ("flux_error", 0.0, "flux error not positive"),
        ("flux_error", -9.0, "flux error not positive"),
        ("limit", 1e39, "flux not finite"),
    ],
)
def test_unsound_points_go_by_name(name, value, reason):
    columns = {n: getattr(raw().fluxes, n).copy() for n in ("mjd", "flux", "flux_error", "limit")}
    columns[name][3] = value
    fluxes, dropped = clean_fluxes(raw(columns).fluxes, CleaningSettings())
    assert dropped == {"flagged": 2, reason: 1} and len(fluxes) == N - 1


def test_limits_stay_and_a_measured_point_at_the_same_time_is_better():
    columns = {n: getattr(raw().fluxes, n).copy() for n in ("mjd", "flux", "flux_error", "limit")}
    columns["flux"][[3, 5]] = columns["flux_error"][[3, 5]] = np.nan
    columns["limit"][[3, 5]] = 7.0
    columns["mjd"][5] = columns["mjd"][4]
    columns = {name: values[::-1] for name, values in columns.items()}
    columns["mjd"] = columns["mjd"] + 2_400_000.5
    curve, report = cleaned(raw(columns))
    assert np.count_nonzero(~curve.fluxes.measured) == 1 and np.all(np.diff(curve.fluxes.mjd) > 0)
    assert report.fluxes.limits == 1 and report.points_dropped["time repeated"] == 1
    assert set(report.notes) == {"Julian dates converted to MJD", "unsorted times sorted"}
    assert 60_000 <= curve.fluxes.mjd[0] < 60_012


def test_of_limits_at_one_time_the_lowest_stays():
    limits = np.array([9.0, 4.0, 7.0])
    mjd, nan = np.full(3, 60_000.0), np.full(3, np.nan)
    fluxes, dropped = clean_fluxes(FluxSeries(mjd, nan, nan, limits, "total_flux", 23.9), CleaningSettings())
    assert fluxes.limit.tolist() == [4.0] and dropped == {"time repeated": 2}


def test_copies_are_no_loss():
    columns = {n: np.repeat(getattr(raw().fluxes, n), 2) for n in ("mjd", "flux", "flux_error", "limit")}
    _, report = cleaned(raw(columns))
    assert report.points_dropped == {"flagged": 2, "copy of a point": N}


def test_a_star_stays_by_its_fluxes_and_limits_are_none():
    curve, report = cleaned(raw({"flux": np.where(np.arange(N) < 9, -100.0, 100.0)}))
    assert isinstance(curve, CleanLightCurve) and len(curve.mjd) == 3 and report.fluxes.curves_without == 1
    assert report.fluxes.without == {"flux not positive": 9, "of light curves with too few magnitudes": 3}
    nan = np.where(np.arange(N) < 9, np.nan, 100.0)
    limits = {"flux": nan, "flux_error": nan, "limit": np.where(np.arange(N) < 9, 5.0, 0)}
    rejected, report = cleaned(raw(limits))
    assert rejected.reason == "fewer than 5 points: 3 (2 flagged)" and report.points_dropped["of rejected objects"] == N
    assert report.fluxes is None
    rejected, _ = cleaned(raw(fault="several stars of one id"))
    assert rejected.reason == "several stars of one id"


def test_sentinels_of_magnitudes_are_no_faint_fluxes():
    magnitude = np.where(np.arange(N) == 3, 99.999, 18.0)
    error = np.where(np.arange(N) == 5, 9.9, 0.1)
    flux, sigma = flux_of_magnitude(magnitude, error, 23.9)
    made = FluxSeries(np.arange(N) + 6e4, flux, sigma, np.zeros(N), "magnitude", 23.9, "uJy", of_magnitudes=True)
    _, dropped = clean_fluxes(made, CleaningSettings())
    assert dropped == {"magnitude is a sentinel": 1, "error out of range": 1}


def test_without_fluxes_as_magnitudes():
    star = RawLightCurve("s", "", np.arange(6.0) + 6e4, np.full(6, 15.0), np.full(6, 0.1))
    curve, report = cleaned(star)
    assert curve.fluxes is None and report.fluxes is None and report.points_kept == 6
