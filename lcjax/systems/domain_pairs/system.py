"""What systems share that adapt a classifier of images from one domain to another: data, scores, answers."""

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lcjax.errors import ConfigError
from lcjax.systems.base import Answers, Data, Options, Simulated, System, Work
from lcjax.systems.domain_pairs.config import PairExperiment, PairInputsConfig

if TYPE_CHECKING:
    from lcjax.evaluation.scores import Scores
    from lcjax.inference.loaded import Loaded


_SURVEYS, _OBJECTS = ("hits", "des", "atlas", "ztf"), 1000


class Domain(Protocol):
    """Images of one domain."""

    shape: tuple[int, ...]
    """(H, W, C)."""
    channel_names: tuple[str, ...]


class PairData(Data, Protocol):
    """Records of one or two domains."""

    domains: Mapping[str, Any]
    """`source`, `target` -> a `Domain`, where the records are images."""

    def relabelled(self, class_names: tuple[str, ...]) -> "PairData":
        """The same with labels numbered as in `class_names`."""


class PairSystem(System):
    """An adapting classifier; its experiment is a `PairExperiment`."""

    kind = "images"

    @abstractmethod
    def streams(self, experiment: PairExperiment) -> tuple[str, ...]:
        """What a training batch holds."""

    # --- data
    def source_settings(self, experiment: PairExperiment, training: bool) -> dict[str, Any]:
        """Which datasets are what, and how many shots are drawn."""
        asked = dataclasses.asdict(experiment.domains)
        asked["balance"] = None if asked["balance"] == "none" else asked["balance"]
        return {"domains": asked | {"streams": self.streams(experiment)}}

    def matched(
        self, experiment: PairExperiment, data: PairData, training: bool, say: Callable[[str], None] = lambda text: None
    ) -> PairData:
        """Labels numbered as the model's classes."""
        return data if training else data.relabelled(experiment.inputs.class_names)  # in training they are the data's

    def adapt(self, experiment: PairExperiment, data: PairData) -> PairExperiment:
        """Sets classes, channels and the size of the images.

        Raises:
          ConfigError: an image smaller than the size that is asked for, or vectors beside images.
        """
        images: Mapping[str, Domain] = data.domains
        shapes = {name: own.shape for name, own in images.items()}
        given = experiment.inputs
        sides = [min(shape[:2]) for shape in shapes.values()]
        vectors = [shape[1] if shape[0] == 1 and shape[1] > 1 else 0 for shape in shapes.values()]
        if any(vectors):
            if not all(vectors):
                flat = next(name for name, length in zip(shapes, vectors, strict=True) if length)
                raise ConfigError(
                    f"the {flat} holds feature vectors and the other domain images: give both as the one or the other"
                )
            if len(set(vectors)) > 1:
                raise ConfigError(f"source and target have feature vectors of different lengths: {vectors}")
            size, scale = None, "none"
        else:
            size, scale = given.size or min(sides), given.scale
            if min(sides) < size:
                small = min(shapes, key=lambda name: min(shapes[name][:2]))
                raise ConfigError(
                    f"the images of the {small} have {min(sides)} pixels a side, fewer than --inputs.size {size}: ask for fewer"
                )
            if size == 1 and scale == "min_max":
                raise ConfigError(
                    "images of 1 x 1 pixels are all 0 once each is scaled by its own pixels: give larger ones, or say --inputs.scale none"
                )
        inputs = PairInputsConfig(
            tuple(data.class_names), tuple(images["source"].channel_names), size, max(vectors), scale
        )
        return dataclasses.replace(experiment, inputs=inputs)

    def on_data(self, loaded: "Loaded", data: PairData) -> "Loaded":
        """The model, if the images are of its channels and large enough.

        Raises:
          ConfigError: they are not.
        """
        inputs = loaded.experiment.inputs  # type: ignore[attr-defined]
        images: Mapping[str, Domain] = data.domains
        for name, own in images.items():
            shape = own.shape
            if tuple(own.channel_names) != tuple(inputs.channel_names):
                raise ConfigError(
                    f"this model learned from the channels {', '.join(inputs.channel_names)}, and this data has "
                    f"{', '.join(own.channel_names)}: prepare it with the same channels in one order"
                )
            if inputs.size and min(shape[:2]) < inputs.size:
                raise ConfigError(
                    f"the images of the {name} are {shape[0]} x {shape[1]}, smaller than the model's {inputs.size}"
                )
            if inputs.vectors and shape[1] != inputs.vectors:
                raise ConfigError(f"the {name} has vectors of {shape[1]} numbers, and the model takes {inputs.vectors}")
        return loaded

    def can_score(self, data: Data) -> bool:
        """Whether any image has a label."""
        return bool((data.labels >= 0).any())

    def simulated(self, experiment: PairExperiment) -> tuple[PairExperiment, dict[str, Simulated]]:
        """Real and bogus stamps of four surveys; from one of 21 pixels to one of coarse ones, unless the target is said."""
        made = {
            f"sim_{name}": Simulated("simulated_real_bogus", _OBJECTS, {"images": {"survey": name}})
            for name in _SURVEYS
        }
        if experiment.domains.target:
            return experiment, made
        domains = dataclasses.replace(experiment.domains, source=("sim_hits",), target=("sim_ztf",))
        return dataclasses.replace(experiment, domains=domains), made

    def next_steps(self, model: str | Path, preset: str = "") -> str:
        """Scores on both domains, answers, the comparison."""
        return f"""
lcjax evaluate {model} --data D                          # balanced accuracy on source and target
lcjax predict {model} IMAGES... --out F.parquet          # class probabilities of your images
python -m benchmarks adaptation                          # all methods by number of shots, with what the source loses"""

    # --- judged and asked
    def evaluate(self, loaded: "Loaded", data: Data, options: Options) -> "Scores":
        """Balanced accuracy on source and target."""
        from lcjax.systems.domain_pairs.evaluation import evaluate

        return evaluate(loaded, data, self.next_steps(loaded.folder))

    def answers(self, loaded: "Loaded", work: Work) -> Answers:
        """Class probabilities of images."""
        from lcjax.systems.domain_pairs.prediction import ImageAnswers

        return ImageAnswers(loaded, "images", work.batch_size)
