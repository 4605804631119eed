"""Astromer 1 (A&A 670, A54) and Astromer 2 (A&A 707, A170): masked pretraining on light curves, embeddings."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lcjax.systems.astromer import presets
from lcjax.systems.astromer.config import AstromerExperiment
from lcjax.systems.base import WeightsImporter
from lcjax.systems.masked_pretraining.system import PretrainingSystem

if TYPE_CHECKING:
    from lcjax.pretrained.weights_folder import ImportedWeights
    from lcjax.systems.published_weights import Published
    from lcjax.training.task import Task
    from lcjax.typing import PyTree


class AstromerSystem(PretrainingSystem):
    """One of the two networks."""

    experiment = AstromerExperiment

    def __init__(self, name: str, presets: Mapping[str, Callable[[], AstromerExperiment]]) -> None:
        """`name`: `astromer1` or `astromer2`."""
        self.name, self.presets = name, presets

    def build_task(self, experiment: AstromerExperiment) -> "Task":
        """Masked pretraining."""
        from lcjax.systems.astromer.task import build_task

        return build_task(experiment)

    def for_predictions(self, experiment: AstromerExperiment) -> AstromerExperiment:
        """With an attention kernel that every device has."""
        return dataclasses.replace(experiment, model=dataclasses.replace(experiment.model, attention="xla"))

    def made_strict(self, experiment: AstromerExperiment, variables: "PyTree") -> AstromerExperiment:
        """No token but a learned one."""
        model = dataclasses.replace(experiment.model, parity=False, mask_token="mask_token" in variables["params"])
        return dataclasses.replace(experiment, model=model)

    def importers(self) -> Mapping[str, WeightsImporter]:
        """TensorFlow checkpoints."""
        return {self.name: WeightsImporter(self._import, ("num_heads",))}

    def _import(self, source: Path | str, num_heads: int | None = None) -> "ImportedWeights":
        from lcjax.systems.astromer.weights import import_astromer

        return import_astromer(self.name, source, num_heads)

    def published(self) -> Iterable["Published"]:
        """Weights of the authors."""
        from lcjax.systems.astromer.published import PUBLISHED

        return [entry for entry in PUBLISHED if entry.family == self.name]

    def next_steps(self, model: str | Path, preset: str = "") -> str:
        """Scores, embeddings, your own survey."""
        preset = preset or "astromer2-small"
        return f"""
lcjax evaluate {model} --data D                         # scores on other prepared data
lcjax predict {model} STARS.parquet --out emb.parquet   # embeddings of your stars
lcjax data prepare light_curve_files --source YOUR.parquet --out D
lcjax train {preset} --data D --workdir W               # pretrain on your survey
lcjax train {preset} --model.num-layers 6 --model.width 128 --workdir W2
lcjax presets                                           # published configurations"""


SYSTEMS = (
    AstromerSystem("astromer1", {"astromer1": presets.astromer1}),
    AstromerSystem(
        "astromer2",
        {
            "astromer2": presets.astromer2,
            "astromer2-small": presets.astromer2_small,
            "astromer2-survey": presets.astromer2_survey,
        },
    ),
)
