"""What the systems share that are pretrained on light curves: windows, scores of hidden points, embeddings."""

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lcjax.inference.output import BandOptions, OutputOptions
from lcjax.systems.base import Answers, Data, Options, System, Work
from lcjax.systems.masked_pretraining.config import PretrainingExperiment

if TYPE_CHECKING:
    from lcjax.evaluation.scores import Scores
    from lcjax.inference.loaded import Loaded
    from lcjax.typing import PyTree


@dataclasses.dataclass(frozen=True)
class ReconstructionOptions:
    """How hidden points are hidden."""

    strict: bool = False
    """Evaluate published (parity) weights honestly: hidden points show nothing and nobody attends to them."""


class PretrainingSystem(System):
    """An encoder of light curves; its experiment is a `PretrainingExperiment`."""

    kind = "light_curves"
    predict_options = {"output": OutputOptions, "bands": BandOptions}  # noqa: RUF012
    evaluate_options = {"reconstruction": ReconstructionOptions}  # noqa: RUF012

    def source_settings(self, experiment: PretrainingExperiment, training: bool) -> dict[str, Any]:
        """Windows."""
        return {"window": experiment.window}

    @abstractmethod
    def made_strict(self, experiment: PretrainingExperiment, variables: "PyTree") -> PretrainingExperiment:
        """The settings of the same weights as a strict network."""

    def strictly(self, loaded: "Loaded") -> "Loaded":
        """The same weights as a strict network: no look at hidden points or padding."""
        experiment = self.made_strict(loaded.experiment, loaded.variables)  # type: ignore[arg-type]
        return loaded.replace(experiment=experiment, task=self.build_task(experiment))

    def evaluate(self, loaded: "Loaded", data: Data, options: Options) -> "Scores":
        """Reconstruction of hidden points on held-out stars."""
        from lcjax.systems.masked_pretraining.evaluation import evaluate

        chosen: ReconstructionOptions = options.get("reconstruction") or ReconstructionOptions()
        return evaluate(self.strictly(loaded) if chosen.strict else loaded, data, self.next_steps(loaded.folder))

    def request(self, loaded: "Loaded", options: Options) -> dict[str, Any]:
        """The bands of a star together, where they are pooled or the encoder tells them apart."""
        from lcjax.inference.bands import bands_wanted

        return bands_wanted(options, together=self.bands(loaded.experiment) > 1)  # type: ignore[arg-type]

    def bands(self, experiment: PretrainingExperiment) -> int:
        """Bands of a star that the encoder looks at together and tells apart; 1: each band by itself."""
        del experiment
        return 1

    def answers(self, loaded: "Loaded", work: Work) -> Answers:
        """Embeddings of light curves."""
        from lcjax.systems.masked_pretraining.prediction import LightCurveAnswers

        return LightCurveAnswers(
            loaded,
            work.batch_size,
            work.options.get("output"),
            work.options.get("bands"),
            self.bands(loaded.experiment),  # type: ignore[arg-type]
            self.taken(loaded, work.options),
        )

    def taken(self, loaded: "Loaded", options: Options) -> "Callable[[Iterable[Any]], Iterable[Any]]":
        """(light curves as they are read) -> as the model takes them, one for one; these."""
        del loaded, options
        return iter
