"""One run of any system, from its data to trained weights: what the data says of the settings comes first."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lcjax.configs import Experiment
from lcjax.inference.loaded import Loaded
from lcjax.systems import find_system
from lcjax.systems.base import Data
from lcjax.systems.loading import load
from lcjax.training import fit
from lcjax.training.loop import FitResult
from lcjax.training.workdir import experiment_record

Opened = Callable[[str, Experiment], Data]
"""Opens a split of the data (`train`, `validation`) under an experiment's settings."""


def train_system(
    preset: str,
    experiment: Experiment,
    opened: Opened,
    validates: bool,
    about: Mapping[str, Any],
    workdir: Path,
    say: Callable[[str], None],
) -> FitResult:
    """Trains in `workdir`, or goes on there.

    Args:
      preset: whose settings these are. validates: whether there is a validation split.
      about: what else `config.json` shall say of the data. say: told what the system makes of its data.

    Raises:
      ConfigError: the data does not fit the settings. What `fit` raises.
    """
    system = find_system(experiment.system)
    train = system.matched(experiment, opened("train", experiment), training=True, say=say)
    adapted = system.adapt(experiment, train)
    for sentence in system.notes(adapted, train):
        say(sentence)
    learned = system.run_as(adapted)
    learner = find_system(learned.system)
    validation = None
    if validates:
        validation = system.matched(adapted, opened("validation", adapted), training=True, say=say)
    if validation is None or not validation.n_objects or not learner.can_score(validation):
        validation = None
        say("nothing to score in a validation split of this data: training without evaluations")
    data = {"fingerprint": train.fingerprint, **train.describe()}
    if validation is not None:
        data["validation"] = validation.describe()
    record = experiment_record(learned, preset=preset, data={**data, **about})
    resumed = any((workdir / "checkpoints").glob("[0-9]*"))
    weights = None if resumed else system.starting_variables(adapted, train, _given(adapted, say), say)
    task = learner.build_task(learned)
    return fit(task, learned, train, validation, workdir, config_record=record, initial_variables=weights)


def _given(experiment: Experiment, say: Callable[[str], None]) -> Loaded | None:
    """The model whose weights the run begins with."""
    start = experiment.training.initial_weights
    return load(start, say=say) if start else None
