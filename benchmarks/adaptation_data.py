"""Images of two domains for the adaptation benchmark: altered digits, MNIST and USPS, simulated surveys; draws by seed."""

from pathlib import Path

import numpy as np

from benchmarks.adaptation_runs import Pair
from lcjax.errors import DataError

VALIDATION = 3
"""Labelled target images of each class that choose the weights."""
ALTERED = ("digits_rot24", "digits_noise35")


def load(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a file.

    Raises:
      DataError: there is none.
    """
    if not path.is_file():
        raise DataError(f"there is no file '{path}': say where the digits are with --digits and --altered")
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def drawn(label: np.ndarray, shots: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the shots and of the validation: so many of each class, by seed."""
    rng, chosen, kept = np.random.default_rng([seed, 5]), [], []
    for k in np.unique(label):
        own = rng.permutation(np.flatnonzero(label == k))
        chosen.append(own[:shots])
        kept.append(own[shots : shots + VALIDATION])
    return np.concatenate(chosen), np.concatenate(kept)


def altered_digits(folder: Path, name: str, shots: int, seed: int) -> Pair:
    """Digits of 8 x 8 pixels and their turned, noisy copies, with the stored draws of shots where there are any."""
    z = load(folder / f"{name}.npz")
    images = lambda key: z[key].astype(np.float32)[..., None]
    known = f"label_idx_{shots}shot_seed{seed}"
    if known in z:
        own, kept = z[known], z[f"val_idx_{shots}shot_seed{seed}"]
    else:
        own, kept = drawn(z["yt_pool"], shots, seed)
    pool, label = images("xt_pool"), z["yt_pool"]
    rest = np.setdiff1d(np.arange(len(pool)), kept)
    return Pair(
        (images("xs_train"), z["ys_train"]),
        (pool[own], label[own]),
        pool[rest],
        (pool[kept], label[kept]),
        {"source": (images("xs_test"), z["ys_test"]), "target": (images("xt_test"), z["yt_test"])},
    )


def enlarged(images: np.ndarray, side: int = 32) -> np.ndarray:
    """(N, h, w) uint8 -> (N, side, side, 1) float32 in [0, 1], bilinear."""
    height, width = images.shape[1:]
    at = lambda n: np.clip((np.arange(side) + 0.5) * n / side - 0.5, 0, n - 1)
    y, x = at(height), at(width)
    low_y, low_x = np.floor(y).astype(int), np.floor(x).astype(int)
    high_y, high_x = np.minimum(low_y + 1, height - 1), np.minimum(low_x + 1, width - 1)
    fy, fx = (y - low_y).astype(np.float32)[:, None], (x - low_x).astype(np.float32)
    v = images.astype(np.float32) / 255
    top = v[:, low_y][:, :, low_x] * (1 - fx) + v[:, low_y][:, :, high_x] * fx
    bottom = v[:, high_y][:, :, low_x] * (1 - fx) + v[:, high_y][:, :, high_x] * fx
    return (top * (1 - fy) + bottom * fy)[..., None]


def digits(folder: Path, source: str, target: str, shots: int, seed: int, rows: int = 2000) -> Pair:
    """MNIST and USPS: `rows` source images, the target's first half to learn from and its second half to be judged by."""
    z = load(folder / "mnist_usps_dev.npz")
    rng = np.random.default_rng([seed, 11])
    of = lambda name: (enlarged(z[f"{name}_x"]), z[f"{name}_y"].astype(np.int64))
    (xs, ys), (xt, yt) = of(source), of(target)
    order = rng.permutation(len(ys))
    learned, held = order[:rows], order[rows:]
    half = len(yt) // 2
    pool, label = xt[:half], yt[:half]
    own, kept = drawn(label, shots, seed)
    rest = np.setdiff1d(np.arange(half), kept)
    return Pair(
        (xs[learned], ys[learned]),
        (pool[own], label[own]),
        pool[rest],
        (pool[kept], label[kept]),
        {"source": (xs[held], ys[held]), "target": (xt[half:], yt[half:])},
    )
