"""The positional-encoding study (arXiv 2308.06404): masked pretraining with time told in many ways."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from lcjax.systems.base import Answers, Data, Options, Work
from lcjax.systems.masked_pretraining.system import PretrainingSystem, ReconstructionOptions
from lcjax.systems.positional_study import presets
from lcjax.systems.positional_study.config import FrequencyOptions, PositionalExperiment

if TYPE_CHECKING:
    from lcjax.evaluation.scores import Scores
    from lcjax.inference.loaded import Loaded
    from lcjax.training.task import Task
    from lcjax.typing import PyTree


class PositionalStudySystem(PretrainingSystem):
    """All variants; `model.positional` names one."""

    name = "positional_study"
    experiment = PositionalExperiment
    presets = presets.PRESETS
    evaluate_options = {"reconstruction": ReconstructionOptions, "frequencies": FrequencyOptions}  # noqa: RUF012
    predict_options = {**PretrainingSystem.predict_options, "frequencies": FrequencyOptions}  # noqa: RUF012

    def build_task(self, experiment: PositionalExperiment) -> "Task":
        """Masked pretraining."""
        from lcjax.systems.positional_study.task import build_task

        return build_task(experiment)

    def made_strict(self, experiment: PositionalExperiment, variables: "PyTree") -> PositionalExperiment:
        """Without the authors' masking."""
        return dataclasses.replace(experiment, model=dataclasses.replace(experiment.model, parity=False))

    def corrected(self, loaded: "Loaded", options: Options) -> "Loaded":
        """The model with its frequencies multiplied as the user asked.

        Raises:
          ConfigError: this variant has no frequencies.
        """
        chosen: FrequencyOptions = options.get("frequencies") or FrequencyOptions()
        if chosen.cadence_ratio is None:
            return loaded
        model = dataclasses.replace(loaded.experiment.model, cadence_ratio=chosen.cadence_ratio)  # type: ignore[attr-defined]
        experiment = dataclasses.replace(loaded.experiment, model=model)  # type: ignore[call-arg]
        return loaded.replace(experiment=experiment, task=self.build_task(experiment))

    def evaluate(self, loaded: "Loaded", data: Data, options: Options) -> "Scores":
        """Reconstruction of hidden points on held-out stars."""
        return super().evaluate(self.corrected(loaded, options), data, options)

    def answers(self, loaded: "Loaded", work: Work) -> Answers:
        """Embeddings of light curves."""
        return super().answers(self.corrected(loaded, work.options), work)

    def next_steps(self, model: str | Path, preset: str = "") -> str:
        """Scores, embeddings, another variant."""
        return f"""
lcjax evaluate {model} --data D                         # scores on other prepared data
lcjax predict {model} STARS.parquet --out emb.parquet   # embeddings of your stars
lcjax train {preset or "positional-fixed"} --model.positional rotary --workdir W2   # another variant
python -m benchmarks positional --help                  # all variants, several seeds"""


SYSTEMS = (PositionalStudySystem(),)
