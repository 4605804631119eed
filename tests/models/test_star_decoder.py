"""Experts on hidden points against sums written out, each visible point left out of what predicts it."""

import numpy as np

from lcjax.models.star_decoder import harmonic_fits, inverted, smoothed


def points(rows=2, length=9, seed=0):
    rng = np.random.default_rng(seed)
    shown = np.arange(length) % 3 < 2
    weight = np.where(shown, rng.uniform(0.5, 1.5, (rows, length)), 0.0)
    value = np.where(shown, rng.normal(size=(rows, length)), 0.0)
    return rng.uniform(size=(rows, length)), value, weight


def test_kernel_means_leave_the_point_itself_out():
    phases, value, weight = points()
    kernel = np.exp(5.0 * (np.cos(2 * np.pi * (phases[:, :, None] - phases[:, None])) - 1))[:, None]
    found = smoothed(kernel.astype(np.float32), value.astype(np.float32), weight.astype(np.float32), shrink=0.3)
    for row in range(2):
        for i in range(9):
            others = np.arange(9) != i
            w = kernel[row, 0, i, others] * weight[row, others]
            np.testing.assert_allclose(found.mean[row, 0, i], w @ value[row, others] / (w.sum() + 0.3), atol=1e-5)
            np.testing.assert_allclose(found.support[row, 0, i], np.log(w.sum() + 0.1), atol=1e-4)


def test_harmonic_fits_are_ridge_regressions_without_the_point_itself():
    phases, value, weight = points(length=15)
    found = harmonic_fits(phases[:, None].astype(np.float32), value.astype(np.float32), weight.astype(np.float32), 2)
    angle = 2 * np.pi * phases[0][:, None] * np.array([1, 2])
    design = np.concatenate([np.ones((15, 1)), np.cos(angle), np.sin(angle)], axis=1)
    penalty = np.diag([0.1, 0.5, 2.0, 0.5, 2.0])
    for i in range(15):
        w = np.where(np.arange(15) == i, 0.0, weight[0])
        solved = np.linalg.solve(design.T @ (design * w[:, None]) + penalty, design.T @ (w * value[0]))
        np.testing.assert_allclose(found.mean[0, 0, i], design[i] @ solved, atol=1e-3)


def test_small_matrices_are_inverted():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 2, 5, 5))
    matrix = (root @ np.swapaxes(root, -1, -2) + np.eye(5)).astype(np.float32)
    np.testing.assert_allclose(inverted(matrix) @ matrix, np.broadcast_to(np.eye(5), matrix.shape), atol=1e-4)
