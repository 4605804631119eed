"""Centres, distances and losses, by hand."""

import jax.numpy as jnp
import numpy as np

from lcjax.losses.autoencoding import mean_divergence, reconstruction_loss, squared_error, variational_loss
from lcjax.losses.hypersphere import (
    class_means,
    hypersphere_loss,
    nearest_squared_distance,
    off_zero,
    squared_distances,
)

Z = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 4.0], [9.0, 9.0]], np.float32)
LABEL = np.array([0, 0, 1, -1])


def test_means_of_classes():
    np.testing.assert_allclose(class_means(Z, LABEL, 3), [[2, 0], [0, 4], [0, 0]])
    np.testing.assert_allclose(class_means(Z, LABEL, 2, np.array([1.0, 0, 1, 1])), [[1, 0], [0, 4]])
    found = off_zero(jnp.array([-0.0, 0.009, -0.009, 0.01, 0.2]))
    np.testing.assert_allclose(found, [0, 0.01, -0.01, 0.01, 0.2], rtol=1e-6)


def test_distances_and_loss():
    centres = np.array([[2.0, 0.0], [0.0, 1.0]], np.float32)
    np.testing.assert_allclose(squared_distances(Z, centres)[0], [1, 2])
    np.testing.assert_allclose(nearest_squared_distance(Z, centres), [1, 1, 9, 130])
    np.testing.assert_allclose(hypersphere_loss(Z, centres, LABEL, np.ones(4)), (1 + 1 + 9) / 3, rtol=1e-6)
    assert float(hypersphere_loss(Z, centres, LABEL, np.array([1.0, 0, 0, 1]))) == 1


def test_autoencoding():
    x, y = np.zeros((2, 4), np.float32), np.array([[1.0, 1, 1, 1], [3.0, 0, 0, 0]], np.float32)
    np.testing.assert_allclose(squared_error(y, x), [4, 9])
    assert float(reconstruction_loss(y, x, np.array([1.0, 0.0]))) == 1.0
    mean, log_variance = np.array([[2.0, 0.0], [9.0, 9.0]], np.float32), np.zeros((2, 2), np.float32)
    assert float(mean_divergence(mean, log_variance, np.array([1.0, 0.0]))) == 1.0
    draws = np.stack([x, y])
    total = variational_loss(draws, x, mean, log_variance, np.array([1.0, 0.0]))
    np.testing.assert_allclose(total, 0.5 + 1.0)
