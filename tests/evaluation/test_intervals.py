"""Bootstraps over objects: exact where they can be, and of the right width."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcjax.evaluation.intervals import interval, objects_table, resampled_medians, resampled_sums


@given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 5))
def test_sums_keep_what_every_sample_has(rows, columns, seed):
    """Every sample has as many objects as there are, whatever they hold."""
    table = np.random.default_rng(seed).integers(0, 3, (rows, columns)).astype(float)
    drawn = resampled_sums(np.column_stack([table, np.ones(rows)]), 20, seed)
    assert drawn.shape == (20, columns + 1) and (drawn[:, -1] == rows).all()
    assert (drawn[:, :-1] >= rows * table.min(0)).all() and (drawn[:, :-1] <= rows * table.max(0)).all()


def test_equal_rows_are_drawn_as_if_they_were_apart():
    few = np.repeat([[0.0], [1.0]], [300, 100], axis=0)
    apart = few + np.arange(400)[:, None] * 1e-9  # no two are equal
    together, alone = resampled_sums(few, 4000), resampled_sums(apart, 4000)
    assert together.mean() == pytest.approx(100, abs=1) and alone.mean() == pytest.approx(100, abs=1)
    expected = np.sqrt(400 * 0.25 * 0.75)
    assert together.std() == pytest.approx(expected, rel=0.05) and alone.std() == pytest.approx(expected, rel=0.05)


@given(st.integers(1, 60), st.integers(0, 3))
def test_medians_are_those_of_samples(count, seed):
    values = np.random.default_rng(seed).normal(size=count)
    drawn = resampled_medians(values, 30, seed)
    assert np.isin(drawn, values).all()


def test_the_median_of_a_sample_is_its_upper_middle(monkeypatch):
    class Fixed:
        def multinomial(self, n, share, size):
            return np.array([[2, 0, 1, 1]])  # of 1, 2, 3, 4: the sample 1, 1, 3, 4

    monkeypatch.setattr(np.random, "default_rng", lambda seed: Fixed())
    assert resampled_medians(np.array([3.0, 1.0, 4.0, 2.0]), 1).tolist() == [3.0]


def test_infinite_draws_count_where_they_may():
    draws = np.array([1.0, 2.0, np.inf, np.inf])
    assert interval(2.0, draws, "nearest").high == np.inf
    assert interval(2.0, draws).high < 2.01
    assert np.isnan(interval(2.0, np.full(3, np.nan)).low)


def test_objects_are_rows():
    table = objects_table(["b", "a", "b", "b"], np.array([0, 2, 0, 1]), 3)
    assert table.tolist() == [[0, 0, 1], [2, 1, 0]]
