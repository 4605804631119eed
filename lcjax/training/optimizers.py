"""Adam and AdamW with clipping, as one optax chain."""

import jax
import optax

from lcjax.configs import OptimizerConfig
from lcjax.training.schedules import build_schedule
from lcjax.typing import PyTree


def decays(params: PyTree) -> PyTree:
    """True for matrices: weight decay spares biases, norms and tokens."""
    return jax.tree.map(lambda x: x.ndim >= 2 and min(x.shape) > 1, params)


def build_optimizer(config: OptimizerConfig, steps: int, width: int | None = None) -> optax.GradientTransformation:
    """Clipping by global norm, then Adam(W) along the schedule of a run of `steps` updates."""
    schedule = build_schedule(config, steps, width)
    adam = {"b1": config.b1, "b2": config.b2, "eps": config.eps}
    if config.name == "adamw":
        update = optax.adamw(schedule, weight_decay=config.weight_decay, mask=decays, **adam)
    else:
        update = optax.adam(schedule, **adam)
    clip = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
    return optax.chain(*clip, update)
