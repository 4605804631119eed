"""Domains of images for the adaptation benchmark, and which rows of them a run learns from: draws by seed.

A question's images lie in one array, so that many runs of other pairs, shots and seeds train at once on one device.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.adaptation_surveys import SURVEYS, stored_surveys
from lcjax.errors import ConfigError, DataError

VALIDATION = 3
"""Labelled target images of each class that choose the weights."""
ALTERED = ("digits_rot24", "digits_noise35")
_SOURCE_ROWS = 2000
"""Labelled source images of the digits, as published."""
_STAMPS = ("surveys", "surveys_small")
_JUDGED = 400
"""Stamps of a survey that judge, of those that nothing is learned from."""


@dataclass(frozen=True)
class Domains:
    """Images of all domains of a question."""

    names: tuple[str, ...]
    images: np.ndarray
    """(D, N, H, W, C) float32, as networks take them; shorter domains end in zeros."""
    label: np.ndarray
    """(D, N) int32, -1 where there is no image."""

    @property
    def classes(self) -> int:
        """How many there are."""
        return int(self.label.max()) + 1

    def as_vectors(self) -> "Domains":
        """Every image as one row of numbers (1, H W C, 1)."""
        flat = self.images.reshape(*self.images.shape[:2], 1, -1, 1)
        return replace(self, images=flat)

    def rows(self, name: str) -> int:
        """Images of a domain."""
        return int((self.label[self.names.index(name)] >= 0).sum())


@dataclass(frozen=True)
class Draw:
    """The rows that one run learns from, is chosen by and is judged by."""

    source: str
    target: str
    rows: Mapping[str, np.ndarray]
    """Of the streams `source`, `target` (the shots) and `unlabelled`."""
    validation: np.ndarray
    """Of the target."""
    judged: Mapping[str, np.ndarray]
    """`source` and `target`."""


@cache
def load(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a file.

    Raises:
      DataError: there is none.
    """
    if not path.is_file():
        raise DataError(f"there is no file '{path}': say with --arrays where it is, or leave its question out")
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def stacked(parts: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Domains:
    """Domains of (images (N, H, W, C), label (N,)) as one array."""
    most = max(len(label) for _, label in parts.values())
    shape = next(iter(parts.values()))[0].shape[1:]
    images = np.zeros((len(parts), most, *shape), np.float32)
    labels = np.full((len(parts), most), -1, np.int32)
    for d, (own, label) in enumerate(parts.values()):
        images[d, : len(own)], labels[d, : len(own)] = own, label
    return Domains(tuple(parts), images, labels)


def drawn(label: np.ndarray, shots: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the shots and of the validation: so many of each class, by seed.

    Raises:
      DataError: a class has too few.
    """
    rng, chosen, kept = np.random.default_rng([seed, 5]), [], []
    for k in np.unique(label):
        own = rng.permutation(np.flatnonzero(label == k))
        if len(own) < shots + VALIDATION:
            raise DataError(
                f"class {k} of the target has {len(own)} images, fewer than {shots} shots and {VALIDATION} for validation"
            )
        chosen.append(own[:shots])
        kept.append(own[shots : shots + VALIDATION])
    return np.concatenate(chosen), np.concatenate(kept)


def balanced_rows(rows: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The rows with those of rarer classes repeated, so that every class is as frequent as the commonest.

    >>> balanced_rows(np.array([5, 6, 7]), np.array([0, 0, 1])).tolist()
    [5, 6, 7, 7]
    """
    most = max((label == k).sum() for k in np.unique(label))
    return np.concatenate([np.resize(rows[label == k], most) for k in np.unique(label)])


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


@cache
def domains_of(question: str, folder: Path, vectors: bool = False) -> Domains:
    """All images of a question; `vectors`: as rows of numbers.

    Raises:
      DataError: a file is missing.
    """
    if vectors:
        return domains_of(question, folder).as_vectors()
    if question == "digits":
        z = load(folder / "mnist_usps_dev.npz")
        return stacked({name: (enlarged(z[f"{name}_x"]), z[f"{name}_y"]) for name in ("mnist", "usps")})
    if question in _STAMPS:
        z = stored_surveys(folder)
        return stacked({name: (z[f"{name}_x"], z[f"{name}_y"]) for name in SURVEYS})
    parts = {}
    for name in ALTERED:
        z = load(folder / f"{name}.npz")
        for domain, halves in (("source", ("s_train", "s_test")), ("target", ("t_pool", "t_test"))):
            images = np.concatenate([z[f"x{half}"] for half in halves]).astype(np.float32)[..., None]
            parts[f"{name} {domain}"] = (images, np.concatenate([z[f"y{half}"] for half in halves]))
    return stacked(parts)


def pairs_of(question: str) -> tuple[str, ...]:
    """Names of the pairs of domains."""
    if question == "altered":
        return ALTERED
    names = ("mnist", "usps") if question == "digits" else SURVEYS
    return tuple(f"{a} to {b}" for a in names for b in names if a != b)


def draw_of(question: str, folder: Path, pair: str, shots: int, seed: int) -> Draw:
    """The rows of a run.

    Raises:
      ConfigError: there is no such pair. DataError: a class of the target has too few images.
    """
    if pair not in pairs_of(question):
        raise ConfigError(f"there is no pair '{pair}': there are {', '.join(pairs_of(question))}")
    domains = domains_of(question, folder)
    if question == "altered":
        return _altered(domains, load(folder / f"{pair}.npz"), pair, shots, seed)
    source, target = pair.split(" to ")
    count = domains.rows(source)
    if question == "digits":
        order = np.random.default_rng([seed, 11]).permutation(count)
        learned, held = order[:_SOURCE_ROWS], order[_SOURCE_ROWS:]
    else:
        learned, held = np.arange(count // 2), np.arange(count // 2, count)[:_JUDGED]
    half, count = domains.rows(target) // 2, domains.rows(target)
    judged = np.arange(half, count)[: _JUDGED if question in _STAMPS else None]
    label = domains.label[domains.names.index(target)][:half]
    return _draw(domains, source, target, learned, *drawn(label, shots, seed), half, held, judged)


def _altered(domains: Domains, z: Mapping[str, np.ndarray], pair: str, shots: int, seed: int) -> Draw:
    """With the stored draws where there are any."""
    if f"label_idx_{shots}shot_seed{seed}" in z:
        own, kept = z[f"label_idx_{shots}shot_seed{seed}"], z[f"val_idx_{shots}shot_seed{seed}"]
    else:
        own, kept = drawn(z["yt_pool"], shots, seed)
    learned, pool = len(z["ys_train"]), len(z["yt_pool"])
    held = np.arange(learned, learned + len(z["ys_test"]))
    judged = np.arange(pool, pool + len(z["yt_test"]))
    return _draw(domains, f"{pair} source", f"{pair} target", np.arange(learned), own, kept, pool, held, judged)


def _draw(
    domains: Domains,
    source: str,
    target: str,
    learned: np.ndarray,
    shots: np.ndarray,
    kept: np.ndarray,
    pool: int,
    held: np.ndarray,
    judged: np.ndarray,
) -> Draw:
    label = domains.label[domains.names.index(source)][learned]
    rows = {"source": balanced_rows(learned, label), "target": shots, "unlabelled": np.setdiff1d(np.arange(pool), kept)}
    return Draw(source, target, rows, kept, {"source": held, "target": judged})
