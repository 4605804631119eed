"""What can be chosen when alerts are prepared, and the report of what became of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from data_pipelines.kinds.alerts.choice import Keep, parse_caps
from data_pipelines.kinds.alerts.label_tables import TableUse
from data_pipelines.kinds.report import SplitCounts, counted
from data_pipelines.sources.alerts import STAMP_NAMES, StampRules
from lcjax.errors import ConfigError, Rejection


@dataclass(frozen=True)
class AlertSettings:
    """Which alerts and stamps become records."""

    stamps: tuple[str, ...] = STAMP_NAMES
    """Cutouts an alert must have, in channel order."""
    size: str = "nominal"
    """Side of the stamps in pixels; `nominal`: the survey's, others are rejected; `any`: mixed shapes are kept."""
    max_missing: float = 1.0
    """Largest fraction of missing pixels of a stamp; one without any valid pixel is always rejected."""
    keep: Keep = "all"
    """Of each object every alert, its first (the published classifier's choice), or one at random by --seed."""
    per_class: int | None = None
    """Instead of --fractions: so many alerts of each class for test, as many for validation, whole objects; the rest and all
    unlabelled ones train. The published split: `--alerts.per-class 100 --alerts.keep first --seed 42`."""
    cap: tuple[str, ...] = ()
    """`CLASS=N`: at most N objects of a class, chosen by --seed; others are left out."""
    schemas: tuple[Path, ...] = ()
    """Files or folders of Avro schemas (.avsc) for Confluent-framed messages."""

    def rules(self) -> StampRules:
        """As the reader takes them.

        Raises:
          ConfigError: settings that make no sense.
        """
        parse_caps(self.cap)
        if self.per_class is not None and self.per_class < 1:
            raise ConfigError(f"--alerts.per-class is {self.per_class}: it must be at least 1")
        if not self.stamps:
            raise ConfigError("--alerts.stamps is empty: name at least one of science, template, difference")
        size = int(self.size) if self.size.isdigit() else self.size
        return StampRules(need=tuple(self.stamps), size=size, max_missing=self.max_missing, history=False)


@dataclass
class AlertReport:
    """What became of the alerts, in numbers and names."""

    rejection_columns: ClassVar[tuple[str, ...]] = ("object_id", "alert_id", "reason", "origin")

    alerts_read: int = 0
    alerts_kept: int = 0
    objects: int = 0
    with_missing_pixels: int = 0
    """Kept alerts with at least one missing pixel."""
    labels: Counter = field(default_factory=Counter)
    """`class (rule)` -> kept alerts."""
    label_tables: dict[str, TableUse] = field(default_factory=dict)
    """Option -> what the rows of its table were good for."""
    left_out: Counter = field(default_factory=Counter)
    """Choice -> usable alerts that it left out."""
    rejected: list[Rejection] = field(default_factory=list)
    bad_files: dict[str, str] = field(default_factory=dict)
    other_files: dict[str, None] = field(default_factory=dict)
    splits: SplitCounts = field(default_factory=SplitCounts)
    choices: dict[str, Any] = field(default_factory=dict)
    """Of the user, that decided which alerts were kept."""

    def reasons(self) -> Counter:
        """Rejections by reason, details left out."""
        return Counter(r.fault for r in self.rejected)

    def facts(self) -> dict[str, str]:
        """Nothing: the numbers of a packet are what its schema says."""
        return {}

    def rows(self, records: Mapping[str, int]) -> dict[str, str]:
        """What is printed."""
        return {
            "alerts kept": f"{self.alerts_kept:,} of {self.alerts_read:,}, {self.objects:,} objects ({counted(records)})",
            "rejected": f"{len(self.rejected):,} ({counted(self.reasons())})",
            "left out": counted(self.left_out),
            "missing pixels": f"in {self.with_missing_pixels:,} alerts, kept as NaN",
            "labels": counted(self.labels),
            **self.splits.rows(),
            **{f"rows of {option}": str(use) for option, use in self.label_tables.items()},
        }

    def as_dict(self) -> dict[str, Any]:
        """For `cleaning.json`."""
        return {
            "alerts_read": self.alerts_read,
            "alerts_kept": self.alerts_kept,
            "objects": self.objects,
            "alerts_with_missing_pixels": self.with_missing_pixels,
            "alerts_rejected": dict(self.reasons()),
            "alerts_left_out": dict(self.left_out),
            "labels": dict(self.labels),
            "label_tables": {option: use.as_dict() for option, use in self.label_tables.items()},
            "other_files": list(self.other_files),
            **self.splits.as_dict(),
            **self.choices,
        }
