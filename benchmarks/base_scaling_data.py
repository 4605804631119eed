"""Stars of the scaling benchmark as one file: what a machine without TensorFlow learns from, and is scored on.

The training split, with and without labels, and the labelled stars of the development part; nothing that is held out.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.few_shot_stars import CLASSES, PARTS, Curve, hidden_elsewhere, read_curves, stars_of_split
from lcjax.errors import DataError
from lcjax.transforms.windows import sequential_edges

FILE = "stars.npz"
POOL, TESTED = 500, 80
"""Stars of each class to learn from, and of the development part, at most."""
_SERIES = ("mjd", "magnitude", "magnitude_error")


def write_stars(data: Sequence[Path], folder: Path) -> Path:
    """Exports prepared data (see `read_stars`); times keep 32 bits from the star's first, magnitudes and errors a tenth of a millimagnitude.

    Raises:
      DataError: no such data.
    """
    labelled = [curve for curve in read_curves(data, POOL, TESTED) if curve.part in ("train", PARTS[0])]
    labelled = [curve for curve in labelled if curve.label in CLASSES.get(curve.survey, ())]
    known = {(curve.survey, curve.object_id) for curve in labelled}
    others = [
        curve
        for curve in stars_of_split(data, "train", hidden_elsewhere(data))
        if (curve.survey, curve.object_id) not in known
    ]
    curves = labelled + [dataclasses.replace(curve, label="") for curve in others]
    middle = np.array([np.median(curve.magnitude) for curve in curves])
    begin = np.array([curve.mjd[0] for curve in curves])
    fine = lambda values, kind: np.clip(
        np.round(values * 1e4), *((-(2**31), 2**31 - 1) if kind == "<i4" else (0, 65535))
    ).astype(kind)
    arrays = {
        "length": np.array([len(curve.mjd) for curve in curves], np.int32),
        "begin": begin,
        "middle": middle,
        "time": np.concatenate([curve.mjd - first for curve, first in zip(curves, begin, strict=True)]).astype(
            np.float32
        ),
        "magnitude": fine(
            np.concatenate([curve.magnitude - m for curve, m in zip(curves, middle, strict=True)]), "<i4"
        ),
        "error": fine(np.nan_to_num(np.concatenate([curve.magnitude_error for curve in curves])), "<u2"),
        **{
            name: np.array([getattr(curve, name) for curve in curves])
            for name in ("object_id", "survey", "label", "part")
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / FILE, **arrays)
    return folder / FILE


def read_stars(folder: Path) -> list[Curve]:
    """The stars that `write_stars` wrote.

    Raises:
      DataError: there are none.
    """
    try:
        with np.load(folder / FILE, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
    except OSError as error:
        raise DataError(f"'{folder / FILE}' cannot be read ({error}): write it with --data and --write") from error
    edges = np.concatenate([[0], np.cumsum(arrays["length"])])
    curves = []
    for i, (a, b) in enumerate(itertools.pairwise(edges.tolist())):
        text = {name: str(arrays[name][i]) for name in ("object_id", "survey", "label", "part")}
        mjd = arrays["begin"][i] + arrays["time"][a:b].astype(np.float64)
        magnitude = (arrays["middle"][i] + arrays["magnitude"][a:b] / 1e4).astype(np.float32)
        curves.append(
            Curve(**text, mjd=mjd, magnitude=magnitude, magnitude_error=arrays["error"][a:b].astype(np.float32) / 1e4)
        )
    return curves


def labelled_of(curves: Sequence[Curve]) -> list[Curve]:
    """Those that are scored, in order."""
    return [curve for curve in curves if curve.label in CLASSES.get(curve.survey, ())]


class Windows:
    """Windows of some stars in memory, as `PreparedStars` wants a split."""

    class_names: tuple[str, ...] = ()

    def __init__(self, curves: Sequence[Curve], length: int, split: str = "train") -> None:
        """Cuts curves into windows of at most `length` points, in order."""
        self.curves, self.length, self.split = tuple(curves), length, split
        self.n_objects, self.fingerprint = len(curves), f"{len(curves)} stars"

    @property
    def labels(self) -> np.ndarray:
        """Nothing is learned from labels."""
        return np.full(len(self.curves), -1, np.int32)

    @property
    def dataset_of_record(self) -> np.ndarray:
        """(R,) str."""
        return np.array([curve.survey for curve in self.curves])

    def describe(self) -> dict[str, Any]:
        """Counts."""
        return {"objects": self.n_objects}

    @cached_property
    def windows(self) -> dict[str, np.ndarray]:
        """All, (N, length) each."""
        rows = []
        for record, curve in enumerate(self.curves):
            edges = sequential_edges(len(curve.mjd), self.length).tolist()
            rows += [(record, slice(a, b)) for a, b in itertools.pairwise(edges)]
        out: dict[str, np.ndarray] = {
            name: np.zeros((len(rows), self.length), np.float32) for name in ("time", *_SERIES[1:])
        }
        out["mask"] = np.zeros((len(rows), self.length), bool)
        for i, (record, points) in enumerate(rows):
            mjd, magnitude, error = (getattr(self.curves[record], name)[points] for name in _SERIES)
            count = len(mjd)
            out["time"][i, :count] = mjd - 0.5 * (mjd[0] + mjd[-1])
            out["magnitude"][i, :count], out["magnitude_error"][i, :count] = magnitude, error
            out["mask"][i, :count] = True
        out["record"] = np.array([record for record, _ in rows], np.int32)
        out["weight"] = np.ones(len(rows), np.float32)
        return out

    def evaluation_batches(self) -> Iterator[dict[str, np.ndarray]]:
        """All windows in one batch."""
        names = np.array([curve.object_id for curve in self.curves])
        yield {**self.windows, "object_id": names[self.windows["record"]]}

    def simulated_stars(self, count: int, classes: Sequence[str], length: int, seed: int) -> dict[str, np.ndarray]:
        """As prepared data has them."""
        from data_pipelines.kinds.light_curves.simulated_like import simulated_like

        return simulated_like(self.evaluation_batches(), self.dataset_of_record, count, classes, length, seed)
