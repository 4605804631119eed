"""Training and test stamps from few real alerts: split by object first, then classes injected into what each part holds."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipelines.kinds.alerts.records import stack_stamps
from data_pipelines.simulate.stamp_classes import CLASS_NAMES, ClassSettings, StampSimulator, quiet
from data_pipelines.sources.alerts import Alert, read_alerts
from lcjax.errors import DataError

_MIN_SIDE = 63


@dataclass(frozen=True)
class RealAlerts:
    """Real triplets."""

    stamps: np.ndarray  #: (N, 63, 63, 3) float32, counts
    object_id: np.ndarray  #: (N,) str
    label: np.ndarray  #: (N,) int, weak label as an index of CLASS_NAMES, -1 none


@dataclass(frozen=True)
class Sample:
    """Labelled stamps."""

    stamps: np.ndarray  #: (N, 63, 63, 3) float32
    label: np.ndarray  #: (N,) int32
    object_id: np.ndarray  #: (N,) str, the object whose stamp the background is


def read_real_alerts(folder: Path, labels: Path | None = None) -> RealAlerts:
    """The ZTF alerts of a folder, with weak labels from a table (columns `candid`, `weak_label`) where there is one.

    Raises:
      DataError: no usable alert.
    """
    known: dict[int, str] = {}
    if labels is not None and labels.is_file():
        with open(labels, newline="") as file:
            known = {int(row["candid"]): row["weak_label"].lower() for row in csv.DictReader(file) if row["weak_label"]}
    # Stamps without a packet have been rescaled by whoever saved them: their pixels are no counts.
    alerts = [a for a in read_alerts([folder]) if isinstance(a, Alert) and a.survey == "ztf"]
    triplets = [(a, stack_stamps(a)) for a in alerts]
    triplets = [(a, s) for a, s in triplets if s.shape == (_MIN_SIDE, _MIN_SIDE, 3)]
    if not triplets:
        raise DataError(f"'{folder}' holds no ZTF alert with three 63 x 63 stamps: give another --alerts")
    index = {name: k for k, name in enumerate(CLASS_NAMES)}
    return RealAlerts(
        np.stack([s for _, s in triplets]),
        np.array([a.object_id for a, _ in triplets]),
        np.array([index.get(known.get(a.alert_id, ""), -1) for a, _ in triplets]),
    )


def split_objects(real: RealAlerts, seed: int, shares: tuple[float, ...] = (0.6, 0.2, 0.2)) -> tuple[RealAlerts, ...]:
    """Parts (training, validation, test) of these shares, no object in two; shared out weak label by weak label."""
    rng = np.random.default_rng(seed)
    objects, first = np.unique(real.object_id, return_index=True)
    part_of: dict[str, int] = {}
    for label in np.unique(real.label[first]):
        own = rng.permutation(objects[real.label[first] == label])
        ends = np.round(np.cumsum(shares) * len(own))
        part_of |= dict(zip(own.tolist(), np.searchsorted(ends, np.arange(len(own)), side="right"), strict=True))
    parts = np.array([min(int(part_of[o]), len(shares) - 1) for o in real.object_id])
    picked = [parts == k for k in range(len(shares))]
    return tuple(RealAlerts(real.stamps[rows], real.object_id[rows], real.label[rows]) for rows in picked)


def weakly_labelled(part: RealAlerts) -> Sample:
    """The alerts that have a label, as they are."""
    rows = part.label >= 0
    return Sample(part.stamps[rows], part.label[rows].astype(np.int32), part.object_id[rows])


def injected(
    real: RealAlerts, per_class: int, seed: int, real_share: float = 0.0, settings: ClassSettings | None = None
) -> Sample:
    """Stamps with known classes, as many of each.

    Args:
      real: the backgrounds. seed: of everything.
      real_share: share of a class that are its weakly labelled real alerts, turned and flipped, where there are any.
    """
    rng = np.random.default_rng(seed)
    simulator = StampSimulator(settings)
    stamps, labels, objects = [], [], []
    for k, name in enumerate(CLASS_NAMES):
        own = np.flatnonzero(real.label == k)
        for _ in range(per_class):
            if len(own) and rng.random() < real_share:
                row = int(rng.choice(own))
                copy = np.rot90(real.stamps[row], int(rng.integers(4)))
                made = copy[::-1] if rng.random() < 0.5 else copy
            else:
                row = int(rng.integers(len(real.stamps)))
                made = simulator.make(rng, quiet(real.stamps[row], rng), name)
            stamps.append(made)
            labels.append(k)
            objects.append(real.object_id[row])
    return Sample(np.stack(stamps).astype(np.float32), np.array(labels, np.int32), np.array(objects))
