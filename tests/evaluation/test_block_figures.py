"""Shares of blocks are softmax numbers; several heads have a spread."""

import numpy as np

from lcjax.evaluation.block_figures import block_weights


def test_shares_of_one_head():
    axis = block_weights(np.log([1.0, 2.0, 5.0])).axes[0]
    np.testing.assert_allclose([bar.get_height() for bar in axis.patches], [0.125, 0.25, 0.625])
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["input", "block 1", "block 2"]
    assert [text.get_text() for text in axis.texts] == ["0.12", "0.25", "0.62"]
    np.testing.assert_allclose(axis.lines[0].get_ydata(), 1 / 3)


def test_means_over_heads_are_of_shares():
    axis = block_weights(np.array([[0.0, 0.0], [0.0, 1000.0]]), ["a", "b"]).axes[0]
    np.testing.assert_allclose([bar.get_height() for bar in axis.patches], [0.25, 0.75])
    assert len(axis.containers) == 2 and [t.get_text() for t in axis.get_xticklabels()] == ["a", "b"]
