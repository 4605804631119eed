"""The global batch, whichever way its rows are spread over devices.

Under `jit` an array is already global and there is nothing to do: `axis=None`. Under `pmap`, `shard_map` or a named
`vmap` each program sees its own rows alone; the caller names the mapped axis and sums are completed over it. Nothing is
guessed: with `axis=None` inside a mapped axis it would be a matter of luck whether a loss is local or global, so that
is an error. `axis=()` says that local is meant.

With losses made of these functions every device holds the gradient of the *global* loss through its own rows, times the
number of devices (the transpose of psum is psum): the mean of the gradients over the axis is the exact gradient.
"""

import jax
import jax.numpy as jnp

from lcjax.errors import ConfigError
from lcjax.typing import Array, Axis


def axes_in_scope() -> tuple[str, ...]:
    """Names of the mapped axes around the caller: of `pmap`, `shard_map` and named `vmap`.

    >>> axes_in_scope()
    ()
    """
    try:
        from jax.extend.core import unsafe_get_axis_names_DO_NOT_USE as names
    except ImportError:  # of jax.extend, so that it may go; this sees pmap and shard_map, not vmap
        return tuple(map(str, jax.sharding.get_abstract_mesh().manual_axes))
    return tuple(str(name) for name in names())


def mapped_axes(axis: Axis) -> tuple[str, ...]:
    """The axes that rows are spread over, checked against those in scope.

    Raises:
      ConfigError: None inside a mapped axis, or a name that is not in scope.
    """
    found = axes_in_scope()
    if axis is None:
        if found:
            names = ", ".join(f"'{name}'" for name in found)
            raise ConfigError(
                f"rows are spread over the mapped axis {names}, and nobody said what that means for sums over the "
                f"batch: name it with axis='{found[-1]}', or axis=() to stay local"
            )
        return ()
    axes = (axis,) if isinstance(axis, str) else tuple(axis)
    lacking = [name for name in axes if name not in found]
    if lacking:
        raise ConfigError(
            f"there is no mapped axis '{lacking[0]}' here (there are: {', '.join(found) or 'none'}): give axis=None "
            "outside of pmap, shard_map and vmap"
        )
    return axes


def _summed(values: Array, axes: tuple[str, ...]) -> Array:
    return jax.lax.psum(values, axes) if axes else values


def global_sum(values: Array, axis: Axis = None) -> Array:
    """Sum of all elements over the global batch, a scalar.

    Raises:
      ConfigError: an axis that does not fit the mapped axes in scope, here and below.

    >>> float(global_sum(jnp.ones((2, 3))))
    6.0
    """
    return _summed(jnp.sum(values), mapped_axes(axis))


def global_mean(values: Array, weight: Array, axis: Axis = None) -> Array:
    """Weighted mean over the global batch, a scalar; 0 if nothing weighs. `values` and `weight` broadcast."""
    total = global_sum(weight, axis)
    return global_sum(values * weight, axis) / jnp.where(total > 0, total, 1.0)


def global_mean_of_rows(values: Array, weight: Array, axis: Axis = None) -> Array:
    """Weighted mean over the rows of the global batch: values (B, F), weight (B,) -> (F,); 0 if nothing weighs.

    >>> global_mean_of_rows(jnp.array([[1.0], [3.0], [9.0]]), jnp.array([1.0, 1.0, 0.0])).tolist()
    [2.0]
    """
    axes = mapped_axes(axis)
    total, sums = _summed(jnp.sum(weight), axes), _summed(jnp.sum(weight[:, None] * values, axis=0), axes)
    return sums / jnp.where(total > 0, total, 1.0)


def global_any(values: Array, axis: Axis = None) -> Array:
    """Whether each element is true on any device: (...) bool -> (...) bool.

    >>> global_any(jnp.array([True, False])).tolist()
    [True, False]
    """
    axes = mapped_axes(axis)
    return jax.lax.pmax(values.astype(jnp.int32), axes) > 0 if axes else values


def global_gather(values: Array, axis: Axis = None) -> Array:
    """The rows of all devices in rank order: (B, ...) -> (B * devices, ...); under `jit` they are there already.

    Contrastive losses compare every row with every other one this way. Gradients flow back to the device a row came
    from, and are exact like those of the sums.
    """
    axes = mapped_axes(axis)
    if not axes:
        return values
    rows = values.shape[0]
    devices = jax.lax.psum(1, axes)
    start = (jax.lax.axis_index(axes) * rows, *(0 for _ in values.shape[1:]))
    held = values.astype(jnp.int32) if values.dtype == jnp.bool_ else values
    # A sum of blocks, and no all_gather: like other sums its result is one value for all devices, which keeps gradients
    # right in shard_map, where the transpose of an all_gather adds up the losses of all devices.
    own = jax.lax.dynamic_update_slice(jnp.zeros((rows * devices, *values.shape[1:]), held.dtype), held, start)
    return jax.lax.psum(own, axes).astype(values.dtype)


def row_numbers(count: int, axis: Axis = None) -> Array:
    """Index in the global batch of each of this device's `count` rows, (count,) int32: keys per-row randomness.

    >>> row_numbers(3).tolist()
    [0, 1, 2]
    """
    axes = mapped_axes(axis)
    own = jnp.arange(count, dtype=jnp.int32)
    return jax.lax.axis_index(axes).astype(jnp.int32) * count + own if axes else own


def rows_of(batch: dict, count: int, axis: Axis = None) -> Array:
    """`batch["row"]`, or else `row_numbers(count, axis)`."""
    return batch["row"] if "row" in batch else row_numbers(count, axis)
