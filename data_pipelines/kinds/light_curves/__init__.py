"""Light curves: one object in one band a record, windows of them in batches."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipelines.kinds.base import Kind, Reader, Request
from data_pipelines.kinds.light_curves.cleaning import CleaningSettings
from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.kinds.light_curves.records import LIGHT_CURVES
from data_pipelines.kinds.light_curves.simulation_settings import SimulationSettings
from data_pipelines.kinds.star_settings import StarSettings

if TYPE_CHECKING:
    from data_pipelines.kinds.description import Description
    from data_pipelines.shards.manifest import Manifest


class LightCurves(Kind):
    """Light curves of stars and transients."""

    name = "light_curves"
    unit = "light curves"
    layout = LIGHT_CURVES
    predict_options = {"columns": ColumnNames, "cleaning": CleaningSettings}  # noqa: RUF012
    simulated = "simulated"
    prepare_options = {**predict_options, "stars": StarSettings, "simulation": SimulationSettings}  # noqa: RUF012

    def open_source(self, paths: Sequence[Path | str], split: str, batch_size: int, **settings: Any) -> Any:
        """`settings` as in `LightCurveSource`: `window` among them; with `domains` as in `open_domains`."""
        from data_pipelines.kinds.light_curves.source import LightCurveSource

        if (domains := settings.pop("domains", None)) is None:
            return LightCurveSource(paths, split, batch_size, **settings)
        from data_pipelines.shards.domains import asked, open_domains

        return open_domains(LightCurveSource, paths, split, batch_size, asked(domains), **settings)

    def describe(self, manifest: "Manifest", n_examples: int = 6) -> "Description":
        """Classes, cadence, magnitudes, errors."""
        from data_pipelines.kinds.light_curves.description import describe_light_curves

        return describe_light_curves(manifest, n_examples)

    def reader(self, request: Request) -> Reader:
        """Survey files, tables and shards as clean light curves."""
        from data_pipelines.kinds.light_curves.reading import LightCurveReader

        return LightCurveReader(request)


KIND = LightCurves()
