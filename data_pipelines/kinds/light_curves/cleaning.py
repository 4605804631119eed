"""Cleaning of one light curve: explicit rules, every dropped point counted, every rejected object named with its reason."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from data_pipelines.kinds.light_curves.flux_counts import FluxCounts
from data_pipelines.kinds.light_curves.fluxes import FluxSeries
from data_pipelines.kinds.light_curves.sentinels import filled_magnitudes
from data_pipelines.kinds.light_curves.times import MJD_ZERO, SCALE
from data_pipelines.kinds.report import SplitCounts, counted
from data_pipelines.sources.light_curve import RawLightCurve
from lcjax.errors import Rejection

HELD = "records hold"
SAID = ("times", SCALE, "brightness", HELD, "flags")
"""What is said of the columns of a table beside their names (see `interpretation`)."""
COPY = "copy of a point"
"""Dropped without any loss: the same time, magnitude and error are there."""
REPEATED = "the same in two parts of a star"
"""Likewise, where parts of a star were put together."""
JULIAN_DATE = 2_400_000.0


@dataclass(frozen=True)
class CleaningSettings:
    """Which points and objects are kept."""

    min_points: int = 5
    """Objects with fewer sound points are rejected (the originals' rule); of fluxes, where there are fluxes."""
    max_error: float = 1.0
    """mag; errors of magnitudes must lie in (0, max_error] (Astromer 2 keeps 0 < error < 1), those of fluxes be above 0."""
    max_magnitude: float = 50.0
    """|magnitude| beyond this is a sentinel such as 99.999. No rule on sign: MACHO magnitudes are negative."""
    max_years_from_median: float = 100.0
    """Times farther than this from the object's median time are corrupt."""
    max_loss: float = 0.2
    """Largest part of light curves, or of points, that may be set aside before this counts as a failure; 1: any."""


@dataclass(frozen=True)
class CleanLightCurve:
    """A light curve fit for use: strictly ascending times, finite values, errors in range."""

    object_id: str
    band: str
    mjd: np.ndarray
    """(N,) float64, days, strictly ascending."""
    magnitude: np.ndarray
    """(N,) float32, mag."""
    magnitude_error: np.ndarray
    """(N,) float32, mag, > 0."""
    label: str | None
    metadata: dict[str, float]
    labels: tuple[str, ...] = ()
    """Every class that was found for the object, where there are several."""
    fluxes: FluxSeries | None = None
    """Where the brightness is more than magnitudes: all sound points, at strictly ascending times."""


@dataclass
class CleaningReport:
    """What cleaning did, in numbers and names."""

    rejection_columns: ClassVar[tuple[str, ...]] = ("object_id", "reason", "origin")

    points_read: int = 0
    points_kept: int = 0
    points_dropped: Counter = dataclasses.field(default_factory=Counter)
    curves_kept: int = 0
    rejected: list[Rejection] = dataclasses.field(default_factory=list)
    notes: Counter = dataclasses.field(default_factory=Counter)
    """What was mended without loss: Julian dates converted, unsorted times sorted."""
    bad_files: dict[str, str] = dataclasses.field(default_factory=dict)
    """Damaged or unreadable files and why."""
    other_files: dict[str, None] = dataclasses.field(default_factory=dict)
    """Files of the folders given that are of no light-curve format, in the order found."""
    columns: dict[str, str] = dataclasses.field(default_factory=dict)
    """Field -> column, and what times, brightness and flags are; of several tables that differ, all."""
    label_conflicts: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """Objects of several classes, which are left unlabelled, and the classes."""
    labels_of_none: list[str] = dataclasses.field(default_factory=list)
    """Names in tables of labels that no light curve has."""
    splits: SplitCounts = dataclasses.field(default_factory=SplitCounts)
    fluxes: FluxCounts | None = None
    """Of datasets that hold fluxes; the points are then fluxes."""
    time_scales: dict[str, None] = dataclasses.field(default_factory=dict)
    """Of all tables, in the order found; empty for those that do not say."""

    def set_aside(self, rejection: Rejection, points: int) -> None:
        """Rejects a light curve that was kept with so many points."""
        self.rejected.append(rejection)
        self.curves_kept -= 1
        self.points_kept -= points
        self.points_dropped["of rejected objects"] += points

    def add_fluxes(self, fluxes: FluxSeries, magnitudes: int, min_points: int) -> None:
        """Notes what one more light curve, kept with so many magnitudes, has in fluxes."""
        self.fluxes = self.fluxes or FluxCounts()
        self.fluxes.add(fluxes, magnitudes, min_points)

    def add_columns(self, found: Mapping[str, str]) -> None:
        """Notes what the columns of one more table are."""
        self.time_scales[found.get(SCALE, "")] = None
        for name, text in found.items():
            known = self.columns.setdefault(name, text)
            if text not in known.split("; "):
                self.columns[name] = f"{known}; {text}"

    def facts(self) -> dict[str, str]:
        """For the manifest: what times and brightness were, where a table said it."""
        said = self.columns
        if len(self.time_scales) > 1:
            said = said | {SCALE: "; ".join(scale or "not said" for scale in self.time_scales)}
        return {name: said[name] for name in SAID if name in said}

    @property
    def time_scale(self) -> str:
        """Of all times; empty where it is not known, or differs."""
        return next(iter(self.time_scales)) if len(self.time_scales) == 1 else ""

    def reasons(self) -> Counter[str]:
        """Rejections by reason, details left out."""
        return Counter(r.fault for r in self.rejected)

    def rows(self, records: Mapping[str, int]) -> dict[str, str]:
        """What is printed."""
        rows = {
            "light curves kept": f"{self.curves_kept:,} ({counted(records)})",
            "rejected": f"{len(self.rejected):,} ({counted(self.reasons())})",
            "points kept": f"{self.points_kept:,} of {self.points_read:,}",
            "points dropped": counted(self.points_dropped),
            "mended": counted(self.notes),
        }
        if self.fluxes is not None:
            rows |= self.fluxes.rows()
        if self.label_conflicts:
            some = [f"{name}: {' or '.join(labels)}" for name, labels in list(self.label_conflicts.items())[:3]]
            more = "; ..." if len(self.label_conflicts) > 3 else ""
            rows["left unlabelled"] = f"{len(self.label_conflicts):,} of several classes ({'; '.join(some)}{more})"
        rows |= self.splits.rows()
        if self.labels_of_none:
            some = ", ".join(self.labels_of_none[:3]) + (", ..." if len(self.labels_of_none) > 3 else "")
            rows["labels not used"] = f"{len(self.labels_of_none):,}, no light curve has these names ({some})"
        if self.columns:
            rows["columns"] = ", ".join(f"{k} = {v}" for k, v in self.columns.items() if k not in SAID)
            rows |= self.facts()
        return rows

    def as_dict(self) -> dict:
        """For `cleaning.json`."""
        return {
            "points_read": self.points_read,
            "points_kept": self.points_kept,
            "points_dropped": dict(self.points_dropped),
            "curves_kept": self.curves_kept,
            "curves_rejected": dict(self.reasons()),
            "mended": dict(self.notes),
            "bad_files": self.bad_files,
            "other_files": list(self.other_files),
            "columns": self.columns,
            "label_conflicts": {name: list(labels) for name, labels in self.label_conflicts.items()},
            "labels_of_none": self.labels_of_none,
            **self.splits.as_dict(),
            **({"fluxes": self.fluxes.as_dict()} if self.fluxes is not None else {}),
        }


def in_mjd(time: np.ndarray) -> tuple[np.ndarray, bool]:
    """Times of which whole Julian dates have become MJD, and whether there were any."""
    julian = time > JULIAN_DATE
    return (np.where(julian, time - MJD_ZERO, time), True) if julian.any() else (time, False)


def near_the_others(time: np.ndarray, settings: CleaningSettings) -> np.ndarray:
    """(N,) bool, False at times far from the median."""
    return np.abs(time - np.median(time)) <= 365.25 * settings.max_years_from_median


def clean(
    raw: RawLightCurve, settings: CleaningSettings, report: CleaningReport | None = None
) -> CleanLightCurve | Rejection:
    """Drops unsound points, sorts, and keeps or rejects the object.

    In order: values that are not finite; magnitudes beyond any star, and such as stand for nothing; Julian dates become MJD; times far from the median;
    errors out of range; then points are sorted and of those at one time the one with the smallest error stays.
    """
    report = CleaningReport() if report is None else report
    time, magnitude, error = (np.asarray(a, np.float64) for a in (raw.mjd, raw.magnitude, raw.magnitude_error))
    report.points_read += len(time) + raw.repeated + sum(raw.lost.values())
    if raw.repeated:
        report.points_dropped[REPEATED] += raw.repeated
    if raw.parts > 1:
        report.notes["stars put together of several parts"] += 1

    def reject(reason: str) -> Rejection:
        rejection = Rejection(raw.object_id, reason, raw.origin)
        report.rejected.append(rejection)
        return rejection

    if not raw.object_id:
        report.points_dropped.update(raw.lost)
        report.points_dropped["of rejected objects"] += len(time)
        return reject("no object id")
    if raw.fault:
        report.points_dropped.update(raw.lost)
        report.points_dropped["of rejected objects"] += len(time)
        return reject(raw.fault)
    if not len(time) == len(magnitude) == len(error):
        report.points_dropped.update(raw.lost)
        report.points_dropped["of rejected objects"] += len(time)
        return reject(f"columns of unequal length: {len(time)} times, {len(magnitude)} magnitudes, {len(error)} errors")

    dropped: Counter = Counter(raw.lost)

    def keep(good: np.ndarray, reason: str) -> None:
        nonlocal time, magnitude, error
        bad = len(good) - int(np.count_nonzero(good))
        if bad:
            dropped[reason] += bad
            time, magnitude, error = time[good], magnitude[good], error[good]

    keep(np.isfinite(time), "time not finite")
    keep(np.isfinite(magnitude), "magnitude not finite")
    keep(np.abs(magnitude) <= settings.max_magnitude, "magnitude is a sentinel")
    keep(~filled_magnitudes(magnitude), "magnitude is a sentinel")
    keep(np.isfinite(error), "error not finite")
    smallest = np.finfo(np.float32).tiny  # smaller ones are 0 in the float32 of the records
    keep((error >= smallest) & (error <= settings.max_error), "error out of range")
    if len(time):
        time, converted = in_mjd(time)
        if converted:
            report.notes["Julian dates converted to MJD"] += 1
        keep(near_the_others(time, settings), "time far from the others")
    if len(time) > 1 and np.any(np.diff(time) <= 0):
        if np.any(np.diff(time) < 0):
            report.notes["unsorted times sorted"] += 1
        order = np.lexsort((error, time))
        time, magnitude, error = time[order], magnitude[order], error[order]
        different = len(np.unique(np.stack([time, magnitude, error]), axis=1).T)
        copies = len(time) - different
        keep(np.concatenate([[True], np.diff(time) > 0]), "time repeated")
        if copies:
            dropped["time repeated"] -= copies
            dropped[COPY] += copies
    dropped = +dropped
    report.points_dropped.update(dropped)
    if len(time) < settings.min_points:
        report.points_dropped["of rejected objects"] += len(time)
        why = f" ({', '.join(f'{n} {r}' for r, n in dropped.items())})" if dropped else ""
        return reject(f"fewer than {settings.min_points} points: {len(time)}{why}")
    report.points_kept += len(time)
    report.curves_kept += 1
    return CleanLightCurve(
        raw.object_id,
        raw.band,
        time,
        magnitude.astype(np.float32),
        error.astype(np.float32),
        raw.label or None,
        dict(raw.metadata),
        raw.labels if len(raw.labels) > 1 else (),
    )
