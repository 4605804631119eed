"""Simulated real/bogus stamps of four surveys for the adaptation benchmark."""

from functools import cache

import numpy as np

from benchmarks.adaptation_data import drawn
from benchmarks.adaptation_runs import Pair
from data_pipelines.simulate.real_bogus import CLASS_NAMES, simulate_stamp

SURVEYS = ("hits", "des", "atlas", "ztf")
SIDE = 21


@cache
def stamps(survey: str, objects: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, 21, 21, 3) float32, each plane of each stamp in [0, 1] by its own pixels, missing ones 0; and classes (N,)."""
    made = [simulate_stamp(survey, 0, number) for number in range(objects)]
    off = (made[0][0].shape[0] - SIDE) // 2
    x = np.stack([stamp[off : off + SIDE, off : off + SIDE] for stamp, _ in made])
    there = np.isfinite(x)
    low = np.where(there, x, np.inf).min((1, 2), keepdims=True)
    span = np.maximum(np.where(there, x, -np.inf).max((1, 2), keepdims=True) - low, 1e-9)
    label = np.array([CLASS_NAMES.index(name) for _, name in made])
    return np.where(there, (x - low) / span, 0).astype(np.float32), label


def survey_pair(source: str, target: str, shots: int, draw: int, objects: int) -> Pair:
    """Half of each survey to learn from, half to be judged by."""
    (xs, ys), (xt, yt) = stamps(source, objects), stamps(target, objects)
    half = objects // 2
    own, kept = drawn(yt[:half], shots, draw)
    rest = np.setdiff1d(np.arange(half), kept)
    return Pair(
        (xs[:half], ys[:half]),
        (xt[:half][own], yt[:half][own]),
        xt[:half][rest],
        (xt[:half][kept], yt[:half][kept]),
        {"source": (xs[half:], ys[half:]), "target": (xt[half:], yt[half:])},
    )
