"""Batches of rows from prepared shards of any kind, through tf.data or without TensorFlow: the same arrays.

What is read, cut and put where is planned from the index (see `streams`); a reader only executes the plan, chunk by chunk,
and checks what it finds against the index. Labels, ids and scalars come from the index, the series from the shards. A record
that is missing, damaged or another than was written is an error that names the shard.
"""

import copy
import functools
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from data_pipelines.shards.batches import Assembler, Batch
from data_pipelines.shards.classes import BALANCES, Balance, class_counts, class_numbers, merged_classes, repeats
from data_pipelines.shards.groups import one_shape, whole_groups
from data_pipelines.shards.index import ShardIndex
from data_pipelines.shards.layout import RecordLayout
from data_pipelines.shards.manifest import Manifest
from data_pipelines.shards.opening import (
    choose_reader,
    distinct_names,
    merged_labels,
    open_manifests,
    open_reader,
    open_shards,
    read_indexes,
    records_of,
    usual_chunk,
)
from data_pipelines.shards.rows import Planned, Stream, next_piece, schedule
from data_pipelines.shards.streams import BatchPlan, StreamPlan, WholeRecords, WindowSettings, stream_count
from lcjax.errors import DataError

_TRAINED = "train"
"""The split whose plan of training is made, and checked, at once."""

Position = tuple[int, int]
"""(epoch, batch of the epoch)"""


class ShardSource:
    """Training and evaluation batches of one split of one or more prepared datasets; this process's rows of each.

    The layout of the records says what a batch holds (see `batches`). Labels of several datasets are merged by class name.
    A kind of data with more to say sets the attributes of the class and overrides `finished`.
    """

    layout: RecordLayout
    """Of the records that are read."""
    unit = "records"
    """What to call a record in messages."""
    chunk: int | None = None
    """Records read, and shuffled, together; None: as many as make some megabytes."""
    one_shape_advice = "prepare the data with one shape"
    """What to do when arrays are of several shapes."""
    fill_values: ClassVar[Mapping[str, float]] = {}
    """Entry of a batch -> its value in rows that only fill up, where it is not the usual one."""

    def __init__(
        self,
        paths: Sequence[Path | str] | Path | str,
        split: str,
        batch_size: int,
        window: WindowSettings | None = None,
        seed: int = 0,
        process_index: int = 0,
        process_count: int = 1,
        reader: str = "auto",
        on_corrupt: str = "raise",
        class_names: Sequence[str] | None = None,
        balance: Balance | None = None,
        metadata_names: Sequence[str] | None = None,
        limits: Mapping[str, int] | None = None,
        layout: RecordLayout | None = None,
        without: Mapping[Path, frozenset[str]] | None = None,
        only: Collection[str] | None = None,
        classes: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Opens the data and checks that every shard is there and of the promised size.

        Args:
          paths: dataset folders, or folders of datasets. split: `train`, `validation` or `test`.
          batch_size: rows of the global batch. seed: of order and windows.
          window: of the first series, where it is ragged; None: whole records, padded to the longest of the split.
          reader: `tf.data`, `plain` (no TensorFlow), or `auto` (tf.data where TensorFlow is installed).
          on_corrupt: `raise`, or `skip_shard` to read every file first, leave damaged shards out and say so.
          class_names: what labels index into, other classes becoming -1; None: the classes of the data, merged.
          balance: of classes in training (see `classes`); None: every record once a round.
          metadata_names: columns wanted; None: all. limits: see `groups.whole_groups`.
          layout: of the records, where the class does not say.
          without: dataset folder -> object ids that are left out, of training and evaluation (see `stars.find_leaks`).
          only: object ids that are used; None: all. classes: instead of `class_names`, class -> its names in the data; records of
            other classes are not used, those without a class are.

        Raises:
          DataError: no data, damaged data, arrays of several shapes, a column no dataset has, nothing labelled to balance, or a
            batch or process count that cannot be served.
        """
        if balance not in (None, *BALANCES):
            raise DataError(f"there is no balance '{balance}': use {' or '.join(BALANCES)}")
        paths = [paths] if isinstance(paths, str | Path) else list(paths)
        self.layout = layout or self.layout
        self.manifests = open_manifests(paths, self.layout)
        self.split, self.batch_size, self.seed, self.balance = split, batch_size, seed, balance
        self.reader = choose_reader(reader)
        self._only = None if only is None else frozenset(only)
        self._synonyms = None if classes is None else {name: own for own, names in classes.items() for name in names}
        class_names = class_names if classes is None else tuple(classes)
        self.class_names = tuple(class_names) if class_names is not None else merged_classes(self.manifests)
        self.index = read_indexes(self.manifests, split, self.layout, metadata_names, self.adapted)
        self.labels = self.find_labels()
        self.unusable = self.find_unusable() | self._not_asked_for()
        self.labels[self.unusable] = -1
        self.shape = self._first_shape()
        self.window = self._window(window)
        where = f"split '{split}'"
        self._whole = whole_groups(self.layout, self.index, limits, where, self.one_shape_advice)
        self._assemble = Assembler(self.layout, self.index, self.labels, self.shape, self._whole, self.fill_values)
        self._numbers: np.ndarray | None = None
        # As with stars that are held out elsewhere, a split that is only evaluated may have nothing of use.
        unusable = self.unusable if split == _TRAINED or not self.unusable.all() else None
        shards, self.records_left_out = open_shards(self.manifests, split, self.index, on_corrupt, unusable)
        if not shards:
            raise DataError(f"split '{split}' of {', '.join(map(str, paths))} has no {self.unit}{self._of_use()}")
        streams = stream_count(batch_size, len(shards), process_count)
        self._dealt = [shards[i::streams] for i in range(streams)]
        per_process = streams // process_count
        self._mine = range(process_index * per_process, (process_index + 1) * per_process)
        used = np.concatenate([np.arange(s.first, s.first + len(s.lengths)) for s in shards])
        self._without = records_of(self.manifests, split, self._assemble.object_ids, without or {})
        self.labels[self._without] = -1
        used = used[~self._without[used] & ~self.unusable[used]]
        self.used = used
        """Numbers of the records that are learned from: of sound shards, usable, and not left out."""
        self.n_objects = len(set(self._assemble.object_ids[used]))
        self.n_points = int(self.index.length[used].sum())
        self.fingerprint = self._fingerprint()
        if split == _TRAINED:
            _ = self._training

    @functools.cached_property
    def _training(self) -> BatchPlan:
        """Of training; made where it is wanted, since a split that is only evaluated may be left out whole."""
        return self._batch_plan(training=True)

    @functools.cached_property
    def batches_per_epoch(self) -> int:
        """Of training."""
        return self._training.batches

    @property
    def metadata_names(self) -> tuple[str, ...]:
        """Columns of `metadata`."""
        return tuple(self.index.metadata_names.tolist())

    def adapted(self, manifest: Manifest, index: ShardIndex) -> ShardIndex:
        """The index of a dataset as this source reads by it; for kinds of data that choose among their series."""
        del manifest
        return index

    def find_unusable(self) -> np.ndarray:
        """(R,) bool, records that this source has no use for, such as those without the series that it reads."""
        return np.zeros(len(self.index), bool)

    def find_labels(self) -> np.ndarray:
        """(R,) int32, number of every record's class in `class_names`, -1 for none; for kinds of data that know more of them."""
        return merged_labels(self.manifests, self.split, self.index, self.class_names, self._synonyms)

    def _not_asked_for(self) -> np.ndarray:
        """(R,) bool, records of other objects and classes than those that are asked for."""
        others = np.zeros(len(self.index), bool)
        if self._only is not None:
            others |= np.array([name not in self._only for name in self.index.object_ids().tolist()], bool)
        if self._synonyms is not None:
            others |= (self.index.label >= 0) & (self.labels < 0)
        return others

    def remarks(self) -> list[str]:
        """What who uses the data should know of it: one line each."""
        return []

    def _of_use(self) -> str:
        return f" of use ({'; '.join(self.remarks())})" if self.unusable.any() else ""

    def _first_shape(self) -> tuple[int, ...] | None:
        first = self.layout.first
        if first is None or first.ragged:
            return None
        return one_shape(self.index.shapes(first.shape), first, f"split '{self.split}'", self.one_shape_advice)

    def _window(self, asked: WindowSettings | None) -> WindowSettings:
        if self.shape is not None:
            return WholeRecords(int(np.prod(self.shape)))
        longest = WholeRecords(int(max(self.index.length.max(initial=1), 1)))
        return longest if asked is None or self.layout.first is None else asked

    def _fingerprint(self) -> str:
        text = json.dumps([[m.fingerprint for m in self.manifests], self._settings()])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _settings(self) -> list[Any]:
        """All that decides which rows come when. What a kind of data does without is not mentioned, so that the fingerprints of
        runs from before there was such a choice stay what they were.
        """
        settings: list[Any] = []
        if self.layout.first is not None and self.layout.first.ragged:
            settings += [self.window.length, self.window.mode, list(self.window.buckets)]
        settings += [self.batch_size, self.seed, self.split]
        if self.layout.metadata or self.balance is not None:
            settings += [self.balance, list(self.metadata_names), list(self.class_names)]
        if self._without.any():
            settings += [{"without": np.flatnonzero(self._without).tolist()}]
        if self._synonyms is not None:
            settings += [{"classes": self._synonyms}]
        if self.unusable.any():
            settings += [{"unusable": np.flatnonzero(self.unusable).tolist()}]
        return settings + [{whole.group.name: whole.width} for whole in self._whole]

    @property
    def object_ids(self) -> np.ndarray:
        """(R,) str, name of the object of every record."""
        return self._assemble.object_ids

    def class_counts(self) -> np.ndarray:
        """Records of each class of `class_names` in this split, (K,) int64."""
        return class_counts(self.labels, len(self.class_names))

    @property
    def metadata(self) -> np.ndarray:
        """(R, F) float32 of all records, the columns `metadata_names`, NaN where missing or where a record is left out."""
        if not self._without.any():
            return self.index.metadata
        return np.where(self._without[:, None], np.float32(np.nan), self.index.metadata)

    @property
    def dataset_of_record(self) -> np.ndarray:
        """(R,) str, name of the dataset (survey) of every record; with its folder where several have one name."""
        counts = [sum(shard.records for shard in manifest.split(self.split)) for manifest in self.manifests]
        return np.repeat(np.array(distinct_names(self.manifests), object), counts)

    def describe(self) -> dict[str, Any]:
        """What there is, for the record of a run."""
        first = self.layout.first
        points = {"points": self.n_points} if first is not None and first.ragged else {}
        return {"objects": self.n_objects, **points, "class_names": list(self.class_names)}

    def relabelled(self, class_names: Sequence[str]) -> Self:
        """The same source with the labels of its batches numbered as in `class_names`, without regard to case; -1 for none.

        All else stays, also `class_names`, `labels` and the fingerprint, which are those of the data.
        """
        other = copy.copy(self)
        other._numbers = np.array([*class_numbers(self.class_names, class_names), -1], np.int32)
        return other

    def _batch_plan(self, training: bool) -> BatchPlan:
        times = None
        if training and self.balance is not None:
            times = repeats(self.labels, len(self.class_names), self.balance, f"split '{self.split}'")
        elif (left_out := self._without | self.unusable).any():
            times = np.where(left_out, 0.0, 1.0)
        chunk = self.chunk or usual_chunk(self.index)
        plans = [
            StreamPlan(shards, i, self.window, self.seed, training, chunk, times)
            for i, shards in enumerate(self._dealt)
        ]
        return BatchPlan(plans, self.batch_size, self.window, self.seed, training)

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[Position, Batch]]:
        """Endless ((epoch, batch), batch); the same from any position on, whatever was read before."""
        per_epoch = self.batches_per_epoch
        number = epoch * per_epoch + batch
        for offset, ready in enumerate(self._batches(self._training, number)):
            yield divmod(number + offset, per_epoch), ready

    def evaluation_batches(self) -> Iterator[Batch]:
        """Every window of the split once, in a fixed order; rows that fill up a batch have weight 0."""
        plan = self._batch_plan(training=False)
        if not plan.batches:
            return
        groups = -(-plan.batches // plan.group)
        for number, ready in enumerate(self._batches(plan, 0)):
            if number >= groups * plan.group:
                return
            if plan.group == 1 or plan.holds_rows(number):
                yield ready

    def _batches(self, plan: BatchPlan, number: int) -> Iterator[Batch]:
        begin, _ = plan.span(number)
        streams = [Stream(plan.plans[i], begin) for i in self._mine]
        planned = Planned()
        reader = open_reader(self.reader, self.index, self.layout, self._whole)
        pieces = reader.pieces(schedule(streams, plan.group * plan.rows, planned))
        while True:
            begin, end = plan.span(number)
            while any(stream.lacks(end) for stream in streams):
                piece = next_piece(pieces, planned)
                which, _, rows = planned.popleft()
                streams[which].add(piece, rows)
            picked, length = plan.select(number)
            batch = self._assemble(streams, [begin + picked[i] for i in self._mine], min(length, self.window.length))
            if self._numbers is not None:
                batch["label"] = self._numbers[batch["label"]]
            yield self.finished(batch)
            number += 1
            for stream in streams:
                stream.forget(plan.span(number)[0])

    def finished(self, batch: Batch) -> Batch:
        """The batch as models take it; this one, unless a kind of data has something to change."""
        return batch
