"""Adam, AdamW and the Adam of TensorFlow 1 with clipping, as one optax chain; learning rates by group."""

import re
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import optax

from lcjax.configs import OptimizerConfig
from lcjax.errors import ConfigError
from lcjax.training.schedules import build_schedule
from lcjax.training.tree_paths import path_name
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


def build_optimizer(
    config: OptimizerConfig, steps: int, width: int | None = None, updates_per_step: int = 1
) -> optax.GradientTransformation:
    """Clipping by global norm, then Adam(W) along the schedule of a run of `steps` steps.

    Args:
      config: its settings. steps: of the run. width: of the model, for the schedule `noam`.
      updates_per_step: how often the optimizer is used in a step, so that rates follow the steps and not its count.

    Raises:
      ConfigError: `noam` without a width.
    """
    of_step = build_schedule(config, steps, width)
    schedule = of_step if updates_per_step == 1 else lambda count: of_step(count // updates_per_step)
    adam = {"b1": config.b1, "b2": config.b2, "eps": config.eps}
    if config.name == "adamw":
        update = optax.adamw(schedule, weight_decay=config.weight_decay, mask=decays, **adam)
    elif config.name == "adam_tensorflow":
        update = optax.chain(scale_by_tensorflow_adam(**adam), optax.scale_by_learning_rate(schedule))
    elif config.name == "adam_l2":
        update = optax.chain(optax.add_decayed_weights(config.weight_decay), optax.adam(schedule, **adam))
    else:
        update = optax.adam(schedule, **adam)
    clip = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
    return optax.chain(*clip, update)


def rate_groups(
    transformation: optax.GradientTransformation, factors: Mapping[str, float]
) -> optax.GradientTransformation:
    """An optimizer whose learning rate is multiplied by a factor for groups of parameters; its state stays as it is.

    Args:
      transformation: the whole optimizer, learning rate included.
      factors: regular expression, searched in parameter paths `a/b/c` -> factor; the first that fits counts, 1 without.

    Raises:
      ConfigError: (on `init`) an expression that fits no parameter.
    """

    def factor(path: tuple) -> float:
        name = path_name(path)
        return next((value for pattern, value in factors.items() if re.search(pattern, name)), 1.0)

    def init(params: PyTree) -> optax.OptState:
        names = [path_name(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
        for pattern in factors:
            if not any(re.search(pattern, name) for name in names):
                raise ConfigError(f"the learning-rate group '{pattern}' fits no parameter: there is '{names[0]}', ...")
        return transformation.init(params)

    def update(updates: PyTree, state: optax.OptState, params: PyTree | None = None) -> tuple[PyTree, optax.OptState]:
        updates, state = transformation.update(updates, state, params)
        return jax.tree_util.tree_map_with_path(lambda path, x: x * factor(path), updates), state

    return optax.GradientTransformation(init, update)
