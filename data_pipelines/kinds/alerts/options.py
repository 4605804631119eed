"""What a user can say about the alerts that a model is asked about."""

from dataclasses import dataclass
from pathlib import Path

from data_pipelines.sources.alerts import StampRules


@dataclass(frozen=True)
class AlertOptions:
    """Alerts: which can be used."""

    size: str = "nominal"
    """Side of the stamps in pixels; `nominal`: the survey's, others are set aside; `any`: whatever comes."""
    max_missing: float = 1.0
    """Largest fraction of missing pixels of a stamp; one without any valid pixel is always set aside."""
    any_survey: bool = False
    """Ask a classifier also about alerts of surveys that it has not learned from, and about stamps of unknown survey and other size."""
    schemas: tuple[Path, ...] = ()
    """Files or folders of Avro schemas (.avsc) for Confluent-framed messages."""
    ztf_orientation: bool = False
    """Take ZTF's cutouts to lie on the sky as has been measured (columns west, rows south, to half an arcsecond): hosts then
    have ra and dec. The packets themselves do not say how their cutouts lie."""

    def rules(self, need: tuple[str, ...]) -> StampRules:
        """As the reader takes them."""
        size = int(self.size) if self.size.isdigit() else self.size
        return StampRules(
            need=need,
            size=size,
            max_missing=self.max_missing,
            history=False,
            ztf_orientation=self.ztf_orientation,
        )
