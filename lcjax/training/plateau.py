"""A learning rate that warms up by epochs and falls whenever the validation loss stalls, as AstroM3 is trained (arXiv 2411.08842).

The state lies in the optimizer, so that a resumed run goes on exactly; `after_evaluation` moves it between updates.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lcjax.typing import Array, PyTree

WARMUP_START = 1e-5
"""Of the rate, in the first epoch."""
THRESHOLD = 1e-4
"""Relative improvement that counts."""
SMALLEST_STEP = 1e-8
"""A rate that would change by less stays."""


class PlateauState(NamedTuple):
    """What the schedule remembers."""

    count: Array
    """Updates made, int32."""
    epochs: Array
    """Evaluations seen, int32."""
    best: Array
    bad: Array
    """Evaluations in a row that were not better, int32."""
    scale: Array
    """Of the rate, the product of the factors so far."""


def warmup_factor(epoch: Array, warmup: int) -> Array:
    """Of the rate in an epoch, 0 the first: 1e-5 + (1 - 1e-5) * epoch / warmup, then 1."""
    if not warmup:
        return jnp.ones_like(epoch, jnp.float32)
    return jnp.minimum(WARMUP_START + (1 - WARMUP_START) * epoch / warmup, 1.0)


def after_evaluation(
    state: PlateauState, loss: float, rate: float, factor: float, patience: int, warmup: int
) -> PlateauState:
    """The state after a validation: nothing is remembered of the warm-up, later `patience` bad evaluations are waited for."""
    epochs = np.int32(state.epochs + 1)
    if epochs <= warmup:
        return state._replace(epochs=epochs)
    best, bad, scale = float(state.best), int(state.bad), float(state.scale)
    better = loss < best - THRESHOLD * abs(best) if np.isfinite(best) else loss < best
    best, bad = (loss, 0) if better else (best, bad + 1)
    if bad > patience:
        bad = 0
        scale = scale * factor if rate * scale * (1 - factor) > SMALLEST_STEP else scale
    return state._replace(epochs=epochs, best=np.float32(best), bad=np.int32(bad), scale=np.float32(scale))


def scale_by_plateau(rate: float, warmup: int, steps_per_epoch: int) -> optax.GradientTransformation:
    """Multiplies updates with minus the rate in force."""

    def init(params: PyTree) -> PlateauState:
        del params
        whole, real = (lambda x: jnp.asarray(x, jnp.int32)), (lambda x: jnp.asarray(x, jnp.float32))
        return PlateauState(whole(0), whole(0), real(jnp.inf), whole(0), real(1.0))

    def update(updates: PyTree, state: PlateauState, params: PyTree | None = None) -> tuple[PyTree, PlateauState]:
        del params
        epoch = state.count // steps_per_epoch
        step = -rate * warmup_factor(epoch, warmup) * state.scale
        changed = jax.tree.map(lambda x: (step * x).astype(x.dtype), updates)
        return changed, state._replace(count=optax.safe_increment(state.count))

    return optax.GradientTransformation(init, update)


def moved(opt_state: PyTree, loss: float, rate: float, factor: float, patience: int, warmup: int) -> PyTree:
    """An optimizer's state with every `PlateauState` in it after a validation."""
    move = lambda s: after_evaluation(s, loss, rate, factor, patience, warmup) if isinstance(s, PlateauState) else s
    return jax.tree.map(move, opt_state, is_leaf=lambda s: isinstance(s, PlateauState))


def schedule_trace(
    losses: Sequence[float], rate: float, factor: float, patience: int, warmup: int, stop_patience: int
) -> tuple[list[float], int]:
    """Rates of the epochs of a run with these validation losses, and the epoch (from 0) after which it stops, -1 for never.

    A run stops when as many evaluations as `stop_patience` were not better than the best; the first counts as one of them.
    """
    state = PlateauState(np.int32(0), np.int32(0), np.float32(np.inf), np.int32(0), np.float32(1.0))
    rates, best, waited = [], np.inf, 0
    for epoch, loss in enumerate(losses):
        rates.append(rate * float(warmup_factor(np.float64(epoch), warmup)) * float(state.scale))
        waited = 0 if loss < best and epoch else waited + 1
        best = min(best, loss)
        if waited >= stop_patience:
            return rates, epoch
        state = after_evaluation(state, loss, rate, factor, patience, warmup)
    return rates, -1
