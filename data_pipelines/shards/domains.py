"""Two domains side by side: labelled records of source surveys, a few labelled and many unlabelled ones of target surveys.

A batch of training has the rows of its first stream at the top and the other streams below: `source`, `target` (the shots) and
`unlabelled`, those that are asked for. Shots are drawn by
seed from the target's training split, so many objects of each class; which ones is said by `describe`. Validation is on as many
objects of each class of the target's validation split as are asked for, or on the source's. Other splits are given whole, first source, then target.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from data_pipelines.shards.batches import Batch
from data_pipelines.shards.classes import merged_classes
from data_pipelines.shards.held import HeldRecords, hold
from data_pipelines.shards.manifest import Manifest, find_datasets, read_manifest
from data_pipelines.shards.mixture import Mixture
from data_pipelines.shards.source import ShardSource
from lcjax.errors import ConfigError, DataError

_ALONE = {"process_index": 0, "process_count": 1}
STREAMS = ("source", "target", "unlabelled")


@dataclass(frozen=True)
class Domains:
    """Which datasets are what, and how much of the target is labelled."""

    source: tuple[str, ...] = ()
    """Names of datasets; none: all that are no target."""
    target: tuple[str, ...] = ()
    shots: int = 1
    """Labelled objects of each class of the target."""
    draw: int = 0
    """Seed of the shots."""
    validation_shots: int | None = 3
    """Objects of each class of the target's validation split that evaluations during training see; None: all; 0: the source's instead."""
    streams: tuple[str, ...] = STREAMS
    """Of a training batch."""
    target_batch: int | None = None
    """Rows of a batch of shots; None: as of the source, but no more than there are."""
    unlabelled_batch: int | None = None
    """None: twice the source's."""
    balance: str | None = None
    """Of the classes of the source, as in `ShardSource`."""
    classes: tuple[str, ...] = ()
    """To tell apart, each as NAME or NAME=OTHER,OTHER where the datasets call it otherwise; none: all of the data."""


def open_domains(
    kind: type[ShardSource],
    paths: Sequence[Path | str],
    split: str,
    batch_size: int,
    domains: Domains,
    alike: Callable[[Any, Any], None] = lambda source, target: None,
    **settings: Any,
) -> "DomainMixture | HeldRecords | ShardSource | DomainEvaluation":
    """Batches of one split of both domains.

    Args:
      kind: of the sources. batch_size: rows of a source batch. settings: as in `ShardSource`.
      alike: (source, target) -> raises DataError where one network cannot take both.

    Raises:
      ConfigError: which dataset is the target is open, or a name that none has. DataError: no data, no labels, a class without
        enough records in the target, or domains that are not alike.
    """
    scoring = split not in ("train", "validation")
    source, target = chosen_datasets(paths, domains, scoring)
    known = merged_classes([*source, *target])
    # What is scored may be one survey alone, which need not know what the other calls a class.
    chosen = chosen_classes(domains.classes, None if scoring else known)
    classes = tuple(chosen) if chosen else known
    left_out = settings.pop("without", None) or {}
    share = (settings.pop("process_index", 0), settings.pop("process_count", 1))
    spread = {"process_index": share[0], "process_count": share[1]}

    def open_part(
        of: list[Manifest], rows: int, without: Mapping[Path, frozenset[str]] | None = None, **more: Any
    ) -> ShardSource:
        gone = {folder: ids | (without or {}).get(folder, frozenset()) for folder, ids in left_out.items()}
        options = {**settings, **spread, **more, "without": {**(without or {}), **gone}}
        return kind([m.folder for m in of], split, rows, class_names=classes, classes=chosen, **options)

    if split == "train":
        mixture = _training(source, target, classes, batch_size, domains, open_part, share)
        alike(*mixture.domains.values())
        return mixture
    if split == "validation" and domains.validation_shots == 0:
        return open_part(source, batch_size)
    if split == "validation":
        pool = open_part(target, batch_size)
        shots = draw_shots(pool, domains.validation_shots, domains.draw + 1, "validation")
        return hold(pool, shots, partial(open_part, target, batch_size, **_ALONE), batch_size)
    parts: dict[str, list[Manifest]] = {"source": source, "target": target}
    used = {m.folder for of in parts.values() for m in of}
    left = tuple(read_manifest(folder).name for folder in find_datasets(paths) if folder not in used)
    found = DomainEvaluation({name: open_part(of, batch_size) for name, of in parts.items() if of}, left)
    for part in found.domains.values():
        alike(next(iter(found.domains.values())), part)
    return found


def chosen_classes(asked: Sequence[str], known: Sequence[str] | None) -> dict[str, tuple[str, ...]] | None:
    """Class -> its names in the data; None: nothing is chosen. `known`: names of the data's classes; None: any will do.

    >>> chosen_classes(["RRab", "EB=EC,EW"], ["RRab", "EC", "EW", "M"])
    {'RRab': ('RRab',), 'EB': ('EC', 'EW')}

    Raises:
      ConfigError: a name that no dataset has, or one for two classes.
    """
    if not asked:
        return None
    found = {}
    for entry in asked:
        name, given, others = entry.partition("=")
        found[name] = tuple(other.strip() for other in others.split(",")) if given else (name,)
    names = [other for own in found.values() for other in own]
    if known is not None and (missing := [name for name in names if name not in known]):
        raise ConfigError(f"--domains.classes: no dataset has a class '{missing[0]}': there are {', '.join(known)}")
    if len(names) > len(set(names)) or len(found) < len(asked):
        raise ConfigError(f"--domains.classes: {' '.join(asked)} names a class twice: every name belongs to one class")
    return found


def chosen_datasets(
    paths: Sequence[Path | str], domains: Domains, scoring: bool = False
) -> tuple[list[Manifest], list[Manifest]]:
    """Source and target datasets among those at or below the paths.

    Args:
      scoring: one of the two will do; where none of the named sources is there, all that are no target are source.

    Raises:
      ConfigError: the target is not said, or a name that no dataset has.
    """
    found = [read_manifest(folder) for folder in find_datasets(paths)]
    names = [manifest.name for manifest in found]
    if not domains.target:
        raise ConfigError(f"which of the datasets {', '.join(names)} is the target? say --domains.target {names[-1]}")
    target = [m for m in found if m.name in domains.target]
    if scoring:
        others = [m for m in found if m.name not in domains.target]
        return [m for m in others if m.name in domains.source] or others, target
    if missing := [name for name in (*domains.target, *domains.source) if name not in names]:
        raise ConfigError(f"there is no dataset '{missing[0]}' in this data: there are {', '.join(names)}")
    if both := set(domains.target) & set(domains.source):
        raise ConfigError(f"'{both.pop()}' cannot be source and target at once")
    source = [m for m in found if (m.name in domains.source if domains.source else m.name not in domains.target)]
    if not source:
        raise ConfigError(
            f"all of this data ({', '.join(names)}) is the target: give labelled data of a source as well"
        )
    return source, target


def draw_shots(pool: ShardSource, shots: int | None, seed: int, what: str) -> dict[str, list[str]]:
    """Class -> objects drawn from a split, in the order drawn.

    Raises:
      DataError: the split is empty or unlabelled, or a class has fewer objects.
    """
    ids, labels = pool.object_ids[pool.used], pool.labels[pool.used]
    if not len(ids):
        raise DataError(f"the target has no {pool.unit} in its {what} split")
    rng, chosen = np.random.default_rng([seed, 7919]), {}
    option = "--domains.shots" if what == "training" else "--domains.validation-shots"
    for number, name in enumerate(pool.class_names):
        own = sorted(set(ids[labels == number].tolist()))
        wanted = len(own) if shots is None else shots
        if len(own) < max(wanted, 1):
            raise DataError(
                f"the target's {what} split has {len(own)} labelled {pool.unit} of class '{name}', and {max(wanted, 1)} are wanted of each "
                f"class ({', '.join(pool.class_names)}): label more, or ask for fewer with {option}"
            )
        chosen[name] = [own[i] for i in rng.permutation(len(own))[:wanted]]
    return chosen


def _training(
    source: list[Manifest],
    target: list[Manifest],
    classes: tuple[str, ...],
    rows: int,
    domains: Domains,
    open_part: Any,
    share: tuple[int, int],
) -> "DomainMixture":
    if len(classes) < 2:
        raise DataError(
            f"there is one class only ({', '.join(classes) or 'none'}): two or more are needed to tell apart"
        )
    parts: dict[str, Any] = {}
    labelled = open_part(source, rows)
    if lacking := [name for name, count in zip(classes, labelled.class_counts(), strict=True) if not count]:
        raise DataError(
            f"the source has no labelled {labelled.unit} of class '{lacking[0]}': give a source with all classes of the target, or say "
            "with --domains.classes which are to be told apart"
        )
    labelled = open_part(source, rows, balance=domains.balance) if domains.balance else labelled
    pool = open_part(target, domains.unlabelled_batch or 2 * rows)
    shots = draw_shots(pool, domains.shots, domains.draw, "training") if domains.shots else {}
    if "target" in domains.streams and not shots:
        raise ConfigError(
            f"this method learns from labelled {pool.unit} of the target: --domains.shots must be at least 1"
        )
    for name in domains.streams:
        if name == "source":
            parts[name] = labelled
        elif name == "target":
            reopen = partial(open_part, target, rows, **_ALONE)
            parts[name] = hold(pool, shots, reopen, domains.target_batch or rows, share)
        else:
            parts[name] = pool
    return DomainMixture(parts, shots, {"source": labelled, "target": pool})


class DomainMixture(Mixture):
    """Streams of training, paired batch by batch."""

    def __init__(
        self, parts: Mapping[str, Any], shots: dict[str, list[str]], domains: Mapping[str, ShardSource]
    ) -> None:
        """Of streams by name; `shots` are the labelled objects of the target by class, `domains` `source` and `target`."""
        super().__init__(parts)
        self.shots, self.domains = shots, dict(domains)

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[tuple[int, int], dict[str, Any]]]:
        """Endless; the rows of the first stream lie at the top of a batch, the other streams below, by name."""
        for position, found in super().train_batches(epoch, batch):
            yield position, {**found.pop(self.first), **found}

    def remarks(self) -> list[str]:
        """How many records are what."""
        sizes = ", ".join(f"{name} {part.n_objects:,}" for name, part in self.parts.items())
        return [f"objects: {sizes}"]

    def describe(self) -> dict[str, Any]:
        """With the objects that were drawn."""
        return super().describe() | {
            "shots": self.shots,
            "class_counts": self.domains["source"].class_counts().tolist(),
        }

    def relabelled(self, class_names: Sequence[str]) -> "DomainMixture":
        """All streams with labels numbered as in `class_names`."""
        renumbered = {name: part.relabelled(class_names) for name, part in self.parts.items()}
        return DomainMixture(renumbered, self.shots, self.domains)


class DomainEvaluation:
    """A split of both domains, to be scored: all of the source, then all of the target."""

    def __init__(self, domains: Mapping[str, ShardSource], left_out: tuple[str, ...] = ()) -> None:
        """Of domains by name; `left_out` are datasets that are neither."""
        self.domains, self.left_out = dict(domains), left_out
        self.class_names = next(iter(self.domains.values())).class_names
        self.fingerprint = "-".join(part.fingerprint for part in self.domains.values())
        self.n_objects = sum(part.n_objects for part in self.domains.values())
        self.labels = np.concatenate([part.labels for part in self.domains.values()])

    def remarks(self) -> list[str]:
        """Datasets that are not scored."""
        if not self.left_out:
            return []
        return [f"not scored, because neither source nor target of this model: {', '.join(self.left_out)}"]

    def describe(self) -> dict[str, Any]:
        """What there is of each domain."""
        return {name: part.describe() for name, part in self.domains.items()}

    def evaluation_batches(self) -> Iterator[Batch]:
        """Batches of one domain each, called so by their entry `domain` (B,) str."""
        for name, part in self.domains.items():
            for batch in part.evaluation_batches():
                yield batch | {"domain": np.full(len(batch["weight"]), name, object)}

    def relabelled(self, class_names: Sequence[str]) -> Self:
        """Labels numbered as in `class_names`."""
        other = type(self)({name: part.relabelled(class_names) for name, part in self.domains.items()}, self.left_out)
        return other


def asked(given: Mapping[str, Any] | Domains) -> Domains:
    """The request of a system."""
    return given if isinstance(given, Domains) else replace(Domains(), **given)
