"""Adam, AdamW and the Adam of TensorFlow 1 with clipping, as one optax chain."""

import jax
import jax.numpy as jnp
import optax

from lcjax.configs import OptimizerConfig
from lcjax.training.schedules import build_schedule
from lcjax.typing import PyTree


def decays(params: PyTree) -> PyTree:
    """True for matrices: weight decay spares biases, norms and tokens."""
    return jax.tree.map(lambda x: x.ndim >= 2 and min(x.shape) > 1, params)


def scale_by_tensorflow_adam(b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> optax.GradientTransformation:
    """Adam as TensorFlow 1 has it: m / (sqrt(v) + eps) * sqrt(1 - b2^t) / (1 - b1^t).

    `eps` is added to the uncorrected root, so that early steps see a larger one than in the paper (and optax). The
    state is optax's own: `count`, `mu`, `nu`.
    """

    def update(updates: PyTree, state: optax.ScaleByAdamState, params: PyTree | None = None) -> tuple:
        del params
        count = optax.safe_increment(state.count)
        mu = optax.tree.update_moment(updates, state.mu, b1, 1)
        nu = optax.tree.update_moment(updates, state.nu, b2, 2)
        t = count.astype(jnp.float32)
        rate = jnp.sqrt(1 - b2**t) / (1 - b1**t)
        updates = jax.tree.map(lambda m, v: rate * m / (jnp.sqrt(v) + eps), mu, nu)
        return updates, optax.ScaleByAdamState(count=count, mu=mu, nu=nu)

    return optax.GradientTransformation(optax.scale_by_adam(b1, b2, eps).init, update)


def build_optimizer(config: OptimizerConfig, steps: int, width: int | None = None) -> optax.GradientTransformation:
    """Clipping by global norm, then Adam(W) along the schedule of a run of `steps` updates."""
    schedule = build_schedule(config, steps, width)
    adam = {"b1": config.b1, "b2": config.b2, "eps": config.eps}
    if config.name == "adamw":
        update = optax.adamw(schedule, weight_decay=config.weight_decay, mask=decays, **adam)
    elif config.name == "adam_tensorflow":
        update = optax.chain(scale_by_tensorflow_adam(**adam), optax.scale_by_learning_rate(schedule))
    else:
        update = optax.adam(schedule, **adam)
    clip = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
    return optax.chain(*clip, update)
