"""ATLAS alerts with their two stamps and candidate features."""

from dataclasses import replace
from typing import Any

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

    def __init__(self, *, settings: PrepareSettings | None = None, **kwargs: Any) -> None:
        """As the base; where all stamps are asked for (the default), the two that there are."""
        settings = settings or PrepareSettings()
        if settings.alerts.stamps == STAMP_NAMES:
            settings = replace(settings, alerts=replace(settings.alerts, stamps=STAMPS))
        super().__init__(settings=settings, **kwargs)
