"""Alerts as a stamp classifier takes them, made where they are decoded: light to import and to send between processes."""

import dataclasses
from typing import Any

import numpy as np

from data_pipelines.kinds.alerts.records import alert_row, stack_stamps
from data_pipelines.sources.alerts import STAMP_NAMES, Alert
from data_pipelines.sources.alerts.record import STAMP_SIZES
from lcjax.errors import DataError, Rejection


@dataclasses.dataclass(frozen=True, slots=True)
class StampEntry:
    """An alert as the network takes it."""

    alert: Alert
    """Without stamps and metadata."""
    stamps: np.ndarray
    """(H, W, 3) float32."""
    columns: list[float]
    """Metadata in the order of `StampEntries.columns`."""

    def rejection(self, reason: str) -> Rejection:
        """The alert set aside."""
        return _rejection(self.alert, reason)


@dataclasses.dataclass(frozen=True)
class StampEntries:
    """Makes entries; equal settings make equal ones, in any process."""

    network: tuple[str, ...]
    """Metadata that the network takes."""
    columns: tuple[str, ...]
    """Metadata of an entry."""
    surveys: tuple[str, ...] = ()
    """That the network learned from; alerts of others are set aside. Empty: none is."""
    any_size: bool = False
    """Whether stamps of unknown survey may be of another size than those of the surveys."""

    def __call__(self, outcome: Alert | Rejection) -> StampEntry | Rejection:
        """An alert as the network takes it, or why it cannot."""
        if isinstance(outcome, Rejection):
            return outcome
        if self.surveys and (reason := self._foreign(outcome)):
            return _rejection(outcome, reason)
        wanted = [name for name in self.network if name not in ("ra", "dec")]
        absent = [name for name in wanted if name not in outcome.metadata]
        if 2 * len(absent) > len(wanted):
            reason = (
                f"missing metadata: the network takes '{absent[0]}' and {len(absent) - 1} more that the alert lacks"
            )
            return _rejection(outcome, reason)
        try:
            stamps = stack_stamps(outcome, STAMP_NAMES)
        except DataError:
            shapes = {name: stamp.pixels.shape for name, stamp in outcome.stamps.items()}
            return _rejection(outcome, f"stamp size: the stamps of one alert differ ({shapes})")
        return StampEntry(_bare(outcome), stamps, alert_row(outcome, self.columns))

    def _foreign(self, alert: Alert) -> str:
        """Why the network should not be asked about an alert; empty: it may be."""
        known, advice = " and ".join(self.surveys), "use a network that did, or --alerts.any-survey"
        if alert.survey and alert.survey not in self.surveys:
            return f"another survey: the alert is of {alert.survey}, and the network learned from {known}; {advice}"
        shapes = {stamp.pixels.shape for stamp in alert.stamps.values()}
        usual = {(side, side) for side in map(STAMP_SIZES.get, self.surveys)}
        if alert.survey or self.any_size or None in {side for side, _ in usual} or shapes <= usual:
            return ""
        (height, width), (side, _) = min(shapes - usual), min(usual)
        found = f"stamps of {height}x{width} pixels of no known survey, and the network learned from {known} ({side}x{side})"
        return f"unknown survey: {found}; {advice}"


def _bare(alert: Alert) -> Alert:
    empty: dict[str, Any] = {"metadata": {}, "stamps": {}}
    return dataclasses.replace(alert, **empty)


def _rejection(alert: Alert, reason: str) -> Rejection:
    return Rejection(alert.object_id, reason, alert.origin, alert.alert_id)
