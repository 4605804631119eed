"""Powers against astropy's, in float64; what has no period must still be a number."""

import jax
import numpy as np
import pyarrow.parquet as parquet
import pytest

from lcjax.transforms.folding import phases
from lcjax.transforms.frequency_grid import FrequencyGrid, split_time
from lcjax.transforms.periodogram import (
    harmonics_at,
    log_false_alarm,
    lomb_scargle,
    masked_quantile,
    normalize_power,
    prepare,
    star_power_at,
)

GRID = FrequencyGrid(highest=4.0, lowest=0.01, span=300.0, bins=32)


def nightly(rng, count, days):
    """Times within a third of each night, in days."""
    return np.sort(rng.choice(days, count, replace=False) + rng.uniform(0.2, 0.5, count))


def stars(count=60, length=64, seed=0):
    """Two stars of unequal errors and a sharp variation, padded; times in float64 beside the batch."""
    rng = np.random.default_rng(seed)
    time = np.zeros((2, length))
    magnitude, error = np.zeros((2, length)), np.zeros((2, length))
    mask = np.zeros((2, length), bool)
    for i, (number, period) in enumerate([(count, 0.61), (count - 17, 3.3)]):
        time[i, :number] = 55000 + nightly(rng, number, 290)
        turn = 2 * np.pi * time[i, :number] / period
        error[i, :number] = rng.uniform(0.02, 0.1, number)
        shape = 0.3 * np.sin(turn) + 0.15 * np.cos(2 * turn)
        magnitude[i, :number] = 15 + shape + rng.normal(size=number) * error[i, :number]
        mask[i, :number] = True
    high, low = split_time(time, 55000.0)
    batch = {
        "time": np.where(mask, high, 0),
        "time_low": np.where(mask, low, 0),
        "magnitude": magnitude.astype(np.float32),
        "magnitude_error": error.astype(np.float32),
        "mask": mask,
    }
    return time, batch


def well_posed(time, error, harmonics, frequency):
    """Where float32 can solve the normal equations: at 1/d, points of every night are too short a part of the cycle."""
    turn = 2j * np.pi * np.arange(1, harmonics + 1) * frequency[:, None, None] * (time - time[0])[:, None]
    wave = np.exp(turn) / error[:, None]
    constant = np.broadcast_to(1 / error[:, None], (len(frequency), len(time), 1))
    return np.linalg.cond(np.concatenate([constant, wave.real, wave.imag], axis=2)) < 100


@pytest.mark.parametrize("harmonics", [1, 2, 5])
def test_astropy_agrees(harmonics):
    timeseries = pytest.importorskip("astropy.timeseries", reason="needs astropy (extra test or data)")
    time, batch = stars()
    found = jax.jit(lambda batch: lomb_scargle(batch, GRID, harmonics))(batch)
    frequency = GRID.frequencies[3:]
    for i, mask in enumerate(batch["mask"]):
        columns = time[i][mask], *(batch[name][i][mask].astype(float) for name in ("magnitude", "magnitude_error"))
        power = timeseries.LombScargle(*columns, nterms=harmonics).power(frequency, method="chi2")
        well = well_posed(columns[0], columns[2], harmonics, frequency)
        assert well.mean() > 0.97
        np.testing.assert_allclose(found.power[i, 3:][well], power[well], atol=1e-3)


def test_normalisations_and_false_alarms_of_astropy():
    timeseries = pytest.importorskip("astropy.timeseries", reason="needs astropy (extra test or data)")
    time, batch = stars()
    points = prepare(batch, GRID)
    for i, mask in enumerate(batch["mask"]):
        columns = time[i][mask], *(batch[name][i][mask].astype(float) for name in ("magnitude", "magnitude_error"))
        power = timeseries.LombScargle(*columns).power(GRID.frequencies[3:])
        for how in ("standard", "model", "log", "psd"):
            expected = timeseries.LombScargle(*columns, normalization=how).power(GRID.frequencies[3:])
            np.testing.assert_allclose(normalize_power(power, points.chi2[i], how), expected, rtol=1e-4, atol=1e-6)
        for height in (0.2, 0.9):
            bound = log_false_alarm(np.full(2, height, np.float32), points, GRID)[i]
            one = timeseries.LombScargle(*columns)
            expected = one.false_alarm_probability(height, method="baluev", maximum_frequency=GRID.highest)
            assert float(bound) == pytest.approx(np.log10(expected), rel=0.01, abs=1e-3)


def test_several_stars_at_once_are_the_same():
    _, batch = stars()
    one, two = (jax.jit(lambda b, n=n: lomb_scargle(b, GRID, at_once=n).power)(batch) for n in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_real_stars_on_the_whole_grid(data_root):
    """Minutes to years, 120,000 frequencies, CRTS: one harmonic and three, at every 97th frequency and at the peak."""
    timeseries = pytest.importorskip("astropy.timeseries", reason="needs astropy (extra test or data)")
    path = data_root / "crts_sss/crts_sss_dev.parquet"
    if not path.is_file():
        pytest.skip(f"{path} is not at hand")
    grid = FrequencyGrid()
    runs = {
        harmonics: jax.jit(lambda batch, h=harmonics: lomb_scargle(batch, grid, h).power[0]) for harmonics in (1, 3)
    }
    for row in parquet.read_table(path, columns=["time", "mag", "err"]).slice(40, 2).to_pylist():
        time, magnitude, error = (np.asarray(row[name]) for name in ("time", "mag", "err"))
        high, low = split_time(time, time.min())
        columns = {"time": high, "time_low": low, "magnitude": magnitude, "magnitude_error": error}
        batch = {name: np.pad(np.float32(x), (0, 400 - len(x)))[None] for name, x in columns.items()}
        batch["mask"] = np.arange(400)[None] < len(time)
        for harmonics, run in runs.items():
            found = np.asarray(run(batch))
            some = np.append(np.arange(5, grid.count, 97), np.argmax(found[5:]) + 5)
            expected = timeseries.LombScargle(time, magnitude, error, nterms=harmonics)
            expected = expected.power(grid.frequencies[some], method="chi2")
            np.testing.assert_allclose(found[some], expected, atol=1e-3)


def test_jitter_limits_what_a_point_weighs():
    _, batch = stars()
    trusted, limited = (prepare(batch, GRID, jitter).weight[0] for jitter in (0.0, 1.0))
    middle = np.median(batch["magnitude_error"][0][batch["mask"][0]])
    expected = batch["mask"][0] / (batch["magnitude_error"][0] ** 2 + middle**2)
    np.testing.assert_allclose(limited, expected / expected.sum(), rtol=1e-5)
    assert trusted.max() > 2 * limited.max()


def hopeless(length=64):
    """Stars without a periodogram: name -> (time, magnitude, error, points)."""
    rng = np.random.default_rng(3)
    time = np.sort(rng.uniform(0, 300, length))
    noise, one = rng.normal(15, 0.1, length), np.ones(length)
    cases = {f"{n} points": (time, noise, 0.1 * one, n) for n in (0, 1, 2, 3, 4, 5)}
    cases["constant"] = (time, 15.3 * one, 0.1 * one, length)
    cases["equal times"] = (7.0 * one, noise, 0.1 * one, length)
    cases["no errors"] = (time, noise, 0.0 * one, length)
    cases["one error"] = (time, noise, 0.0 * one + (np.arange(length) == 3), length)
    cases["errors that are no numbers"] = (time, noise, np.nan * one, length)
    cases["magnitudes that are no numbers"] = (time, np.where(np.arange(length) % 3, noise, np.inf), 0.1 * one, length)
    cases["too long for the grid"] = (time * 10, noise, 0.1 * one, length)
    cases["far from the epoch"] = (time + 55000, noise, 0.1 * one, length)
    cases["only whole days"] = (np.floor(time), noise, 0.1 * one, length)
    return cases


def as_batch(time, magnitude, error, points):
    columns = {"time": time, "magnitude": magnitude, "magnitude_error": error}
    batch = {name: np.float32(values)[None] for name, values in columns.items()}
    return {**batch, "mask": np.arange(len(time))[None] < points}


@pytest.fixture(scope="module")
def jitted():
    return jax.jit(lambda batch: lomb_scargle(batch, GRID, 2))


@pytest.mark.parametrize("case", hopeless())
def test_hopeless_stars_have_numbers(jitted, case):
    power = np.asarray(jitted(as_batch(*hopeless()[case])).power)
    assert np.isfinite(power).all() and (power >= 0).all() and (power <= 1).all()
    if case.endswith("points") or case in ("constant", "equal times", "too long for the grid"):
        assert power.max() < 1e-3


def test_a_point_without_error_is_like_the_median_one(jitted):
    """Not like an infinitely good one: the star would be this point."""
    time, magnitude, _, count = hopeless()["no errors"]
    zero = np.where(np.arange(count) == 3, 0.0, 0.1)
    found = jitted(as_batch(time, magnitude, zero, count)).power
    np.testing.assert_allclose(found, jitted(as_batch(time, magnitude, 0.1 + 0 * zero, count)).power, atol=1e-6)


def test_quantiles():
    values, mask = np.array([[5.0, 1.0, 9.0, 2.0], [1.0, 1.0, 1.0, 1.0]]), np.array([[1, 1, 0, 1], [0, 0, 0, 0]], bool)
    found = masked_quantile(values, mask, np.array([0.0, 0.25, 0.5, 1.0]))
    np.testing.assert_allclose(found, [np.quantile([5, 1, 2], [0, 0.25, 0.5, 1]), [0] * 4], rtol=1e-6)


def test_nifty_ls_agrees():
    """An implementation by non-uniform FFT, on an even grid in float64."""
    nifty_ls = pytest.importorskip("nifty_ls", reason="needs nifty-ls (extra test)")
    time, batch = stars()
    found = lomb_scargle(batch, GRID)
    ends = {"fmin": GRID.spacing, "fmax": GRID.spacing * (GRID.count - 1), "Nf": GRID.count - 1}
    for i, mask in enumerate(batch["mask"]):
        columns = (x[i][mask].astype(float) for x in (time, batch["magnitude"], batch["magnitude_error"]))
        expected = nifty_ls.lombscargle(*columns, **ends).power
        np.testing.assert_allclose(found.power[i, 3:], expected[2:], atol=1e-3)


def test_amplitudes_of_a_fit_are_those_put_in():
    """Two harmonics at nights alone, without noise."""
    _, batch = stars()
    points = jax.tree.map(lambda x: x[0], prepare(batch, GRID))
    where = GRID.place(np.array([0.7413, 2.31]))
    turn = np.asarray(phases(points, where))[0] * 2 * np.pi
    value = 0.3 * np.cos(turn + 0.4) + 0.1 * np.sin(2 * turn)
    points = points._replace(value=value - np.sum(points.weight * value))
    found = harmonics_at(points, where, 2)[:, 0]
    np.testing.assert_allclose(found, [0.3 * np.exp(-0.4j), 0.1j], atol=2e-4)


def test_bands_have_means_of_their_own():
    """Two bands 1.5 mag apart, taken in turn: one frequency, found with the bands known and lost without."""
    _, batch = stars()
    band = (np.arange(64)[None] + np.arange(2)[:, None]) % 2
    apart = {**batch, "magnitude": batch["magnitude"] + np.float32(1.5) * band, "band": band}
    found = jax.jit(lambda b: lomb_scargle(b, GRID, 2, bands=2).power)(apart)
    plain = jax.jit(lambda b: lomb_scargle(b, GRID, 2).power)(batch)
    np.testing.assert_array_equal(np.argmax(found, axis=1), np.argmax(plain, axis=1))
    np.testing.assert_allclose(found.max(axis=1), plain.max(axis=1), atol=0.05)
    unknown = lomb_scargle(apart, GRID, 2).power
    assert (np.argmax(unknown, axis=1) != np.argmax(plain, axis=1)).all() and (unknown.max(axis=1) < 0.7).all()
    changed = np.where(batch["mask"], band, 7)  # what stands in the padding
    np.testing.assert_array_equal(
        prepare({**apart, "band": changed}, GRID, bands=2).value, prepare(apart, GRID, bands=2).value
    )


def test_constants_of_bands_are_fitted_with_the_harmonics():
    """As least squares of a column for each band and of two harmonics in proportion to the amplitudes, in float64."""
    _, batch = stars()
    band = (np.arange(64)[None] // 3 + np.arange(2)[:, None]) % 3
    batch = {**batch, "magnitude": batch["magnitude"] * (1 + band).astype(np.float32), "band": band}
    points = prepare(batch, GRID, bands=3)
    frequency = np.array([0.7413, 2.31])
    for row in range(2):
        star = jax.tree.map(lambda x, row=row: x[row], points)
        found = star_power_at(star, GRID.place(frequency), 2)[-1]
        mask = batch["mask"][row]
        time, own = batch["time"][row][mask].astype(float), band[row][mask]
        weight, value, scale = (
            np.asarray(x)[..., mask] for x in (star.weight, star.value, np.asarray(star.amplitude)[band[row]])
        )
        weight, value = weight / scale**2, value * scale
        for power, f in zip(found, frequency, strict=True):
            waves = [wave(2 * np.pi * h * f * time) * scale for h in (1, 2) for wave in (np.cos, np.sin)]
            design = np.stack([*(own == b for b in range(3)), *waves], axis=1) * np.sqrt(weight)[:, None]
            target = value * np.sqrt(weight)
            rest = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
            assert float(power) == pytest.approx(1 - np.sum(rest**2) / np.sum(target**2), abs=2e-4)
