"""Runs of the positional study: one variant from one seed, trained on one survey, scored on it and on another.

All variants of a seed see the same windows with the same masks in the same order, are scored on the same hidden points of the
same stars, and are probed with the same draws of labelled stars: differences between variants of a seed are paired.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from data_pipelines.kinds.light_curves.source import LightCurveSource
from lcjax.configs import OptimizerConfig, TrainingConfig, WindowConfig
from lcjax.evaluation.classification import macro_f1
from lcjax.evaluation.probe import draw, fitted_guesses
from lcjax.evaluation.reconstruction import is_long_period, probed_sums
from lcjax.models.positional_config import PositionalStudyConfig
from lcjax.pretrained.weights_folder import count_parameters
from lcjax.systems import build_task
from lcjax.systems.masked_pretraining.config import MaskingConfig, ObjectiveConfig
from lcjax.systems.masked_pretraining.reconstruction import EVALUATION_SEED
from lcjax.systems.masked_pretraining.task import reconstruction_outputs
from lcjax.systems.positional_study.config import PositionalExperiment
from lcjax.training.optimizers import build_optimizer
from lcjax.training.source import device_part
from lcjax.training.state import TrainState, init_state
from lcjax.training.step import add_rows, make_update
from lcjax.typing import PyTree

SEEDS_APART = 1_000_000
"""The masks of a step follow from its number: each seed counts from a number of its own."""
PROBE_SHOTS, PROBE_DRAWS = 20, 10


@dataclass(frozen=True)
class StudySettings:
    """One size for all variants."""

    steps: int = 1000
    """Updates of the pretraining."""
    fine_tuning: int = 100
    """Updates on the other survey, with the same optimizer started afresh."""
    batch: int = 32
    window: int = 32
    """Points."""
    layers: int = 2
    width: int = 64
    heads: int = 4
    ffn_width: int = 128
    learning_rate: float = 1e-3
    """That of the papers; at three times as much most variants stay at the mean of the window."""
    probed: float = 0.2
    """Share of points to predict; all of them are hidden."""
    scored: int = 1024
    """Most windows of each survey's test split that are scored."""
    labelled: int = 3000
    """Most stars of the other survey whose embeddings are probed; their first window alone."""
    fused: int = 10
    """Updates of one call."""


def experiment_of(positional: str, settings: StudySettings) -> PositionalExperiment:
    """Settings of a variant's run."""
    model = PositionalStudyConfig(
        num_layers=settings.layers,
        num_heads=settings.heads,
        width=settings.width,
        ffn_width=settings.ffn_width,
        hidden=settings.width,
        harmonics=settings.width,
        positional=positional,  # type: ignore[arg-type]
    )
    return PositionalExperiment(
        model=model,
        masking=MaskingConfig(settings.probed, 0.0, 0.0),
        objective=ObjectiveConfig(loss="mse", scale="std"),
        window=WindowConfig(length=settings.window),
        optimizer=OptimizerConfig(
            name="adamw", learning_rate=settings.learning_rate, schedule="constant", warmup_steps=50, weight_decay=1e-3
        ),
        training=TrainingConfig(steps=settings.steps, batch_size=settings.batch),
    )


def fixed_windows(data: Path, split: str, settings: StudySettings, most: int) -> list[dict[str, np.ndarray]]:
    """The first window of each of up to `most` stars, in batches that all variants and seeds share."""
    window = WindowConfig(length=settings.window)
    source = LightCurveSource([data], split, settings.batch, window, seed=0)
    batches, stars = [], 0
    for _, batch in source.train_batches(0, 0):  # random windows, one a star, in a mixed order
        if stars + settings.batch > min(most, len(source.labels)):
            break
        stars += settings.batch
        batches.append(batch)
    return batches


def probe_rows(label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows to draw labelled stars from, and rows to score: halves of each class with enough stars, all classes alike.

    Args:
      label: (N,) int, -1 unlabelled.
    """
    classes, counts = np.unique(label[label >= 0], return_counts=True)
    enough = classes[counts >= 2 * PROBE_SHOTS]
    rows = [np.flatnonzero(label == c) for c in enough]
    learning = np.concatenate([of_class[: len(of_class) // 2] for of_class in rows])
    rest = np.concatenate([of_class[len(of_class) // 2 :] for of_class in rows])
    return learning, draw(label, rest, int(min(np.unique(label[rest], return_counts=True)[1])), 0)


class Survey:
    """One survey as all runs see it."""

    def __init__(self, data: Path, settings: StudySettings) -> None:
        """Reads the scored and the probed windows; training windows are read seed by seed."""
        self.data, self.settings = data, settings
        self.class_names = LightCurveSource([data], "test", settings.batch, WindowConfig()).class_names
        self.scored = fixed_windows(data, "test", settings, settings.scored)
        self.labelled = fixed_windows(data, "train", settings, settings.labelled)

    def training(self, seed: int, steps: int) -> Iterator[dict[str, np.ndarray]]:
        """Batches for as many fused calls as hold `steps` updates: (fused, 1, B, ...)."""
        window, fused = WindowConfig(length=self.settings.window), self.settings.fused
        source = LightCurveSource([self.data], "train", self.settings.batch, window, seed=seed)
        batches = source.train_batches(0, 0)
        for _ in range(steps // fused):
            rows = [device_part(next(batches)[1]) for _ in range(fused)]
            yield {name: np.stack([row[name] for row in rows])[:, None] for name in rows[0]}


class Variant:
    """One variant's compiled functions, used again by every seed."""

    def __init__(self, positional: str, settings: StudySettings) -> None:
        """Compiles nothing yet."""
        self.settings = settings
        experiment = experiment_of(positional, settings)
        self.task = build_task(experiment)
        self._optimizer = build_optimizer(experiment.optimizer, settings.steps)
        self._start = jax.jit(lambda key: init_state(self.task, self._optimizer, key, ema=False))
        self._update = jax.jit(make_update(self.task, self._optimizer, 0, None))
        self._embed = jax.jit(lambda variables, batch: self.task.predict(variables, batch)["embedding"])
        self._reconstruct = jax.jit(self._reconstructed)

    def _reconstructed(self, variables: PyTree, batch: dict, number: jax.Array) -> dict[str, jax.Array]:
        """Hidden are the points that follow from the batch's number."""
        key = jax.random.fold_in(jax.random.key(EVALUATION_SEED), number)
        return reconstruction_outputs(*self.task.extras["reconstruct"](variables, add_rows(batch), key))

    def start(self, seed: int) -> TrainState:
        """Fresh weights, whose masks are those of the seed."""
        state = self._start(jax.random.key(seed))
        return state.replace(step=jnp.int32(SEEDS_APART * (seed + 1)))

    def train(self, state: TrainState, batches: Sequence[dict]) -> tuple[TrainState, float]:
        """All batches; also seconds of processor time an update, the first call (it compiles) not counted."""
        begin = 0.0
        for number, batch in enumerate(batches):
            state, out = self._update(state, batch)
            jax.block_until_ready(out)
            begin = time.process_time() if number == 0 else begin
        updates = self.settings.fused * (len(batches) - 1)
        return state, (time.process_time() - begin) / updates if updates else float("nan")

    def fine_tune(self, variables: PyTree, seed: int, batches: Sequence[dict]) -> PyTree:
        """The same weights after some updates on another survey."""
        state = self.start(seed)
        state = state.replace(params=variables["params"], step=state.step + SEEDS_APART // 2)
        for batch in batches:
            state, _ = self._update(state, batch)
        return state.variables

    def reconstruction(self, variables: PyTree, survey: Survey) -> dict[str, float]:
        """R2 of hidden points, of all stars and without long-period ones, and the median over stars."""
        rows, labels = [], []
        for number, batch in enumerate(survey.scored):
            out = self._reconstruct(variables, device_part(batch), np.uint32(number))
            rows.append(np.stack(probed_sums(out["target"], out["prediction"], out["probed"]), -1))
            labels += [survey.class_names[i] if i >= 0 else "" for i in batch["label"]]
        sums, short = np.concatenate(rows), ~np.array([is_long_period(label) for label in labels])
        r2 = lambda part: float(1 - part[:, 0].sum() / part[:, 1].sum())
        each = 1 - sums[:, 0] / np.where(sums[:, 1] > 0, sums[:, 1], np.nan)
        return {"r2": r2(sums), "r2_short": r2(sums[short]), "r2_median": float(np.nanmedian(each))}

    def probe(self, variables: PyTree, survey: Survey) -> float:
        """Macro F1 of a logistic regression on frozen embeddings."""
        found = [np.asarray(self._embed(variables, device_part(batch))) for batch in survey.labelled]
        label = np.concatenate([batch["label"] for batch in survey.labelled])
        embedding, (learning, tested) = np.concatenate(found), probe_rows(label)
        scores = []
        for i in range(PROBE_DRAWS):
            rows = draw(label, learning, PROBE_SHOTS, i)
            guess = fitted_guesses("logistic regression", embedding, label, rows, tested, i)
            scores.append(macro_f1(label[tested], guess))
        return float(np.mean(scores))


def run(
    variant: Variant, home: Survey, away: Survey, seed: int, batches: Sequence[dict], fine: Sequence[dict]
) -> dict[str, Any]:
    """Trains on `home` and scores there and on `away`: what the JSON of a run holds."""
    begin = time.perf_counter()
    state, seconds = variant.train(variant.start(seed), batches)
    variables = state.variables
    trained = time.perf_counter() - begin
    scores = {"home": variant.reconstruction(variables, home), "away": variant.reconstruction(variables, away)}
    if len(fine):
        scores["fine_tuned"] = variant.reconstruction(variant.fine_tune(variables, seed, fine), away)
    return {
        "seed": seed,
        **scores,
        "macro_f1": variant.probe(variables, away),
        "processor_seconds_per_update": seconds,
        "training_wall_seconds": trained,
        "bad_steps": int(state.bad_steps),
        "parameters": count_parameters(variables),
    }
