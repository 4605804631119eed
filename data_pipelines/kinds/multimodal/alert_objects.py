"""Objects of alert packets: the stamps of each one's first alert, its light curve of all of them, the numbers of the first.

Packets are read twice, without their stamps and with them, so that only the stamps of one object are held.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_pipelines.kinds.alerts.label_tables import ContradictoryLabelsError
from data_pipelines.kinds.alerts.records import alert_columns, stack_stamps
from data_pipelines.kinds.alerts.weak_labels import Labeler
from data_pipelines.kinds.multimodal.alert_curves import Points, as_curve, difference_points
from data_pipelines.kinds.multimodal.images import ObjectImage, object_image
from data_pipelines.kinds.multimodal.options import ImageOptions
from data_pipelines.sources.alerts import STAMP_NAMES, Alert, StampRules, read_alerts
from data_pipelines.sources.alerts.record import STAMP_SIZES
from lcjax.errors import ConfigError, DataError, Rejection


@dataclass
class _Seen:
    """What is known of an object before its stamps are read."""

    first: tuple[float, int]
    """Date and number of its first alert."""
    points: Points = field(default_factory=dict)
    labels: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class AlertObject:
    """What its alerts tell of an object."""

    object_id: str
    curve: np.ndarray | None
    band: str
    numbers: dict[str, float]
    label: str | None
    """What most of its alerts are labelled."""
    ra: float
    dec: float
    origin: str
    stamps: ObjectImage | None
    faults: list[Rejection]


class AlertObjects:
    """Objects of alerts, in the order of their first alerts."""

    def __init__(
        self, paths: Sequence[Path], options: ImageOptions, band: str | None, labeler: Labeler | None = None
    ) -> None:
        """Reads all packets without their stamps.

        Args:
          band: of the light curves; None: the one with most points. labeler: of their classes; None: there are none.

        Raises:
          DataError: there are no alerts. ConfigError: they are of several surveys.
        """
        self._paths, self._options, self._band = list(paths), options, band
        self.faults: list[Rejection] = []
        self._seen: dict[str, _Seen] = {}
        self.columns: set[str] = set()
        """Names of numbers that some alert has."""
        surveys: Counter[str] = Counter()
        for found in read_alerts(self._paths, need_stamps=()):
            if isinstance(found, Rejection):
                self.faults.append(found)
            elif not found.object_id:
                self.faults.append(Rejection("", "an alert without the id of an object", found.origin, found.alert_id))
            elif not np.isfinite(found.mjd):
                reason = "an alert without a date: a packet is wanted, not a table of stamps"
                self.faults.append(Rejection(found.object_id, reason, found.origin, found.alert_id))
            else:
                surveys[found.survey] += 1
                self._note(found, labeler)
        if len(surveys) > 1:
            listed = ", ".join(f"{count:,} of {name or 'no survey'}" for name, count in surveys.items())
            raise ConfigError(
                f"--source holds alerts of several surveys ({listed}), whose stamps and numbers differ: give those of one"
            )

    @property
    def ids(self) -> list[str]:
        """Of all objects."""
        return list(self._seen)

    def _note(self, alert: Alert, labeler: Labeler | None) -> None:
        key = (alert.mjd, alert.alert_id)
        self.columns |= alert_columns(alert).keys()
        seen = self._seen.setdefault(alert.object_id, _Seen(key))
        seen.first = min(seen.first, key)
        for at, point in difference_points(alert).items():
            seen.points.setdefault(at, point)
        if labeler is not None:
            try:
                label, _ = labeler(alert)
            except ContradictoryLabelsError as error:
                self.faults.append(Rejection(alert.object_id, str(error), alert.origin, alert.alert_id, partial=True))
            else:
                seen.labels[label or ""] += bool(label)

    def __iter__(self) -> Iterator[AlertObject]:
        """Every object once."""
        rules = StampRules(need=(), optional=STAMP_NAMES, size="any", history=False)
        done: set[str] = set()
        for alert in read_alerts(self._paths, rules=rules):
            if isinstance(alert, Rejection) or alert.object_id not in self._seen or alert.object_id in done:
                continue
            seen = self._seen[alert.object_id]
            if (alert.mjd, alert.alert_id) == seen.first:
                done.add(alert.object_id)
                yield self._object(alert, seen)

    def _object(self, alert: Alert, seen: _Seen) -> AlertObject:
        stamps, faults = None, []
        try:
            stamps = self._stamps(alert)
        except DataError as error:
            faults.append(
                Rejection(alert.object_id, f"stamps left out: {error}", alert.origin, alert.alert_id, partial=True)
            )
        curve, band = as_curve(seen.points, self._band)
        numbers = {name: value for name, value in alert_columns(alert).items() if name not in ("ra", "dec")}
        label = (seen.labels.most_common(1) or [("", 0)])[0][0] or None
        place = (alert.ra, alert.dec)
        return AlertObject(alert.object_id, curve, band, numbers, label, *place, alert.origin, stamps, faults)

    def _stamps(self, alert: Alert) -> ObjectImage | None:
        if not alert.stamps and not alert.stamp_faults:
            return None
        if alert.stamp_faults:
            raise DataError(next(iter(alert.stamp_faults.values())))
        pixels, side = stack_stamps(alert), STAMP_SIZES.get(alert.survey)
        if self._options.size is None and side and pixels.shape[:2] != (side, side):
            raise DataError(
                f"stamp size: {pixels.shape[0]} x {pixels.shape[1]} pixels, not {side} x {side} (--stamp-images.size cuts all to one size)"
            )
        return object_image(pixels, STAMP_NAMES, self._options.size)
