"""Planted outliers are found by every score; each means what it says."""

import numpy as np
import pytest

from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.outliers import (
    METHODS,
    class_centre_score,
    in_common,
    mahalanobis,
    neighbour_distance,
    outlier_score,
)
from lcjax.evaluation.ranking import auroc


@pytest.fixture(scope="module")
def planted():
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 60)
    x = np.where(label[:, None] == 0, [5.0, 0, 0, 0], [0, 5.0, 0, 0]) + rng.normal(size=(120, 4)) * [1, 1, 0.2, 1]
    odd = np.zeros(120, bool)
    odd[[3, 70, 90]] = True
    x[odd] += [0, 0, 9.0, 0]
    return x, label, odd


@pytest.mark.parametrize("method", METHODS)
def test_planted_outliers_are_found(planted, method):
    x, label, odd = planted
    assert auroc(outlier_score(method, x, label), odd) > 0.98


def test_scores_by_hand():
    x = np.array([[0.0], [1.0], [2.0], [10.0]])
    standard = (x - x.mean()) / x.std()
    wanted = np.abs(standard[0, 0] - standard[[1, 2], 0]).mean()
    np.testing.assert_allclose(neighbour_distance(x, 2)[0], wanted, rtol=1e-6)
    rng = np.random.default_rng(0)
    y = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 3))
    centred = y - y.mean(0)
    exact = np.sqrt((centred @ np.linalg.inv(np.cov(y.T)) * centred).sum(1))
    np.testing.assert_allclose(mahalanobis(y), exact, rtol=1e-3)
    cosine = class_centre_score(np.array([[1.0, 0], [0, 1.0], [1.0, 1.0]]), np.array([0, -1, 0]), np.array([[1.0, 0]]))
    np.testing.assert_allclose(cosine, [0, np.nan, 1 - np.sqrt(0.5)], atol=1e-6)


def test_outliers_that_are_not_usual_do_not_hide_each_other():
    x = np.concatenate([np.random.default_rng(0).normal(size=(40, 2)), np.full((12, 2), 30.0)])
    usual = np.arange(52) < 40
    assert auroc(outlier_score("neighbours", x, usual=usual, k=5), ~usual) == 1.0
    assert auroc(outlier_score("neighbours", x, k=5), ~usual) < 0.5  # among themselves they are at home


def test_refusals(planted):
    x, _, _ = planted
    with pytest.raises(ConfigError, match="no outlier score 'x'"):
        outlier_score("x", x)
    with pytest.raises(DataError, match="needs classes"):
        outlier_score("class-centre", x)
    with pytest.raises(DataError, match="too few usual objects"):
        neighbour_distance(x[:1])
    with pytest.raises(DataError, match="two usual objects"):
        mahalanobis(x[:1])


def test_in_every_modality():
    one, other = np.array([9.0, 8, 1, 0]), np.array([1.0, 9, 8, np.nan])
    assert in_common([one, other], 2) == [1] and in_common([one, other], 3) == [1, 0, 2]


def test_equal_scores_are_in_common_whole_or_not_at_all():
    """Rows 0 and 1 are no more unusual in the second modality than row 2."""
    one, other = np.array([9.0, 8, 0, 0]), np.array([0.0, 0, 0, 9])
    assert in_common([one, other], 3) == [] and in_common([one, other], 4) == [0, 3, 1, 2]
