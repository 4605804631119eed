"""Layers as the papers write them, in float64 numpy: what networks must be on a machine without recorded originals."""

import numpy as np


def dense(x, layer):
    """x W + b."""
    return np.asarray(x, np.float64) @ np.asarray(layer["kernel"], np.float64) + layer["bias"]


def layer_norm(x, layer, epsilon):
    """Over the last axis."""
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * layer["scale"] + layer["bias"]


def softmax(x):
    """Over the last axis."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def conv(x, layer, padding="VALID"):
    """Of (N, H, W, C) with a kernel (K, K, C, F); SAME puts the odd row and column of zeros last."""
    kernel = np.asarray(layer["kernel"], np.float64)
    size = kernel.shape[0]
    if padding == "SAME":
        x = np.pad(x, [(0, 0), *[((size - 1) // 2, size // 2)] * 2, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))  # (N, H, W, C, K, K)
    return np.tensordot(windows, kernel.transpose(2, 0, 1, 3), 3) + layer["bias"]


def max_pool(x, padding="VALID"):
    """2 x 2; SAME keeps the last row and column of odd sides."""
    if padding == "SAME":
        x = np.pad(x, [(0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0)], constant_values=-np.inf)
    rows, columns = x.shape[1] // 2, x.shape[2] // 2
    x = x[:, : 2 * rows, : 2 * columns].reshape(len(x), rows, 2, columns, 2, -1)
    return x.max((2, 4))


def heads(x, count):
    """(B, L, D) -> (B, H, L, D / H)."""
    return x.reshape(*x.shape[:2], count, -1).transpose(0, 2, 1, 3)


def sinusoids(time, frequencies):
    """Sine in even channels, cosine in odd ones."""
    angle = np.asarray(time, np.float64)[..., None] * np.asarray(frequencies, np.float64)
    return np.where(np.arange(len(frequencies)) % 2 == 0, np.sin(angle), np.cos(angle))


def copies(image):
    """The eight turned and mirrored (S, S, ...) images, each with the matrix that takes its vectors back to the original's."""
    side = image.shape[0] | 1
    middle = side // 2
    place = np.stack(np.meshgrid(*[np.arange(side) - middle] * 2, indexing="ij"), -1)
    for mirrored in (False, True):
        for turns in range(4):
            change = lambda a, m=mirrored, k=turns: np.rot90(a[::-1] if m else a, k, axes=(0, 1))
            moved = change(place)
            yield change(image), np.stack([moved[middle + 1, middle], moved[middle, middle + 1]], -1)
