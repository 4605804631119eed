"""Whose weights are drawn, where, and in which order."""

import numpy as np

from lcjax.evaluation.attention_figures import reconstruction_with_attention
from tests.evaluation.test_report import window


def drawn(**options):
    star = window(40, period=3.3)
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(40), (2, 40)) * star["visible"]
    return star, weights.mean(0), reconstruction_with_attention(star, weights, **options)


def test_shown_points_have_the_weights_of_the_point_that_looks():
    star, mean, figure = drawn(point=7)
    top, below, matrix, *bars = figure.axes
    time = star["time"] - star["time"].min()
    seen = np.flatnonzero(star["visible"])
    (dots,) = [c for c in top.collections if c.get_array() is not None]
    by_time = {float(x): float(w) for (x, _), w in zip(dots.get_offsets(), dots.get_array(), strict=True)}
    assert by_time == {float(time[i]): float(mean[7, i]) for i in seen}
    assert (np.diff(dots.get_array()) >= 0).all()  # the heaviest on top
    np.testing.assert_array_equal(matrix.images[0].get_array(), mean[:, seen])
    assert top.lines[-2].get_xdata()[0] == time[7] and matrix.lines[0].get_ydata()[0] == 7
    assert top.yaxis_inverted() and below.yaxis_inverted()
    assert "3.3" in below.get_xlabel() and "(d)" in top.get_xlabel() and len(bars) == 2


def test_a_period_of_ones_own_and_a_point_in_the_middle():
    star, mean, figure = drawn(period=2.5)
    hidden = np.flatnonzero(star["probed"])
    evenness = (mean[hidden] ** 2).sum(1)
    chosen = figure.axes[2].lines[0].get_ydata()[0]
    assert chosen in hidden and (evenness < (mean[chosen] ** 2).sum()).sum() == len(hidden) // 2
    assert "2.5 d" in figure.axes[1].get_xlabel()


def test_nothing_hidden_and_no_period():
    star = window(12) | {"visible": np.ones(12, bool), "probed": np.zeros(12, bool)}
    star["magnitude"] = np.full(12, 15.0)
    figure = reconstruction_with_attention(star, np.full((1, 12, 12), 1 / 12))
    assert not figure.axes[1].axison and figure.axes[2].images[0].get_array().shape == (12, 12)
