"""Windows of stars in several bands: what is scored and drawn is how each band varies, not how far bands lie apart."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def told_apart(batch: Mapping[str, Any]) -> bool:
    """Whether points have the slot of their band (B, L), and rows not the name of one."""
    return "band" in batch and np.ndim(batch["band"]) == 2


def own_means(values: np.ndarray, counted: np.ndarray, band: np.ndarray) -> np.ndarray:
    """(B, L) float64 mean of the values that count in the band of each point; of all that count where none does in its band.

    Args:
      values: (B, L). counted: (B, L) bool. band: (B, L) int.

    >>> own_means(np.array([[1.0, 3.0, 7.0, 5.0]]), np.array([[True, True, True, False]]), np.array([[0, 0, 1, 2]])).round(3).tolist()
    [[2.0, 2.0, 7.0, 3.667]]
    """
    values, counted, band = np.asarray(values, np.float64), np.asarray(counted, bool), np.asarray(band)
    shown = np.where(counted, values, 0.0)
    total = shown.sum(1, keepdims=True) / np.maximum(counted.sum(1, keepdims=True), 1)
    means = np.broadcast_to(total, values.shape).copy()
    for slot in np.unique(band):
        own = band == slot
        there = (own & counted).sum(1, keepdims=True)
        mean = np.where(own, shown, 0.0).sum(1, keepdims=True) / np.maximum(there, 1)
        means = np.where(own & (there > 0), mean, means)
    return means


def most_observed(batch: Mapping[str, Any], row: int) -> np.ndarray:
    """(N,) int, the points of a window to draw: of stars in several bands those in the band that has most."""
    there = np.flatnonzero(np.asarray(batch["mask"])[row])
    if not told_apart(batch):
        return there
    band = np.asarray(batch["band"])[row][there]
    return there[band == np.bincount(band).argmax()] if len(there) else there
