"""Learning rates as functions of the number of finished updates."""

import jax.numpy as jnp
import optax

from lcjax.configs import OptimizerConfig
from lcjax.errors import ConfigError
from lcjax.typing import Array


def noam(step: Array, width: int, warmup_steps: int = 4000) -> Array:
    """width^-0.5 * min(step^-0.5, step * warmup^-1.5), the optional schedule of Astromer 2; `step` counts from 1.

    >>> round(float(noam(4000, 256)) * 1e6)
    988
    """
    step = jnp.maximum(jnp.asarray(step, jnp.float32), 1.0)
    return width**-0.5 * jnp.minimum(step**-0.5, step * warmup_steps**-1.5)


def build_schedule(config: OptimizerConfig, steps: int, width: int | None = None) -> optax.Schedule:
    """The schedule of a run of `steps` updates.

    `cosine` climbs linearly over `warmup_steps` and falls to `final_fraction` of the peak; `constant` may warm up too.

    Raises:
      ConfigError: `noam` without a width.
    """
    peak, warmup = config.learning_rate, config.warmup_steps
    if config.schedule == "noam":
        model_width = config.width or width
        if model_width is None:
            raise ConfigError("the schedule noam depends on the width of the model: give --optimizer.width")
        return lambda count: peak * noam(count + 1, model_width, warmup or 4000)
    if config.schedule == "cosine":
        after = optax.cosine_decay_schedule(peak, max(steps - warmup, 1), config.final_fraction)
    else:
        after = optax.constant_schedule(peak)
    if not warmup:
        return after
    # The first update already moves: a rate of 0 would waste it.
    rising = optax.linear_schedule(peak / warmup, peak, max(warmup - 1, 1))
    return optax.join_schedules([rising, after], [warmup])
