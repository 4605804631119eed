"""Times: what they count is said by option, name, unit, header or range, and what can mean two things is refused."""

import numpy as np
import pytest

from data_pipelines.kinds.light_curves.times import choose_clock, iso_to_mjd, offset_of_name, time_scale
from lcjax.errors import ConfigError

DAYS = np.sort(np.random.default_rng(0).uniform(58000, 58400, 40))

MJD = 58_849.25 + np.arange(20.0)
"""The truth: nights of 2020."""


def read(values, name="time", **more):
    return choose_clock(np.asarray(values), name, "t.csv", **more).mjd(np.asarray(values))


@pytest.mark.parametrize(
    ("name", "zero"),
    [
        ("mjd", 0.0),
        ("midpointMjdTai", 0.0),
        ("hmjd", 0.0),
        ("time", 0.0),
        ("jd", -2_400_000.5),
        ("HJD", -2_400_000.5),
        ("bjd", -2_400_000.5),
        ("time", -2_400_000.5),
        ("btjd", 56_999.5),
        ("bkjd", 54_832.5),
        ("HJD-2450000", 49_999.5),
        ("hjd_2450000", 49_999.5),
        ("BJD - 2457000", 56_999.5),
        ("JD-2400000.5", 0.0),
        ("mjd-50000", 50_000.0),
        ("g_transit_time", 55_197.0),
    ],
)
def test_names(name, zero):
    np.testing.assert_allclose(read(MJD - zero, name), MJD, rtol=0, atol=1e-9)


def test_half_a_day_lies_between_mjd_and_julian_dates():
    assert read([2_451_545.0] * 3, "jd").tolist() == [51_544.5] * 3  # J2000: 2000-01-01 12:00
    assert read([2_451_545.0] * 3).tolist() == [51_544.5] * 3
    assert iso_to_mjd("2000-01-01T12:00:00Z") == 51_544.5
    assert choose_clock(np.array([51_545.0]), "t", "f", "jd-2400000").mjd(np.array([51_545.0])).tolist() == [51_544.5]


@pytest.mark.parametrize(
    ("asked", "values"),
    [
        ("mjd", MJD),
        ("jd", MJD + 2_400_000.5),
        ("hjd", MJD + 2_400_000.5),
        ("btjd", MJD - 56_999.5),
        ("bkjd", MJD - 54_832.5),
        ("hjd-2450000", MJD - 49_999.5),
        ("bjd-2400000", MJD + 0.5),
        ("gaia", MJD - 55_197.0),
        ("unix", (MJD - 40_587) * 86_400),
    ],
)
def test_options(asked, values):
    np.testing.assert_allclose(read(values, "when", asked=asked), MJD, rtol=0, atol=1e-6)


def test_headers_and_units():
    tess = {"BJDREFI": 2457000.0, "BJDREFF": 0.0, "TIMESYS": "TDB", "TIMEUNIT": "d"}
    np.testing.assert_allclose(read(MJD - 56_999.5, header=tess), MJD, rtol=0, atol=1e-9)
    np.testing.assert_allclose(read(MJD - 54_832.5, unit="BJD - 2454833"), MJD, rtol=0, atol=1e-9)
    np.testing.assert_allclose(
        read(MJD - 55_197.0, unit="Barycentric JD in TCB - 2455197.5 (day)"), MJD, rtol=0, atol=1e-9
    )
    seconds = {"MJDREFI": 50_000.0, "MJDREFF": 0.25}
    np.testing.assert_allclose(read((MJD - 50_000.25) * 86_400, unit="s", header=seconds), MJD, rtol=0, atol=1e-6)
    assert "TDB" in choose_clock(MJD - 56_999.5, "time", "f", header=tess).said


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("time", MJD - 56_999.5),  # BTJD
        ("time", MJD - 54_832.5),  # BKJD
        ("time", MJD - 49_999.5),  # HJD-2450000
        ("mjd", MJD - 56_999.5),  # BTJD that is called MJD
        ("hjd", MJD - 49_999.5),
        ("hjd", MJD + 0.5),  # HJD-2400000, or MJD
        ("time", (MJD - 40_587) * 86_400),
        ("btjd", MJD),
        ("unix", MJD),
        ("time", MJD - 70_000),
    ],
)
def test_what_can_mean_two_things_is_refused_with_the_choices(name, values):
    with pytest.raises(
        ConfigError, match=rf"column '{name}' of 't.csv' holds times around .*--columns.time-format mjd\|jd"
    ):
        read(values, name)


def test_an_option_that_cannot_be_is_refused():
    for asked, values in (("jd", MJD), ("unix", MJD), ("btjd", MJD + 2_400_000.5)):
        with pytest.raises(ConfigError, match=r"--columns.time-format"):
            read(values, asked=asked)


def test_historical_observations_when_asked_for():
    tycho = np.full(3, -104_455.0)
    assert read(tycho, asked="mjd").tolist() == tycho.tolist()
    assert read(tycho + 2_400_000.5, asked="jd").tolist() == tycho.tolist()


def test_sentinels_do_not_decide():
    values = np.concatenate([MJD + 2_400_000.5, [np.nan, 0.0, -1.0]])
    assert read(values)[:20].tolist() == MJD.tolist()


def test_names_that_subtract_nothing():
    assert [offset_of_name(name) for name in ("mjd_obs", "time", "jd", "adjd", "bjd_tdb")] == [None] * 5


@pytest.mark.parametrize(
    ("name", "values", "unit", "header", "asked", "scale"),
    [
        ("midpointmjdtai", 60_000.0, "", {}, "auto", "mjd_tai"),
        ("mjd", 60_000.0, "", {}, "auto", ""),
        ("mjd", 60_000.0, "", {"TIMESYS": "UTC"}, "auto", "mjd_utc"),
        ("time", 3000.0, "BJD - 2457000, days", {"TIMESYS": "TDB"}, "auto", "bjd_tdb"),
        ("time", 3000.0, "d", {"TIMESYS": "TDB", "BJDREFI": 2457000, "BJDREFF": 0.0}, "auto", "bjd_tdb"),
        ("time", 3000.0, "", {}, "btjd", "bjd_tdb"),
        ("time", 3000.0, "", {}, "gaia", "bjd_tcb"),
        ("hmjd", 58_000.0, "", {}, "auto", "hjd"),
        ("bjd", 2_458_000.0, "", {}, "auto", ""),
    ],
)
def test_time_scales(name, values, unit, header, asked, scale):
    clock = choose_clock(np.array([values]), name, "t", asked, unit, header)
    assert time_scale(name, False, clock, unit, header) == scale
    assert time_scale(name, True, clock, unit, header) == "mjd_utc"


@pytest.mark.parametrize("said", [{"unit": "h"}, {"header": {"TIMEUNIT": "yr"}}])
def test_times_in_hours_or_years_are_refused(said):
    """Whatever the column is called: 58000 hours are no MJD."""
    times = np.arange(5) + 58_000.0
    with pytest.raises(ConfigError, match=r"holds times around 58,002.0 in '(h|yr)': write days or seconds"):
        choose_clock(times, "mjd", "f", **said)
    assert choose_clock(times, "mjd", "f", "mjd", **said).mjd(times)[0] == 58_000


@pytest.mark.parametrize(
    "values,name,said",
    [
        (DAYS.astype(np.float32), "mjd", "rounded to 5.6 minutes: they are numbers of 32 bits"),
        ((DAYS + 2400000.5).astype(np.float32), "jd", "rounded to 6.0 hours: they are numbers of 32 bits"),
        (np.rint(DAYS), "mjd", "rounded to whole days"),
        (DAYS, "mjd", ""),
        (np.round(DAYS, 1), "mjd", ""),
        ((DAYS - 57990).astype(np.float32), "btjd", ""),
        (DAYS[:5].astype(np.float32), "mjd", ""),
    ],
)
def test_what_is_lost_by_rounding_is_said(values, name, said):
    assert choose_clock(values.astype(np.float64), name, "a.csv", "auto" if name != "btjd" else "btjd").rounded == said


@pytest.mark.parametrize(
    "count,zero,scale", [("mjd", 0.0, ""), ("btjd", 56999.5, "bjd_tdb"), ("bkjd", 54832.5, "bjd_tdb")]
)
def test_seconds_of_a_mission_are_what_the_user_says(count, zero, scale):
    values = (DAYS - zero) * 86_400
    with pytest.raises(ConfigError, match="seconds"):
        choose_clock(values, "time", "a.csv")
    clock = choose_clock(values, "time", "a.csv", f"{count}-seconds")
    np.testing.assert_allclose(clock.mjd(values), DAYS, rtol=0, atol=1e-6)
    assert time_scale("time", False, clock, "", {}) == scale
