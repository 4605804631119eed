"""Raw arrays of a caller as a task takes them: names, ranks and types are checked before anything is computed.

Arrays may be concrete (numpy, jax, lists) or traced (inside `jit`, `vmap`, `grad`): what needs values is checked of
concrete ones alone.
"""

from collections.abc import Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import DataError
from lcjax.typing import Array, Batch


def is_traced(*arrays: Any) -> bool:
    """Whether any of them has no values yet.

    >>> is_traced(np.zeros(2), jnp.zeros(2), [1.0])
    False
    """
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(arrays))


def received(
    spec: Batch, batch: Mapping[str, Any], exact: Collection[str] = (), optional: Collection[str] = ()
) -> dict[str, Any]:
    """A batch with the names, ranks and types of a `Task.batch_spec`; further entries are left out.

    Args:
      spec: what the task takes. batch: what was given.
      exact: names whose axes after the first must have the sizes of the spec too.
      optional: names that may be missing.

    Raises:
      DataError: an entry is missing, is no array of numbers, or has another shape.
    """
    ready: dict[str, Any] = {}
    rows: dict[str, int] = {}
    for name, wanted in spec.items():
        if isinstance(wanted, dict):
            ready[name] = received(wanted, entry(batch, name, spec))
            continue
        if name not in batch and name in optional:
            continue
        value = as_array(entry(batch, name, spec), name)
        shape = (*np.shape(value)[:1], *(wanted.shape[1:] if name in exact else np.shape(value)[1:]))
        if np.ndim(value) != len(wanted.shape) or np.shape(value) != shape:
            sizes = wanted.shape[1:] if name in exact else ("...",) * (len(wanted.shape) - 1)
            raise DataError(f"'{name}' has the shape {np.shape(value)}: the model takes {('rows', *sizes)}")
        rows[name] = len(value)
        ready[name] = _as_type(value, name, wanted.dtype)
    if len(set(rows.values())) > 1:
        raise DataError(f"the arrays differ in their number of rows: {rows}")
    return ready


def entry(batch: Mapping[str, Any], name: str, names: Collection[str]) -> Any:
    """One entry of a batch.

    Raises:
      DataError: it is not there.
    """
    if name not in batch:
        raise DataError(f"the batch has no '{name}': the model takes {', '.join(names)}")
    return batch[name]


def as_array(value: Any, name: str) -> Array | np.ndarray:
    """The value as an array: traced and jax arrays as they are.

    Raises:
      DataError: it is no array of numbers.
    """
    if isinstance(value, jax.Array):
        return value
    try:
        found = np.asarray(value)
    except ValueError as error:
        raise DataError(f"'{name}' is no array: {error}") from error
    if found.dtype.kind not in "biuf":
        raise DataError(f"'{name}' is no array of numbers but of {found.dtype}")
    return found


def _as_type(value: Any, name: str, dtype: Any) -> Any:
    if jnp.issubdtype(dtype, jnp.bool_):
        return as_mask(value, name)
    if value.dtype == dtype or (jnp.issubdtype(dtype, jnp.integer) and jnp.issubdtype(value.dtype, jnp.integer)):
        return value
    with np.errstate(over="ignore"):
        return value.astype(dtype)


def as_mask(value: Any, name: str = "mask") -> Any:
    """A mask as bool: True or 1 where there is a point.

    Raises:
      DataError: a concrete one holds anything but 0 and 1.

    >>> as_mask(np.array([[1.0, 0.0]])).tolist()
    [[True, False]]
    """
    value = as_array(value, name)
    if value.dtype == bool:
        return value
    if not is_traced(value) and not np.isin(np.asarray(value), (0, 1)).all():
        raise DataError(f"'{name}' holds other numbers than 0 and 1: give True (or 1) where there is a point")
    return value > 0.5


def check_finite(outputs: Mapping[str, Any]) -> None:
    """Makes sure that concrete answers are numbers.

    Raises:
      DataError: names the first row that is not.
    """
    for name, value in outputs.items():
        if is_traced(value) or not jnp.issubdtype(value.dtype, jnp.inexact):
            continue
        found = np.asarray(value, np.float32).reshape(len(value), -1)
        bad = np.flatnonzero(~np.isfinite(found).all(axis=1))
        if len(bad):
            raise DataError(
                f"row {bad[0]} has no finite '{name}' ({len(bad)} of {len(found)} rows): it holds values that are not finite"
            )
