"""The learning rate that waits for the validation loss, in a trace and inside of an optimizer."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lcjax.training.plateau import PlateauState, after_evaluation, moved, scale_by_plateau, schedule_trace


def test_rate_falls_at_the_bad_epoch_after_the_patience_and_the_warm_up_counts_for_nothing():
    rates, stop = schedule_trace([9, 8, 5, 6, 6, 6, 6, 6], 1.0, 0.5, 2, 2, 100)
    # Warm-up: epochs 0 and 1. Epoch 2 is the first remembered; 3, 4, 5 are bad.
    np.testing.assert_allclose(rates, [1e-5, 0.500005, 1, 1, 1, 1, 0.5, 0.5], rtol=1e-6)
    assert stop == -1


def test_the_last_epoch_of_the_warm_up_is_not_remembered_either():
    state = PlateauState(np.int32(0), np.int32(0), np.float32(np.inf), np.int32(0), np.float32(1.0))
    state = after_evaluation(after_evaluation(state, 1.0, 1.0, 0.5, 0, 2), 1.0, 1.0, 0.5, 0, 2)
    assert np.isinf(state.best) and (state.epochs, state.bad) == (2, 0)
    state = after_evaluation(state, 9.0, 1.0, 0.5, 0, 2)
    assert (state.best, state.bad, state.scale) == (9.0, 0, 1.0)


def test_a_run_stops_by_strict_improvement_and_the_first_epoch_counts():
    assert schedule_trace([1.0, 1.0, 1.0, 1.0], 1.0, 0.5, 9, 0, 3)[1] == 2
    assert schedule_trace([1.0, 0.5, 0.5, 0.4], 1.0, 0.5, 9, 0, 2)[1] == -1


def test_optimizer_uses_the_rate_that_evaluations_leave():
    optimizer = optax.chain(optax.identity(), scale_by_plateau(0.1, warmup=1, steps_per_epoch=2))
    params = {"w": jnp.ones(2)}
    state = optimizer.init(params)
    steps = []
    for epoch, loss in enumerate([3.0, 2.0, 4.0, 4.0, 4.0]):
        for _ in range(2):
            updates, state = optimizer.update({"w": jnp.ones(2)}, state, params)
            steps.append(-float(updates["w"][0]))
        state = moved(state, loss, 0.1, 0.5, 1, 1)
        assert isinstance(state[1], PlateauState) and int(state[1].epochs) == epoch + 1
    np.testing.assert_allclose(steps, [1e-6] * 2 + [0.1] * 6 + [0.05] * 2, rtol=1e-5)
    assert jax.tree.structure(state) == jax.tree.structure(optimizer.init(params))
