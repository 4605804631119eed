"""Images of any size as stamps of one, bilinear, pixel areas aligned at the edges (as `jax.image.resize` without antialiasing)."""

import numpy as np


def resize(pixels: np.ndarray, side: int) -> np.ndarray:
    """(H, W, C) -> (side, side, C) float32; missing pixels (not finite) take the lowest value of their channel.

    >>> resize(np.array([[[0.0], [1.0]]]), 4)[0, :, 0].tolist()
    [0.0, 0.25, 0.75, 1.0]
    """
    values = np.asarray(pixels, np.float32)
    there = np.isfinite(values)
    if not there.all():
        lowest = np.where(there, values, np.inf).min(axis=(0, 1), keepdims=True)
        values = np.where(there, values, np.where(np.isfinite(lowest), lowest, 0)).astype(np.float32)
    for axis, length in enumerate(values.shape[:2]):
        if length == side:
            continue
        at = np.clip((np.arange(side) + 0.5) * (length / side) - 0.5, 0, length - 1)
        low = np.minimum(np.floor(at).astype(int), length - 1)
        share = (at - low).astype(np.float32).reshape([-1 if i == axis else 1 for i in range(3)])
        values = values.take(low, axis) * (1 - share) + values.take(np.minimum(low + 1, length - 1), axis) * share
    return values
