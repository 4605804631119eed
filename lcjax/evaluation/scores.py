"""What an evaluation found, for any system: tables and sentences to print, values to save, sections of a report.

A system fills in a `Scores`; `lcjax.evaluation.run` prints, saves and reports it, whatever the system.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Json = Mapping[str, Any] | Sequence[Any] | str | float | None
"""What a JSON file holds; numbers that are not finite become null."""


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header."""

    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    title: str = ""


@dataclass(frozen=True)
class Text:
    """A sentence or a few."""

    text: str
    style: str = ""
    """`warning`, or nothing."""


@dataclass(frozen=True)
class Picture:
    """A figure, drawn when the report is written."""

    draw: Callable[[], "Figure"]
    caption: str


Part = Table | Text | Picture


@dataclass(frozen=True)
class Section:
    """A headed part of the report."""

    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Scores:
    """One evaluation."""

    title: str
    """Of the report."""
    printed: Sequence[Table | Text]
    """For the terminal, in order."""
    values: Json
    """For `scores.json`: dicts, lists, numbers, text."""
    cards: Sequence[tuple[str, str]] = ()
    """(big number, what it is) pairs at the head of the report."""
    sections: Sequence[Section] = ()
    """Of the report; training curves, settings and what to try next come after them."""
    curve: tuple[str, str] = ("loss", "Loss")
    """Metric of `metrics.jsonl`, and its title, that is drawn beside the loss."""
    commands: str = ""
    """Shell commands: what to try next."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What else an evaluation knows that others may use, such as embeddings; neither printed nor saved."""
