"""Baselines: they see nothing hidden, reproduce what they should, and score as known on real surveys."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from lcjax.errors import ConfigError
from lcjax.evaluation.baselines import BASELINES, baseline, gaussian_process
from lcjax.evaluation.reconstruction import probed_sums


def make_batch(rows: int = 6, length: int = 40, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    count = rng.integers(length // 2, length + 1, rows)
    mask = np.arange(length) < count[:, None]
    time = np.where(mask, np.cumsum(rng.exponential(1.0, (rows, length)), axis=1), 0.0)
    magnitude = np.where(mask, 12 + np.sin(time / 3) + 0.05 * rng.normal(size=time.shape), 0.0)
    probed = mask & (rng.random(mask.shape) < 0.5)
    return {
        "time": time.astype(np.float32),
        "magnitude": magnitude.astype(np.float32),
        "magnitude_error": np.where(mask, 0.05, 0.0).astype(np.float32),
        "mask": mask,
        "probed": probed,
        "visible": mask & ~probed,
    }


@pytest.mark.parametrize("name", BASELINES)
def test_hidden_magnitudes_and_padding_do_not_matter(name):
    batch = make_batch()
    changed = batch | {
        "magnitude": np.where(batch["visible"], batch["magnitude"], 77.0).astype(np.float32),
        "magnitude_error": np.where(batch["visible"], batch["magnitude_error"], 9.0).astype(np.float32),
        "time": np.where(batch["mask"], batch["time"], 1e4).astype(np.float32),
    }
    one, other = baseline(name, batch), baseline(name, changed)
    assert one.shape == batch["magnitude"].shape and np.isfinite(one).all()
    np.testing.assert_allclose(one[batch["mask"]], other[batch["mask"]], atol=1e-9)


@pytest.mark.parametrize("name", BASELINES)
def test_degenerate_windows_are_survived(name):
    batch = make_batch(rows=4, length=12)
    batch["visible"][0] = False
    batch["visible"][1] = np.arange(12) == 0
    batch["time"][2] = 5.0
    batch["magnitude"][3], batch["magnitude_error"][3] = 15.0, 0.0
    assert np.isfinite(baseline(name, batch)).all()
    seen = batch["mask"][3] & batch["visible"][3]
    np.testing.assert_allclose(baseline(name, batch)[3][seen], 15.0, atol=1e-3)


def test_interpolation_is_constant_beyond_the_ends():
    batch = {k: v[:1] for k, v in make_batch().items()}
    batch["visible"][:] = False
    batch["visible"][0, 3], batch["visible"][0, 6] = True, True
    out = baseline("linear interpolation", batch)[0]
    assert out[0] == pytest.approx(batch["magnitude"][0, 3]) and out[8] == pytest.approx(batch["magnitude"][0, 6])
    assert min(out[3], out[6]) <= out[4] <= max(out[3], out[6])


def test_filter_equals_dense_gaussian_process(monkeypatch):
    """The Kalman smoother is the exact posterior mean and picks the same hyperparameters."""
    import lcjax.evaluation.baselines as module

    monkeypatch.setattr(module, "LENGTH_SCALES", (0.5, 5.0, 50.0))
    batch = make_batch(rows=3, length=30, seed=4)
    out = gaussian_process(batch)
    for i in range(3):
        mask, seen = batch["mask"][i], batch["visible"][i]
        time = batch["time"][i].astype(float)
        y = batch["magnitude"][i][seen] - batch["magnitude"][i][seen].astype(float).mean()
        best, expected = -np.inf, None
        for scale in module.LENGTH_SCALES:
            shape = np.exp(-np.abs(time[:, None] - time) / scale)
            for share in module.SIGNAL_SHARES:
                variance = np.mean(y**2)
                noise = (1 - share) * variance + batch["magnitude_error"][i][seen].astype(float) ** 2 + 1e-10
                kernel = share * variance * shape[np.ix_(seen, seen)] + np.diag(noise)
                likelihood = -0.5 * y @ np.linalg.solve(kernel, y) - 0.5 * np.linalg.slogdet(kernel)[1]
                if likelihood > best:
                    best = likelihood
                    expected = share * variance * shape[:, seen] @ np.linalg.solve(kernel, y)
        mean = batch["magnitude"][i][seen].astype(float).mean()
        np.testing.assert_allclose(out[i][mask], (mean + expected)[mask], atol=2e-5)


def test_unknown_baseline():
    with pytest.raises(ConfigError, match="window mean"):
        baseline("oracle", make_batch())


@pytest.mark.parametrize(
    ("file", "long_period", "expected"),
    [
        ("crts_sss/crts_sss_dev.parquet", "LPV", {"window mean": -0.02, "linear interpolation": 0.19}),
        ("asas_acvs/asas_acvs_dev.parquet", "MIRA", {"window mean": -0.02, "linear interpolation": -0.52}),
    ],
)
def test_known_scores_without_long_period_stars(data_root, file, long_period, expected):
    """Half of the points hidden, sequential windows of 200 points: R2 as measured before, within a few hundredths."""
    path = data_root / file
    if not path.is_file():
        pytest.skip(f"{path} is not at hand")
    table = pq.read_table(path, columns=["label", "time", "mag", "err"])
    rng = np.random.default_rng(0)
    rows = [r for r in table.take(rng.permutation(table.num_rows)[:600]).to_pylist() if r["label"] != long_period]
    windows = [
        [np.array(r[k][s : s + 200]) for k in ("time", "mag", "err")]
        for r in rows
        for s in range(0, len(r["time"]), 200)
    ]
    batch = {k: np.zeros((len(windows), 200)) for k in ("time", "magnitude", "magnitude_error")}
    mask = np.zeros((len(windows), 200), bool)
    probed = mask.copy()
    for i, (time, magnitude, error) in enumerate(windows):
        n = len(time)
        batch["time"][i, :n], batch["magnitude"][i, :n], batch["magnitude_error"][i, :n] = (
            time - time[0],
            magnitude,
            error,
        )
        mask[i, :n], probed[i, rng.permutation(n)[: n // 2]] = True, True
    batch |= {"mask": mask, "probed": probed, "visible": mask & ~probed}
    for name, r2 in expected.items():
        residual, deviation, _ = probed_sums(batch["magnitude"], baseline(name, batch), probed)
        assert 1 - residual.sum() / deviation.sum() == pytest.approx(r2, abs=0.05)
