"""Six classes, satellites among them, injected into the stamps of real ZTF alerts."""

import dataclasses
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from data_pipelines.datasets.alert_builder import AlertBuilder
from data_pipelines.kinds.alerts.records import encode_alert, stack_stamps
from data_pipelines.simulate.stamp_classes import CLASS_NAMES, StampSimulator, quiet
from data_pipelines.sources.alerts import STAMP_NAMES, Alert, Stamp
from lcjax.errors import ConfigError, Rejection

_METADATA = ("dec", "ra")
"""Nothing else of a real alert is true of what was put in its place."""


class Builder(AlertBuilder):
    """Agn, asteroid, bogus, satellite, sn, vs injected into real ZTF stamps, and the weakly labelled real alerts as they are."""

    name = "injected_alerts"
    homepage = "https://arxiv.org/abs/2304.13080"
    citation = (
        "Classes as in Reyes-Jainaga et al. 2023, arXiv 2304.13080; stamps of Masci et al. 2019, PASP 131, 018003"
    )
    survey = "ztf"

    def _first_pass(self) -> None:
        if self.alerts.stamps != STAMP_NAMES:
            raise ConfigError("injected_alerts needs all three stamps: leave --alerts.stamps as it is")
        super()._first_pass()
        self._metadata = _METADATA
        self._labels = {key: label.lower() for key, label in self._labels.items()}
        # At least one of each class from every alert.
        self._copies = max(1, round(self.settings.n_objects / (len(CLASS_NAMES) * len(self._labels))))

    def _acceptable(self, alert: Alert, seen: set[tuple[str, int]]) -> Alert | Rejection:
        if not alert.survey:
            reason = "no packet: the units of the stamps are unknown"
            return Rejection(alert.object_id, reason, alert.origin, alert.alert_id)
        return super()._acceptable(alert, seen)

    def _class_names(self) -> list[str]:
        return list(CLASS_NAMES)

    def _generate_examples(self, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
        simulator = StampSimulator()
        for alert in self._read():
            key = (alert.object_id, alert.alert_id)
            if isinstance(alert, Rejection) or key not in self._labels or self.split_of[alert.object_id] != split:
                continue
            if self._labels[key] in CLASS_NAMES:
                yield self._record(alert, CLASS_NAMES.index(self._labels[key]), "real")
            stamps = stack_stamps(alert)
            for copy in range(self._copies):
                for label, name in enumerate(CLASS_NAMES):
                    seed = zlib.crc32(f"{key} {name} {copy}".encode())
                    rng = np.random.default_rng([self.settings.seed, seed])
                    made = simulator.make(rng, quiet(stamps, rng), name)
                    yield self._record(_with_stamps(alert, made, seed), label, f"{name} {copy}")

    def _record(self, alert: Alert, label: int, suffix: str) -> tuple[str, dict[str, Any]]:
        return f"{alert.object_id}\t{alert.alert_id}\t{suffix}", encode_alert(alert, label, self._metadata)


def _with_stamps(alert: Alert, stamps: np.ndarray, number: int) -> Alert:
    """The alert with other stamps and nothing that was said of the old ones; its id is the number, not a candid."""
    cutouts = {
        name: Stamp(stamps[..., i], alert.stamps[name].pixel_scale if name in alert.stamps else 1.0)
        for i, name in enumerate(STAMP_NAMES)
    }
    return dataclasses.replace(alert, alert_id=number, metadata={}, stamps=cutouts)
