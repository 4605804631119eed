"""Where windows of a light curve start, and the published way of cutting them (A&A 670, A54)."""

import numpy as np


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
    starts = published_starts(len(light_curve), length)
    return np.stack([light_curve[s : s + length] for s in starts])
