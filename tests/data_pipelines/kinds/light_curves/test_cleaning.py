"""Cleaning: what comes out is fit for use, and every point that went in is accounted for."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from data_pipelines.kinds.light_curves.cleaning import CleaningReport, CleaningSettings, CleanLightCurve, clean
from data_pipelines.sources import RawLightCurve

wild = st.one_of(
    st.floats(width=64),
    st.floats(min_value=50_000, max_value=60_000),
    st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -1.0, 99.999, -2.4e6, 2_453_000.5, 53_000.0]),
)


@st.composite
def raw_curves(draw):
    n = draw(st.integers(0, 40))
    column = lambda elements: draw(npst.arrays(np.float64, n, elements=elements))
    return RawLightCurve("star", "V", column(wild), column(wild), column(wild))


@settings(deadline=None, max_examples=200)
@given(raw_curves())
def test_output_is_sound_and_counts_add_up(raw):
    report = CleaningReport()
    result = clean(raw, CleaningSettings(), report)
    if isinstance(result, CleanLightCurve):
        assert len(result.mjd) >= 5
        assert np.all(np.diff(result.mjd) > 0)
        assert np.all(np.isfinite(result.mjd)) and np.all(np.isfinite(result.magnitude))
        assert np.all((result.magnitude_error >= 0) & (result.magnitude_error <= 1))
        assert report.curves_kept == 1 and not report.rejected
    else:
        assert result.reason and report.curves_kept == 0 and report.rejected == [result]
    assert report.points_read == len(raw.mjd) == report.points_kept + sum(report.points_dropped.values())


@settings(deadline=None, max_examples=50)
@given(st.permutations(range(12)))
def test_order_of_the_file_does_not_matter(order):
    time = 53_000 + np.arange(12.0) * 3
    raw = lambda i: RawLightCurve("s", "V", time[i], np.arange(12.0)[i], np.full(12, 0.1))
    one, two = clean(raw(np.arange(12)), CleaningSettings()), clean(raw(np.array(order)), CleaningSettings())
    np.testing.assert_array_equal(one.mjd, two.mjd)
    np.testing.assert_array_equal(one.magnitude, two.magnitude)


def test_of_repeated_times_the_most_certain_point_stays():
    time = np.array([1.0, 2, 3, 4, 5, 5]) + 53_000
    result = clean(
        RawLightCurve("s", "", time, np.arange(6.0), np.array([0.1, 0.1, 0.1, 0.1, 0.3, 0.2])), CleaningSettings()
    )
    assert result.magnitude.tolist() == [0, 1, 2, 3, 5]


def test_reasons_are_told():
    reason = lambda *columns: clean(RawLightCurve("s", "", *columns), CleaningSettings()).reason
    n = 20
    ones = np.ones(n)
    assert "unequal length" in reason(np.arange(n), ones[:3], ones)
    assert "fewer than 5 points: 0 (20 error out of range)" in reason(np.arange(n), ones, ones * 5)
    assert clean(RawLightCurve("", "", ones, ones, ones), CleaningSettings()).reason == "no object id"


def test_magnitudes_may_be_negative():
    result = clean(RawLightCurve("m", "R", np.arange(9.0), np.full(9, -8.0), np.full(9, 0.1)), CleaningSettings())
    assert isinstance(result, CleanLightCurve)


def cleaned(**changed):
    """Ten sound points a day apart, of which some columns have other values in the first rows."""
    columns = {"mjd": 53_000.25 + np.arange(10.0), "magnitude": np.full(10, 15.0), "error": np.full(10, 0.1)}
    for name, values in changed.items():
        columns[name][: len(values)] = values
    report = CleaningReport()
    return clean(RawLightCurve("s", "V", *columns.values()), CleaningSettings(), report), report


def test_sentinels_are_no_magnitudes():
    curve, report = cleaned(magnitude=[99.999, -99.0, 50.001, 50.0, -50.0])
    assert curve.magnitude.tolist() == [50.0, -50.0, 15, 15, 15, 15, 15]
    assert report.points_dropped == {"magnitude is a sentinel": 3}


def test_corrupt_times_are_dropped():
    century = 36_525.0
    curve, report = cleaned(
        mjd=[0.0, -2_347_000.0, 53_005.25 - century - 5, 53_005.25 + century + 5, 53_005.25 - century + 5]
    )
    assert curve.mjd.tolist() == [53_005.25 - century + 5, *(53_005.25 + np.arange(5.0))]
    assert report.points_dropped == {"time far from the others": 4}


def test_errors_are_more_than_zero():
    curve, report = cleaned(error=[0.0, -0.1, 1e-46, 1.001, 1.0, 1e-30])
    assert curve.mjd.tolist() == (53_004.25 + np.arange(6.0)).tolist()
    assert np.all(curve.magnitude_error > 0) and report.points_dropped == {"error out of range": 4}


def test_julian_dates_among_mjd_are_the_same_instants():
    curve, report = cleaned(mjd=2_453_000.75 + np.arange(4.0))
    assert curve.mjd.tolist() == (53_000.25 + np.arange(10.0)).tolist()
    assert report.notes == {"Julian dates converted to MJD": 1} and not report.points_dropped


def test_copies_of_a_point_are_told_from_other_points_at_its_time():
    curve, report = cleaned(mjd=[53_005.25, 53_006.25, 53_006.25], magnitude=[15.0, 16.0, 15.0], error=[0.1, 0.1, 0.2])
    assert len(curve.mjd) == 7 and report.points_dropped == {"copy of a point": 1, "time repeated": 2}


def test_a_time_scale_is_that_of_all_tables():
    report = CleaningReport()
    report.add_columns({"time": "midpointMjdTai", "times": "MJD", "time scale": "mjd_tai"})
    assert report.time_scale == "mjd_tai" and report.facts() == {"times": "MJD", "time scale": "mjd_tai"}
    report.add_columns({"time": "mjd", "times": "MJD"})
    assert report.time_scale == "" and report.facts()["time scale"] == "mjd_tai; not said"
