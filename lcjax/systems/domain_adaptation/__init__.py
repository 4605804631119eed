"""Real/bogus across surveys (arXiv 2308.07538): base training, fine-tuning, S+T, ENT and minimax entropy (arXiv 1904.06487)."""

from pathlib import Path
from typing import TYPE_CHECKING

from lcjax.systems.base import Data, Options
from lcjax.systems.domain_adaptation import presets
from lcjax.systems.domain_adaptation.config import (
    AdaptationExperiment,
    start_notes,
    streams_of,
    trunk_note,
    with_trunk_factor,
)
from lcjax.systems.domain_adaptation.light_curves import LightCurveAdaptationSystem
from lcjax.systems.domain_pairs.system import PairData, PairSystem

if TYPE_CHECKING:
    from lcjax.evaluation.scores import Scores
    from lcjax.inference.loaded import Loaded
    from lcjax.training.task import Task


class DomainAdaptationSystem(PairSystem):
    """Methods that share one network and one step."""

    name = "domain_adaptation"
    experiment = AdaptationExperiment
    presets = {  # noqa: RUF012
        "mme-digits": presets.mme_digits,
        "real-bogus-base": presets.real_bogus_base,
        "real-bogus-ent": presets.real_bogus_ent,
        "real-bogus-fine-tuning": presets.real_bogus_fine_tuning,
        "real-bogus-mme": presets.real_bogus_mme,
        "real-bogus-s-plus-t": presets.real_bogus_s_plus_t,
    }

    def streams(self, experiment: AdaptationExperiment) -> tuple[str, ...]:
        """Those of the method; without shots the target is unlabelled alone, where the method can learn so."""
        return streams_of(experiment)

    def build_task(self, experiment: AdaptationExperiment) -> "Task":
        """One or two updates a step."""
        from lcjax.systems.domain_adaptation.task import build_task

        return build_task(experiment)

    def adapt(self, experiment: AdaptationExperiment, data: PairData) -> AdaptationExperiment:
        """Sets classes, channels, the size of the images, and how fast the trunk learns."""
        experiment = super().adapt(experiment, data)  # type: ignore[assignment]
        return with_trunk_factor(experiment, trained=bool(experiment.training.initial_weights))

    def notes(self, experiment: AdaptationExperiment, data: Data) -> list[str]:
        """How fast the trunk learns, and what a fine-tuning lacks."""
        return [*super().notes(experiment, data), *start_notes(experiment)]

    def evaluate(self, loaded: "Loaded", data: Data, options: Options) -> "Scores":
        """Balanced accuracy on source and target."""
        from lcjax.systems.domain_pairs.evaluation import evaluate

        about = trunk_note(loaded.experiment)  # type: ignore[arg-type]
        return evaluate(loaded, data, self.next_steps(loaded.folder), about=about)

    def next_steps(self, model: str | Path, preset: str = "") -> str:
        """And minimax entropy from here."""
        return f"""{super().next_steps(model, preset)}
lcjax train real-bogus-mme --data D --domains.target T --training.initial-weights {model} --workdir W2"""


SYSTEMS = (DomainAdaptationSystem(), LightCurveAdaptationSystem())
