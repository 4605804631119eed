"""lcjax-base: an encoder of variable stars that is shown what a period makes plain."""

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcjax.errors import ConfigError
from lcjax.inference.output import FluxOptions
from lcjax.systems.base import Data, Options, WeightsImporter
from lcjax.systems.base_encoder import presets
from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.systems.masked_pretraining.system import PretrainingSystem

if TYPE_CHECKING:
    from lcjax.inference.loaded import Loaded
    from lcjax.systems.published_weights import Published
    from lcjax.training.task import Task
    from lcjax.typing import PyTree


class BaseEncoderSystem(PretrainingSystem):
    """Contrast between parts of a star's points, and the likelihood of hidden ones."""

    name = "base_encoder"
    experiment = BaseEncoderExperiment
    presets = presets.PRESETS
    predict_options = {**PretrainingSystem.predict_options, "fluxes": FluxOptions}  # noqa: RUF012

    def build_task(self, experiment: BaseEncoderExperiment) -> "Task":
        """Encoder, decoder and both losses."""
        from lcjax.systems.base_encoder.task import build_task

        return build_task(experiment)

    def bands(self, experiment: BaseEncoderExperiment) -> int:
        """As the encoder has them."""
        return experiment.model.encoder.bands

    def request(self, loaded: "Loaded", options: Options) -> dict[str, Any]:
        """Fluxes where fluxes were measured."""
        return {**super().request(loaded, options), "brightness": "as measured"}

    def taken(self, loaded: "Loaded", options: Options) -> Callable[[Iterable[Any]], Iterable[Any]]:
        """Fluxes of a star as asinh magnitudes."""
        from lcjax.inference.flux_curves import as_measured, asinh_curves

        chosen: FluxOptions = options.get("fluxes") or FluxOptions()
        brightness: bool = loaded.experiment.model.encoder.brightness  # type: ignore[attr-defined]
        convert = functools.partial(asinh_curves, difference=chosen.difference, zero_point=brightness)
        return functools.partial(as_measured, convert=convert)

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
        """In training, stars in memory with the views of their parts, where these are prepared; elsewhere stars by all their bands,
        where the encoder tells several apart.

        Raises:
          ConfigError: several bands, which are joined there, where nothing is prepared.
        """
        if training and experiment.model.encoder.bands > 1 and not experiment.contrast.prepared:
            raise ConfigError(
                "the bands of a star are joined where views are prepared: give --contrast.prepared True, or look at each band by itself "
                "with --model.encoder.bands 1"
            )
        if not training and self.bands(experiment) > 1:
            from lcjax.systems.base_encoder.joined_bands import JoinedStars

            return JoinedStars(data, self.bands(experiment), experiment.window.length, say)
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
