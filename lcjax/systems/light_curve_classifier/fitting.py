"""A classifier from arrays in one call: what `lcjax train` does with prepared data, for windows that are at hand."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lcjax.errors import DataError
from lcjax.inference.loaded import Loaded
from lcjax.systems.encoder_origin import OriginConfig
from lcjax.systems.light_curve_classifier.config import LightCurveClassifierExperiment
from lcjax.systems.light_curve_classifier.encoder import encoder_in, joined, with_origin
from lcjax.systems.light_curve_classifier.system import keeps_encoded
from lcjax.systems.light_curve_classifier.task import build_task, frozen_encoder
from lcjax.systems.light_curve_classifier.windows import ArrayWindows, Encode, encoded
from lcjax.systems.loading import load
from lcjax.training import fit
from lcjax.training.checkpoint import restore_variables
from lcjax.training.workdir import experiment_record
from lcjax.typing import PyTree

Labelled = tuple[dict[str, np.ndarray], np.ndarray]
"""Windows (`time` in days from any epoch near them, `magnitude`, `magnitude_error` in mag, float32, `mask` bool, (N, L)
each) and their classes (N,) int, -1 unknown."""


def fit_classifier(
    experiment: LightCurveClassifierExperiment,
    training: Labelled,
    class_names: Sequence[str],
    encoder: Loaded | None = None,
    validation: Labelled | None = None,
    quiet: bool = True,
    workdir: Path | None = None,
) -> Loaded:
    """Trains a head, and what else the settings say, on windows; returns what `lcjax.load` gives of a workdir.

    Args:
      experiment: settings of a preset, such as `PRESETS["few-shot"]()`; `training.seed` decides all that is random.
      training, validation: windows of at most as many points as the encoder knows. Validation windows choose the best
        weights and the end; None: the last weights of `training.steps` updates.
      class_names: K names.
      workdir: folder of its own, from which the same call goes on where it was stopped; None: nothing is kept.
      encoder: as `lcjax.load` gives it; None: what `experiment.encoder` names, what `experiment.architecture` says with random
        weights, or none (raw heads).

    Raises:
      DataError: windows without labels. ConfigError: settings that do not fit each other. KeyboardInterrupt: the process was
        asked to stop (SIGTERM, Ctrl-C) before the end.
    """
    if encoder is None and experiment.encoder:
        encoder = load(experiment.encoder)
    origin, variables = (None, None) if encoder is None else encoder_in(encoder)
    experiment = _ready(experiment, class_names, origin)
    encode = frozen_encoder(experiment, variables) if keeps_encoded(experiment) else None
    sources = [None if given is None else _source(experiment, given, encode) for given in (training, validation)]
    start: PyTree | None = None if variables is None else joined(variables, None)
    task = build_task(experiment)
    with tempfile.TemporaryDirectory() if workdir is None else contextlib.nullcontext(workdir) as folder:
        record = experiment_record(experiment)
        result = fit(
            task, experiment, sources[0], sources[1], folder, config_record=record, initial_variables=start, quiet=quiet
        )  # type: ignore[arg-type]
        if result.status == "preempted":  # half-learned weights are no answer
            raise KeyboardInterrupt("asked to stop before the classifier had learned")
        found = restore_variables(folder, "best", lambda text: None)[1]
    return Loaded(experiment, task, found, Path(), record)


def _ready(
    experiment: LightCurveClassifierExperiment, class_names: Sequence[str], origin: OriginConfig | None
) -> LightCurveClassifierExperiment:
    named = dataclasses.replace(experiment, class_names=tuple(class_names))
    if origin is None:
        return with_origin(named)
    return with_origin(dataclasses.replace(named, encoder="", architecture=""), origin)


def _source(experiment: LightCurveClassifierExperiment, given: Labelled, encode: Encode | None) -> ArrayWindows:
    windows, label = given
    label = np.asarray(label, np.int32)
    if not (label >= 0).any():
        raise DataError("none of these windows has a class: give labels, (N,) whole numbers from 0 on")
    length = experiment.window.length
    width = windows["mask"].shape[1]
    if width > length:
        raise DataError(f"windows of {width} points are longer than the {length} of this model: cut them")
    ready = {name: np.pad(np.asarray(x), ((0, 0), (0, length - width))) for name, x in windows.items() if x.ndim == 2}
    ready["length"] = ready["mask"].sum(1).astype(np.int32)
    ready |= {"label": label, "weight": np.ones(len(label), np.float32)}
    collect = lambda: ready if encode is None else encoded(ready, encode)
    seed = experiment.training.seed
    return ArrayWindows(collect, experiment.class_names, experiment.training.batch_size, seed)
