"""The few-shot benchmark's stars and draws as one file of arrays, for machines that have neither the data nor TensorFlow.

Rows are windows, in the order of the light curves; a run says which of them it learns from and which choose its weights. Who
is drawn, held for validation and tested is what `python -m benchmarks few-shot` has with the same options.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lcjax.errors import DataError

STARS, TRANSFER, VIEWS = "windows.npz", "transfer.npz", "views.npz"
SERIES = ("time", "magnitude", "magnitude_error")
PARTS = ("train", "development", "held out")


@dataclasses.dataclass(frozen=True)
class Run:
    """One draw of labelled stars of one question."""

    question: str
    shots: int
    seed: int
    learn: np.ndarray
    """(N,) rows of windows to learn from."""
    held: np.ndarray
    """(M,) rows of windows that choose the best weights."""


@dataclasses.dataclass(frozen=True)
class Arrays:
    """All that trainings and scores of many runs need."""

    stars: str
    """Fingerprint of the light curves, that of the few-shot benchmark."""
    windows: Mapping[str, Any]
    """Entries of a batch, (W, ...) each, without labels; may be nested."""
    points: np.ndarray
    """(W,) int, of each window."""
    curve: np.ndarray
    """(W,) int, light curve of each window, ascending."""
    objects: np.ndarray
    """(C,) str, survey and name of the star of every light curve."""
    part: np.ndarray
    """(C,) int: 0 to learn from, 1 development, 2 held out."""
    classes: Mapping[str, tuple[str, ...]]
    """Of every question."""
    label: Mapping[str, np.ndarray]
    """Question -> (C,) int, -1 where a light curve has no part in it."""
    runs: tuple[Run, ...]

    def asked(self, question: str) -> np.ndarray:
        """Rows of windows to be scored on."""
        return np.flatnonzero(((self.part > 0) & (self.label[question] >= 0))[self.curve])

    def of(self, question: str) -> list[Run]:
        """The runs of a question, few labels first."""
        return sorted((run for run in self.runs if run.question == question), key=lambda r: (r.shots, r.seed))


def read(path: Path) -> Arrays:
    """What `write` wrote.

    Raises:
      DataError: there is no such file, or it is no file of this kind.
    """
    if not path.is_file():
        raise DataError(f"there is no file '{path}': write it with --export on a machine that has the prepared data")
    with np.load(path, allow_pickle=False) as file:
        stored = {name: file[name] for name in file.files}
    if "record" not in stored:
        raise DataError(f"'{path}' holds no stars of the few-shot benchmark: write it with --export")
    record = json.loads(stored["record"].item())
    runs = [
        Run(*told, stored[f"learn/{i}"], stored[f"held/{i}"])  # type: ignore[arg-type]
        for i, told in enumerate(record["runs"])
    ]
    own = lambda kind: {name.split("/", 1)[1]: value for name, value in stored.items() if name.startswith(f"{kind}/")}
    views = own("views")
    windows = {"views": views, "mask": np.ones((len(stored["count"]), 1), bool)} if views else _padded(stored, record)
    classes = {name: tuple(some) for name, some in record["classes"].items()}
    both = stored["objects"], stored["part"]
    return Arrays(record["stars"], windows, stored["count"], stored["curve"], *both, classes, own("label"), tuple(runs))


def _padded(stored: Mapping[str, np.ndarray], record: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Windows of the points that lie one behind the other."""
    mask = np.arange(record["length"]) < stored["count"][:, None]
    windows: dict[str, np.ndarray] = {"mask": mask, "length": stored["count"]}
    for name in SERIES:
        windows[name] = np.zeros(mask.shape, np.float32)
        windows[name][mask] = stored[name]
    return windows
