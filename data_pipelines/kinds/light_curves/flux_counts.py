"""How many points light curves have in fluxes and in magnitudes, and what magnitudes do without."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data_pipelines.kinds.light_curves.fluxes import DIFFERENCE, FluxSeries
from data_pipelines.kinds.report import counted

FEW = "of light curves with too few magnitudes"
_ERRORS, _RARE = 5, 0.01
"""Errors below 0, and the part of the points that far below, from which on fluxes look like differences."""


@dataclass
class FluxCounts:
    """Of some light curves that have fluxes."""

    curves: int = 0
    points: int = 0
    """Fluxes and limits."""
    negative: int = 0
    """Fluxes below 0."""
    limits: int = 0
    impossible: int = 0
    """Fluxes, not of a difference, that are below 0 by more than `_ERRORS` errors, which no star's light is."""
    magnitudes: int = 0
    """Points that a model of magnitudes is given: those of light curves that have enough."""
    curves_without: int = 0
    """Light curves that have too few magnitudes."""
    without: Counter[str] = field(default_factory=Counter)
    """Reason -> points that a model of magnitudes does without."""

    def add(self, fluxes: FluxSeries, magnitudes: int, min_points: int) -> None:
        """One more light curve, with so many magnitudes; fewer than `min_points` are too few."""
        self.curves += 1
        self.points += len(fluxes)
        self.negative += int(np.count_nonzero(fluxes.flux < 0))
        self.limits += int(np.count_nonzero(~fluxes.measured))
        if fluxes.kind != DIFFERENCE:
            self.impossible += int(np.count_nonzero(fluxes.flux < -_ERRORS * fluxes.flux_error))
        self.without.update(fluxes.without_magnitude(magnitudes))
        if magnitudes < min_points:
            self.curves_without += 1
            self.without[FEW] += magnitudes
        else:
            self.magnitudes += magnitudes

    def rows(self) -> dict[str, str]:
        """What is printed."""
        rows = {"fluxes": f"{self.points:,} points ({self.negative:,} negative, {self.limits:,} upper limits)"}
        if self.impossible > _RARE * self.points:
            rows["no total fluxes"] = (
                f"{self.impossible:,} points are below 0 by more than {_ERRORS} errors: if they are differences, say --columns.difference"
            )
        return rows | {
            "without magnitudes": f"{self.points - self.magnitudes:,} of {self.points:,} points ({counted(+self.without)}), "
            f"{self.curves_without:,} of {self.curves:,} light curves",
        }

    def as_dict(self) -> dict[str, Any]:
        """For files."""
        return {
            "points": self.points,
            "negative": self.negative,
            "upper_limits": self.limits,
            "with_magnitudes": self.magnitudes,
            "light_curves_without_magnitudes": self.curves_without,
            "without_magnitudes": dict(+self.without),
        }
