"""ATLAS alerts with their two stamps and candidate features."""

from dataclasses import replace

from data_pipelines.datasets.alert_builder import AlertBuilder
from data_pipelines.datasets.survey_builder import PrepareSettings
from data_pipelines.sources.alerts import STAMP_NAMES

STAMPS = ("science", "difference")


class Builder(AlertBuilder):
    """ATLAS alerts: science and difference stamps (61 x 61 pixels, 1.86 arcsec) and the candidate's fields."""

    name = "atlas_alerts"
    homepage = "https://atlas.fallingstar.com/"
    citation = "Tonry et al. 2018, PASP 130, 064505; Smith et al. 2020, PASP 132, 085002"
    survey = "atlas"

    def start(self, settings: PrepareSettings | None) -> None:
        """As the base; where all stamps are asked for (the default), the two that there are."""
        super().start(settings)
        if self.alerts.stamps == STAMP_NAMES:
            options = {**self.settings.options, "alerts": replace(self.alerts, stamps=STAMPS)}
            self.settings = replace(self.settings, options=options)
