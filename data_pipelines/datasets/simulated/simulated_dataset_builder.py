"""A simulated survey: variable stars and transients with nested cadences, survey errors, imbalance and dirt."""

from collections.abc import Iterator

from data_pipelines.datasets.light_curve_builder import LightCurveBuilder
from data_pipelines.sources import RawLightCurve
from lcjax.errors import ConfigError


class Builder(LightCurveBuilder):
    """A simulated survey: variable stars and transients with nested cadences, survey errors, imbalance and dirt."""

    name = "simulated"
    homepage = ""
    citation = ""

    simulates = True

    def read(self) -> Iterator[RawLightCurve]:
        """Simulates; the same (n_objects, seed, --simulation) gives the same survey.

        Raises:
          ConfigError: surveys that are not known, or of one band and of several together.
        """
        from data_pipelines.simulate.multiband import MULTIBAND, simulate_multiband
        from data_pipelines.simulate.survey import simulate_light_curves
        from data_pipelines.simulate.surveys import SURVEYS

        number, seed, asked = self.settings.n_objects, self.settings.seed, self.settings.options["simulation"]
        several = [name for name in asked.surveys if name in MULTIBAND]
        if several and (others := [name for name in asked.surveys if name in SURVEYS]):
            raise ConfigError(
                f"{several[0]} is simulated as fluxes in several bands and {others[0]} as magnitudes in one: prepare them apart, "
                "with --simulation.surveys for each, and train on both"
            )
        if several:
            if not asked.dirt:
                raise ConfigError(
                    f"{several[0]} is simulated without defects of files: leave --simulation.no-dirt away"
                )
            return simulate_multiband(number, seed, asked.surveys, asked.label_noise)
        known = [*SURVEYS, *MULTIBAND]
        if unknown := [name for name in asked.surveys if name not in known]:
            raise ConfigError(f"No simulated survey is called {unknown[0]!r}: choose from {', '.join(known)}.")
        return simulate_light_curves(number, seed, asked.surveys or None, asked.dirt, asked.label_noise)
