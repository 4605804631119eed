"""A GRU over observed points alone."""

import jax
import numpy as np

from lcjax.models.recurrence import GatedRecurrence
from tests.models.weights import random_variables


def test_points_that_are_not_there_are_passed_over():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 6, 3)).astype(np.float32)
    model = GatedRecurrence(4)
    variables = random_variables(model, x, np.ones((2, 6), bool))
    apply = jax.jit(model.apply)
    whole = apply(variables, x, np.ones((2, 6), bool))
    # The same points with two that are not there between them.
    at = np.array([0, 1, 3, 4, 6, 7])
    longer, mask = np.full((2, 8, 3), 9.0, np.float32), np.zeros((2, 8), bool)
    longer[:, at], mask[:, at] = x, True
    spread = apply(variables, longer, mask)
    np.testing.assert_allclose(spread[:, at], whole, atol=1e-6)
    np.testing.assert_array_equal(spread[:, 2], spread[:, 1])
    assert np.abs(np.diff(whole, axis=1)).min() > 1e-6
