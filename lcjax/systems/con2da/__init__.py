"""Con2DA (Perez-Carrasco et al. 2022, arXiv 2204.01558): contrast and consistency of two views, few labels in the target."""

from typing import TYPE_CHECKING

from lcjax.systems.con2da import presets
from lcjax.systems.con2da.config import Con2daExperiment
from lcjax.systems.domain_pairs.system import PairSystem

if TYPE_CHECKING:
    from lcjax.training.task import Task


class Con2daSystem(PairSystem):
    """Con2DA."""

    name = "con2da"
    experiment = Con2daExperiment
    presets = {"con2da-digits": presets.con2da_digits, "real-bogus-con2da": presets.real_bogus_con2da}  # noqa: RUF012

    def streams(self, experiment: Con2daExperiment) -> tuple[str, ...]:
        """All three; without shots the target is unlabelled alone."""
        return ("source", "target", "unlabelled") if experiment.domains.shots else ("source", "unlabelled")

    def build_task(self, experiment: Con2daExperiment) -> "Task":
        """Two updates a step."""
        from lcjax.systems.con2da.task import build_task

        return build_task(experiment)


SYSTEMS = (Con2daSystem(),)
