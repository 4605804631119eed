"""Raw light curves as arrays: any epoch, any padding, any length -> windows as the network takes them, and back.

`receive` is the part for the host (checks, float64 times); the others are pure functions that run inside `jit`. Together
they do what `lcjax predict` does with a cleaned light curve.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.configs import WindowConfig
from lcjax.errors import DataError
from lcjax.inference.raw_batch import as_array, as_mask, entry, is_traced
from lcjax.transforms.windows import scattered, window_edges
from lcjax.typing import Array

_SERIES = ("time", "magnitude", "magnitude_error")


def receive(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Light curves as given -> float32 series (B, L) with days from the middle of each curve, and `mask` (B, L) bool.

    Points that are not finite are left out of the mask. Times with values are centred in their own precision, before they
    become float32, which holds a bare MJD only to 5.6 minutes.

    Raises:
      DataError: an entry is missing or of another shape, or a curve has no point.
    """
    names = (*_SERIES, "mask")
    arrays = {name: as_array(entry(batch, name, names), name) for name in _SERIES}
    mask = as_mask(entry(batch, "mask", names))
    shapes = {name: tuple(np.shape(x)) for name, x in (arrays | {"mask": mask}).items()}
    if len(set(shapes.values())) > 1 or len(shapes["mask"]) != 2 or not shapes["mask"][1]:
        raise DataError(f"light curves are arrays (rows, points) of one shape, not {shapes}")
    for name in _SERIES:
        arrays[name], mask = _received(name, arrays[name], mask)
    if not is_traced(mask) and not np.asarray(mask).any(axis=1).all():
        row = int(np.argmin(np.asarray(mask).any(axis=1)))
        raise DataError(f"light curve {row} of the batch has no finite point: leave it out")
    return {**arrays, "mask": mask}


def _received(name: str, values: Any, mask: Any) -> tuple[Array | np.ndarray, Array | np.ndarray]:
    """The series as float32, 0 where there is no point, and the mask without what is not finite in it."""
    if is_traced(values, mask):
        mask = mask & jnp.isfinite(values)
        return jnp.where(mask, values, 0).astype(jnp.float32), mask
    values, mask = np.asarray(values, np.float64), np.asarray(mask)
    mask = mask & np.isfinite(values)
    if name == "time":
        values = values - _middle(np, values, mask)
    return np.where(mask, values, 0).astype(np.float32), mask


def _middle(xp: Any, time: Any, mask: Any) -> Any:
    """(B, 1) middle between the first and the last point of each curve; 0 without points."""
    first = xp.min(xp.where(mask, time, xp.inf), axis=1, keepdims=True)
    last = xp.max(xp.where(mask, time, -xp.inf), axis=1, keepdims=True)
    some = xp.any(mask, axis=1, keepdims=True)
    return 0.5 * (xp.where(some, first, 0) + xp.where(some, last, 0))


def sound(batch: dict) -> dict:
    """Finite points alone, 0 elsewhere, with the slots of their bands (B, L) where these are said."""
    mask = batch["mask"]
    for name in _SERIES:
        mask = mask & jnp.isfinite(batch[name])
    bands = {"band": jnp.where(mask, batch["band"], 0)} if several_bands(batch) else {}
    return {name: jnp.where(mask, batch[name], 0.0) for name in _SERIES} | bands | {"mask": mask}


def several_bands(batch: Mapping[str, Any]) -> bool:
    """Whether the slot of the band of each point is said (B, L), and not the name of that of each row."""
    return "band" in batch and batch["band"].ndim == 2


def centred(windows: dict) -> dict:
    """Days from the middle of each row: differences of neighbouring float32 numbers are exact, means of MJDs are not."""
    time, mask = windows["time"], windows["mask"]
    return {**windows, "time": jnp.where(mask, time - _middle(jnp, time, mask), 0.0)}


def cut(batch: dict, window: WindowConfig, full: bool) -> tuple[dict, Array]:
    """Curves (B, L) -> windows (B * K, W) and the points of each, (B, K) float32: its weight in the mean over a curve.

    Args:
      batch: sound curves. window: length and how curves are cut (`evaluation_mode`). full: shorter ones are padded to
        the full length, for networks that attend to padding. The width L may be symbolic (`jax.export`): then short curves
        are padded too.

    Windows of stars whose points have bands hold points of the whole span each, see `transforms.windows.scattered`.
    """
    whole = several_bands(batch)
    names = (*_SERIES, *(["band"] if whole else []), "mask")
    width = batch["mask"].shape[1]
    if not isinstance(width, int):
        batch = {name: jnp.pad(batch[name], ((0, 0), (0, window.length))) for name in names}
        width = width + window.length  # so that the shortest has one window
    elif width <= window.length:
        short = window.length - width if full else 0
        padded = {name: jnp.pad(batch[name], ((0, 0), (0, short))) for name in names}
        return padded, jnp.sum(padded["mask"], axis=1, keepdims=True).astype(jnp.float32)
    # Points in order of time, the padding behind them.
    time = jnp.where(batch["mask"], batch["time"], jnp.inf)
    if whole:  # at one time by band, at which the order is that of the windows
        order = jnp.lexsort((batch["magnitude_error"], batch["band"], time), axis=1)
        rank = jnp.arange(width)
        there = jnp.arange(width)[None] < jnp.sum(batch["mask"], axis=1, keepdims=True)
        behind = jnp.lexsort((jnp.broadcast_to(scattered(rank), there.shape), ~there), axis=1)
        order = jnp.take_along_axis(order, behind, axis=1)
    else:
        order = jnp.argsort(time, axis=1)
    series = {name: jnp.take_along_axis(batch[name], order, axis=1) for name in names}
    starts, ends = window_edges(jnp.sum(batch["mask"], axis=1), width, window.length, window.evaluation_mode)
    at = starts[..., None] + jnp.arange(window.length)
    inside = at < ends[..., None]
    rows, number, _ = at.shape  # spelt out, for symbolic sizes
    flat, shape = jnp.minimum(at, width - 1).reshape(rows, number * window.length), (rows * number, window.length)
    cut = {name: jnp.take_along_axis(x, flat, axis=1).reshape(shape) for name, x in series.items()}
    mask = inside.reshape(shape)
    windows = {name: jnp.where(mask, cut[name], jnp.zeros((), cut[name].dtype)) for name in names[:-1]} | {"mask": mask}
    if whole:  # in each by time again
        by_time = jnp.argsort(jnp.where(mask, windows["time"], jnp.inf), axis=1)
        windows = {name: jnp.take_along_axis(x, by_time, axis=1) for name, x in windows.items()}
    return windows, jnp.sum(inside, axis=-1).astype(jnp.float32)


def joined(values: Array, points: Array) -> Array:
    """Mean over a curve's windows weighted by their points: (B * K, ...) and (B, K) -> (B, ...)."""
    apart = values.reshape(*points.shape, *values.shape[1:])
    weight = points.reshape(*points.shape, *(1,) * (apart.ndim - 2))
    total = jnp.sum(jnp.where(weight > 0, apart, 0.0) * weight, axis=1)
    return total / jnp.maximum(jnp.sum(weight, axis=1), 1.0)


def answer_curves(
    network: Callable[[dict], dict[str, Array]], batch: dict, window: WindowConfig, full: bool
) -> dict[str, jax.Array]:
    """`network(windows) -> outputs` on whole curves: cut, answered, averaged.

    Points of overlapping published windows count twice, as in `LightCurvePredictor`.
    """
    windows, points = cut(sound(batch), window, full)
    return {name: joined(value, points) for name, value in network(centred(windows)).items()}
