"""AVDA (arXiv 1909.11651): class-conditional Gaussian latents shared by both domains, two decoders, adversarial alignment."""

from typing import TYPE_CHECKING

from lcjax.systems.avda import presets
from lcjax.systems.avda.config import AvdaExperiment
from lcjax.systems.domain_pairs.system import PairSystem

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

    def build_task(self, experiment: AvdaExperiment) -> "Task":
        """Three updates a step."""
        from lcjax.systems.avda.task import build_task

        return build_task(experiment)


SYSTEMS = (AvdaSystem(),)
