"""Where windows of a light curve start, and the published way of cutting them (A&A 670, A54)."""

import itertools

import chex
import jax.numpy as jnp
import numpy as np

from lcjax.typing import Array

_MIX = (np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35))


def published_starts(n_points: int, length: int) -> np.ndarray:
    """First index of each overlapping window of the Astromer papers: floor(N/W)+1 windows, the last shifted back.

    N = W gives two identical windows, N = 2W gives starts 0, W, W.

    >>> published_starts(650, 200).tolist(), published_starts(200, 200).tolist(), published_starts(50, 200).tolist()
    ([0, 200, 400, 450], [0, 0], [0])
    """
    if n_points < length:
        return np.zeros(1, np.int32)
    return np.minimum(np.arange(n_points // length + 1) * length, max(0, n_points - length)).astype(np.int32)


def sequential_edges(n_points: int, length: int) -> np.ndarray:
    """Edges of windows that hold each point exactly once: window i is [edges[i], edges[i + 1]).

    ceil(N/W) windows of equal size, give or take a point, so that none is left with one or two points.

    >>> sequential_edges(450, 200).tolist(), sequential_edges(401, 200).tolist(), sequential_edges(50, 200).tolist()
    ([0, 150, 300, 450], [0, 133, 267, 401], [0, 50])
    """
    count = max(-(-n_points // length), 1)
    return (np.arange(count + 1) * n_points // count).astype(np.int32)


def published_windows(light_curve: np.ndarray, length: int) -> np.ndarray:
    """Cuts an (N, F) light curve into (windows, min(N, W), F) overlapping windows."""
    chex.assert_rank(light_curve, 2)
    starts = published_starts(len(light_curve), length)
    return np.stack([light_curve[s : s + length] for s in starts])


def window_edges(n_points: Array, most: int, length: int, mode: str) -> tuple[Array, Array]:
    """Where windows of many light curves begin and end, for use in `jit`; windows that a curve does not have are empty.

    Args:
      n_points: (B,) int, at most `most`. most: points of the longest curve. length: W.
      mode: `sequential` or `published`, as the functions above; of published windows the last may come twice.

    Returns:
      starts and ends, (B, K) int32, K the number of windows of the longest curve.

    >>> [x.tolist() for x in window_edges(jnp.array([450, 50]), 450, 200, "sequential")]
    [[[0, 150, 300], [0, 0, 0]], [[150, 300, 450], [50, 0, 0]]]
    """
    chex.assert_rank(n_points, 1)
    n = jnp.asarray(n_points, jnp.int32)[:, None]
    if mode == "published":
        number = jnp.arange(most // length + 1)
        starts = jnp.minimum(number * length, jnp.maximum(n - length, 0))
        ends = jnp.where(number < jnp.where(n < length, 1, n // length + 1), starts + jnp.minimum(n, length), starts)
        return starts, ends
    count = jnp.maximum(-(-n // length), 1)
    number = jnp.arange(-(-most // length))
    there = number < count
    edge = lambda i: jnp.where(there, i * n // count, 0)
    return edge(number), edge(number + 1)


def scattered(rank: Array | np.ndarray) -> Array | np.ndarray:
    """Distinct uint32 numbers of ranks 0, 1, ... in disorder, always the same: sorted by these, neighbours in time are apart.

    Windows of stars in several bands are cut of points in this order: each holds points of the whole span and of all bands, where
    points by time would part those of a night, or of a season, from the others.

    >>> np.argsort(scattered(np.arange(8))).tolist()
    [0, 7, 6, 3, 2, 5, 1, 4]
    """
    x = rank.astype(np.uint32)
    for shift, factor in zip((16, 15, 13), _MIX, strict=True):
        x = (x ^ (x >> np.uint32(shift))) * factor
    return x ^ (x >> np.uint32(16))


def spread_order(edges: np.ndarray) -> np.ndarray:
    """Points by time -> points of the first window by time, of the second, ...: (N,) int, of windows [edges[i], edges[i + 1]).

    Each window holds points of the whole curve (see `scattered`); one window leaves them as they are.

    >>> spread_order(np.array([0, 4, 8])).tolist(), spread_order(np.array([0, 3])).tolist()
    ([0, 3, 6, 7, 1, 2, 4, 5], [0, 1, 2])
    """
    order = np.argsort(scattered(np.arange(edges[-1])))
    return np.concatenate([np.sort(order[a:b]) for a, b in itertools.pairwise(edges)])
