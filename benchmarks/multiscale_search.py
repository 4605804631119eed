"""Training of one case in one repeat: the same search for every case, early stopping, one look at the test part.

Every trial (a pooling and a learning rate) trains for `rung` steps; the one with the best macro F1 on the validation part goes
on until `patience` checks in a row bring nothing better, or to `steps`. Its best weights are what is tested. The test part
has no say in any of it.
"""

import itertools
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.multiscale_cases import Case, Pooling, experiment_of, in_blocks
from lcjax.evaluation.classification import macro_f1
from lcjax.models.multiscale_stamps import MultiscaleClassifier, multiscale_train_flops
from lcjax.systems.classifier.task import classifier_task
from lcjax.systems.multiscale_stamps.config import CLASS_NAMES
from lcjax.training.optimizers import build_optimizer
from lcjax.training.state import TrainState, init_state
from lcjax.training.step import make_update


@dataclass(frozen=True)
class SearchSettings:
    """The search, alike for all cases."""

    learning_rates: tuple[float, ...] = (1e-3, 3e-3)
    """Tried with both poolings of the case."""
    rung: int = 100
    """Steps of every trial; a multiple of `check_every`."""
    steps: int = 500
    """Most steps of the trial that goes on, its rung included."""
    check_every: int = 50
    patience: int = 5
    batch: int = 32
    dropout: float = 0.3
    """The published rates (0.72 to 0.87) are for runs of up to 30,000 steps of 256."""


@dataclass(frozen=True)
class Part:
    """What a network sees of a part of the data."""

    seen: np.ndarray  #: (N, L, S, S, C) float32
    label: np.ndarray  #: (N,) int32


@dataclass
class Trial:
    """One pooling and learning rate, and how far it has come."""

    pooling: Pooling
    learning_rate: float
    state: TrainState
    rng: np.random.Generator
    step: int = 0
    best_step: int = 0
    best_score: float = -1.0
    best: TrainState | None = None
    scores: list[float] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "pooling": list(self.pooling),
            "learning_rate": self.learning_rate,
            "steps": self.step,
            "best_step": self.best_step,
            "validation_macro_f1": self.scores,
        }


class Network:
    """One trial's compiled training step and answers, used again in every repeat."""

    def __init__(
        self, case: Case, pooling: Pooling, learning_rate: float, settings: SearchSettings, seen: tuple
    ) -> None:
        experiment = experiment_of(case, pooling, learning_rate, settings.dropout)
        spec = {"stamps": jax.ShapeDtypeStruct((2, *seen), jnp.float32)}
        self.size = settings.batch
        self.task = classifier_task(
            experiment,
            MultiscaleClassifier(experiment.model),
            lambda batch: {
                "levels": batch["stamps"],
                "features": jnp.zeros((batch["stamps"].shape[0], 0), jnp.float32),
            },
            (),
            spec,
            lambda rows: multiscale_train_flops(experiment.model, rows),
        )
        self.optimizer = build_optimizer(experiment.optimizer, settings.steps)
        self.update = jax.jit(make_update(self.task, self.optimizer, 0, None))
        self._predict = jax.jit(lambda variables, batch: self.task.predict(variables, batch)["probabilities"])

    def start(self, repeat: int) -> TrainState:
        """Fresh weights."""
        return init_state(self.task, self.optimizer, jax.random.key(repeat), ema=False)

    def answer(self, state: TrainState, seen: np.ndarray) -> np.ndarray:
        """Most probable class of each alert, (N,) int."""
        probabilities = lambda block: self._predict(state.variables, {"stamps": block})
        return in_blocks(probabilities, seen, self.size).argmax(-1)


class Search:
    """All trials of a case; networks are compiled once."""

    def __init__(self, case: Case, settings: SearchSettings) -> None:
        self.case, self.settings = case, settings
        self._networks: dict[tuple[Pooling, float], Network] = {}

    def run(self, train: Part, validation: Part, repeat: int) -> tuple[Network, TrainState, list[dict[str, Any]]]:
        """Searches and trains.

        Returns:
          the chosen network, its best weights, and the record of every trial, the chosen one first.
        """
        trials = []
        for pooling, rate in itertools.product(self.case.poolings, self.settings.learning_rates):
            # Every trial sees the same batches and, for a pooling, starts from the same weights.
            state, rng = self._network(pooling, rate, train).start(repeat), np.random.default_rng(3000 + repeat)
            trials.append(Trial(pooling, rate, state, rng))
            self._train(trials[-1], train, validation, self.settings.rung)
        chosen = max(trials, key=lambda t: t.best_score)
        self._train(chosen, train, validation, self.settings.steps)
        others = [t.record() for t in trials if t is not chosen]
        assert chosen.best is not None
        return self._network(chosen.pooling, chosen.learning_rate, train), chosen.best, [chosen.record(), *others]

    def _network(self, pooling: Pooling, rate: float, part: Part) -> Network:
        key = (pooling, rate)
        if key not in self._networks:
            self._networks[key] = Network(self.case, pooling, rate, self.settings, part.seen.shape[1:])
        return self._networks[key]

    def _train(self, trial: Trial, train: Part, validation: Part, until: int) -> None:
        """Class-balanced steps up to `until`, with a check every so many; fewer when checks stop getting better."""
        settings, network = self.settings, self._network(trial.pooling, trial.learning_rate, train)
        classes = [np.flatnonzero(train.label == k) for k in range(len(CLASS_NAMES))]
        while trial.step < until and trial.step - trial.best_step < settings.patience * settings.check_every:
            for _ in range(settings.check_every):
                drawn = trial.rng.integers(len(CLASS_NAMES), size=settings.batch)
                rows = np.array([trial.rng.choice(classes[k]) for k in drawn])
                batch = {"stamps": train.seen[rows][None, None], "label": train.label[rows][None, None]}
                trial.state, _ = network.update(trial.state, batch)
            trial.step += settings.check_every
            score = macro_f1(validation.label, network.answer(trial.state, validation.seen))
            trial.scores.append(score)
            if score > trial.best_score:
                trial.best_score, trial.best_step, trial.best = score, trial.step, trial.state
