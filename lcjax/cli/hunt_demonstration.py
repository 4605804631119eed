"""The classifier that `lcjax hunt` shows on simulated alerts where no model is given: trained in seconds, on the same simulation.

It is there so that probabilities, entropies and explanations are real ones from the first minute on. It knows nothing of the sky.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipelines.kinds.alerts.records import stack_stamps
from data_pipelines.simulate.night import simulated_night
from data_pipelines.simulate.stamp_classes import CLASS_NAMES
from lcjax.configs import OptimizerConfig, TrainingConfig
from lcjax.inference.loaded import Loaded
from lcjax.models.stamp_classifier_config import StampModelConfig
from lcjax.systems.stamp_classifier.config import StampExperiment, StampInputsConfig
from lcjax.training.source import Position

NAME = "demonstration"
_FIRST = 10_000_000
"""Number of the first alert it learns from: none of those that are shown."""
_ALERTS, _STEPS, _BATCH = 1200, 240, 64


def experiment(steps: int = _STEPS) -> StampExperiment:
    """A small network on the stamps alone."""
    return StampExperiment(
        inputs=StampInputsConfig(class_names=CLASS_NAMES, features=(), metadata_names=(), surveys=("simulated",)),
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
            steps=steps, batch_size=_BATCH, log_every=steps, evaluate_every=steps, checkpoint_every=steps
        ),
    )


class SimulatedBatches:
    """Batches of simulated alerts, held in memory."""

    class_names, metadata_names, surveys = CLASS_NAMES, (), ("simulated",)

    def __init__(self, count: int = _ALERTS, first: int = _FIRST) -> None:
        """Simulates them."""
        night = list(simulated_night(count, first=first))
        self.n_objects, self.fingerprint = count, f"simulated-{first}-{count}"
        self._rows = {
            "stamps": np.stack([stack_stamps(alert) for alert, _ in night]),
            "metadata": np.zeros((count, 0), np.float32),
            "ra": np.array([alert.ra for alert, _ in night], np.float32),
            "dec": np.array([alert.dec for alert, _ in night], np.float32),
            "label": np.array([CLASS_NAMES.index(name) for _, name in night], np.int32),
            "weight": np.ones(count, np.float32),
        }

    @property
    def labels(self) -> np.ndarray:
        """(R,) int32."""
        return self._rows["label"]

    def describe(self) -> dict[str, object]:
        """What there is."""
        return {"objects": self.n_objects, "class_names": list(CLASS_NAMES)}

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[Position, dict[str, np.ndarray]]]:
        """Endless ((epoch, batch), batch), in an order that depends on the epoch alone."""
        per_epoch = self.n_objects // _BATCH
        number = epoch * per_epoch + batch
        while True:
            number += 1
            order = np.random.default_rng((number - 1) // per_epoch).permutation(self.n_objects)
            at = ((number - 1) % per_epoch) * _BATCH
            yield divmod(number, per_epoch), {k: v[order[at : at + _BATCH]] for k, v in self._rows.items()}

    def evaluation_batches(self) -> Iterator[dict[str, np.ndarray]]:
        """All, in order."""
        for at in range(0, self.n_objects - _BATCH + 1, _BATCH):
            yield {k: v[at : at + _BATCH] for k, v in self._rows.items()}


def demonstration_model(workdir: Path, steps: int = _STEPS, count: int = _ALERTS) -> Loaded:
    """The trained network, from `workdir` where it lies already."""
    from lcjax.systems import build_task
    from lcjax.systems.loading import load
    from lcjax.training import fit
    from lcjax.training.workdir import experiment_record

    settings = experiment(steps)
    record = experiment_record(settings)
    fit(build_task(settings), settings, SimulatedBatches(count), None, workdir, config_record=record, quiet=True)
    return load(workdir, "latest", say=lambda text: None)
