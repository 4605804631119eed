"""One pure train step, written once; `lcjax.training.parallel` spreads it over devices in either way."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from lcjax.errors import ConfigError
from lcjax.global_batch import row_numbers
from lcjax.training.state import TrainState
from lcjax.training.task import Task, Update
from lcjax.training.updates import Optimizers, by_name, part_of, with_part
from lcjax.typing import Array, Axis, Batch, PyTree


def add_rows(batch: Batch, axis: Axis = None) -> Batch:
    """Adds `row`, the index of each row in the global batch, to every stream: it keys all per-row randomness."""
    added = {name: add_rows(value, axis) if isinstance(value, dict) else value for name, value in batch.items()}
    arrays = [value for value in batch.values() if not isinstance(value, dict)]
    return {**added, "row": row_numbers(arrays[0].shape[0], axis)} if arrays else added


def make_update(
    task: Task, optimizers: Optimizers, seed: int, ema_decay: float | None, axis: Axis = None
) -> Callable[[TrainState, Batch], tuple[TrainState, dict]]:
    """(state, batches with leading axes (steps, accumulated)) -> (state, per-step metrics (steps, ...)).

    The updates of a task run one after another on the same batches, each on the parameters of the one before. A step in
    which any loss or gradient is not finite leaves everything as it was and is counted.

    Args:
      task: gives the updates.
      optimizers: what `lcjax.training.updates.task_optimizers` returns, or one optimizer for all updates.
      seed: of the run; the key of a step is fold_in(key(seed), step), then folded with the accumulated batch (and
        before, from the second update on, with the update).
      ema_decay: of the averaged weights; None: none.
      axis: of the pmap that the step runs in; None: it does not. Averaging the devices' gradients is then exact for a
        loss built from `lcjax.global_batch` (the transpose of psum is psum) and for a plain mean over equal shares.
    """
    base_key = jax.random.key(seed)
    optimizers = by_name(task, optimizers)

    def one_update(
        number: int, update: Update, params: PyTree, model_state: PyTree, opt_state: PyTree, batches: Batch, key: Array
    ) -> tuple[PyTree, PyTree, PyTree, dict]:
        key = key if number == 0 else jax.random.fold_in(key, 2**32 - number)
        grads, loss, metrics, model_state = _gradients(update, params, model_state, batches, key, axis)
        part = part_of(params, update.trains)
        changes, opt_state = optimizers[update.optimizer].update(grads, opt_state, part)
        params = with_part(params, optax.apply_updates(part, changes))
        found = {"loss": loss, "norm": optax.tree.norm(grads), "metrics": metrics}
        return params, model_state, opt_state, found

    def step(state: TrainState, batches: Batch) -> tuple[TrainState, dict]:
        key = jax.random.fold_in(base_key, state.step)
        params, model_state = state.params, state.model_state
        single = len(optimizers) == 1
        states = {name: state.opt_state if single else state.opt_state[name] for name in optimizers}
        found = []
        for number, update in enumerate(task.updates):
            params, model_state, states[update.optimizer], one = one_update(
                number, update, params, model_state, states[update.optimizer], batches, key
            )
            found.append(one)
        opt_state = next(iter(states.values())) if single else states
        loss = sum((one["loss"] for one in found[1:]), found[0]["loss"])
        norm = found[0]["norm"] if len(found) == 1 else jnp.sqrt(sum(one["norm"] ** 2 for one in found))
        good = jnp.isfinite(loss) & jnp.isfinite(norm)
        ema = state.ema
        if ema_decay is not None:
            # In this form what is not trained keeps its average bit for bit.
            ema = jax.tree.map(lambda old, new: old + (1 - ema_decay) * (new - old), ema, params)

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
        return new, {"sums": _joined(task, [one["metrics"] for one in found]), "scalars": scalars}

    def run(state: TrainState, batches: Batch) -> tuple[TrainState, dict]:
        if jax.tree.leaves(batches)[0].shape[0] == 1:
            state, out = step(state, jax.tree.map(lambda x: x[0], batches))
            return state, jax.tree.map(lambda x: jnp.asarray(x)[None], out)
        return jax.lax.scan(step, state, batches)

    return run


def _gradients(
    update: Update, params: PyTree, model_state: PyTree, batches: Batch, key: Array, axis: Axis
) -> tuple[PyTree, Array, dict, PyTree]:
    """Mean gradient and loss over the accumulated batches, metric sums, and the model state after the last one."""
    part = part_of(params, update.trains)

    def loss_of(part: PyTree, model_state: PyTree, batch: Batch, key: Array) -> tuple:
        return update.loss(with_part(params, part), model_state, batch, key, axis)

    value_and_grad = jax.value_and_grad(loss_of, has_aux=True)

    def one(carry: tuple, item: tuple) -> tuple:
        total, loss_sum, model_state = carry
        batch, index = item
        micro_key = jax.random.fold_in(key, index)
        (loss, (metrics, model_state)), grads = value_and_grad(part, model_state, add_rows(batch, axis), micro_key)
        return (jax.tree.map(jnp.add, total, grads), loss_sum + loss, model_state), metrics

    count = jax.tree.leaves(batches)[0].shape[0]
    zeros = jax.tree.map(jnp.zeros_like, part)
    start = (zeros, jnp.zeros((), jnp.float32), model_state)
    if count == 1:
        (grads, loss, model_state), metrics = one(start, (jax.tree.map(lambda x: x[0], batches), 0))
        metrics = jax.tree.map(lambda x: jnp.asarray(x)[None], metrics)
    else:
        (grads, loss, model_state), metrics = jax.lax.scan(one, start, (batches, jnp.arange(count)))
    metrics = jax.tree.map(lambda x: jnp.sum(x, axis=0), metrics)
    grads, loss = jax.tree.map(lambda x: x / count, (grads, loss))
    if axis:
        grads, loss = jax.lax.pmean((grads, loss), axis)
        metrics = jax.lax.psum(metrics, axis)
        model_state = jax.tree.map(lambda x: _agree(x, axis), model_state)
    return grads, loss, metrics, model_state


def _joined(task: Task, metrics: list[dict]) -> dict:
    """Metrics of all updates under one roof.

    Raises:
      ConfigError: two updates give the same name.
    """
    joined: dict = {}
    for one in metrics:
        twice = sorted(joined.keys() & one.keys())
        if twice:
            raise ConfigError(
                f"two updates of the task '{task.name}' give the metric '{twice[0]}': give each its own names"
            )
        joined |= one
    return joined


def _agree(x: Array, axis: Axis) -> Array:
    """One value of a non-trained variable for all devices: the mean, or the largest of integers."""
    return jax.lax.pmean(x, axis) if jnp.issubdtype(x.dtype, jnp.inexact) else jax.lax.pmax(x, axis)


def make_evaluation(task: Task, seed: int) -> Callable[[PyTree, Batch, Array], dict]:
    """(variables, batch, batch index) -> metric sums.

    What is probed depends on the seed and the index alone, so that scores of different steps are comparable.
    """
    base_key = jax.random.fold_in(jax.random.key(seed), 0x7FFFFFFF)

    def evaluate(variables: PyTree, batch: Batch, index: Array) -> dict:
        return task.evaluate(variables, add_rows(batch), jax.random.fold_in(base_key, index))

    return evaluate
