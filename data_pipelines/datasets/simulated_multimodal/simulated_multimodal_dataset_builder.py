"""Simulated variable stars with light curve, spectrum and catalogue columns, for contrastive learning over modalities."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from data_pipelines.datasets.multimodal_builder import MultimodalBuilder
from data_pipelines.kinds.multimodal.records import encode_object
from data_pipelines.kinds.report import Report
from data_pipelines.processes import Processes
from data_pipelines.shards.layout import Record
from data_pipelines.simulate.trimodal import simulate_star
from lcjax.errors import Rejection

MISSING = 0.05
"""Share of stars without a light curve, and as many without a spectrum: real surveys overlap in part."""


class Builder(MultimodalBuilder):
    """Stars of the ten classes of AstroM3 (arXiv 2411.08842); the same (n_objects, seed) gives the same stars."""

    name = "simulated_multimodal"

    def _read(self, report: Report) -> Iterator[Record | Rejection]:
        make = partial(_record, self.settings.seed, self.settings.options["multimodal"].spectrum_grid)
        with Processes(self.settings.processes) as processes:
            for record, faults in processes.map(make, range(self.settings.n_objects)):
                yield from faults
                if record is not None:
                    yield record


def _record(seed: int, grid: tuple[float, float, float], index: int) -> tuple[Record | None, list[Rejection]]:
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
