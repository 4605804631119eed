"""AVDA (arXiv 1909.11651): class-conditional Gaussian latents shared by both domains, two decoders, adversarial alignment."""

from dataclasses import replace
from typing import TYPE_CHECKING

from lcjax.errors import ConfigError
from lcjax.systems.avda import presets
from lcjax.systems.avda.config import AvdaExperiment, any_numbers, likelihood_of
from lcjax.systems.domain_pairs.system import PairData, PairSystem

if TYPE_CHECKING:
    from lcjax.training.task import Task


class AvdaSystem(PairSystem):
    """AVDA."""

    name = "avda"
    experiment = AvdaExperiment
    presets = {"avda-digits": presets.avda_digits, "real-bogus-avda": presets.real_bogus_avda}  # noqa: RUF012

    def streams(self, experiment: AvdaExperiment) -> tuple[str, ...]:
        """All three; without shots the target is unlabelled alone."""
        return ("source", "target", "unlabelled") if experiment.domains.shots else ("source", "unlabelled")

    def adapt(self, experiment: AvdaExperiment, data: PairData) -> AvdaExperiment:
        """Sets classes, channels, the size of the images, and the likelihood of their pixels.

        Raises:
          ConfigError: numbers that need not be between 0 and 1 as probabilities, whose likelihood has no bound.
        """
        experiment = super().adapt(experiment, data)  # type: ignore[assignment]
        if experiment.pixels == "bernoulli" and any_numbers(experiment):
            what = "feature vectors" if experiment.inputs.vectors else "images that are not scaled"
            raise ConfigError(
                f"--pixels bernoulli is of numbers between 0 and 1, which {what} need not be: say gaussian"
            )
        return replace(experiment, pixels=likelihood_of(experiment))

    def build_task(self, experiment: AvdaExperiment) -> "Task":
        """Three updates a step."""
        from lcjax.systems.avda.task import build_task

        return build_task(experiment)


SYSTEMS = (AvdaSystem(),)
