"""A simulated survey: variable stars and transients with nested cadences, survey errors, imbalance and dirt."""

from collections.abc import Iterator

from data_pipelines.datasets.light_curve_builder import LightCurveBuilder
from data_pipelines.sources import RawLightCurve


class Builder(LightCurveBuilder):
    """A simulated survey: variable stars and transients with nested cadences, survey errors, imbalance and dirt."""

    name = "simulated"
    homepage = ""
    citation = ""

    def read(self) -> Iterator[RawLightCurve]:
        """Simulates; the same (n_objects, seed) gives the same survey."""
        from data_pipelines.simulate.survey import simulate_light_curves

        return simulate_light_curves(self.settings.n_objects, self.settings.seed)
