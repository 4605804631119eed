"""Deep-CLASH (PASP 131, 108002): morphologies of galaxies in 16 bands, as the fractions of votes that experts would give."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lcjax.errors import ConfigError
from lcjax.systems.base import Answers, Data, Options, Simulated, System, Work
from lcjax.systems.deep_clash import presets
from lcjax.systems.deep_clash.config import TOLERANCE, DeepClashExperiment

if TYPE_CHECKING:
    from lcjax.evaluation.scores import Scores
    from lcjax.inference.loaded import Loaded
    from lcjax.training.task import Task
    from lcjax.typing import PyTree

_SIMULATED = {"candels": 1500, "clash": 400}
"""Survey -> galaxies of it that are simulated where a run is given no data: a base network's, and those that one is fine-tuned on."""
_OWN_COLUMNS = ("object_id", "band", "class", "embedding")


class ImageData(Data, Protocol):
    """Images with target numbers or classes."""

    @property
    def target_names(self) -> tuple[str, ...]:
        """Of the numbers in `target`."""

    @property
    def metadata(self) -> np.ndarray:
        """(R, M) float32, the numbers of every record."""

    @property
    def used(self) -> np.ndarray:
        """(N,) int, records of this split."""


class DeepClashSystem(System):
    """Vote fractions of galaxies."""

    name = "deep_clash"
    kind = "images"
    experiment = DeepClashExperiment
    presets = {  # noqa: RUF012
        "deep-clash": presets.deep_clash,
        "deep-clash-fine-tuned": presets.deep_clash_fine_tuned,
        "deep-clash-light": presets.deep_clash_light,
        "deep-clash-pictures": presets.deep_clash_pictures,
    }

    def build_task(self, experiment: DeepClashExperiment) -> "Task":
        """Regression of vote fractions."""
        from lcjax.systems.deep_clash.task import build_task

        return build_task(experiment)

    def source_settings(self, experiment: DeepClashExperiment, training: bool) -> dict[str, Any]:
        """Which target numbers are the votes."""
        names = experiment.objective.names
        return {"metadata_names": names} if names and experiment.objective.votes != "classes" else {}

    def simulated(self, experiment: DeepClashExperiment) -> tuple[DeepClashExperiment, dict[str, Simulated]]:
        """Galaxies in the H band for a base network, and in 16 bands for one that is fine-tuned."""
        fine_tuned = experiment.stage == "fine_tuning" or experiment.training.initial_weights
        survey, side = "clash" if fine_tuned else "candels", experiment.model.side
        options = {"galaxies": {"survey": survey, "side": side}}
        return experiment, {f"simulated_{survey}_{side}": Simulated("simulated_galaxies", _SIMULATED[survey], options)}

    def matched(
        self,
        experiment: DeepClashExperiment,
        data: ImageData,
        training: bool,
        say: Callable[[str], None] = lambda text: None,
    ) -> ImageData:
        """The data as it is.

        Raises:
          ConfigError: a run would learn from votes none of which sum to 1.
        """
        objective, classes = experiment.objective, len(data.class_names) > 1
        if (
            training
            and len(data.target_names) > 1
            and not (objective.votes == "classes" or (classes and not objective.names))
        ):
            check_fractions(np.asarray(data.metadata)[np.asarray(data.used)], data.target_names)
        return data

    def notes(self, experiment: DeepClashExperiment, data: ImageData) -> list[str]:
        """A fine-tuning that has nothing to go on from."""
        if experiment.stage != "fine_tuning" or experiment.training.initial_weights:
            return []
        return [
            "warning: fine-tuning goes on from a base network and none is given: this run begins with random weights "
            "(--training.initial-weights BASE, of lcjax train deep-clash)"
        ]

    def adapt(self, experiment: DeepClashExperiment, data: ImageData) -> DeepClashExperiment:
        """Names and number of the votes, from the data.

        Raises:
          ConfigError: the data has neither target numbers nor classes, or both.
        """
        objective, targets, classes = experiment.objective, tuple(data.target_names), tuple(data.class_names)
        votes = objective.votes
        if votes == "auto" and objective.names:
            votes = "fractions"
        if votes == "auto" and len(targets) > 1 and len(classes) > 1:
            raise ConfigError(
                f"this data has target numbers ({', '.join(targets)}) and classes ({', '.join(classes)}): say which are the votes with "
                "--objective.votes fractions or classes"
            )
        if votes == "auto":
            votes = "fractions" if len(targets) > 1 else "classes"
        names = targets if votes == "fractions" else classes
        if len(names) < 2:
            raise ConfigError(
                f"this data has {'target numbers' if votes == 'fractions' else 'classes'} {', '.join(names) or '(none)'}: "
                "votes need two or more; prepare it with --images.targets (fractions) or --images.label (classes)"
            )
        if taken := [name for name in names if name in _OWN_COLUMNS]:
            raise ConfigError(
                f"a vote cannot be called '{taken[0]}', which tables of answers have: rename it with --images.target-names"
            )
        found = dataclasses.replace(objective, votes=votes, names=names)
        model = dataclasses.replace(experiment.model, num_classes=len(names))
        return dataclasses.replace(experiment, objective=found, model=model)

    def on_data(self, loaded: "Loaded", data: ImageData) -> "Loaded":
        """The model as it is, if the data has its votes.

        Raises:
          ConfigError: they are others, or in another order.
        """
        objective = loaded.experiment.objective  # type: ignore[attr-defined]
        there = tuple(data.class_names if objective.votes == "classes" else data.target_names)
        if there != tuple(objective.names):
            raise ConfigError(
                f"'{loaded.folder}' gives votes for {', '.join(objective.names)}, and this data has {', '.join(there) or 'none'}: give data "
                "with the same votes"
            )
        return loaded

    def initial_variables(self, experiment: DeepClashExperiment, given: "Loaded | None" = None) -> "PyTree | None":
        """The weights of a run to be fine-tuned, all of them.

        Raises:
          ConfigError: its votes are others.
        """
        if given is None:
            return None
        before = given.experiment.objective.names if isinstance(given.experiment, DeepClashExperiment) else ()
        if before != experiment.objective.names:
            raise ConfigError(
                f"'{experiment.training.initial_weights}' gives {', '.join(before) or 'no votes'}, and this data has votes for {', '.join(experiment.objective.names)}: "
                "a run is fine-tuned on the same votes"
            )
        return given.variables

    def evaluate(self, loaded: "Loaded", data: Data, options: Options) -> "Scores":
        """Errors of the vote fractions, by band and class."""
        from lcjax.systems.deep_clash.evaluation import evaluate

        return evaluate(loaded, data, self.next_steps(loaded.folder))

    def request(self, loaded: "Loaded", options: Options) -> dict[str, Any]:
        """Bands by the headers of FITS files: each image is of one, and the network takes all alike."""
        return {"channel_names": ("header",)}

    def answers(self, loaded: "Loaded", work: Work) -> Answers:
        """A row a galaxy and band."""
        from lcjax.systems.deep_clash.prediction import GalaxyAnswers

        return GalaxyAnswers(loaded, work.tools["resize"], work.batch_size)

    def next_steps(self, model: str | Path, preset: str = "") -> str:
        """Scores, fine-tuning, a catalogue."""
        return f"""
lcjax evaluate {model} --data D                                                # RMSE by band and class
lcjax train deep-clash-fine-tuned --data D --training.initial-weights {model}  # on another survey
lcjax predict {model} STAMPS.fits... --out F.parquet                           # a row a galaxy and band
lcjax export {model} OUT"""


def check_fractions(votes: np.ndarray, names: Sequence[str]) -> None:
    """Makes sure that some of the votes (N, K) are fractions; rows with NaN have none.

    Raises:
      ConfigError: all sum to something else than 1, as percent and counts do.
    """
    sums = votes[np.isfinite(votes).all(1)].sum(1)
    if len(sums) and not (np.abs(sums - 1) <= TOLERANCE).any():
        raise ConfigError(
            f"no image has votes that sum to 1: those of the first ({', '.join(names)}) sum to {sums[0]:.4g}; prepare the data with "
            "fractions (percent over 100, counts over voters), or say which numbers are votes with --objective.names"
        )


SYSTEMS = (DeepClashSystem(),)
