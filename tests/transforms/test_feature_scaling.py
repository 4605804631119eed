"""Ranks as scikit-learn has them; ranges with and without the published departures; nothing depends on the company of a row."""

import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.transforms.feature_scaling import (
    FeatureRange,
    as_given,
    fit_quantiles,
    range_arrays,
    range_scaled,
    range_scaled_as_published,
    rank_scaled,
)

RNG = np.random.default_rng(0)


def test_ranks_are_scikit_learns():
    preprocessing = pytest.importorskip("sklearn.preprocessing", reason="needs scikit-learn (extra test or classic)")
    x = np.stack([RNG.lognormal(0, 3, 200), RNG.integers(0, 4, 200), np.full(200, 3.0)], 1)
    x[5, 0] = np.nan
    asked = np.concatenate([x, [[-1.0, 2.5, 3.0], [1e9, -7, 4.0]]])
    theirs = preprocessing.QuantileTransformer(n_quantiles=50, subsample=None).fit(x).transform(asked)
    ours = np.asarray(rank_scaled(asked.astype(np.float32), fit_quantiles(x, 50)))
    there = np.isfinite(asked)
    np.testing.assert_allclose(ours[:, :2][there[:, :2]], theirs[:, :2][there[:, :2]], atol=2e-4)
    assert (ours[~there] == -1).all() and ours[-1].tolist()[0] == 1.0


def test_missing_columns_and_rows():
    x = np.array([[1.0, np.nan], [2.0, np.nan], [3.0, np.inf]])
    table = fit_quantiles(x)
    found = np.asarray(rank_scaled(np.array([[2.0, 5.0], [np.inf, 1.0]], np.float32), table))
    np.testing.assert_allclose(found, [[0.5, -1], [-1, -1]])
    assert np.asarray(as_given(np.array([[0.3, np.nan]]))).tolist() == [[pytest.approx(0.3), pytest.approx(-1.1)]]


RANGES = {
    "Amplitude": FeatureRange(0, 2),
    "Period": FeatureRange(0.1, 100, logarithm=True),
    "Low": FeatureRange(0.01, 10, logarithm=True, clip=True),
}


def test_ranges():
    x = np.array([[1.0, 10.0, 0.0], [np.nan, 0.0, 1.0]], np.float32)
    found = np.asarray(range_scaled(x, range_arrays(("Amplitude_1", "Period", "Low_2"), RANGES)))
    wanted = [np.tanh(0.0), np.tanh(2 / 3 - 0.5), np.tanh(-0.5)]
    np.testing.assert_allclose(found, [wanted, [-1.1, -1.1, np.tanh(2 / 3 - 0.5)]], rtol=1e-4, atol=1e-6)
    for odd, message in ((FeatureRange(2, 1), "the lower end first"), (FeatureRange(0, 1, True), "has no logarithm")):
        with pytest.raises(ConfigError, match=message):
            range_arrays(("x",), {"x": odd})


def test_published_departures():
    x = np.array([[1.0, 10.0], [0.5, 50.0]])
    table, names = range_scaled_as_published(x, ["Amplitude_1", "Period"], RANGES)
    assert names == ["Amplitude_1", "Period"]
    # A column of positive values is scaled as it is, by the range of the column before.
    np.testing.assert_allclose(table[:, 1], np.tanh(x[:, 1] / 2 - 0.5))
    with_zero = np.concatenate([x, [[1.0, 0.0]]])
    table = range_scaled_as_published(with_zero, ["Amplitude_1", "Period"], RANGES)[0]
    np.testing.assert_allclose(table[0, 1], np.tanh(2 / 3 - 0.5))
    assert table[2, 1] == -1.1
    swapped = range_scaled_as_published(x[:, :1], ["PercentAmplitude_1"], RANGES)[0]
    np.testing.assert_allclose(swapped[:, 0], np.tanh(x[:, 0] / 2 - 0.5))
