"""Simulated real/bogus stamps of four surveys for the adaptation benchmark, kept in a file of half floats."""

from pathlib import Path

import numpy as np

SURVEYS = ("hits", "des", "atlas", "ztf")
SIDE = 21
OBJECTS = 1600
"""Of each survey; half of them are learned from."""


def simulated(survey: str, objects: int = OBJECTS) -> tuple[np.ndarray, np.ndarray]:
    """(N, 21, 21, 3) float16, each plane of each stamp in [0, 1] by its own pixels, missing ones 0; and classes (N,)."""
    from data_pipelines.simulate.real_bogus import CLASS_NAMES, simulate_stamp

    made = [simulate_stamp(survey, 0, number) for number in range(objects)]
    off = (made[0][0].shape[0] - SIDE) // 2
    x = np.stack([stamp[off : off + SIDE, off : off + SIDE] for stamp, _ in made])
    there = np.isfinite(x)
    low = np.where(there, x, np.inf).min((1, 2), keepdims=True)
    span = np.maximum(np.where(there, x, -np.inf).max((1, 2), keepdims=True) - low, 1e-9)
    label = np.array([CLASS_NAMES.index(name) for _, name in made], np.uint8)
    return np.where(there, (x - low) / span, 0).astype(np.float16), label


def stored_surveys(folder: Path, objects: int = OBJECTS) -> dict[str, np.ndarray]:
    """`NAME_x`, `NAME_y` of every survey from `surveys.npz` in a folder, which is made first if it is not there."""
    path = folder / "surveys.npz"
    if not path.is_file():
        arrays = {}
        for name in SURVEYS:
            arrays[f"{name}_x"], arrays[f"{name}_y"] = simulated(name, objects)
        np.savez_compressed(path, **arrays)
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
