"""The simulated surveys against measured statistics of the real ones, and what downstream rooms rely on."""

from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest

from data_pipelines.simulate import (
    CLASS_NAMES,
    DEFAULT_MIX,
    LONG_PERIOD,
    METADATA_NAMES,
    SURVEYS,
    simulate_light_curves,
    simulate_one,
)
from data_pipelines.simulate.dirt import CONFUSED_WITH
from lcjax.errors import ConfigError

COLUMNS = (
    "points",
    "nights",
    "span",
    "point step",
    "visit gap",
    "longest gap",
    "magnitude",
    "error",
    "scatter",
    "ratio",
)
"""ratio: scatter over median quoted error."""

MEASURED = {
    # medians over objects of the public light curves, in the order of COLUMNS
    "crts_sss": (236, 66, 2838, 0.0109, 25, 253, 15.7, 0.089, 0.159, 1.51),
    "asas3": (432, 389, 2655, 2.12, 3, 247, 12.1, 0.036, 0.184, 5.0),
    "hipparcos": (103, 30, 1126, 0.0746, 28, 173, 8.47, 0.014, 0.133, 5.71),
    "ogle2": (321, 301, 1226, 2.0, 2, 100, 17.2, 0.020, 0.115, 5.34),
    "ogle4": (784, 688, 3171, 1.08, 1, 873, 18.5, 0.0365, 0.12, 2.62),
    "sdss_s82": (56, 55, 2948, 4.99, 5, 733, 17.6, 0.009, 0.27, 27.8),
    "macho": (1196, 966, 2723, 1.05, 2, 53.7, -6.31, 0.023, 0.0969, 4.23),
    "ztf": (203, 182, 1139, 2.24, 2.5, 132, 15.8, 0.0029, 0.241, 79.8),
    "ztf_alerts": (8, 8, 35.9, 4.0, 4, 11, 19.0, 0.122, 0.652, 5.11),
}
FACTOR = dict(zip(COLUMNS, (1.5, 1.5, 1.3, 1.5, 2.01, 1.7, None, 1.9, 2.2, 3.0), strict=True))
"""How far the simulated median may be from the measured one; magnitudes within 0.7 mag."""


def statistics(curve) -> tuple[float, ...]:
    order = np.argsort(curve.mjd)
    mjd, magnitude = curve.mjd[order], curve.magnitude[order]
    nights = np.unique(np.floor(mjd))
    error, scatter = np.median(curve.magnitude_error), np.std(magnitude)
    gap = np.median(np.diff(nights)) if len(nights) > 1 else np.nan
    steps = np.diff(mjd)
    return (
        len(mjd), len(nights), np.ptp(mjd), np.median(steps), gap, steps.max(), np.median(magnitude), error, scatter,
        scatter / error,
    )  # fmt: skip


def medians(curves) -> dict[str, float]:
    rows = np.array([statistics(c) for c in curves])
    return dict(zip(COLUMNS, np.nanmedian(rows, axis=0), strict=True))


@pytest.mark.parametrize("name", MEASURED)
def test_statistics_are_those_measured(name):
    found = medians(simulate_light_curves(150, 3, [name], dirt=False))
    for column, expected in zip(COLUMNS, MEASURED[name], strict=True):
        if column == "magnitude":
            assert abs(found[column] - expected) < 0.7, (column, found[column], expected)
        else:
            off = max(found[column] / expected, expected / found[column])
            assert off < FACTOR[column], (column, found[column], expected)


@pytest.mark.parametrize(
    ("survey", "file"), [("crts_sss", "crts_sss/crts_sss_dev.parquet"), ("asas3", "asas_acvs/asas_acvs_dev.parquet")]
)
def test_statistics_are_those_of_the_files(data_root, survey, file):
    path = data_root / file
    if not path.is_file():
        pytest.skip(f"{path} is not at hand")
    columns = next(pq.ParquetFile(path).iter_batches(400, columns=["time", "mag", "err"])).to_pylist()

    class Real:
        def __init__(self, row):
            self.mjd, self.magnitude, self.magnitude_error = (np.array(row[k], float) for k in ("time", "mag", "err"))

    real = medians(Real(row) for row in columns if len(row["time"]) > 5)
    found = medians(simulate_light_curves(150, 4, [survey], dirt=False))
    for column in ("points", "nights", "span", "point step", "longest gap", "error"):
        off = max(found[column] / real[column], real[column] / found[column])
        assert off < FACTOR[column], (column, found[column], real[column])


def test_cadence_is_nested():
    crts = simulate_one(0, 0, {"crts_sss": 1.0}, dirt=False)
    steps = np.diff(crts.mjd)
    assert np.mean(steps < 0.02) > 0.6  # four exposures a visit
    assert np.mean(steps > 10) > 0.1 and steps.max() > 120
    gaps = [np.diff(c.mjd).max() for c in simulate_light_curves(30, 1, ["ogle4"], dirt=False)]
    assert np.mean(np.abs(np.array(gaps) - 900) < 100) > 0.5  # the stop of 2020-2022


def test_object_depends_on_seed_and_index_alone():
    whole = list(simulate_light_curves(30, 5))
    part = list(simulate_light_curves(6, 5, start=20))
    for a, b in zip(whole[20:26], part, strict=True):
        assert (a.object_id, a.label, a.metadata.keys()) == (b.object_id, b.label, b.metadata.keys())
        for name in ("mjd", "magnitude", "magnitude_error"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    other = simulate_one(20, 6)
    assert len(other.mjd) != len(whole[20].mjd) or not np.array_equal(other.mjd, whole[20].mjd)


def test_every_class_can_be_made_and_named():
    used = {name for survey in SURVEYS.values() for name in survey.classes}
    assert used <= set(CLASS_NAMES) and set(CONFUSED_WITH) == set(CLASS_NAMES)
    assert {name for names in CONFUSED_WITH.values() for name in names} <= set(CLASS_NAMES)
    assert set(LONG_PERIOD) <= set(CLASS_NAMES) and set(DEFAULT_MIX) <= set(SURVEYS)
    assert used == set(CLASS_NAMES)


def test_clean_light_curves_are_clean_and_true():
    for curve in simulate_light_curves(150, 8, dirt=False, label_noise=0.0):
        assert curve.mjd.dtype == np.float64 and len(curve.mjd) >= 3
        assert (np.diff(curve.mjd) >= 0).all()
        assert np.isfinite(curve.mjd).all() and np.isfinite(curve.magnitude).all()
        assert (curve.magnitude_error > 0).all() and (curve.magnitude_error < 2).all()
        assert curve.label in CLASS_NAMES and curve.band
        assert tuple(curve.metadata) == METADATA_NAMES and curve.metadata["mislabelled"] == 0


def test_dirt_has_the_measured_frequencies():
    crts = list(simulate_light_curves(300, 2, ["crts_sss"]))
    share = lambda test: np.mean([test(c) for c in crts])
    assert 0.9 < share(lambda c: (np.diff(c.mjd) < 0).any()) <= 1.0
    assert 0.07 < share(lambda c: len(np.unique(c.mjd)) < len(c.mjd)) < 0.2
    asas = list(simulate_light_curves(200, 2, ["asas3"]))
    doubled = [len(c.mjd) % 2 == 0 and np.array_equal(c.mjd[: len(c.mjd) // 2], c.mjd[len(c.mjd) // 2 :]) for c in asas]
    assert 0.2 < np.mean(doubled) < 0.38
    everything = list(simulate_light_curves(1200, 2))
    assert any((c.mjd < -1e6).any() for c in everything)
    assert any((c.magnitude == 99.999).any() for c in everything)
    assert any(np.isnan(c.magnitude).any() for c in everything)
    assert any(np.isnan(c.magnitude_error).all() for c in everything)
    assert any(len(c.mjd) <= 2 for c in everything)
    assert any(c.mjd.max() > 2.4e6 for c in everything)


def test_classes_are_imbalanced_and_labels_noisy():
    curves = list(simulate_light_curves(1500, 11, dirt=False))
    counts = Counter(c.label for c in curves)
    assert max(counts.values()) > 20 * min(counts.values())
    wrong = np.mean([c.metadata["mislabelled"] for c in curves])
    assert 0.07 < wrong < 0.13
    ew = Counter(c.label for c in simulate_light_curves(300, 1, ["crts_sss"], dirt=False))
    assert ew.most_common(1)[0][0] == "EW" and 0.35 < ew["EW"] / 300 < 0.6


@pytest.mark.parametrize("name", ["RRab", "RRc", "EW", "EA", "CEP", "DSCT", "MIRA"])
def test_periodic_stars_fold(name, monkeypatch):
    """Folded with the true period, neighbours in phase agree better than neighbours at random."""
    survey = SURVEYS["crts_sss" if name not in ("MIRA", "CEP") else "asas3"]
    monkeypatch.setattr(type(survey), "draw_class", lambda self, rng: name)
    thetas = []
    for index in range(20):
        curve = simulate_one(index, 7, {survey.name: 1.0}, dirt=False, label_noise=0.0)
        if curve.metadata["amplitude"] > 5 * np.median(curve.magnitude_error):  # others drown, as in the catalogues
            folded = curve.magnitude[np.argsort(curve.mjd / curve.metadata["period"] % 1.0)]
            thetas.append(np.mean(np.diff(folded) ** 2) / (2 * np.var(curve.magnitude)))
    assert len(thetas) >= 2 and max(thetas) < 0.75, thetas


def test_transients_rise_and_fade():
    for curve in simulate_light_curves(40, 3, ["ztf_alerts"], dirt=False):
        assert len(curve.mjd) >= 3 and np.ptp(curve.mjd) < 900
        assert curve.magnitude.max() < SURVEYS["ztf_alerts"].limit + 2


def test_unknown_survey_is_one_sentence():
    with pytest.raises(ConfigError, match=r"'gaia'.*crts_sss"):
        simulate_light_curves(3, 0, ["gaia"])
    with pytest.raises(ConfigError, match="label_noise"):
        simulate_light_curves(3, 0, label_noise=2.0)
    with pytest.raises(ConfigError, match="weights"):
        simulate_light_curves(3, 0, {"ztf": -1.0})
