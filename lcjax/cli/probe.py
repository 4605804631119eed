"""`lcjax evaluate ... --probe`: how much of the classes simple classifiers find in embeddings, of a model or of a table."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape

from data_pipelines.kinds import find_kind
from data_pipelines.kinds.base import Request
from data_pipelines.processes import Processes, usual_count
from data_pipelines.sources.arrow_batches import PARQUET
from data_pipelines.sources.embedding_tables import (
    EmbeddingColumns,
    Embeddings,
    read_classes,
    read_embeddings,
)
from lcjax.cli.labelled_stars import LabelledStars, of_classes, of_dataset
from lcjax.cli.leaks import say_what_it_trained_on
from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.evaluation import probe as probing
from lcjax.evaluation.scores import Scores, Section, Table, Text
from lcjax.inference.loaded import Loaded
from lcjax.systems import find_system
from lcjax.systems.base import Work


@dataclasses.dataclass(frozen=True)
class ProbeOptions:
    """Of --probe: classes from frozen embeddings by nearest neighbours, logistic regression and random forest."""

    labels: Path | None = None
    """Classes of stars, CSV or Parquet: object_id, class, perhaps split; instead of prepared data. Without splits, a fifth of each
    class is tested, chosen by the ids."""
    classes: tuple[str, ...] = ()
    """Only these; none: all with 20 stars to learn from and 5 to test."""
    shots: tuple[int, ...] = (20, 100, probing.ALL)
    """Labelled stars of each class, at most; 0: all there are."""
    draws: int = 5
    """Of the labelled stars."""
    band: str | None = None
    """Of stars with embeddings in several bands."""
    columns: EmbeddingColumns = dataclasses.field(default_factory=EmbeddingColumns)
    """Names of the columns of tables."""


def is_table(name: str, probed: bool) -> bool:
    """Whether what shall be judged is a table of embeddings and not a model: by its name, or because a model is no single file."""
    return name.lower().endswith(PARQUET) or (probed and Path(name).is_file())


def probe_table(path: Path, data: Sequence[Path], split: str, options: ProbeOptions) -> Scores:
    """Scores of embeddings brought as a Parquet table.

    Raises:
      ConfigError: nothing or two things say the classes. DataError: tables that cannot be used or mean two things.
    """
    _check(options, split)
    table = read_embeddings(path, options.columns)
    if options.labels and data:
        raise ConfigError("--data and --labels both say the classes: give one of them")
    if options.labels:
        stars = [of_classes(options.labels.name, read_classes(options.labels, options.columns), split)]
    elif data:
        stars = _of_data(data, split)
    elif any(table.label):
        stars = [of_classes(path.name, _own_classes(table), split)]
    else:
        raise ConfigError(
            f"'{path}' has no classes: give prepared data with --data, or a table of classes with --labels"
        )
    _refuse_namesakes(table.object_id, stars, path)
    found = [_judged(one, table, str(path), options, len(stars) > 1) for one in stars]
    return _scores([one for one in found if one], str(path))


def probe_model(loaded: Loaded, data: Sequence[Path], split: str, options: ProbeOptions) -> Scores:
    """Scores of a model's embeddings of all stars of prepared datasets.

    Raises:
      ConfigError: the model gives no embeddings.
    """
    _check(options, split)
    if options.labels:
        raise ConfigError("--labels is for tables of embeddings: a model is judged on prepared data (--data)")
    say_what_it_trained_on(loaded.record, data, split)
    found, every = [], _of_data(data, split)
    for stars in every:
        if not stars.label:
            _say(f"{stars.name}: no star has a class, so there is nothing to judge by")
            continue
        found.append(_judged(stars, embed(loaded, stars.folder), str(loaded.folder), options, len(every) > 1))
    return _scores([one for one in found if one], str(loaded.folder))


def embed(loaded: Loaded, folder: Path) -> Embeddings:
    """A model's embeddings of everything in a prepared dataset.

    Raises:
      ConfigError: the model gives none.
    """
    system = find_system(loaded.experiment.system)
    kind = find_kind(system.kind)
    with Processes(usual_count()) as processes:
        options = system.embedding_options
        answers = system.answers(loaded, Work(options, kind.tools(), processes.map, None))
        if not {"embedding", "object_id"} <= set(answers.schema.names):
            raise ConfigError(
                f"'{loaded.folder}' is a {system.name}, which gives no embeddings of objects: there is nothing to probe"
            )
        reader = kind.reader(Request(system.request(loaded, options), options, processes, _say))
        rows = [row for row in answers.answer(reader.items([str(folder)])) if not isinstance(row, Rejection)]
    if not rows:
        raise DataError(f"none of the {answers.unit} of '{folder}' could be embedded")
    names = [str(row["object_id"]) for row in rows]
    vectors = np.stack([np.asarray(row["embedding"], np.float32).ravel() for row in rows])
    return Embeddings(names, vectors, [str(row.get("band") or "") for row in rows], [None] * len(rows))


def _check(options: ProbeOptions, split: str) -> None:
    if split == "train":
        raise ConfigError("a probe learns from the training split: give --split test or --split validation")
    if options.draws < 1 or min(options.shots, default=-1) < 0:
        raise ConfigError("--draws is 1 or more, and --shots are numbers of stars, 0 for all")


def _of_data(data: Sequence[Path], split: str) -> list[LabelledStars]:
    from data_pipelines.shards.manifest import find_datasets, read_manifest
    from data_pipelines.shards.opening import distinct_names

    manifests = [read_manifest(folder) for folder in find_datasets(data)]
    stars = [of_dataset(manifest, split) for manifest in manifests]
    return [dataclasses.replace(one, name=name) for one, name in zip(stars, distinct_names(manifests), strict=True)]


def _own_classes(table: Embeddings) -> Any:
    from data_pipelines.sources.embedding_tables import Classes

    said: dict[str, set[str]] = {}
    for name, label in zip(table.object_id, table.label, strict=True):
        if label:
            said.setdefault(name, set()).add(label)
    several = sum(len(labels) > 1 for labels in said.values())
    sure = {name: next(iter(labels)) for name, labels in said.items() if len(labels) == 1}
    return Classes(sure, {}, +Counter({"stars with several classes or splits": several}))


def _refuse_namesakes(names: Sequence[str], stars: Sequence[LabelledStars], path: Path) -> None:
    """An id that two datasets have may be either's star."""
    wanted = set(names)
    for i, one in enumerate(stars):
        for other in stars[:i]:
            if both := wanted & one.label.keys() & other.label.keys():
                raise DataError(
                    f"'{min(both)}' of '{path}' is in {other.name} and in {one.name}: give the dataset that is meant with --data"
                )


@dataclasses.dataclass
class _Judged:
    stars: LabelledStars
    said: list[str]
    scores: list[probing.ProbeScore]
    classes: dict[str, tuple[int, int]]


def _judged(
    stars: LabelledStars, table: Embeddings, where: str, options: ProbeOptions, several: bool
) -> _Judged | None:
    """The scores on one dataset; None where it is one of several and the table has none of its stars."""
    matched, said = stars.matched(table, options.band, where)
    if not len(matched.label):
        if several:
            _say(f"{stars.name}: none of its stars is in '{where}'")
            return None
        raise DataError(f"'{where}' has none of the labelled stars of {stars.name}: are the ids the same?")
    least = (1, 1) if options.classes else (20, 5)
    counts = probing.probe_classes(matched.label, matched.train, matched.test, *least)
    names = stars.class_names
    if unknown := [name for name in options.classes if name not in [names[c] for c in counts]]:
        raise DataError(
            f"{stars.name} has no stars of class '{unknown[0]}' to learn from and to test: it has {', '.join(names)}"
        )
    kept = [c for c in counts if not options.classes or names[c] in options.classes]
    if len(kept) < 2:
        raise DataError(
            f"{stars.name} has {len(kept)} classes with {least[0]} stars to learn from and {least[1]} to test: a probe needs two"
        )
    left_out = [name for c, name in enumerate(names) if c not in kept and (matched.label == c).any()]
    if left_out and not options.classes:
        said.append(f"classes with too few stars, left out: {', '.join(left_out)}")
    number = np.full(len(names), -1)
    number[kept] = np.arange(len(kept))
    label = number[matched.label]
    rows = lambda some: some[label[some] >= 0]
    scores = probing.probe(
        matched.embedding,
        label,
        rows(matched.train),
        rows(matched.test),
        [names[c] for c in kept],
        matched.object_id,
        options.shots,
        options.draws,
    )
    return _Judged(stars, said, scores, {names[c]: counts[c] for c in kept})


def _scores(judged: list[_Judged], where: str) -> Scores:
    if not judged:
        raise DataError(f"'{where}' could not be judged on any of these data: none has labelled stars that it embeds")
    printed: list[Table | Text] = []
    for one in judged:
        printed += [Text(f"{one.stars.name}: {sentence}") for sentence in one.said]
        classes = ", ".join(f"{name} {train:,}+{test:,}" for name, (train, test) in one.classes.items())
        printed.append(Text(f"{one.stars.name}, classes (stars to learn from + to test): {classes}"))
        rows = [(s.classifier, s.shots or "all", f"{s.train:,}", f"{s.tested:,}", s.macro_f1) for s in one.scores]
        header = ("classifier", "stars a class", "labelled", "tested", "macro F1")
        printed.append(Table(header, rows, f"{one.stars.name}: frozen embeddings, 95 % intervals over stars and draws"))
    values = [
        {
            "dataset": one.stars.name,
            "notes": one.said,
            "classes": one.classes,
            "scores": [s.as_dict() for s in one.scores],
        }
        for one in judged
    ]
    best = max((s for one in judged for s in one.scores), key=lambda s: s.macro_f1.value)
    cards = [(f"{best.macro_f1.value:.2f}", f"macro F1, {best.classifier}, {best.shots or 'all'} stars a class")]
    return Scores("Probe of embeddings", printed, values, cards, [Section("Classes from frozen embeddings", printed)])


def _say(text: str) -> None:
    Console(stderr=True).print(f"[dim]{escape(text)}[/]", highlight=False, soft_wrap=True)
