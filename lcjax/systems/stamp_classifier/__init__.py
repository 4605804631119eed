"""The ALeRCE stamp classifier (AJ 162, 231): stamps and metadata of an object's first alert to class probabilities."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lcjax.systems.base import Answers, WeightsImporter, Work
from lcjax.systems.classifier.stamp_data import StampData
from lcjax.systems.classifier.system import StampSystem
from lcjax.systems.stamp_classifier import presets
from lcjax.systems.stamp_classifier.config import StampExperiment, StampInputsConfig

if TYPE_CHECKING:
    from lcjax.inference.loaded import Loaded
    from lcjax.pretrained.weights_folder import ImportedWeights
    from lcjax.systems.published_weights import Published
    from lcjax.training.task import Task


class StampClassifierSystem(StampSystem):
    """The single-stamp classifier."""

    name = "stamp_classifier"
    experiment = StampExperiment
    presets = {  # noqa: RUF012
        "alerce-stamps": presets.alerce_stamps,
        "alerce-stamps-23": presets.alerce_stamps_23,
        "alerce-stamps-image": presets.alerce_stamps_image,
        "alerce-stamps-published": presets.alerce_stamps_published,
    }

    def build_task(self, experiment: StampExperiment) -> "Task":
        """Classification."""
        from lcjax.systems.stamp_classifier.task import build_task

        return build_task(experiment)

    def answers(self, loaded: "Loaded", work: Work) -> Answers:
        """Class probabilities; on a CPU by the cheaper convolutions."""
        import jax

        if jax.default_backend() == "cpu":
            model = dataclasses.replace(loaded.experiment.model, convolution="winograd")  # type: ignore[attr-defined]
            loaded = loaded.replace(task=self.build_task(dataclasses.replace(loaded.experiment, model=model)))
        return super().answers(loaded, work)

    def fitted(self, experiment: StampExperiment, inputs: StampInputsConfig, data: StampData) -> StampInputsConfig:
        """The scale of the features: of the weights to start from, of the training alerts, or as given."""
        from lcjax.systems.loading import load
        from lcjax.systems.stamp_classifier.task import fitted_statistics

        inputs = dataclasses.replace(inputs, metadata_names=tuple(data.metadata_names))
        if experiment.training.initial_weights:
            start = load(experiment.training.initial_weights).experiment
            if isinstance(start, StampExperiment) and start.inputs.features == inputs.features:
                names = ("feature_mean", "feature_std", "center_isdiffpos")
                return dataclasses.replace(inputs, **{name: getattr(start.inputs, name) for name in names})
        if experiment.model.parity or inputs.statistics == "published" or inputs.feature_mean:
            return inputs
        return fitted_statistics(inputs, data.metadata, data.labels)

    def importers(self) -> Mapping[str, WeightsImporter]:
        """TensorFlow 1 checkpoints and named arrays."""
        return {"alerce-stamps": WeightsImporter(_import)}

    def published(self) -> Iterable["Published"]:
        """Weights of the broker."""
        from lcjax.systems.stamp_classifier.published import PUBLISHED

        return PUBLISHED

    def next_steps(self, model: str | Path, preset: str = "") -> str:
        """Scores, probabilities, a network that cannot learn the survey."""
        return f"""
lcjax evaluate {model} --data D                         # scores on other prepared alerts
lcjax predict {model} ALERTS... --out F.parquet         # class probabilities of your alerts
lcjax train {preset or "alerce-stamps"} --inputs.without sky history --data D --workdir W2   # cannot learn the survey
lcjax presets                                           # published configurations"""


def _import(source: Path | str) -> "ImportedWeights":
    from lcjax.systems.stamp_classifier.weights import import_stamps

    return import_stamps(source)


SYSTEMS = (StampClassifierSystem(),)
