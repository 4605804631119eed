"""Where in its stamps a classifier looks: what hiding a patch does to a probability, or the gradient.

Occlusion: Zeiler & Fergus 2014 (ECCV), section 2.1. A patch of the chosen stamps is replaced by the median of the stamp, for every
patch of a grid; the fall of the class's probability is the patch's weight. Gradient: times the input, as in Shrikumar et al. 2017.
"""

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from lcjax.errors import ConfigError, DataError
from lcjax.hunt.candidates import STAMP_NAMES, Candidate, Classifier, Cutout
from lcjax.hunt.guards import Pace

_GRID = 13
"""Patches a side."""
_ALL = "all"


def occlusion(
    model: Classifier, candidate: Candidate, label: int, stamp: str = _ALL, grid: int = _GRID
) -> dict[str, Any]:
    """`map` (G, G): how much the probability of a class falls when that patch is hidden.

    Args:
      label: number of the class. stamp: the stamp that is hidden, or `all` three. grid: patches a side.

    Raises:
      ConfigError: no such stamp. DataError: the model cannot take the candidate.
    """
    names = STAMP_NAMES if stamp == _ALL else (stamp,)
    if unknown := set(names) - set(candidate.cutouts):
        raise ConfigError(
            f"there is no stamp '{min(unknown)}' to hide: it has {', '.join(candidate.cutouts) or 'none'}"
        )
    hidden = [candidate]
    for row in range(grid):
        for column in range(grid):
            covered = {name: _covered(candidate.cutouts[name], row, column, grid) for name in names}
            hidden.append(dataclasses.replace(candidate, cutouts={**candidate.cutouts, **covered}))
    answers = model.classify(hidden)
    if isinstance(answers[0], str):
        raise DataError(f"'{model.name}' says nothing of this candidate: {answers[0]}")
    base = float(answers[0][label])
    falls = [base - float(a[label]) if not isinstance(a, str) else 0.0 for a in answers[1:]]
    return {"map": np.reshape(falls, (grid, grid)).tolist(), "probability": base, "stamp": stamp}


def _covered(cutout: Cutout, row: int, column: int, grid: int) -> Cutout:
    """The cutout with one patch, half as large again as the grid's cells, at its median."""
    pixels = np.array(cutout.pixels, np.float32)
    spans = []
    for at, side in zip((row, column), pixels.shape, strict=True):
        cell = side / grid
        spans.append(slice(max(0, int((at - 0.25) * cell)), min(side, int(np.ceil((at + 1.25) * cell)))))
    good = pixels[np.isfinite(pixels)]
    pixels[tuple(spans)] = np.median(good) if good.size else 0.0
    return dataclasses.replace(cutout, pixels=pixels)


def gradient(model: Classifier, candidate: Candidate, label: int, stamp: str = _ALL) -> dict[str, Any]:
    """`map` (H, W): gradient of the class's log-probability times the stamps, of one stamp or summed over all.

    Raises:
      ConfigError: the model gives no gradient, or there is no such stamp.
    """
    if stamp != _ALL and stamp not in STAMP_NAMES:
        raise ConfigError(f"there is no stamp '{stamp[:40]}': use {', '.join(STAMP_NAMES)} or {_ALL}")
    found = model.gradient(candidate, label)
    if found is None:
        raise ConfigError(f"'{model.name}' gives no gradient for this candidate: ask for occlusion")
    chosen = np.nan_to_num(found.sum(-1) if stamp == _ALL else found[..., STAMP_NAMES.index(stamp)])
    return {"map": chosen.astype(float).tolist(), "stamp": stamp}


class Explanations:
    """The last ones, kept; new ones are made one at a time, and not too many for one visitor."""

    def __init__(self, remembered: int = 200) -> None:
        """`remembered`: how many."""
        self._remembered, self._pace, self._turn = remembered, Pace(2, 12), threading.Lock()
        self._found: OrderedDict[Hashable, dict[str, Any]] = OrderedDict()

    def find(self, key: Hashable, make: Callable[[], dict[str, Any]], visitor: str) -> dict[str, Any] | None:
        """The explanation of a key, made where it is not there; None: the visitor asks for too many."""
        with self._turn:
            if key in self._found:
                return self._found[key]
            if not self._pace.allows(visitor):
                return None
            self._found[key] = make()
            while len(self._found) > self._remembered:
                self._found.popitem(last=False)
            return self._found[key]
