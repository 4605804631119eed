"""Objects with their light curves on one HTML page, the most unusual first. Nothing is loaded from elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lcjax.evaluation import report
from lcjax.evaluation.figures import plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BANDS = ("#3566a8", "#d9822b", "#3d9970", "#b3404a", "#7b5ea7", "#8c6d46")


class Curve(Protocol):
    """A light curve in one band."""

    object_id: str
    band: str
    mjd: np.ndarray
    magnitude: np.ndarray
    magnitude_error: np.ndarray


@dataclass(frozen=True)
class Exhibit:
    """One object."""

    object_id: str
    score: float
    facts: Mapping[str, str] = field(default_factory=dict)
    """Name -> text, such as the class, or what the score owes most to."""
    curves: Sequence[Curve] = ()
    """In every band; none: it has no picture."""


def write_gallery(folder: Path, exhibits: Sequence[Exhibit], title: str, lead: str) -> Path:
    """Writes `folder/index.html`.

    Raises:
      StorageError: it cannot be written.
    """
    sections = []
    for rank, one in enumerate(exhibits, 1):
        facts = "; ".join([f"score {one.score:.4g}", *(f"{name}: {text}" for name, text in one.facts.items() if text)])
        part = (
            report.picture(curve_figure(one.curves), facts)
            if one.curves
            else report.paragraph(f"{facts}; no light curve")
        )
        sections.append(report.section(f"{rank}. {one.object_id}", part))
    drawn = sum(bool(one.curves) for one in exhibits)
    cards = [(str(len(exhibits)), "objects"), (str(drawn), "with light curves")]
    return report.write_page(Path(folder) / "index.html", title, lead, cards, sections)


def curve_figure(curves: Sequence[Curve]) -> "Figure":
    """Magnitudes of every band against time, bright up."""
    plt = plots()
    figure, axes = plt.subplots(figsize=(8, 2.6), layout="constrained")
    bands = sorted({curve.band for curve in curves})
    for curve in curves:
        colour = _BANDS[bands.index(curve.band) % len(_BANDS)]
        error = np.where(np.isfinite(curve.magnitude_error), curve.magnitude_error, 0.0)
        axes.errorbar(curve.mjd, curve.magnitude, error, fmt=".", ms=4, lw=0.6, color=colour, label=curve.band or None)
    axes.invert_yaxis()
    axes.set(xlabel="MJD, days", ylabel="magnitude")
    if any(bands):
        axes.legend(fontsize=8, ncols=len(bands))
    return figure
