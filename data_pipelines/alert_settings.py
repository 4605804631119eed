"""What can be chosen when alerts are prepared, and the report of what became of them."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from data_pipelines.sources.alerts import STAMP_NAMES, AlertRejection, StampRules
from lcjax.errors import ConfigError


@dataclass(frozen=True)
class AlertSettings:
    """Which alerts and stamps become records."""

    stamps: tuple[str, ...] = STAMP_NAMES
    """Cutouts an alert must have, in channel order."""
    size: str = "nominal"
    """Side of the stamps in pixels; `nominal`: the survey's, others are rejected; `any`: mixed shapes are kept."""
    max_missing: float = 1.0
    """Largest fraction of missing pixels of a stamp; one without any valid pixel is always rejected."""
    keep: Literal["all", "first"] = "all"
    """Every alert, or each object's first (the published classifier's choice)."""
    schemas: tuple[Path, ...] = ()
    """Files or folders of Avro schemas (.avsc) for Confluent-framed messages."""

    def rules(self) -> StampRules:
        """As the reader takes them.

        Raises:
          ConfigError: settings that make no sense.
        """
        if not self.stamps:
            raise ConfigError("--alerts.stamps is empty: name at least one of science, template, difference")
        size = int(self.size) if self.size.isdigit() else self.size
        return StampRules(need=tuple(self.stamps), size=size, max_missing=self.max_missing, history=False)


@dataclass
class AlertReport:
    """What became of the alerts, in numbers and names."""

    rejection: ClassVar[type] = AlertRejection

    alerts_read: int = 0
    alerts_kept: int = 0
    objects: int = 0
    with_missing_pixels: int = 0
    """Kept alerts with at least one missing pixel."""
    labels: Counter = field(default_factory=Counter)
    """`class (rule)` -> kept alerts."""
    rejected: list[AlertRejection] = field(default_factory=list)
    other_files: dict[str, None] = field(default_factory=dict)

    def reasons(self) -> Counter:
        """Rejections by reason, details left out."""
        return Counter(r.reason.split(":")[0] for r in self.rejected)

    def as_dict(self) -> dict[str, Any]:
        """For `cleaning.json`."""
        return {
            "alerts_read": self.alerts_read,
            "alerts_kept": self.alerts_kept,
            "objects": self.objects,
            "alerts_with_missing_pixels": self.with_missing_pixels,
            "alerts_rejected": dict(self.reasons()),
            "labels": dict(self.labels),
            "other_files": list(self.other_files),
        }
