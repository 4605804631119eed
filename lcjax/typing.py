"""Names for the arrays that travel between rooms."""

from typing import Any, NotRequired, TypedDict

import jax
import numpy as np

Array = jax.Array | np.ndarray
PyTree = Any
Axis = str | tuple[str, ...] | None
"""Mapped axis (of pmap, shard_map or vmap) that the rows of a batch are spread over. None: they are not; (): they are,
and what is computed stays local on purpose."""
Batch = dict[str, Any]
"""Name -> array whose first axis is the row, or -> another such dict: a stream with rows of its own."""
Metrics = dict[str, tuple[Array, Array]]
"""`{name: (weighted sum, weight)}`: sums add over batches and devices, and are divided once at the end."""


class Encoded(TypedDict):
    """What an encoder of sequences makes of B windows of L points."""

    layers: tuple[Array, ...]  #: (B, L, D) each: the input embedding, then the output of each block
    mask: Array  #: (B, L) bool, the points that layers are pooled over


class LightCurveBatch(TypedDict):
    """A batch of windows of single-band light curves, B rows of L points, right-padded with zeros.

    Masks say True = use it. Object ids stay on the host, index-aligned.
    """

    time: Array  #: (B, L) float32, days since the object's reference epoch (float64, on the host)
    magnitude: Array  #: (B, L) float32, mag
    magnitude_error: Array  #: (B, L) float32, mag
    mask: Array  #: (B, L) bool, observed points (False in the padding)
    length: Array  #: (B,) int32, number of observed points
    label: NotRequired[Array]  #: (B,) int32, class index, -1 unknown
    weight: NotRequired[Array]  #: (B,) float32, 0 for rows that only fill up the batch
    row: NotRequired[Array]  #: (B,) int32, index of the row in the global batch: keys all per-row randomness
    probed: NotRequired[Array]  #: (B, L) bool, points the network must predict
    visible: NotRequired[Array]  #: (B, L) bool, points shown to the network


class FluxBatch(TypedDict):
    """A batch of windows of single-band fluxes, B rows of L points, right-padded with zeros; all of one zero point, or of none.

    A point of a window is measured (`mask`), an upper limit (`limit_mask`) or padding.
    """

    time: Array  #: (B, L) float32, days since the object's reference epoch (float64, on the host)
    flux: Array  #: (B, L) float32, of any sign, in the unit of the data; 0 at limits
    flux_error: Array  #: (B, L) float32, standard deviation; 0 at limits
    flux_limit: Array  #: (B, L) float32, the flux that the point is below, at limits; 0 elsewhere
    mask: Array  #: (B, L) bool, measured points
    limit_mask: Array  #: (B, L) bool, upper limits
    length: Array  #: (B,) int32, number of points, limits among them
    label: NotRequired[Array]  #: (B,) int32, class index, -1 unknown
    weight: NotRequired[Array]  #: (B,) float32, 0 for rows that only fill up the batch
