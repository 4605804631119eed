"""The classifier that the page shows on simulated alerts where no model is given: trained in seconds, on the same simulation.

It is there so that probabilities, entropies and explanations are real ones from the first minute on. It knows nothing of the sky.
"""

from pathlib import Path
from typing import Protocol

from lcjax.configs import OptimizerConfig, TrainingConfig
from lcjax.inference.loaded import Loaded
from lcjax.models.stamp_classifier_config import StampModelConfig
from lcjax.systems import build_task
from lcjax.systems.base import Data
from lcjax.systems.loading import load
from lcjax.systems.stamp_classifier.config import StampExperiment, StampInputsConfig
from lcjax.training import fit
from lcjax.training.workdir import experiment_record

NAME = "demonstration"
_STEPS = 240


class SimulatedStamps(Data, Protocol):
    """Batches of `stamps` and `label`, such as `data_pipelines.simulate.night_batches.SimulatedBatches`."""

    surveys: tuple[str, ...]
    batch_size: int


def experiment(data: SimulatedStamps, steps: int = _STEPS) -> StampExperiment:
    """A small network on the stamps alone."""
    return StampExperiment(
        inputs=StampInputsConfig(class_names=data.class_names, features=(), metadata_names=(), surveys=data.surveys),
        model=StampModelConfig(
            kernels=(4, 3, 3),
            filters=(16, 16, 32),
            pool_after=(2, 3),
            trunk=(32,),
            head=(32,),
            norm="none",
            dropout=0.0,
        ),
        optimizer=OptimizerConfig(name="adam", learning_rate=2e-3, schedule="cosine", warmup_steps=20),
        training=TrainingConfig(
            steps=steps, batch_size=data.batch_size, log_every=steps, evaluate_every=steps, checkpoint_every=steps
        ),
    )


def demonstration_model(workdir: Path, data: SimulatedStamps, steps: int = _STEPS) -> Loaded:
    """The trained network, from `workdir` where it lies already."""
    settings = experiment(data, steps)
    record = experiment_record(settings)
    fit(build_task(settings), settings, data, None, workdir, config_record=record, quiet=True)
    return load(workdir, "latest", say=lambda text: None)
