"""One pure train step, written once; `lcjax.training.parallel` spreads it over devices in either way."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from lcjax.losses import DATA_AXIS
from lcjax.training.state import TrainState
from lcjax.training.task import Task
from lcjax.typing import Array, PyTree


def add_rows(batch: dict, mapped: bool) -> dict:
    """Adds `row`, the index of each row in the global batch, which keys all per-row randomness."""
    rows = batch["mask"].shape[0] if "mask" in batch else next(iter(batch.values())).shape[0]
    offset = jax.lax.axis_index(DATA_AXIS) * rows if mapped else 0
    return {**batch, "row": offset + jnp.arange(rows, dtype=jnp.int32)}


def make_update(
    task: Task, optimizer: optax.GradientTransformation, seed: int, ema_decay: float | None, mapped: bool
) -> Callable[[TrainState, dict], tuple[TrainState, dict]]:
    """(state, batches with leading axes (steps, accumulated)) -> (state, per-step metrics (steps, ...)).

    A step whose loss or gradient is not finite leaves everything as it was and is counted.

    Args:
      task: gives the loss.
      optimizer: what `lcjax.training.optimizers.build_optimizer` returns.
      seed: of the run; the key of a step is fold_in(key(seed), step), then folded with the accumulated batch.
      ema_decay: of the averaged weights; None: none.
      mapped: the step runs inside a pmap over `DATA_AXIS`. Averaging the devices' gradients is then exact for a loss
        built from `lcjax.losses.global_sum` (the transpose of psum is psum) and for a plain mean over equal shares.
    """
    base_key = jax.random.key(seed)
    value_and_grad = jax.value_and_grad(task.loss, has_aux=True)

    def gradients(state: TrainState, batches: dict, key: Array) -> tuple[PyTree, Array, dict, PyTree]:
        def one(carry: tuple, item: tuple) -> tuple:
            total, loss_sum, model_state = carry
            batch, index = item
            micro_key = jax.random.fold_in(key, index)
            (loss, (metrics, model_state)), grads = value_and_grad(
                state.params, model_state, add_rows(batch, mapped), micro_key
            )
            return (jax.tree.map(jnp.add, total, grads), loss_sum + loss, model_state), metrics

        count = jax.tree.leaves(batches)[0].shape[0]
        zeros = jax.tree.map(jnp.zeros_like, state.params)
        start = (zeros, jnp.zeros((), jnp.float32), state.model_state)
        if count == 1:
            (grads, loss, model_state), metrics = one(start, (jax.tree.map(lambda x: x[0], batches), 0))
            metrics = jax.tree.map(lambda x: jnp.asarray(x)[None], metrics)
        else:
            (grads, loss, model_state), metrics = jax.lax.scan(one, start, (batches, jnp.arange(count)))
        metrics = jax.tree.map(lambda x: jnp.sum(x, axis=0), metrics)
        grads, loss = jax.tree.map(lambda x: x / count, (grads, loss))
        if mapped:
            grads, loss = jax.lax.pmean((grads, loss), DATA_AXIS)
            metrics = jax.lax.psum(metrics, DATA_AXIS)
            model_state = jax.tree.map(_agree, model_state)
        return grads, loss, metrics, model_state

    def update(state: TrainState, batches: dict) -> tuple[TrainState, dict]:
        grads, loss, metrics, model_state = gradients(state, batches, jax.random.fold_in(base_key, state.step))
        norm = optax.tree.norm(grads)
        good = jnp.isfinite(loss) & jnp.isfinite(norm)
        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        ema = state.ema
        if ema_decay is not None:
            ema = jax.tree.map(lambda old, new: ema_decay * old + (1 - ema_decay) * new, ema, params)

        def keep(new: PyTree, old: PyTree) -> PyTree:
            return jax.tree.map(lambda a, b: jnp.where(good, a, b), new, old)

        bad = (~good).astype(jnp.int32)
        new = TrainState(
            step=state.step + 1,
            params=keep(params, state.params),
            model_state=keep(model_state, state.model_state),
            opt_state=keep(opt_state, state.opt_state),
            ema=keep(ema, state.ema),
            bad_steps=state.bad_steps + bad,
            bad_in_row=(state.bad_in_row + 1) * bad,
        )
        scalars = {"objective": loss, "gradient_norm": norm, "good": good, "bad_in_row": new.bad_in_row}
        return new, {"sums": metrics, "scalars": scalars}

    def run(state: TrainState, batches: dict) -> tuple[TrainState, dict]:
        if jax.tree.leaves(batches)[0].shape[0] == 1:
            state, out = update(state, jax.tree.map(lambda x: x[0], batches))
            return state, jax.tree.map(lambda x: jnp.asarray(x)[None], out)
        return jax.lax.scan(update, state, batches)

    return run


def _agree(x: Array) -> Array:
    """One value of a non-trained variable for all devices: the mean, or the largest of integers."""
    return jax.lax.pmean(x, DATA_AXIS) if jnp.issubdtype(x.dtype, jnp.inexact) else jax.lax.pmax(x, DATA_AXIS)


def make_evaluation(task: Task, seed: int) -> Callable[[PyTree, dict, Array], dict]:
    """(variables, batch, batch index) -> metric sums.

    What is probed depends on the seed and the index alone, so that scores of different steps are comparable.
    """
    base_key = jax.random.fold_in(jax.random.key(seed), 0x7FFFFFFF)

    def evaluate(variables: PyTree, batch: dict, index: Array) -> dict:
        return task.evaluate(variables, add_rows(batch, mapped=False), jax.random.fold_in(base_key, index))

    return evaluate
