"""Several updates a step: gradients by hand, shared and separate optimizers, resume, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lcjax.configs import OptimizerConfig
from lcjax.errors import ConfigError, DataError
from lcjax.training.feed import stack_updates
from lcjax.training.progress import read_metrics
from lcjax.training.source import device_part
from lcjax.training.state import init_state
from lcjax.training.step import add_rows, make_update
from lcjax.training.task import Update
from lcjax.training.updates import init_optimizers, part_of, task_optimizers, with_part
from tests.training.comparing import assert_same_run, newest_arrays
from tests.training.several import TASKS, PairSource, alike, labelled, parts, shared, two_fit, two_task

SOURCE = PairSource()
CONFIG = OptimizerConfig(schedule="constant", learning_rate=0.1, weight_decay=0.5, clip_norm=None)


def run(task, optimizers, batches, accumulate=1, ema=None, state=None):
    state = state or init_state(task, optimizers, jax.random.key(1), ema is not None)
    groups = [batches[i : i + accumulate] for i in range(0, len(batches), accumulate)]
    return state, *jax.jit(make_update(task, optimizers, 3, ema))(state, stack_updates(groups))


def gradient(loss, params, model_state, batches, key):
    """Mean gradient over batches, and the model state after the last one."""
    total = None
    for index, batch in enumerate(batches):
        call = lambda p, s, b, i: loss(p, s, add_rows(device_part(b)), jax.random.fold_in(key, i))
        grads, (_, model_state) = jax.grad(call, has_aux=True)(params, model_state, batch, index)
        total = grads if total is None else jax.tree.map(jnp.add, total, grads)
    return jax.tree.map(lambda x: x / len(batches), total), model_state


def assert_close(one, two):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("kind", TASKS)
def test_each_update_sees_the_parameters_of_the_one_before(kind, accumulate):
    batches = [SOURCE.batch(0, i) for i in range(accumulate)]
    before, after, out = run(TASKS[kind](), optax.sgd(0.1), batches, accumulate)
    key = jax.random.fold_in(jax.random.key(3), 0)
    keys = key, jax.random.fold_in(key, 2**32 - 1)
    params, model_state, squares = before.params, before.model_state, 0.0
    for update, key in zip(TASKS[kind]().updates, keys, strict=True):
        grads, model_state = gradient(update.loss, params, model_state, batches, key)
        squares += float(optax.tree.norm(part_of(grads, update.trains))) ** 2
        moved = jax.tree.map(lambda p, g: p - 0.1 * g, params, grads)
        params = with_part(params, part_of(moved, update.trains))
    assert_close(after.params, params)
    np.testing.assert_allclose(out["scalars"]["gradient_norm"], [squares**0.5], rtol=1e-5)
    assert int(after.model_state["seen"]["batches"]) == 2 * accumulate and int(after.step) == 1
    assert set(out["sums"]) == {"source_error", "likeness"}


def test_updates_with_one_optimizer_share_its_moments():
    optimizer = optax.adam(0.1)
    before, after, _ = run(shared(), optimizer, [SOURCE.batch(0, 0)])
    assert int(after.opt_state[0].count) == 2
    key = jax.random.fold_in(jax.random.key(3), 0)
    one, model_state = gradient(labelled, before.params, before.model_state, [SOURCE.batch(0, 0)], key)
    changes, moments = optimizer.update(one, before.opt_state, before.params)
    params = optax.apply_updates(before.params, changes)
    two, _ = gradient(alike, params, model_state, [SOURCE.batch(0, 0)], jax.random.fold_in(key, 2**32 - 1))
    changes, moments = optimizer.update(two, moments, params)
    assert_close(after.params, optax.apply_updates(params, changes))
    assert_close(after.opt_state, moments)


def test_nothing_moves_what_an_update_does_not_train():
    task = two_task((Update(labelled, "^head/"),))
    before, after, _ = run(task, task_optimizers(task, CONFIG, 10), [SOURCE.batch(0, 0)], ema=0.5)
    np.testing.assert_array_equal(after.params["encoder"]["kernel"], before.params["encoder"]["kernel"])
    np.testing.assert_array_equal(after.ema["encoder"]["kernel"], before.params["encoder"]["kernel"])
    assert np.abs(after.params["head"]["kernel"] - before.params["head"]["kernel"]).min() > 0
    assert jax.tree.leaves(after.opt_state)[1].shape == (5, 2), "moments of the trained part alone"


@pytest.mark.parametrize("kind", TASKS)
def test_fused_steps_equal_single_ones(kind):
    batches, task = [SOURCE.batch(0, i) for i in range(4)], TASKS[kind]()
    optimizers = task_optimizers(task, CONFIG, 10)
    _, fused, _ = run(task, optimizers, batches, ema=0.9)
    state = None
    for batch in batches:
        _, state, _ = run(task, optimizers, [batch], ema=0.9, state=state)
    assert_close(fused, state)


@pytest.mark.parametrize("kind", TASKS)
def test_a_bad_second_update_takes_the_first_one_back(kind):
    task = TASKS[kind]()
    before, after, out = run(task, optax.adam(0.1), [PairSource(poison={(0, 0)}).batch(0, 0)])
    for name in ("params", "model_state", "opt_state"):
        for a, b in zip(*(jax.tree.leaves(getattr(s, name)) for s in (before, after)), strict=True):
            np.testing.assert_array_equal(a, b)
    assert (int(after.step), int(after.bad_steps)) == (1, 1) and not out["scalars"]["good"][0]


@pytest.mark.parametrize("kind", TASKS)
def test_resumed_run_is_the_uninterrupted_run(tmp_path, kind):
    class Breaking(PairSource):
        def train_batches(self, epoch=0, batch=0):
            for position, rows in super().train_batches(epoch, batch):
                if position[0] * self.per_epoch + position[1] >= 15:
                    raise DataError("the disk went away")
                yield position, rows

    settings = dict(accumulate=2, ema_decay=0.9, steps_per_dispatch=2)
    two_fit(tmp_path / "straight", kind, **settings)
    with pytest.raises(DataError, match="went away"):
        two_fit(tmp_path / "broken", kind, Breaking(), **settings)
    two_fit(tmp_path / "broken", kind, **settings)
    assert_same_run(tmp_path / "straight", tmp_path / "broken")
    names = [name for name in newest_arrays(tmp_path / "broken")[0] if name.startswith("opt_state/")]
    if kind == "shared":
        assert "opt_state/1/0/mu/encoder/kernel" in names
    else:
        assert "opt_state/head/1/0/mu/head/kernel" in names and "opt_state/encoder/1/0/mu/encoder/kernel" in names
        assert "opt_state/head/1/0/mu/encoder/kernel" not in names
    assert {"source_error", "likeness", "rows_per_second"} <= read_metrics(tmp_path / "broken", "train")[0].keys()


def test_bad_batches_of_streams_are_kept(tmp_path):
    assert two_fit(tmp_path, "shared", PairSource(poison={(0, 1)})).bad_steps > 0
    with np.load(tmp_path / "bad_batches" / "step_2.npz", allow_pickle=False) as dump:
        assert np.isnan(dump["target/x"][0, 0]) and dump["source/id"][0] == "source 0.1.0"


def test_a_shared_schedule_follows_the_steps():
    config = OptimizerConfig(learning_rate=1.0, schedule="cosine", clip_norm=None, b1=0.0, b2=0.0)
    one, two = (task_optimizers(task, config, 4)["main"] for task in (two_task((Update(labelled),)), shared()))
    params, sizes = {"w": jnp.ones(())}, []
    for optimizer, uses in ((one, 1), (two, 2)):
        state, found = optimizer.init(params), []
        for _ in range(4 * uses):
            changes, state = optimizer.update({"w": jnp.ones(())}, state, params)
            found.append(float(changes["w"]))
        sizes.append(found)
    np.testing.assert_allclose(np.repeat(sizes[0], 2), sizes[1], rtol=1e-6)


def test_a_system_gives_its_own_optimizers():
    own = {"head": optax.sgd(0.0), "encoder": optax.sgd(1.0)}
    task = parts(optimizers=lambda config, steps: own)
    before, after, _ = run(task, task_optimizers(task, CONFIG, 10), [SOURCE.batch(0, 0)])
    np.testing.assert_array_equal(after.params["head"]["kernel"], before.params["head"]["kernel"])
    assert np.abs(after.params["encoder"]["kernel"] - before.params["encoder"]["kernel"]).max() > 0
    with pytest.raises(ConfigError, match="has the optimizers body, and its updates use encoder, head"):
        task_optimizers(parts(optimizers=lambda config, steps: {"body": own["head"]}), CONFIG, 10)


def test_updates_that_make_no_sense_are_refused():
    params = {"encoder": {"kernel": jnp.ones(2)}, "head": {"kernel": jnp.ones(2)}}
    refused = lambda *updates: init_optimizers(two_task(updates), optax.sgd(0.1), params)
    with pytest.raises(ConfigError, match="share the optimizer 'main' and train different parameters"):
        refused(Update(labelled, "^head/"), Update(alike, "^encoder/"))
    with pytest.raises(ConfigError, match="trains 'tail', and no parameter path"):
        refused(Update(labelled, "tail"))
    with pytest.raises(ConfigError, match="no updates"):
        refused()
    refused(Update(labelled, "kernel"), Update(alike, "(head|encoder)/"))  # other words for the same parameters
    twice = two_task((Update(labelled), Update(labelled)))
    with pytest.raises(ConfigError, match="metric 'source_error'"):
        run(twice, optax.sgd(0.1), [SOURCE.batch(0, 0)])
    with pytest.raises(ConfigError, match="2 updates"):
        _ = twice.loss
