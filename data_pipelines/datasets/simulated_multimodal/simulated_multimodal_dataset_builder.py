"""Simulated objects of several modalities, for contrastive learning: stars with light curve, spectrum and catalogue columns, or alerts with
light curve, numbers, stamps and images of hosts.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from data_pipelines.datasets.multimodal_builder import MultimodalBuilder
from data_pipelines.kinds.alerts.records import alert_columns, stack_stamps
from data_pipelines.kinds.multimodal.alert_curves import as_curve, difference_points
from data_pipelines.kinds.multimodal.images import object_image
from data_pipelines.kinds.multimodal.records import encode_object
from data_pipelines.kinds.report import Report
from data_pipelines.processes import Processes
from data_pipelines.shards.layout import Record
from data_pipelines.simulate.hosted_alerts import BAND, simulate_hosted_alert
from data_pipelines.simulate.trimodal import simulate_star
from data_pipelines.sources.alerts import STAMP_NAMES
from lcjax.errors import Rejection

MISSING = 0.05
"""Share of stars without a light curve, and as many without a spectrum: real surveys overlap in part."""


class Builder(MultimodalBuilder):
    """Stars of the ten classes of AstroM3 (arXiv 2411.08842); the same (n_objects, seed) gives the same stars. With
    `--multimodal.simulated-images` alerts of six classes.
    """

    name = "simulated_multimodal"

    def _read(self, report: Report) -> Iterator[Record | Rejection]:
        asked = self.settings.options["multimodal"]
        make = partial(_alert if asked.simulated_images else _star, self.settings.seed, asked.spectrum_grid)
        with Processes(self.settings.processes) as processes:
            for record, faults in processes.map(make, range(self.settings.n_objects)):
                yield from faults
                if record is not None:
                    yield record


def _alert(seed: int, grid: tuple[float, float, float], index: int) -> tuple[Record | None, list[Rejection]]:
    one = simulate_hosted_alert(index, seed)
    alert = one.alert
    curve, band = as_curve(difference_points(alert))
    images = {"stamps": object_image(stack_stamps(alert), STAMP_NAMES, None)}
    if one.host is not None:
        images["host"] = object_image(one.host[..., None], (BAND,), None)
    # Places are drawn evenly over the sky: no number to learn from.
    numbers = {name: value for name, value in alert_columns(alert).items() if name not in ("ra", "dec")} | one.numbers
    return encode_object(
        alert.object_id,
        curve,
        None,
        numbers,
        one.label,
        grid,
        "simulated",
        images,
        ra=alert.ra,
        dec=alert.dec,
        band=band,
    )


def _star(seed: int, grid: tuple[float, float, float], index: int) -> tuple[Record | None, list[Rejection]]:
    star = simulate_star(index, seed)
    draw = np.random.default_rng([seed, index, 4]).random()
    return encode_object(
        star.object_id,
        None if draw < MISSING else star.curve,
        None if draw > 1 - MISSING else star.spectrum,
        star.numbers,
        star.label,
        grid,
        "simulated",
        ra=star.ra,
        dec=star.dec,
        band="V",
    )
