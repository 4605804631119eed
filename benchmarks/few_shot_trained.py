"""Contestants that are trained on the labelled stars of every draw: heads on an encoder, networks from scratch."""

import dataclasses
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.few_shot_contestants import Contestant
from benchmarks.few_shot_stars import WINDOW, Curve, curve_digest, padded_windows, windows_of
from lcjax.configs import OptimizerConfig, TrainingConfig, WindowConfig
from lcjax.inference.light_curves import LightCurvePredictor
from lcjax.inference.loaded import Loaded
from lcjax.models.light_curve_head_config import HeadConfig
from lcjax.systems.light_curve_classifier.config import LightCurveClassifierExperiment
from lcjax.systems.light_curve_classifier.fitting import Labelled, fit_classifier

_VALIDATION = 0.2
"""Share of the drawn stars of each class that only choose the best weights."""


def settings(head: HeadConfig, steps: int, rate: float, scratch: str = "") -> LightCurveClassifierExperiment:
    """A classifier that stops when its validation stars no longer gain."""
    training = TrainingConfig(
        steps=steps,
        batch_size=64,
        evaluate_every=max(steps // 20, 1),
        checkpoint_every=steps,
        log_every=max(steps // 10, 1),
        patience=8,
        monitor="loss",
    )
    return LightCurveClassifierExperiment(
        window=WindowConfig(length=WINDOW, mode="sequential", evaluation_mode="sequential"),
        optimizer=OptimizerConfig(name="adam", learning_rate=rate, schedule="constant"),
        training=training,
        head=head,
        architecture=scratch,
        train_encoder="all" if scratch else "none",
        samples_per_class=None,
    )


def from_scratch(experiment: LightCurveClassifierExperiment, batch: int = 64) -> LightCurveClassifierExperiment:
    """The same for a whole network: all updates, ever smaller and clipped; the best weights are kept all the same.

    Scores of a few validation stars go up and down long before they stop rising, and patience takes that for the end.
    """
    optimizer = dataclasses.replace(experiment.optimizer, schedule="cosine", clip_norm=1.0)
    training = dataclasses.replace(experiment.training, patience=None, batch_size=batch)
    return dataclasses.replace(experiment, optimizer=optimizer, training=training)


def trained(
    name: str,
    experiment: LightCurveClassifierExperiment,
    encoder: Loaded | None = None,
    windows: bool = True,
    kept: Path | None = None,
) -> Contestant:
    """The contestant whose network learns from the drawn stars.

    Args:
      kept: folder for the training that is going on, so that one that is stopped goes on; None: it begins anew.
    """
    identity = f"{experiment} {encoder.identity() if encoder else ''}"
    length = min(WINDOW, encoder.experiment.window.length) if encoder else WINDOW

    def classify(
        curves: Sequence[Curve], label: np.ndarray, asked: Sequence[Curve], classes: int, seed: int
    ) -> np.ndarray:
        names = [str(number) for number in range(classes)]
        training = dataclasses.replace(experiment.training, seed=seed)
        held = held_stars(curves, label, seed)
        told = "\n".join([name, identity, str(seed), *map(curve_digest, curves), *map(str, label)])
        workdir = kept and kept / hashlib.sha256(told.encode()).hexdigest()[:16]
        loaded = fit_classifier(
            dataclasses.replace(experiment, training=training),
            _labelled(curves, label, ~held, length),
            names,
            encoder,
            _labelled(curves, label, held, length),
            workdir=workdir,
        )
        task = dataclasses.replace(loaded.task, predict=loaded.task.extras["windows"])
        predictor = LightCurvePredictor(task, loaded.variables, loaded.experiment.window)
        score = np.stack([found.outputs["score"] for found in predictor.predict(asked)])  # type: ignore[union-attr]
        if workdir:
            shutil.rmtree(workdir)
        return score

    return Contestant(name, classify=classify, heads=("its own",), windows=windows, identity=identity)


def held_stars(curves: Sequence[Curve], label: np.ndarray, seed: int) -> np.ndarray:
    """(N,) bool: by star, a share of each class, one at least."""
    names = np.array([f"{curve.survey}\t{curve.object_id}" for curve in curves])
    chosen: set[str] = set()
    rng = np.random.default_rng((seed, 7))
    for number in np.unique(label):
        own = rng.permutation(np.unique(names[label == number]))
        chosen |= set(own[: max(1, round(_VALIDATION * len(own)))])
    return np.array([name in chosen for name in names])


def _labelled(curves: Sequence[Curve], label: np.ndarray, which: np.ndarray, length: int) -> Labelled:
    """Windows of some curves, of at most `length` points, and the class of each."""
    rows: list[tuple[Curve, int]] = []
    for i in np.flatnonzero(which):
        rows += [(piece, int(label[i])) for piece in windows_of([curves[i]], length)]
    batch = padded_windows([piece for piece, _ in rows], length)
    return batch, np.array([number for _, number in rows], np.int32)
