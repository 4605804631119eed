"""Simulated galaxies with votes on their morphology, for Deep-CLASH."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from data_pipelines.datasets.record_builder import RecordBuilder
from data_pipelines.datasets.survey_builder import PrepareSettings
from data_pipelines.kinds.images.galaxies import GalaxySettings
from data_pipelines.kinds.images.records import encode_image
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import Record
from data_pipelines.simulate.galaxies import PETROSIAN_RADII, SURVEYS, VOTES, simulate_galaxy, simulate_stamp
from lcjax.errors import ConfigError, Rejection


class Builder(RecordBuilder):
    """Simulated galaxies; the same (n_objects, seed) gives the same stamps, about 2 ms each. A galaxy is in one split with all its bands."""

    name = "simulated_galaxies"
    kind = "images"

    def __init__(self, *, settings: PrepareSettings | None = None, **kwargs) -> None:
        """Draws all stamps once, to count them."""
        asked: GalaxySettings = (settings.options if settings else {}).get("galaxies") or GalaxySettings()
        self.description = f"{__doc__}\n\nSettings: {dataclasses.asdict(asked)}"
        super().__init__(settings=settings, **kwargs)

    def _read(self, report: Report) -> Iterator[Record | Rejection]:
        asked: GalaxySettings = self.settings.options.get("galaxies") or GalaxySettings()
        bands = asked.bands or SURVEYS[asked.survey]
        if unknown := [band for band in bands if band not in SURVEYS[asked.survey]]:
            raise ConfigError(
                f"there is no band '{unknown[0]}' in {asked.survey}: it has {', '.join(SURVEYS[asked.survey])}"
            )
        for number in range(self.settings.n_objects):
            galaxy = simulate_galaxy(self.settings.seed, number)
            chosen = np.random.default_rng([self.settings.seed, number, 2]).permutation(len(bands))[
                : asked.bands_of_each
            ]
            for band in sorted(int(i) for i in chosen):
                pixels, votes = simulate_stamp(galaxy, bands[band], asked.survey, asked.side)
                yield encode_image(
                    f"{asked.survey}-{self.settings.seed}-{number}",
                    pixels[..., None],
                    (bands[band],),
                    survey=asked.survey,
                    pixel_scale=PETROSIAN_RADII * galaxy.radius / asked.side,
                    targets=dict(zip(VOTES, map(float, votes), strict=True)),
                )
