"""Answers of a DELIGHT to held-out fields, collected and scored: positions by size of the host, probabilities, scatter."""

from collections.abc import Iterable
from dataclasses import dataclass

import jax
import numpy as np

from lcjax.errors import DataError
from lcjax.evaluation.calibration import Reliability, reliability
from lcjax.evaluation.ranking import auroc
from lcjax.systems.delight.config import DelightExperiment
from lcjax.systems.delight.scores import HostScores, catastrophic_limit, scatter_quartiles, scores_by_size
from lcjax.training.task import Task
from lcjax.typing import PyTree


@dataclass(frozen=True)
class HostAnswers:
    """Truth and answers of N fields; lengths in arcsec."""

    outputs: dict[str, np.ndarray]  #: what the task predicts, (N, ...), pixels
    offset: np.ndarray  #: (N, 2) true offset, pixels; 0 without a host
    hostless: np.ndarray  #: (N,) bool
    host_radius: np.ndarray  #: (N,)
    pixel_scale: float
    answer_radius: float  #: pixels, of the circle that probabilities are about

    @property
    def has_probabilities(self) -> bool:
        """Whether the network gives them."""
        return "hostless_probability" in self.outputs

    def distance(self, answer: str = "offset") -> np.ndarray:
        """(N,) error of an answer; of no meaning without a host."""
        return np.hypot(*(self.outputs[answer] - self.offset).T) * self.pixel_scale

    def scores(self) -> dict[str, HostScores]:
        """Errors by size of the host."""
        hosted = ~self.hostless
        return scores_by_size(self.distance()[hosted], self.host_radius[hosted])

    def top2_recall(self) -> float:
        """Share of hosts that the first or the second answer finds, where the second has at least a tenth of probability."""
        hosted = ~self.hostless
        limit = catastrophic_limit(self.host_radius)
        second = (self.distance("second_offset") <= limit) & (self.outputs["second_probability"] > 0.1)
        return float(np.mean(((self.distance() <= limit) | second)[hosted]))

    def calibration(self) -> dict[str, Reliability]:
        """Of `host is there` (the answer's circle holds the host) and of `hostless`."""
        radius = self.answer_radius * self.pixel_scale
        right = ~self.hostless & (self.distance() <= radius)
        return {
            "host is there": reliability(self.outputs["probability"], right),
            "hostless": reliability(self.outputs["hostless_probability"], self.hostless),
        }

    def hostless_auroc(self) -> float:
        """Area under the curve of telling fields without a host."""
        return auroc(self.outputs["hostless_probability"], self.hostless)

    def scatter_flag(self) -> list[dict[str, float]]:
        """What the scatter says of the error, in quarters."""
        hosted = ~self.hostless
        limit = catastrophic_limit(self.host_radius)[hosted]
        return scatter_quartiles(self.outputs["scatter"][hosted] * self.pixel_scale, self.distance()[hosted], limit)


def answer_fields(task: Task, variables: PyTree, batches: Iterable[dict], settings: DelightExperiment) -> HostAnswers:
    """Runs a DELIGHT over batches of fields with known hosts.

    Args:
      batches: `stamps`, `offset`, `hostless`, `host_radius`, `weight` (0: only fills up). settings: the experiment.

    Raises:
      DataError: there are no fields.
    """
    predict = jax.jit(task.predict)
    pieces: list[dict[str, np.ndarray]] = []
    for batch in batches:
        real = np.asarray(batch["weight"]) > 0
        with jax.default_matmul_precision("float32"):
            outputs = jax.device_get(predict(variables, {"stamps": batch["stamps"]}))
        truth = {name: np.asarray(batch[name])[real] for name in ("offset", "hostless", "host_radius")}
        pieces.append(truth | {f"out/{name}": np.asarray(value)[real] for name, value in outputs.items()})
    if not pieces:
        raise DataError("there are no fields in this split: choose another with --split")
    whole = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    return HostAnswers(
        outputs={name.removeprefix("out/"): value for name, value in whole.items() if name.startswith("out/")},
        offset=whole["offset"],
        hostless=whole["hostless"] > 0.5,
        host_radius=whole["host_radius"],
        pixel_scale=settings.image.pixel_scale,
        answer_radius=settings.objective.answer_radius,
    )
