"""Ways to learn classes from few stars that are trained in every draw: published fine-tuning, heads, networks from scratch.

All are settings of `lcjax train`; a method says which trainings follow one another, for all draws at once.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.few_shot_many import Best, Lesson, Trainings, answered, stacked
from benchmarks.few_shot_trained import from_scratch, settings
from lcjax.errors import DataError
from lcjax.inference.loaded import Loaded
from lcjax.models.light_curve_head_config import HeadConfig
from lcjax.systems.encoder_origin import OriginConfig, encoder_experiment, encoder_task
from lcjax.systems.light_curve_classifier.config import LightCurveClassifierExperiment
from lcjax.systems.light_curve_classifier.encoder import encoder_in, joined, with_origin
from lcjax.systems.light_curve_classifier.presets import PRESETS
from lcjax.systems.light_curve_classifier.task import ENCODED, ENCODED_MASK, build_task, reader
from lcjax.training.tree_paths import path_name
from lcjax.typing import Batch, PyTree

_PIECE = 128
"""Windows of one run that are answered together."""
CLASSES = 6
"""Outputs of every network, also where a question has fewer classes: programs of one shape are compiled once."""


@dataclasses.dataclass(frozen=True)
class Encoder:
    """A trained encoder, in memory."""

    name: str
    origin: OriginConfig
    variables: PyTree


def write_encoder(path: Path, loaded: Loaded) -> None:
    """The arrays of an encoder and its settings as one file."""
    origin, variables = encoder_in(loaded)
    leaves = jax.tree_util.tree_leaves_with_path(variables)
    arrays = {path_name(where): np.asarray(leaf) for where, leaf in leaves}
    np.savez(path, origin=np.array(json.dumps(dataclasses.asdict(origin))), **arrays)


def read_encoder(path: Path) -> Encoder:
    """What `write_encoder` wrote.

    Raises:
      DataError: there is no such file.
    """
    if not path.is_file():
        raise DataError(f"there is no file '{path}': write it with --export")
    variables: dict[str, Any] = {}
    with np.load(path, allow_pickle=False) as file:
        origin = OriginConfig(**json.loads(file["origin"].item()))
        for name in file.files:
            if name != "origin":
                *folders, leaf = name.split("/")
                place = variables
                for folder in folders:
                    place = place.setdefault(folder, {})
                place[leaf] = file[name]
    return Encoder(path.stem, origin, variables)


@dataclasses.dataclass(frozen=True)
class Question:
    """What the trainings of one question have."""

    lessons: Sequence[Lesson]
    windows: Batch
    """(W, ...) each, on the device."""
    asked: Sequence[np.ndarray]
    """Rows that each run is scored on, (T,)."""
    judged: int
    """Least number of validation rows, for one shape of all questions."""
    answers: int
    """Likewise of rows to be scored on."""
    embeds: bool = False
    """Whether embeddings are asked for, too."""


@dataclasses.dataclass(frozen=True)
class Taught:
    """What came of one method."""

    name: str
    score: np.ndarray
    """(R, T, K) float32, of single windows, in the order that is asked: what is averaged over those of a star."""
    embedding: np.ndarray | None
    """(R, T, D), if it is asked for."""
    best: Sequence[int]
    """Update of the weights that are scored, of every run."""
    updates: int
    steps: int
    """That the settings ask for."""
    variables: PyTree = dataclasses.field(repr=False, compare=False)
    """Of the best weights, with a leading axis."""


@dataclasses.dataclass
class School:
    """Trains; what was compiled for one question serves the next."""

    going: Callable[[], bool]
    steps: int | None = None
    """At most, of every training."""
    programs: dict[str, Any] = dataclasses.field(default_factory=dict)

    def _kept(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self.programs:
            self.programs[key] = make()
        return self.programs[key]

    def short(self, experiment: Any) -> Any:
        """With no more updates than allowed."""
        steps = min(experiment.training.steps, self.steps or experiment.training.steps)
        every = min(experiment.training.evaluate_every, steps)
        return dataclasses.replace(
            experiment, training=dataclasses.replace(experiment.training, steps=steps, evaluate_every=every)
        )

    def reconstructed(self, encoder: Encoder, question: Question, rate: float, steps: int) -> Best:
        """Goes on with the encoder's own pretraining on the labelled stars of every run."""
        preset = PRESETS["few-shot-reconstruction"]()
        inner = encoder_experiment(encoder.origin)
        optimizer = dataclasses.replace(preset.optimizer, learning_rate=rate)
        training = dataclasses.replace(preset.training, steps=steps, evaluate_every=100, patience=None)
        inner = self.short(dataclasses.replace(inner, optimizer=optimizer, training=training))
        task = encoder_task(encoder.origin)
        make = lambda: Trainings(task, inner, min(training.batch_size, _PIECE))
        start = _repeated(encoder.variables, len(question.lessons))
        trainings = self._kept(f"reconstruction {encoder.name} {inner}", make)
        return trainings.run(question.lessons, question.windows, start, self.going, question.judged)[0]

    def taught(
        self, name: str, experiment: LightCurveClassifierExperiment, question: Question, encoder: Encoder | None,
        start: PyTree | None = None, whole: PyTree | None = None,
    ) -> Taught:  # fmt: skip
        """A head, and what else the settings say, for every run.

        Args:
          start: variables of the encoder, with a leading axis; None: those of `encoder`.
          whole: those of encoder and head, to go on from.
        """
        named = dataclasses.replace(self.short(experiment), class_names=tuple(map(str, range(CLASSES))))
        ready = with_origin(named, None if encoder is None else encoder.origin)
        windows, own = question.windows, False
        if ready.frozen and encoder is not None:
            windows, own = self._seen(ready, question, encoder, start), start is not None
        if encoder is not None:
            start = _repeated(encoder.variables, len(question.lessons)) if start is None else start
        key = f"{ready} {own}"
        task = self._kept(f"task {key}", lambda: build_task(ready))
        trainings = self._kept(f"training {key}", lambda: Trainings(task, ready, _PIECE, own))
        begun = whole if whole is not None or start is None else joined(start, None)
        best, updates = trainings.run(question.lessons, windows, begun, self.going, question.judged)
        wanted = question.embeds
        answers = self._kept(f"answers {key} {wanted}", lambda: answered(_answer(task, wanted), _PIECE, own))
        rows = stacked([(rows, np.full(len(rows), -1)) for rows in question.asked], _PIECE, question.answers)
        found = jax.tree.map(np.asarray, answers(best.variables, rows, windows))
        own = found["score"], found.get("embedding")
        return Taught(name, *own, np.asarray(best.step).tolist(), updates, ready.training.steps, best.variables)

    def _seen(
        self, ready: LightCurveClassifierExperiment, question: Question, encoder: Encoder, start: PyTree | None
    ) -> Batch:
        """What the head reads of every window under a frozen encoder, or under one of each run."""
        read = reader(ready, encoder_task(encoder.origin))

        def encode(variables: PyTree, batch: Batch) -> Batch:
            inputs = read(joined(variables, None), batch)
            return {ENCODED: jnp.stack(inputs["layers"], axis=1), ENCODED_MASK: inputs["mask"]}

        run = self._kept(f"encoding {ready.origin} {ready.head}", lambda: answered(encode, _PIECE))
        variables = _repeated(encoder.variables, 1) if start is None else start
        count = len(jax.tree.leaves(question.windows)[0])
        number = len(jax.tree.leaves(variables)[0])
        rows = stacked([(np.arange(count), np.full(count, -1))] * number, _PIECE)
        found = jax.tree.map(lambda x: x[:, :count], run(variables, rows, question.windows))
        return jax.tree.map(lambda x: x[0], found) if start is None else found


def _answer(task: Any, embeds: bool) -> Callable[[PyTree, Batch], dict[str, jax.Array]]:
    def answer(variables: PyTree, batch: Batch) -> dict[str, jax.Array]:
        found = task.extras["answer"](variables, batch)
        embedding = {"embedding": found["embedding"]} if embeds else {}
        return {"score": jax.nn.log_softmax(found["logits"]), **embedding}

    return answer


def _repeated(variables: PyTree, count: int) -> PyTree:
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (count, *np.shape(x))), variables)


def _preset(name: str, head: HeadConfig | None = None, **training: Any) -> LightCurveClassifierExperiment:
    own = PRESETS[name]()
    own = dataclasses.replace(own, training=dataclasses.replace(own.training, **training))
    return own if head is None else dataclasses.replace(own, head=head)


_SLOW = {"evaluate_every": 50, "patience": 10}
"""Of whole encoders: as many updates of patience as the presets have, and half the evaluations."""


def astromer1(school: School, encoder: Encoder, question: Question) -> Iterator[Taught]:
    """Scenarios a, b, c of Astromer 1 (A&A 670, A54); c begins with the encoder of the run with most labels."""
    own = school.reconstructed(encoder, question, 1e-5, 500).variables
    name = lambda which: f"{encoder.name}, scenario {which}"
    yield school.taught(name("a"), _preset("few-shot-astromer1-a"), question, encoder, own)
    whole = jax.tree.map(lambda x: jnp.broadcast_to(x[-1:], x.shape), own)
    both = _preset("few-shot-astromer1-b", **_SLOW)
    yield school.taught(name("b"), both, question, encoder, own)
    yield school.taught(name("c"), both, question, encoder, whole)


def astromer2(school: School, encoder: Encoder, question: Question) -> Iterator[Taught]:
    """Protocol of Astromer 2 (A&A 707, A170)."""
    own = school.reconstructed(encoder, question, 1e-5, 500).variables
    name = f"{encoder.name}, protocol of Astromer 2"
    yield school.taught(name, _preset("few-shot-astromer2"), question, encoder, own)


def skip_head(school: School, encoder: Encoder, question: Question) -> Iterator[Taught]:
    """The published head on an encoder as it is (`few-shot`)."""
    yield school.taught(f"{encoder.name}, skip head", _preset("few-shot"), question, encoder)


def last_block(school: School, encoder: Encoder, question: Question) -> Iterator[Taught]:
    """Its last block learns with the head."""
    partly = dataclasses.replace(_preset("few-shot", steps=1000, batch_size=32, **_SLOW), train_encoder="1")
    yield school.taught(f"{encoder.name}, last block trained", partly, question, encoder)


def wholly(school: School, encoder: Encoder, question: Question) -> Iterator[Taught]:
    """The whole encoder learns with the head."""
    whole = dataclasses.replace(_preset("few-shot", steps=1000, batch_size=32, **_SLOW), train_encoder="all")
    yield school.taught(f"{encoder.name}, wholly trained", whole, question, encoder)


def fine_tuned(school: School, encoder: Encoder, question: Question) -> Iterator[Taught]:
    """The whole encoder and a linear head learn from all labelled stars, none of which choose weights: the last ones are scored.

    Rate and number of updates were chosen for `lcjax-base` on the development part.
    """
    whole = lambda lesson: dataclasses.replace(
        lesson, learn=np.concatenate([lesson.learn, lesson.held]), held=lesson.held[:0]
    )
    every = dataclasses.replace(question, lessons=list(map(whole, question.lessons)), judged=0)
    own = _preset("few-shot", HeadConfig("avg_clf"), steps=200, batch_size=64, evaluate_every=200, ema_decay=None)
    optimizer = dataclasses.replace(own.optimizer, name="adamw", schedule="cosine", weight_decay=0.01)
    own = dataclasses.replace(own, train_encoder="all", optimizer=optimizer)
    yield school.taught(f"{encoder.name}, fine-tuned", own, every, encoder)


def transformer(school: School, encoder: None, question: Question) -> Iterator[Taught]:
    """As the few-shot benchmark has it."""
    mean = HeadConfig("avg_mlp", widths=(128,))
    own = from_scratch(settings(mean, 600, 2e-3, "astromer2-survey"), batch=32)
    yield school.taught("transformer from scratch", own, question, encoder)


def gru(school: School, encoder: None, question: Question) -> Iterator[Taught]:
    """As the few-shot benchmark has it."""
    head = HeadConfig("raw_gru", units=64, widths=(128,), scaling="gaps")
    yield school.taught("GRU from scratch", from_scratch(settings(head, 1000, 3e-3)), question, encoder)


METHODS: dict[str, Callable[[School, Any, Question], Iterator[Taught]]] = {
    "astromer1": astromer1,
    "transformer": transformer,
    "skip-head": skip_head,
    "astromer2": astromer2,
    "wholly": wholly,
    "last-block": last_block,
    "fine-tuned": fine_tuned,
    "gru": gru,
}
FROM_SCRATCH = ("transformer", "gru")
