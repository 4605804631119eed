"""Simulated real and bogus stamps of one of four surveys, to adapt between them."""

from collections.abc import Iterator

from data_pipelines.datasets.record_builder import RecordBuilder
from data_pipelines.kinds.images.records import encode_image
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import Record
from data_pipelines.simulate.real_bogus import CHANNELS, SURVEYS, simulate_stamp
from lcjax.errors import ConfigError, Rejection


class Builder(RecordBuilder):
    """Simulated stamps of `--images.survey` hits, des, atlas or ztf: template, science, difference; classes bogus and real."""

    name = "simulated_real_bogus"
    kind = "images"

    def _read(self, report: Report) -> Iterator[Record | Rejection]:
        survey = self.settings.options["images"].survey
        if survey not in SURVEYS:
            raise ConfigError(
                f"which survey's stamps? say --images.survey, one of {', '.join(SURVEYS)} (not '{survey}')"
            )
        for number in range(self.settings.n_objects):
            stamp, label = simulate_stamp(survey, self.settings.seed, number)
            yield encode_image(f"{survey}-{number}", stamp, CHANNELS, label, survey, SURVEYS[survey].pixel_scale)
