"""Multi-scale stamps (arXiv 2304.13080): satellites told apart by a large field of view in few numbers."""

from pathlib import Path
from typing import TYPE_CHECKING

from lcjax.systems.classifier.system import StampData, StampSystem
from lcjax.systems.multiscale_stamps import presets
from lcjax.systems.multiscale_stamps.config import MultiscaleExperiment, MultiscaleInputsConfig

if TYPE_CHECKING:
    from lcjax.training.task import Task


class MultiscaleSystem(StampSystem):
    """The multi-scale stamp classifier."""

    name = "multiscale_stamps"
    experiment = MultiscaleExperiment
    presets = {  # noqa: RUF012
        "multiscale-stamps": presets.multiscale_stamps,
        "multiscale-stamps-cropped": presets.multiscale_stamps_cropped,
        "multiscale-stamps-low-res": presets.multiscale_stamps_low_res,
        "multiscale-stamps-full": presets.multiscale_stamps_full,
        "multiscale-stamps-rings": presets.multiscale_stamps_rings,
        "multiscale-stamps-2025": presets.multiscale_stamps_2025,
        "multiscale-stamps-rubin": presets.multiscale_stamps_rubin,
    }

    def build_task(self, experiment: MultiscaleExperiment) -> "Task":
        """Classification."""
        from lcjax.systems.multiscale_stamps.task import build_task

        return build_task(experiment)

    def fitted(
        self, experiment: MultiscaleExperiment, inputs: MultiscaleInputsConfig, data: StampData
    ) -> MultiscaleInputsConfig:
        """Means, spreads and quantiles of the training alerts."""
        return inputs.fitted(data.metadata_names, data.metadata)

    def next_steps(self, model: str | Path, preset: str = "") -> str:
        """Scores, probabilities, a network that cannot learn the survey."""
        return f"""
lcjax evaluate {model} --data D                         # scores on other prepared alerts
lcjax predict {model} ALERTS... --out F.parquet         # class probabilities of your alerts
lcjax train {preset or "multiscale-stamps"} --inputs.position none --data D --workdir W2   # cannot learn the survey
lcjax presets                                           # published configurations"""


SYSTEMS = (MultiscaleSystem(),)
