"""Stars whose class and split are known, and what a table of embeddings has of them: nothing is lost without being counted."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from data_pipelines.shards.manifest import Manifest, find_datasets, read_manifest
from data_pipelines.shards.opening import distinct_names
from data_pipelines.shards.stars import find_leaks
from data_pipelines.sources.embedding_tables import Classes, Embeddings
from data_pipelines.splits import assign_splits
from lcjax.errors import DataError

_TESTED = 0.2
"""Share of each class that is tested where nothing says the splits."""


@dataclasses.dataclass(frozen=True)
class Matched:
    """N labelled stars with an embedding each."""

    object_id: np.ndarray
    """(N,) str."""
    embedding: np.ndarray
    """(N, D), finite."""
    label: np.ndarray
    """(N,) int."""
    train: np.ndarray
    """Rows to learn from."""
    test: np.ndarray
    """Rows to be scored on."""


@dataclasses.dataclass(frozen=True)
class LabelledStars:
    """Of one dataset or table."""

    name: str
    class_names: tuple[str, ...]
    label: dict[str, int]
    """Id -> class, of stars to learn from or to be scored on."""
    trains: dict[str, bool]
    """Id -> whether to learn from it."""
    notes: tuple[str, ...] = ()
    """What was found out while they were read."""
    folder: Path = Path()
    """Of a dataset."""
    unused: frozenset[str] = frozenset()
    """Ids that are known and of no use here: of another split, without a class, or left out of learning."""

    def matched(self, table: Embeddings, band: str | None, where: str) -> tuple[Matched, list[str]]:
        """The stars that the table has an embedding of, and sentences about the others.

        Args:
          band: the one to take of stars with several. where: what to call the table.

        Raises:
          DataError: a star has several different embeddings.
        """
        said = list(self.notes)
        rows = [i for i in range(len(table)) if band is None or table.band[i] == band]
        if band is not None and not rows:
            bands = ", ".join(sorted({name or "(unnamed)" for name in table.band}))
            raise DataError(f"'{where}' has no embeddings in band '{band}': it has {bands}")
        first, copies = _one_row_each(table, rows, self.label, where)
        finite = {name: row for name, row in first.items() if np.isfinite(table.embedding[row]).all()}
        others = {table.object_id[i] for i in rows} - first.keys() - self.unused
        lost = [name for name in first if name not in finite]
        absent = [name for name in self.label if name not in first]
        tested = sum(not self.trains[name] for name in [*absent, *lost])
        for names, what in (
            (range(table.unnamed), "rows without an id, left out"),
            (copies, "repeated rows, taken once"),
            (sorted(others), "stars of the table that are not known here, left out"),
            (lost, "stars whose embedding is not finite, left out"),
            (absent, "labelled stars without an embedding"),
        ):
            if len(names):
                said.append(f"{len(names):,} {what}{_examples(names)}")
        if tested:
            said.append(f"{tested:,} stars of those to be scored on are among these: the scores are of the others")
        names = list(finite)
        trains = np.array([self.trains[name] for name in names], bool)
        label = np.array([self.label[name] for name in names], int)
        vectors = table.embedding[[finite[name] for name in names]]
        return Matched(np.array(names), vectors, label, np.flatnonzero(trains), np.flatnonzero(~trains)), said


def _one_row_each(
    table: Embeddings, rows: Iterable[int], wanted: dict[str, int], where: str
) -> tuple[dict[str, int], list[str]]:
    """Id -> its row, and the ids of rows that repeat one."""
    first: dict[str, int] = {}
    copies = []
    for i in rows:
        name = table.object_id[i]
        if name not in wanted:
            continue
        j = first.setdefault(name, i)
        if i == j:
            continue
        if table.band[i] != table.band[j]:
            raise DataError(
                f"'{name}' of '{where}' has embeddings in bands '{table.band[j]}' and '{table.band[i]}': choose one with --band"
            )
        if not np.array_equal(table.embedding[i], table.embedding[j], equal_nan=True):
            raise DataError(f"'{name}' has two different embeddings in '{where}': leave one row for each star")
        copies.append(name)
    return first, copies


def _examples(names: Sequence[object]) -> str:
    """The first few, where they are names."""
    shown = [f"'{name}'" for name in list(names)[:3] if isinstance(name, str)]
    more = ", ..." if len(names) > len(shown) else ""
    return f" ({', '.join(shown)}{more})" if shown else ""


def of_datasets(data: Sequence[Path], split: str) -> list[LabelledStars]:
    """Of all prepared datasets in some folders, under names that tell them apart; see `of_dataset`."""
    manifests = [read_manifest(folder) for folder in find_datasets(data)]
    stars = [of_dataset(manifest, split) for manifest in manifests]
    return [dataclasses.replace(one, name=name) for one, name in zip(stars, distinct_names(manifests), strict=True)]


def of_dataset(manifest: Manifest, split: str) -> LabelledStars:
    """Labelled stars of a prepared dataset: those of its training split, less those that are tested too, and of `split`.

    Raises:
      DataError: the index is damaged, or a star has two classes.
    """
    leaks = find_leaks([manifest], None, (split,))
    leaking = leaks.ids.get(manifest.folder.resolve(), frozenset())
    label: dict[str, int] = {}
    trains: dict[str, bool] = {}
    everything: set[str] = set()
    for part in dict.fromkeys(shard.split for shard in manifest.shards):
        index = manifest.index(part)
        for name, number in zip(index.object_ids().tolist(), index.label.tolist(), strict=True):
            everything.add(name)
            known = part in ("train", split) and 0 <= number < len(manifest.class_names)
            if not known or (part == "train" and name in leaking):
                continue
            if label.setdefault(name, number) != number:
                both = manifest.class_names[label[name]], manifest.class_names[number]
                raise DataError(
                    f"'{name}' of {manifest.name} is {both[0]} and {both[1]}: prepare the data with one class a star"
                )
            trains[name] = part == "train"
    notes = (f"{leaks.count:,} stars to learn from are tested too, under this or another id: left out of learning",)
    unused = frozenset(everything - label.keys())
    return LabelledStars(
        manifest.name, manifest.class_names, label, trains, notes if leaks.count else (), manifest.folder, unused
    )


def of_classes(name: str, classes: Classes, split: str) -> LabelledStars:
    """Labelled stars of a table; where it has no splits, a fifth of each class is tested, chosen by a hash of the ids."""
    names = tuple(sorted(set(classes.label.values())))
    notes = [f"{n:,} {what}, left out" for what, n in classes.counts.items() if what != "repeated rows"]
    split_of = classes.split
    if not split_of:
        split_of = assign_splits(classes.label, (1 - _TESTED, 0.0, _TESTED))
        split = "test"
        notes.append(f"no splits are given: {_TESTED:.0%} of each class are tested, the same for the same ids")
    used = {star: part == "train" for star, part in split_of.items() if part in ("train", split)}
    label = {star: names.index(classes.label[star]) for star in used}
    return LabelledStars(name, names, label, used, tuple(notes), unused=frozenset(split_of.keys() - used.keys()))


def refuse_namesakes(names: Sequence[str], stars: Sequence[LabelledStars], where: str) -> None:
    """An id that two datasets have may be either's star.

    Raises:
      DataError: one of `names` is such an id; `where`: what to call their table.
    """
    wanted = set(names)
    for i, one in enumerate(stars):
        for other in stars[:i]:
            if both := wanted & one.label.keys() & other.label.keys():
                raise DataError(
                    f"'{min(both)}' of '{where}' is in {other.name} and in {one.name}: give the dataset that is meant with --data"
                )
