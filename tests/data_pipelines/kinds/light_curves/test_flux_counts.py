"""Every flux is either among the magnitudes that are used, or counted under one reason."""

import dataclasses

import numpy as np

from data_pipelines.kinds.light_curves.flux_counts import FluxCounts
from tests.data_pipelines.kinds.light_curves.test_flux_batches import star


def test_points_are_counted_once():
    counts = FluxCounts()
    for number in range(8):
        fluxes = star(number)
        counts.add(fluxes, int(np.count_nonzero(fluxes.flux > 0)) - 1, min_points=5)
    assert (counts.curves, counts.curves_without, counts.points, counts.limits) == (8, 2, 240, 24)
    assert counts.points == counts.magnitudes + counts.without.total()
    assert counts.without["of light curves with too few magnitudes"] == 2 and counts.negative > 100
    assert counts.without["magnitude or its error out of range"] == 8
    said = counts.as_dict()
    assert said["points"] - said["with_magnitudes"] == sum(said["without_magnitudes"].values())
    assert counts.rows()["fluxes"] == f"240 points ({counts.negative} negative, 24 upper limits)"


def test_total_fluxes_far_below_nothing_look_like_differences():
    said = {}
    for kind in ("difference_flux", "total_flux"):
        counts = FluxCounts()
        counts.add(dataclasses.replace(star(1), kind=kind), 10, 5)
        said[kind] = counts.rows().get("no total fluxes", "")
    assert not said["difference_flux"] and "say --columns.difference" in said["total_flux"]
    faint = star(1)
    faint = dataclasses.replace(faint, kind="total_flux", flux_error=np.abs(faint.flux))
    counts = FluxCounts()
    counts.add(faint, 10, 5)
    assert counts.negative and "no total fluxes" not in counts.rows()
