"""What became of the raw input of a dataset: counted, named, and said in a few rows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from lcjax.errors import Rejection


class Report(Protocol):
    """What a dataset builder tells of its work."""

    rejection_columns: ClassVar[tuple[str, ...]]
    """Fields of `Rejection` in the table of what was set aside."""
    rejected: list[Rejection]
    bad_files: dict[str, str]
    """Files that are damaged or cannot be read, and why."""
    other_files: dict[str, None]
    """Files of the folders given that are of no wanted format, in the order found."""

    def as_dict(self) -> dict[str, Any]:
        """For `cleaning.json`."""

    def facts(self) -> dict[str, str]:
        """What the manifest says of the numbers in the records: name -> text."""

    def rows(self, records: Mapping[str, int]) -> dict[str, str]:
        """What is printed: name -> text. `records`: written in each split."""


def counted(counts: Mapping[str, int]) -> str:
    """Counts in one line.

    >>> counted({"train": 1200, "test": 0}), counted({})
    ('1,200 train', 'none')
    """
    return ", ".join(f"{n:,} {name}" for name, n in counts.items() if n) or "none"


@dataclass(frozen=True)
class SplitCounts:
    """How ids came to their splits, where chance did not decide it."""

    together: int = 0
    """At the place of another one, and so in its split."""
    elsewhere: int = 0
    """In the split that another dataset has them in."""

    def rows(self) -> dict[str, str]:
        """What is printed."""
        rows = {
            "split together": (self.together, "ids at the place of another one"),
            "split as elsewhere": (self.elsewhere, "ids of stars of --stars.like"),
        }
        return {name: f"{count:,} {what}" for name, (count, what) in rows.items() if count}

    def as_dict(self) -> dict[str, int]:
        """For `cleaning.json`."""
        return {"ids_of_other_stars": self.together, "splits_from_elsewhere": self.elsewhere}


@dataclass
class RecordReport:
    """Of kinds of data that have no more to say than how many records there are."""

    rejection_columns: ClassVar[tuple[str, ...]] = ("object_id", "reason", "origin")

    unit: str = "records"
    read: int = 0
    kept: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    bad_files: dict[str, str] = field(default_factory=dict)
    other_files: dict[str, None] = field(default_factory=dict)
    splits: SplitCounts = field(default_factory=SplitCounts)
    warnings: dict[str, str] = field(default_factory=dict)
    """Of what was kept: name -> text."""

    def count(self, found: object) -> None:
        """Counts what was read: a record, a rejection, or a part of an object that is left out."""
        if not isinstance(found, Rejection):
            self.kept += 1
        else:
            self.rejected.append(found)
        self.read += not (isinstance(found, Rejection) and found.partial)

    def reasons(self, partial: bool = False) -> Counter[str]:
        """Rejections by reason, details left out; of whole objects, or of parts."""
        return Counter(r.fault for r in self.rejected if r.partial == partial)

    def as_dict(self) -> dict[str, Any]:
        """For `cleaning.json`."""
        return {
            "records_read": self.read,
            "records_kept": self.kept,
            "records_rejected": dict(self.reasons()),
            **({"parts_left_out": dict(parts)} if (parts := self.reasons(partial=True)) else {}),
            "bad_files": self.bad_files,
            "other_files": list(self.other_files),
            **self.splits.as_dict(),
            **({"warnings": self.warnings} if self.warnings else {}),
        }

    def facts(self) -> dict[str, str]:
        """Nothing."""
        return {}

    def rows(self, records: Mapping[str, int]) -> dict[str, str]:
        """What is printed."""
        rejected, parts = self.reasons(), self.reasons(partial=True)
        left = {"parts left out": f"{parts.total():,} ({counted(parts)})"} if parts else {}
        return {
            f"{self.unit} kept": f"{self.kept:,} of {self.read:,} ({counted(records)})",
            "rejected": f"{rejected.total():,} ({counted(rejected)})",
            **left,
            **self.splits.rows(),
            **self.warnings,
        }
