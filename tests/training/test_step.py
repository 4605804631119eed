"""The pure step: gradients, accumulation, fused dispatches, averages and the NaN guard."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lcjax.training.feed import stack_updates
from lcjax.training.source import device_part
from lcjax.training.state import TrainState, init_state, start_from
from lcjax.training.step import add_rows, make_update
from lcjax.training.task import Task, Update
from tests.training.toy import ToySource, toy_task

TASK = toy_task()


def run(batches, optimizer=None, accumulate=1, ema_decay=None, state=None, steps=None):
    """Batches in updates of `accumulate`, all in one dispatch -> (state, metrics)."""
    optimizer = optimizer or optax.sgd(0.1)
    state = state or init_state(TASK, optimizer, jax.random.key(1), ema_decay is not None)
    groups = [batches[i : i + accumulate] for i in range(0, len(batches), accumulate)]
    update = jax.jit(make_update(TASK, optimizer, 3, ema_decay, axis=None))
    return update(state, stack_updates(groups))


def batches(count, **settings):
    source = ToySource(**settings)
    return [source.batch(0, i) for i in range(count)]


def assert_close(one, two, rtol=1e-5):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-7)


def test_one_update_is_one_gradient_step():
    (batch,) = batches(1)
    before = init_state(TASK, optax.sgd(0.1), jax.random.key(1), False)
    after, out = run([batch])
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(3), 0), 0)
    model_state = before.model_state
    loss, grads = jax.value_and_grad(lambda p: TASK.loss(p, model_state, add_rows(device_part(batch)), key)[0])(
        before.params
    )
    assert_close(after.params, jax.tree.map(lambda p, g: p - 0.1 * g, before.params, grads))
    np.testing.assert_allclose(out["scalars"]["objective"], [loss], rtol=1e-6)
    assert int(after.step) == 1 and int(after.model_state["state"]["batches"]) == 1


def test_accumulated_update_uses_the_mean_gradient():
    pair = batches(2)
    before = init_state(TASK, optax.sgd(0.1), jax.random.key(1), False)
    after, out = run(pair, accumulate=2)
    key = jax.random.fold_in(jax.random.key(3), 0)
    model_state, total = before.model_state, None
    for i, batch in enumerate(pair):
        loss = lambda p: TASK.loss(p, model_state, add_rows(device_part(batch)), jax.random.fold_in(key, i))
        grads, (_, model_state) = jax.grad(loss, has_aux=True)(before.params)
        total = grads if total is None else jax.tree.map(jnp.add, total, grads)
    assert_close(after.params, jax.tree.map(lambda p, g: p - 0.05 * g, before.params, total))
    assert_close(after.model_state, model_state)
    assert int(after.step) == 1 and out["sums"]["loss"][1].tolist() == [16.0]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_fused_updates_equal_single_ones(accumulate):
    many = batches(4 * accumulate)
    fused, out = run(many, optax.adam(0.01), accumulate, 0.9)
    single, lines = None, []
    for i in range(0, len(many), accumulate):
        single, line = run(many[i : i + accumulate], optax.adam(0.01), accumulate, 0.9, single)
        lines.append(line)
    assert_close(fused, single)
    assert_close(out, jax.tree.map(lambda *x: jnp.concatenate(x), *lines))


def test_averaged_weights_follow():
    after, _ = run(batches(1), ema_decay=0.75)
    before = init_state(TASK, optax.sgd(0.1), jax.random.key(1), True)
    assert_close(after.ema, jax.tree.map(lambda a, b: 0.75 * a + 0.25 * b, before.params, after.params))
    assert after.variables["params"] is after.ema


@pytest.mark.parametrize("accumulate", [1, 2])
def test_bad_batch_changes_nothing_and_is_counted(accumulate):
    good = batches(2 * accumulate)
    state, _ = run(good, optax.adam(0.01), accumulate, 0.9)
    poisoned = [ToySource(poison={(0, 5)}).batch(0, 5 + i) for i in range(accumulate)]
    after, out = run(poisoned, optax.adam(0.01), accumulate, 0.9, state)
    for name in ("params", "model_state", "opt_state", "ema"):
        for one, two in zip(jax.tree.leaves(getattr(state, name)), jax.tree.leaves(getattr(after, name)), strict=True):
            np.testing.assert_array_equal(one, two)
    assert (int(after.step), int(after.bad_steps), int(after.bad_in_row)) == (3, 1, 1)
    assert out["scalars"]["good"].tolist() == [False]
    healed, _ = run(good[:accumulate], optax.adam(0.01), accumulate, 0.9, after)
    assert (int(healed.bad_steps), int(healed.bad_in_row)) == (1, 0)
    assert all(bool(jnp.isfinite(x).all()) for x in jax.tree.leaves(healed.params))


def test_fine_tuning_starts_from_given_weights():
    from lcjax.errors import WeightsError

    state = jax.tree.map(np.asarray, init_state(TASK, optax.sgd(0.1), jax.random.key(1), True))
    given = {"params": {"ffn_in": {"kernel": np.ones((4, 8)), "bias": np.ones(8)}}}
    started, fresh = start_from(state, given)
    assert started.params["ffn_in"]["kernel"].dtype == np.float32 and np.all(started.ema["ffn_in"]["bias"] == 1)
    assert fresh == ["params/ffn_out/bias", "params/ffn_out/kernel", "state/batches", "state/mean"]
    with pytest.raises(WeightsError, match=r"ffn_in/kernel.*\(4, 9\).*\(4, 8\)"):
        start_from(state, {"params": {"ffn_in": {"kernel": np.ones((4, 9))}}})
    with pytest.raises(WeightsError, match="params/extra"):
        start_from(state, {"params": {"extra": np.ones(1)}})


def test_a_finite_loss_with_a_gradient_that_is_not_changes_nothing():
    """sqrt at 0: the value is fine, its slope is not, and one such step would poison every weight."""
    network = lambda params: jnp.sum(params["w"]) + jnp.sqrt(0.0 * params["w"][0])
    task = Task(
        name="slope",
        init=lambda key, batch: {"params": {"w": jnp.ones(2)}},
        updates=(Update(lambda p, state, batch, key, axis=None: (network(p), ({"loss": (network(p), 1.0)}, state))),),
        evaluate=lambda variables, batch, key: {},
        predict=lambda variables, batch: {},
    )
    optimizer = optax.sgd(0.1)
    state = TrainState(
        step=jnp.int32(0),
        params={"w": jnp.ones(2)},
        model_state={},
        opt_state=optimizer.init({"w": jnp.ones(2)}),
        ema={},
        bad_steps=jnp.int32(0),
        bad_in_row=jnp.int32(0),
    )
    after, out = make_update(task, optimizer, 0, None)(state, stack_updates([[{"x": np.zeros(2, np.float32)}]]))
    assert np.isfinite(out["scalars"]["objective"][0]) and not np.isfinite(out["scalars"]["gradient_norm"][0])
    np.testing.assert_array_equal(after.params["w"], [1.0, 1.0])
    assert int(after.bad_steps) == 1 and out["scalars"]["good"].tolist() == [False]
