"""DELIGHT (AJ 164, 195): the host galaxy of a transient from a multi-resolution stack of its field."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lcjax.errors import ConfigError
from lcjax.systems.base import Answers, Data, Options, System, WeightsImporter, Work
from lcjax.systems.delight import presets
from lcjax.systems.delight.config import DelightExperiment

if TYPE_CHECKING:
    from lcjax.evaluation.scores import Scores
    from lcjax.inference.loaded import Loaded
    from lcjax.pretrained.weights_folder import ImportedWeights
    from lcjax.systems.published_weights import Published
    from lcjax.training.task import Task


class HostFieldData(Data, Protocol):
    """Stacks of fields with known hosts."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one stack: side, side, planes."""


class DelightSystem(System):
    """Host-galaxy identification."""

    name = "delight"
    kind = "host_fields"
    experiment = DelightExperiment
    presets = {"delight": presets.delight, "delight-hosts": presets.delight_hosts}  # noqa: RUF012

    def build_task(self, experiment: DelightExperiment) -> "Task":
        """Regression of the host's offset, or a mixture of plausible hosts."""
        from lcjax.systems.delight.task import build_task

        return build_task(experiment)

    def adapt(self, experiment: DelightExperiment, data: HostFieldData) -> DelightExperiment:
        """The settings as they are, if the stacks of the data are those that the model takes.

        Raises:
          ConfigError: they have another shape.
        """
        model = experiment.model
        if tuple(data.shape) != (model.side, model.side, model.levels):
            raise ConfigError(
                f"the stacks of this data have the shape {tuple(data.shape)}, the model takes {model.levels} planes of "
                f"{model.side}: set --model.side, --model.levels and --image.image-size, or prepare other data"
            )
        return experiment

    def on_data(self, loaded: "Loaded", data: HostFieldData) -> "Loaded":
        """As `adapt`."""
        self.adapt(loaded.experiment, data)
        return loaded

    def evaluate(self, loaded: "Loaded", data: Data, options: Options) -> "Scores":
        """Errors by size of the host, calibration."""
        from lcjax.systems.delight.evaluation import evaluate

        return evaluate(loaded, data, self.next_steps(loaded.folder))

    def answers(self, loaded: "Loaded", work: Work) -> Answers:
        """Hosts of transients; sources are found by the tool `examine` where it is at hand or needed."""
        from lcjax.systems.delight.prediction import HostAnswers
        from lcjax.systems.delight.predictor import HostPredictor

        hosts = work.options.get("hosts")
        predictor = HostPredictor.of(
            loaded,
            work.tools.get("examine"),
            batch_size=work.batch_size,
            max_scatter=hosts.max_scatter if hosts else None,
            parallel_map=work.parallel_map,
        )
        return HostAnswers(predictor)

    def importers(self) -> Mapping[str, WeightsImporter]:
        """Keras files."""
        return {"delight": WeightsImporter(_import)}

    def published(self) -> Iterable["Published"]:
        """Weights of the authors."""
        from lcjax.systems.delight.published import PUBLISHED

        return PUBLISHED

    def next_steps(self, model: str | Path, preset: str = "") -> str:
        """Scores, hosts, what it must beat."""
        return f"""
lcjax evaluate {model} --data D                           # scores by size of the host, calibration
lcjax predict {model} IMAGES.fits... --out F.parquet      # hosts of your own transients
python -m benchmarks hosts --models {model}               # against the nearest source and the directional light radius
lcjax presets                                             # published configurations"""


def _import(source: Path | str) -> "ImportedWeights":
    from lcjax.systems.delight.weights import import_delight

    return import_delight(source)


SYSTEMS = (DelightSystem(),)
