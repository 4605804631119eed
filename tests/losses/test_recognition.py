"""Loss of simulated stars: gradients, what is not known costs nothing."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads

from lcjax.losses import recognition_loss


def test_gradients_and_what_is_not_known():
    logits = jax.random.normal(jax.random.key(0), (4, 3))
    log_period = jnp.array([0.3, -1.0, 2.0, 0.7])
    label, period = jnp.array([0, 2, -1, 1]), jnp.array([2.5, jnp.nan, 0.0, 30.0])
    loss = lambda logits, log_period: recognition_loss(logits, log_period, label, period)
    check_grads(lambda a, b: jnp.sum(loss(a, b)), (logits, log_period), 1, modes=["rev"])
    moved = loss(logits + 1.0, log_period + 5.0) - loss(logits, log_period)
    # A constant in all logits says nothing; periods count where they are known, beyond the tolerance in proportion.
    np.testing.assert_allclose(moved[1:3], 0.0, atol=1e-6)
    assert 4.0 < float(moved[0]) < 5.1 and float(loss(logits, log_period)[2]) == 0.0
    right = loss(jnp.full((4, 3), -50.0).at[jnp.arange(4), jnp.maximum(label, 0)].set(50.0), jnp.log10(jnp.abs(period)))
    np.testing.assert_allclose(right[jnp.array([0, 1, 3])], 0.0, atol=1e-5)


def test_periods_that_are_none_cost_nothing_whatever_is_guessed():
    period = jnp.array([jnp.nan, jnp.inf, 0.0, -3.0])
    loss = lambda guess: recognition_loss(jnp.zeros((4, 3)), guess, jnp.zeros(4, int), period)
    np.testing.assert_allclose(loss(jnp.full(4, 7.0)), np.log(3), rtol=1e-6)
    np.testing.assert_array_equal(jax.grad(lambda guess: loss(guess).sum())(jnp.full(4, 7.0)), 0.0)
