"""A simulated survey: variable stars and transients with nested cadences, survey errors, imbalance and dirt."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipelines.datasets.light_curve_builder import LightCurveBuilder
from data_pipelines.datasets.survey_builder import PrepareSettings
from data_pipelines.sources import RawLightCurve
from lcjax.errors import ConfigError

if TYPE_CHECKING:
    from data_pipelines.simulate.truth_table import TruthTable


class Builder(LightCurveBuilder):
    """A simulated survey: variable stars and transients with nested cadences, survey errors, imbalance and dirt."""

    name = "simulated"
    homepage = ""
    citation = ""

    simulates = True
    _simulate: "Callable[[], Iterator[RawLightCurve]] | None" = None
    _truth: "TruthTable"

    def read(self) -> Iterator[RawLightCurve]:
        """Simulates; the same (n_objects, seed, --simulation) gives the same survey.

        Raises:
          ConfigError: surveys or classes that are not known, surveys of one band and of several together, or settings that they have
            no use for. DataError: shapes or templates that are none.
        """
        from data_pipelines.simulate.truth_table import TruthTable

        if self._simulate is None:
            self._simulate, self._truth = _simulation(self.settings), TruthTable()
        return iter(self._truth.watch(self._simulate()))

    def write_beside(self, folder: Path) -> None:
        """The stars, and what they really are."""
        super().write_beside(folder)
        self._truth.write(folder)


def _simulation(settings: PrepareSettings) -> Callable[[], Iterator[RawLightCurve]]:
    """What simulates the survey that is asked for, as often as it is called."""
    from data_pipelines.simulate.band_surveys import MULTIBAND
    from data_pipelines.simulate.multiband import Sky, simulate_multiband
    from data_pipelines.simulate.real_shapes import classes_of, shapes_of
    from data_pipelines.simulate.sed_templates import templates_of
    from data_pipelines.simulate.survey import simulate_light_curves
    from data_pipelines.simulate.surveys import SURVEYS

    number, seed, asked = settings.n_objects, settings.seed, settings.options["simulation"]
    several = [name for name in asked.surveys if name in MULTIBAND]
    if several and (others := [name for name in asked.surveys if name in SURVEYS]):
        raise ConfigError(
            f"{several[0]} is simulated as fluxes in several bands and {others[0]} as magnitudes in one: prepare them apart, "
            "with --simulation.surveys for each, and train on both"
        )
    known = [*SURVEYS, *MULTIBAND]
    if unknown := [name for name in asked.surveys if name not in known]:
        raise ConfigError(f"No simulated survey is called {unknown[0]!r}: choose from {', '.join(known)}.")
    if several and not asked.dirt:
        raise ConfigError(f"{several[0]} is simulated without defects of files: leave --simulation.no-dirt away")
    if not several and (asked.templates or asked.fluxes != "total"):
        unused = "templates" if asked.templates else "fluxes"
        raise ConfigError(
            f"--simulation.{unused} is for surveys in several bands: choose --simulation.surveys from {', '.join(MULTIBAND)}"
        )
    classes = classes_of(asked.classes)
    shapes = shapes_of(asked.shapes) if asked.shapes else None
    if several:
        sky = Sky(asked.label_noise, classes, shapes, templates_of(asked.templates), asked.fluxes)
        return lambda: simulate_multiband(number, seed, asked.surveys, sky)
    return lambda: simulate_light_curves(
        number, seed, asked.surveys or None, asked.dirt, asked.label_noise, classes=classes or None, shapes=shapes
    )
