"""A detector for every group of classes, and which of them an object is sent to (arXiv 2308.05011, AJ 166, 151).

The probabilities of the groups come from a classifier of light curves. Scores of different detectors are no numbers of one scale:
each is given as the share of known objects of its group that are less unusual.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lcjax.errors import ConfigError, DataError, WeightsError
from lcjax.files import new_folder
from lcjax.systems.svdd.detectors import Detector, load_detector

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Transient": ("SLSN", "SNII", "SNIa", "SNIbc"),
    "Stochastic": ("AGN", "Blazar", "CV/Nova", "QSO", "YSO"),
    "Periodic": ("CEP", "DSCT", "E", "RRL", "LPV", "Periodic-Other"),
}
"""Of the ALeRCE taxonomy; Periodic-Other is never an outlier."""
_SETTINGS, _SCORES = "routing.json", "scores.npy"


@dataclasses.dataclass(frozen=True)
class Routed:
    """N objects."""

    group: np.ndarray
    """(N,) str, the group that each was sent to."""
    score: np.ndarray
    """(N,) of that group's detector."""
    share: np.ndarray
    """(N,) share of the group's known objects with a lower score: comparable over groups."""


@dataclasses.dataclass(frozen=True)
class HierarchicalDetector:
    """Detectors by group, and the ordered scores of the known objects of each."""

    detectors: Mapping[str, Detector]
    known_scores: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, detectors: Mapping[str, Detector], known: Mapping[str, np.ndarray]) -> "HierarchicalDetector":
        """Args: known: group -> (n, F) features of its known objects, best such that were not learned from.

        Raises:
          ConfigError: groups that do not match. DataError: a group without known objects.
        """
        if set(detectors) != set(known) or not detectors:
            raise ConfigError(
                f"there are detectors of {', '.join(sorted(detectors))} and known objects of {', '.join(sorted(known))}: give both "
                "for the same groups"
            )
        if empty := [name for name in known if not len(known[name])]:
            raise DataError(f"the group '{empty[0]}' has no known objects to compare scores with")
        return cls(dict(detectors), {name: np.sort(detectors[name].score(known[name])) for name in detectors})

    def score(self, features: np.ndarray, probabilities: Mapping[str, np.ndarray]) -> Routed:
        """Sends every object to its most probable group and scores it there.

        Args:
          features: (N, F) raw, the same columns for all groups. probabilities: group -> (N,).

        Raises:
          DataError: a group without probabilities, or probabilities that are not finite.
        """
        names = list(self.detectors)
        if missing := [name for name in names if name not in probabilities]:
            raise DataError(f"there are no probabilities of the group '{missing[0]}': give one of every group")
        table = np.stack([np.asarray(probabilities[name], float) for name in names], axis=1)
        if not np.isfinite(table).all():
            raise DataError(
                f"object {int(np.flatnonzero(~np.isfinite(table).all(1))[0])} has probabilities that are not finite"
            )
        sent = table.argmax(1)
        score, share = np.zeros(len(features)), np.zeros(len(features))
        for number, name in enumerate(names):
            rows = np.flatnonzero(sent == number)
            if len(rows):
                score[rows] = self.detectors[name].score(np.asarray(features)[rows])
                known = self.known_scores[name]
                share[rows] = np.searchsorted(known, score[rows]) / len(known)
        return Routed(np.array(names)[sent], score, share)

    def save(self, folder: Path | str) -> None:
        """Writes one folder for each group.

        Raises:
          StorageError: the folder holds something, or cannot be written.
        """
        names = list(self.detectors)
        with new_folder(Path(folder), "choose another folder") as temporary:
            (temporary / _SETTINGS).write_text(json.dumps({"groups": names}))
            for number, name in enumerate(names):
                self.detectors[name].save(temporary / str(number))
                np.save(temporary / str(number) / _SCORES, self.known_scores[name], allow_pickle=False)


def load_hierarchy(folder: Path | str) -> HierarchicalDetector:
    """What `save` wrote.

    Raises:
      WeightsError: nothing sound is there.
    """
    folder = Path(folder)
    try:
        names = json.loads((folder / _SETTINGS).read_text())["groups"]
        scores = [np.load(folder / str(i) / _SCORES, allow_pickle=False) for i in range(len(names))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"'{folder}' holds no sound hierarchy of detectors ({type(error).__name__}): save it again"
        ) from error
    detectors = [load_detector(folder / str(i)) for i in range(len(names))]
    return HierarchicalDetector(dict(zip(names, detectors, strict=True)), dict(zip(names, scores, strict=True)))
