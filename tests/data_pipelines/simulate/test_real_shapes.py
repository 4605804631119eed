"""Simulated stars with the shapes of real ones."""

import numpy as np
import pytest

from data_pipelines.simulate.fourier_fits import BandFit, StarFit, write_fits
from data_pipelines.simulate.real_shapes import PERIOD_SPREAD, RealShapes, classes_of, shapes_of
from data_pipelines.simulate.survey import simulate_one
from data_pipelines.simulate.variation import draw_variation
from lcjax.errors import DataError

SHAPE = np.array([0.3, 0.1 * np.exp(1.0j), 0.05j])


def fit(name="a", label="RRab", period=0.6, **bands):
    """A star late by the given cycles in each band."""
    order = np.arange(1, 4)
    fits = [BandFit(b, 17.0, SHAPE * np.exp(-2j * np.pi * order * lag), 0.01, 100) for b, lag in bands.items()]
    return StarFit(name, label, period, tuple(fits))


def test_period_amplitude_shape_and_lag_are_those_of_the_model():
    shapes = RealShapes([fit(g=0.0, z=0.06)])
    rng = np.random.default_rng(0)
    time = np.linspace(60_000, 60_100, 3000)
    periods, sizes, lags, ratios = [], [], [], []
    for _ in range(60):
        star = draw_variation(rng, "RRab", {"g": time, "i": time, "z": time}, shapes)
        wave = lambda band, h=1: np.mean(star.delta[band] * np.exp(-2j * np.pi * h * time / star.period))
        periods.append(star.period)
        sizes.append(np.ptp(star.delta["g"]))
        ratios.append(abs(wave("g", 2) / wave("g")))
        lags.append([-np.angle(wave(band) / wave("g")) / (2 * np.pi) for band in "iz"])
    whole = BandFit("g", 0, SHAPE, 0, 0).curve(np.linspace(0, 1, 200))
    assert np.std(np.log(periods)) == pytest.approx(PERIOD_SPREAD, rel=0.4) and np.median(periods) == pytest.approx(
        0.6, abs=0.01
    )
    assert np.median(sizes) == pytest.approx(np.ptp(whole), rel=0.05) and np.median(ratios) == pytest.approx(
        1 / 3, abs=0.02
    )
    middle, red = np.median(lags, axis=0)
    assert red == pytest.approx(0.06, abs=0.003) and 0.03 < middle < 0.06


def test_bands_that_were_not_fitted_follow_the_class():
    """Of one band in V, g varies more and z less and later; y of Stripe 82's z as well."""
    drawn = RealShapes([fit(V=0.0)]).draw(np.random.default_rng(0), "RRab")
    time = np.linspace(60_000, 60_100, 2000)
    size = {band: np.ptp(drawn.delta(time, band)) for band in "grzy"}
    assert size["g"] > size["r"] > size["z"] > size["y"]
    first = lambda band: np.mean(drawn.delta(time, band) * np.exp(-2j * np.pi * time / drawn.period))
    assert -np.angle(first("z") / first("g")) / (2 * np.pi) == pytest.approx(0.08 * np.log(869.1 / 482.5), abs=0.005)


def test_single_band_surveys_take_shapes_too():
    shapes = RealShapes([fit(period=0.77, V=0.0)])
    star = simulate_one(3, 0, {"crts_sss": 1.0}, False, 0.0, {"RRab": 1.0}, shapes)
    assert star.label == "RRab" and star.metadata["period"] == pytest.approx(0.77, rel=0.15)
    assert star.metadata["r21"] == pytest.approx(1 / 3, abs=0.05)
    other = simulate_one(3, 0, {"crts_sss": 1.0}, False, 0.0, {"EW": 1.0}, shapes)
    assert other.label == "EW" and other.metadata["period"] < 1.01


def test_names_of_catalogues_and_what_is_not_simulated():
    shapes = RealShapes([fit(label="ESD", V=0.0), fit(label="WHAT", V=0.0), fit(label="EW", X9=0.0)])
    assert shapes.counts == {"EB": 1} and sum(shapes.unused.values()) == 2 and "EB" in shapes
    with pytest.raises(DataError, match="class WHAT is not simulated"):
        RealShapes([fit(label="WHAT", V=0.0)])
    assert classes_of(["EW=2", "RRab"]) == {"EW": 2.0, "RRab": 1.0} and np.isnan(classes_of(["EW=x"])["EW"])


def test_shapes_of_files(tmp_path):
    write_fits([fit(g=0.0)], tmp_path / "fits.parquet")
    assert shapes_of([tmp_path / "fits.parquet"]).counts == {"RRab": 1}
    rng = np.random.default_rng(0)
    rows = ["id,label,period,band,mjd,mag,err"]
    for time in np.sort(rng.uniform(55_000, 55_300, 90)):
        value = 16 + BandFit("g", 0, SHAPE, 0, 0).curve(np.array([time / 0.61]))[0]
        rows.append(f"s,RRab,0.61,g,{time:.6f},{value + 0.01 * rng.normal():.4f},0.01")
    (tmp_path / "stars.csv").write_text("\n".join(rows))
    assert shapes_of([tmp_path / "stars.csv"]).counts == {"RRab": 1}
    with pytest.raises(DataError, match="fits and light curves"):
        shapes_of([tmp_path / "fits.parquet", tmp_path / "stars.csv"])
    (tmp_path / "few.csv").write_text("\n".join(rows[:9]))
    with pytest.raises(DataError, match="can be fitted"):
        shapes_of([tmp_path / "few.csv"])
