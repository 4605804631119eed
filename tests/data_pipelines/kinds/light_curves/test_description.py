"""What is said and drawn of datasets of fluxes."""

import matplotlib.pyplot as plt
import numpy as np

from data_pipelines.kinds.light_curves.description import describe_light_curves, flux_statistics
from data_pipelines.shards.manifest import read_manifest
from tests.data_pipelines.curves import curves, write
from tests.data_pipelines.kinds.light_curves.test_flux_batches import dataset, star


def test_fluxes_are_counted_and_drawn(tmp_path):
    numbers = range(8)
    described = describe_light_curves(read_manifest(dataset(tmp_path / "d", stars=numbers, shards=2)), n_examples=2)
    whole = [star(number) for number in numbers]
    negative = sum(int((fluxes.flux < 0).sum()) for fluxes in whole)
    assert described.sizes["fluxes"] == 240 and described.sizes["light_curves"] == 8
    assert described.facts["fluxes"] == f"240 points ({negative} negative, 24 upper limits)"
    assert "2 of 8 light curves" in described.facts["without magnitudes"]
    assert described.values["flux_points"].tolist() == [27] * 8
    figure = described.figures["examples"](plt)
    drawn = sorted(len(line.get_xdata()) for line in figure.axes[0].get_lines() if line.get_marker() in (".", "v"))
    assert drawn == [3, 27]  # limits, and fluxes of both signs
    plt.close(figure)


def test_without_fluxes_nothing_is_said_of_them(tmp_path):
    described = describe_light_curves(read_manifest(write(tmp_path / "d", curves(6), shards=1)))
    assert described.sizes.keys() == {"light_curves", "points"} and "flux" not in described.quantities
    assert described.facts == {}


def test_statistics_of_limits_alone():
    found = flux_statistics(star(1).take(~star(1).measured))
    assert found["flux_points"] == 0 and np.isnan(found["flux"])
