"""Recurrent networks beside plain loops over points."""

import flax.linen as nn
import jax
import numpy as np
import pytest

from lcjax.models.recurrent import LastState, LstmCell, StackedLstmCell
from tests.models.weights import random_variables

MASK = np.array([[True, True, False, True, False], [True, True, True, True, True]])


def windows():
    return np.asarray(jax.random.normal(jax.random.key(0), (2, 5, 3)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(p, h, c, x):
    """Gates in the order of Keras: input, forget, candidate, output."""
    i, f, g, o = np.split(x @ p["kernel"] + h @ p["recurrent_kernel"] + p["bias"], 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def normed(p, x):
    return (x - x.mean()) / np.sqrt(x.var() + 1e-3) * p["scale"] + p["bias"]


def test_stacked_lstms_read_the_points_that_are_there():
    module, x = LastState(StackedLstmCell, 4, 4), windows()
    variables = random_variables(module, x, MASK, spread=0.5)
    cell = jax.tree.map(np.asarray, variables["params"]["cell"])
    found = module.apply(variables, x, MASK)
    for row in range(2):
        h0 = c0 = h1 = c1 = np.zeros(4)
        for point in x[row][MASK[row]]:
            h0, c0 = lstm(cell["lstm_0"], h0, c0, point)
            h1, c1 = lstm(cell["lstm_1"], h1, c1, normed(cell["norm"], h0))
        np.testing.assert_allclose(found[row], h1, atol=1e-5)


def test_a_new_lstm_remembers():
    params = LstmCell(4).init(jax.random.key(0), (np.zeros((1, 4)), np.zeros((1, 4))), np.zeros((1, 3)))["params"]
    assert params["bias"].tolist() == [0] * 4 + [1] * 4 + [0] * 8


@pytest.mark.parametrize(("make", "states"), [(nn.GRUCell, 1), (StackedLstmCell, 4)])
def test_missing_points_change_nothing(make, states):
    module, x = LastState(make, 4, states), windows()
    variables = random_variables(module, x, MASK, spread=0.5)
    odd = np.where(MASK[..., None], x, 1e3)
    np.testing.assert_array_equal(module.apply(variables, x, MASK), module.apply(variables, odd, MASK))
    short = module.apply(variables, x[:1, [0, 1, 3]], np.ones((1, 3), bool))
    np.testing.assert_allclose(module.apply(variables, x, MASK)[:1], short, atol=1e-6)
