"""lcjax-base: an encoder of variable stars that is shown what a period makes plain."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lcjax.errors import ConfigError
from lcjax.systems.base import Data, WeightsImporter
from lcjax.systems.base_encoder import presets
from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.systems.masked_pretraining.system import PretrainingSystem

if TYPE_CHECKING:
    from lcjax.systems.published_weights import Published
    from lcjax.training.task import Task
    from lcjax.typing import PyTree


class BaseEncoderSystem(PretrainingSystem):
    """Contrast between parts of a star's points, and the likelihood of hidden ones."""

    name = "base_encoder"
    experiment = BaseEncoderExperiment
    presets = presets.PRESETS

    def build_task(self, experiment: BaseEncoderExperiment) -> "Task":
        """Encoder, decoder and both losses."""
        from lcjax.systems.base_encoder.task import build_task

        return build_task(experiment)

    def made_strict(self, experiment: BaseEncoderExperiment, variables: "PyTree") -> BaseEncoderExperiment:
        """It never sees a hidden point."""
        return experiment

    def matched(
        self,
        experiment: BaseEncoderExperiment,
        data: Data,
        training: bool,
        say: Callable[[str], None] = lambda text: None,
    ) -> Data:
        """In training, stars in memory with the views of their parts, where these are prepared.

        Raises:
          ConfigError: several bands, which are joined there, where nothing is prepared.
        """
        if training and experiment.model.encoder.bands > 1 and not experiment.contrast.prepared:
            raise ConfigError(
                "the bands of a star are joined where views are prepared: give --contrast.prepared True, or look at each band by itself "
                "with --model.encoder.bands 1"
            )
        if not (training and experiment.contrast.prepared):
            return data
        from lcjax.systems.base_encoder.prepared import PreparedStars

        return PreparedStars(data, experiment, data.split == "train", say)  # type: ignore[attr-defined]

    def importers(self) -> Mapping[str, WeightsImporter]:
        """Folders of lcjax itself."""
        from lcjax.systems.base_encoder.weights import FAMILY, read_folder

        return {FAMILY: WeightsImporter(read_folder)}

    def published(self) -> Iterable["Published"]:
        """By name, where an address is set."""
        from lcjax.systems.base_encoder.weights import PUBLISHED

        return PUBLISHED

    def next_steps(self, model: str | Path, preset: str = "") -> str:
        """Scores, embeddings, few labels."""
        return f"""
lcjax evaluate {model} --data D                         # hidden points of held-out stars, embeddings
lcjax predict {model} STARS.parquet --out emb.parquet   # embeddings of your stars
lcjax evaluate {model} --data D --probe                  # classes from few labels
python -m benchmarks few-shot --data D --models {model}   # beside hand-made features"""


SYSTEMS = (BaseEncoderSystem(),)
