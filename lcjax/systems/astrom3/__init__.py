"""AstroM3 (arXiv 2411.08842): contrastive learning over light curves, spectra and catalogue numbers, and classifiers from it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lcjax.configs import Experiment
from lcjax.systems.astrom3 import presets
from lcjax.systems.astrom3.config import AstroM3Experiment
from lcjax.systems.base import Answers, Data, Options, Simulated, System, WeightsImporter, Work

if TYPE_CHECKING:
    import numpy as np

    from lcjax.evaluation.scores import Scores
    from lcjax.inference.loaded import Loaded
    from lcjax.pretrained.weights_folder import ImportedWeights
    from lcjax.training.task import Task
    from lcjax.typing import PyTree


_OBJECTS = 600
"""Simulated ones with images."""


class MultimodalData(Data, Protocol):
    """Objects of several modalities."""

    standardised: bool
    spectrum_lengths: tuple[int, ...]
    spectrum_grids: tuple[tuple[float, float], ...]
    batches_per_epoch: int
    n_points: int
    metadata_names: tuple[str, ...]
    metadata: "np.ndarray"
    used: "np.ndarray"
    image_shapes: Mapping[str, tuple[int, int, int]]
    image_scales: Mapping[str, float]
    image_channels: Mapping[str, tuple[str, ...]]

    def relabelled(self, class_names: Sequence[str]) -> "MultimodalData":
        """The same with labels numbered as in `class_names`."""


class AstroM3System(System):
    """Contrastive learning of any of the modalities."""

    name = "astrom3"
    kind = "multimodal"
    experiment = AstroM3Experiment
    presets = presets.PRESETS

    def build_task(self, experiment: AstroM3Experiment) -> "Task":
        """Contrast or classification."""
        from lcjax.systems.astrom3.task import build_task

        return build_task(experiment)

    def stand_in(self, experiment: AstroM3Experiment) -> AstroM3Experiment:
        """As fitted to data of all modalities, two classes and the published columns."""
        from lcjax.systems.astrom3.fitting import fitted, made_up_data

        return fitted(experiment, made_up_data(experiment))

    # --- data
    def source_settings(self, experiment: AstroM3Experiment, training: bool) -> dict[str, Any]:
        """The columns, once they are known, as many samples of spectra as the network takes, and images of its size."""
        from lcjax.models.astrom3_config import IMAGES

        columns, model = experiment.inputs.data_columns, experiment.model
        if not columns:
            return {}
        sizes = {name: getattr(model, name) for name in IMAGES if name in model.modalities}
        images = {"images": {name: (*image.size, image.channels) for name, image in sizes.items()}} if sizes else {}
        return {"metadata_names": columns, "limits": {"spectrum": model.spectra.length}, **images}

    def matched(
        self,
        experiment: AstroM3Experiment,
        data: MultimodalData,
        training: bool,
        say: Callable[[str], None] = lambda text: None,
    ) -> MultimodalData:
        """Labels numbered as the model's classes."""
        names = experiment.inputs.class_names
        return data.relabelled(names) if names else data

    def adapt(self, experiment: AstroM3Experiment, data: MultimodalData) -> AstroM3Experiment:
        """Columns, their means and spreads, classes, length of spectra, and steps of so many passes.

        Raises:
          ConfigError: a modality that no object has, spectra of several lengths, or no classes for a classifier.
        """
        from lcjax.systems.astrom3.fitting import fitted

        return fitted(experiment, data)

    def on_data(self, loaded: "Loaded", data: MultimodalData) -> "Loaded":
        """The model, if its catalogue numbers are those of the data.

        Raises:
          ConfigError: numbers that are not standardised for a model that knows no statistics, or spectra of another length.
        """
        from lcjax.systems.astrom3.fitting import check_data

        check_data(loaded.experiment, data)
        return loaded

    def can_score(self, data: Data) -> bool:
        """Whether there are objects at all: contrast needs no labels."""
        return bool(data.n_objects)

    # --- training
    def simulated(self, experiment: Experiment) -> tuple[Experiment, Mapping[str, Simulated]]:
        """Alerts with images for a model of images; the usual stars for others."""
        from lcjax.models.astrom3_config import IMAGES

        if not set(IMAGES) & set(experiment.model.modalities):  # type: ignore[attr-defined]
            return experiment, {}
        options = {"multimodal": {"simulated_images": True}}
        return experiment, {"simulated_multimodal_images": Simulated("simulated_multimodal", _OBJECTS, options)}

    def initial_variables(self, experiment: AstroM3Experiment, given: "Loaded | None" = None) -> "PyTree | None":
        """Those of the pretrained encoders that this network has, or of the encoders that are named; the others start afresh."""
        from lcjax.systems.astrom3.curve_encoder import curve_variables
        from lcjax.systems.astrom3.fitting import shared_variables
        from lcjax.systems.astrom3.image_encoder import image_variables
        from lcjax.training.checkpoint_io import flatten, nest

        named = {**flatten(curve_variables(experiment)), **flatten(image_variables(experiment))}
        start = super().initial_variables(experiment, given)
        if start is None:
            return nest(named, "/") if named else None
        shared = shared_variables(self.build_task(experiment), start)
        return nest({**named, **flatten(shared)}, "/")

    # --- judged and asked
    def evaluate(self, loaded: "Loaded", data: MultimodalData, options: Options) -> "Scores":
        """Retrieval across modalities, or class scores."""
        from lcjax.systems.astrom3.evaluation import evaluate

        return evaluate(loaded, self.matched(loaded.experiment, data, False), self.next_steps(loaded.folder))

    def answers(self, loaded: "Loaded", work: Work) -> Answers:
        """Embeddings of every modality and of all, or class probabilities."""
        from lcjax.systems.astrom3.prediction import MultimodalAnswers

        return MultimodalAnswers.of(loaded, work.batch_size)

    # --- published weights
    def importers(self) -> Mapping[str, WeightsImporter]:
        """State dictionaries and safetensors."""
        return {"astrom3": WeightsImporter(_import)}

    def next_steps(self, model: str | Path, preset: str = "") -> str:
        """Scores, embeddings, classifiers."""
        return f"""
lcjax evaluate {model} --data D                         # retrieval across modalities, or class scores
lcjax predict {model} D --out F.parquet                 # an embedding of every modality and of all
lcjax train astrom3-classifier --training.initial-weights {model} --data D --workdir W2   # a classifier from it (after astrom3-images: astrom3-images-classifier)
python -m benchmarks astrom3                            # does pretraining help, and with how few labels"""


def _import(source: Path | str) -> "ImportedWeights":
    from lcjax.systems.astrom3.weights import import_astrom3

    return import_astrom3(source)


SYSTEMS = (AstroM3System(),)
