"""Batches of rows from prepared shards of any kind, through tf.data or without TensorFlow: the same arrays.

What is read, cut and put where is planned from the index (see `streams`); a reader only executes the plan, chunk by chunk,
and checks what it finds against the index. Labels, ids and epochs come from the index, the series from the shards. A record
that is missing, damaged or another than was written is an error that names the shard.
"""

import hashlib
import importlib.util
import json
import warnings
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from data_pipelines.shards.index import ShardIndex, concatenate
from data_pipelines.shards.manifest import Damage, Manifest, check_sizes, find_datasets, read_manifest, verify
from data_pipelines.shards.plain_reader import Piece, PlainReader
from data_pipelines.shards.streams import (
    CHUNK,
    BatchPlan,
    Chunk,
    IndexedShard,
    Rows,
    StreamPlan,
    WindowSettings,
    stream_count,
)
from lcjax.errors import DataError


class ShardSource(ABC):
    """Training and evaluation batches of one split of one or more prepared datasets; this process's rows of each.

    A kind of records says how its index is merged and what a batch holds. Every batch has `label` (B,) int32, `weight` (B,)
    float32, 0 in rows that only fill up, and for the host `object_id`, `band` (B,) str and `record` (B,) int64, -1 in rows
    that only fill up. Labels of several datasets are merged by class name.
    """

    kind: type[ShardIndex]
    """Of the records that are read."""
    unit = "records"
    """What to call a record in messages."""
    chunk = CHUNK
    """Records read, and shuffled, together."""

    def __init__(
        self,
        paths: Sequence[Path | str] | Path | str,
        split: str,
        batch_size: int,
        window: WindowSettings,
        seed: int = 0,
        process_index: int = 0,
        process_count: int = 1,
        reader: str = "auto",
        on_corrupt: str = "raise",
        class_names: Sequence[str] | None = None,
    ) -> None:
        """Opens the data and checks that every shard is there and of the promised size.

        Args:
          paths: dataset folders, or folders of datasets. split: `train`, `validation` or `test`.
          batch_size: rows of the global batch. seed: of order and windows.
          reader: `tf.data`, `plain` (no TensorFlow), or `auto` (tf.data where TensorFlow is installed).
          on_corrupt: `raise`, or `skip_shard` to read every file first, leave damaged shards out and say so.
          class_names: what labels index into, other classes becoming -1; None: the classes of the data, merged.

        Raises:
          DataError: no data, damaged data, or a batch or process count that cannot be served.
        """
        if on_corrupt not in ("raise", "skip_shard"):
            raise DataError(f"on_corrupt is 'raise' or 'skip_shard', not '{on_corrupt}'")
        paths = [paths] if isinstance(paths, str | Path) else list(paths)
        self.manifests = [read_manifest(folder) for folder in find_datasets(paths)]
        self.split, self.batch_size, self.window, self.seed = split, batch_size, window, seed
        self.reader = _choose_reader(reader)
        self._check_kinds()
        self.class_names = tuple(class_names) if class_names is not None else _merged_classes(self.manifests)
        self._translations = [_translation(m, self.class_names) for m in self.manifests]
        self.index = self._read_index()
        self.labels = self._labels()
        self._object_ids = self.index.object_ids()
        self._bands = self.index.band_names.astype(object)[self.index.band]
        self._shards = self._open_shards(on_corrupt)
        if not self._shards:
            raise DataError(f"split '{split}' of {', '.join(map(str, paths))} has no {self.unit}")
        streams = stream_count(batch_size, len(self._shards), process_count)
        self._dealt = [self._shards[i::streams] for i in range(streams)]
        per_process = streams // process_count
        self._mine = range(process_index * per_process, (process_index + 1) * per_process)
        self.n_objects = len(
            {self._object_ids[r] for s in self._shards for r in range(s.first, s.first + len(s.lengths))}
        )
        self.n_points = int(sum(s.lengths.sum() for s in self._shards))
        self.fingerprint = self._fingerprint()
        self._training = self._batch_plan(training=True)
        self.batches_per_epoch = self._training.batches

    def _check_kinds(self) -> None:
        for manifest in self.manifests:
            if manifest.kind != self.kind.kind:
                raise DataError(
                    f"'{manifest.folder}' holds {manifest.kind.replace('_', ' ')}, not {self.kind.kind.replace('_', ' ')}: "
                    "give data that this model reads"
                )

    def _read_index(self) -> Any:
        return concatenate(self._indexes() or [self.kind.empty()])

    def _indexes(self) -> list[Any]:
        """One index a dataset, ready to be concatenated."""
        return [m.index(self.split) for m in self.manifests if m.split(self.split)]

    def _labels(self) -> np.ndarray:
        """Class of every record in terms of `class_names`, (R,) int32."""
        labels, at = self.index.label.copy(), 0
        for manifest, translation in zip(self.manifests, self._translations, strict=True):
            count = sum(s.records for s in manifest.split(self.split))
            own = labels[at : at + count]
            labels[at : at + count] = translation[np.where((own >= 0) & (own < len(translation) - 1), own, -1)]
            at += count
        return labels.astype(np.int32)

    def _open_shards(self, on_corrupt: str) -> list[IndexedShard]:
        shards, first, self.records_left_out = [], 0, 0
        for manifest in self.manifests:
            promised = manifest.split(self.split)
            found = verify(manifest.folder) if on_corrupt == "skip_shard" else check_sizes(promised)
            damaged = {d.file: d for d in found}
            for shard in promised:
                known = IndexedShard(shard, self.index.length[first : first + shard.records], first)
                first += shard.records
                if shard.path in damaged:
                    self._leave_out(shard.records, damaged[shard.path], on_corrupt)
                elif shard.records:
                    shards.append(known)
        return shards

    def _leave_out(self, records: int, damage: Damage, on_corrupt: str) -> None:
        if on_corrupt != "skip_shard":
            raise DataError(
                f"{damage}; restore the file or prepare the data again (lcjax data verify lists all damage)"
            )
        self.records_left_out += records
        warnings.warn(f"left out {records} records: {damage}", stacklevel=5)

    def _fingerprint(self) -> str:
        text = json.dumps([[m.sha256 for m in self.manifests], self._settings()])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _settings(self) -> list[Any]:
        """All that decides which rows come when."""
        window = self.window
        return [window.length, window.mode, list(window.buckets), self.batch_size, self.seed, self.split]

    def _repeats(self) -> np.ndarray | None:
        """How often each record is used in a round of training; None: once."""
        return None

    def _batch_plan(self, training: bool) -> BatchPlan:
        repeats = self._repeats() if training else None
        plans = [
            StreamPlan(s, i, self.window, self.seed, training, self.chunk, repeats) for i, s in enumerate(self._dealt)
        ]
        return BatchPlan(plans, self.batch_size, self.window, self.seed, training)

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[tuple[int, int], dict[str, np.ndarray]]]:
        """Endless ((epoch, batch), batch); the same from any position on, whatever was read before."""
        per_epoch = self.batches_per_epoch
        number = epoch * per_epoch + batch
        for offset, ready in enumerate(self._batches(self._training, number)):
            yield divmod(number + offset, per_epoch), ready

    def evaluation_batches(self) -> Iterator[dict[str, np.ndarray]]:
        """Every window of the split once, in a fixed order; rows that fill up a batch have weight 0."""
        plan = self._batch_plan(training=False)
        groups = -(-plan.batches // plan.group)
        for number, ready in enumerate(self._batches(plan, 0)):
            if number >= groups * plan.group:
                return
            if plan.group == 1 or self._holds_rows(plan, number):
                yield ready

    def _holds_rows(self, plan: BatchPlan, number: int) -> bool:
        picked, _ = plan.select(number)
        begin, end = plan.span(number)
        return any(p.sizes(begin, end)[rows].any() for p, rows in zip(plan.plans, picked, strict=True))

    def _batches(self, plan: BatchPlan, number: int) -> Iterator[dict[str, np.ndarray]]:
        begin, _ = plan.span(number)
        streams = [_Stream(plan.plans[i], begin) for i in self._mine]
        planned: deque[tuple[int, Chunk, Rows]] = deque()
        read = self._open_reader()
        pieces = read.pieces(_schedule(streams, plan.group * plan.rows, planned))
        while True:
            begin, end = plan.span(number)
            while any(stream.lacks(end) for stream in streams):
                piece = self._next_piece(pieces, planned)
                which, _, rows = planned.popleft()
                streams[which].add(piece, rows)
            picked, length = plan.select(number)
            yield self._assemble(streams, [begin + picked[i] for i in self._mine], min(length, self.window.length))
            number += 1
            for stream in streams:
                stream.forget(plan.span(number)[0])

    def _open_reader(self) -> Any:
        if self.reader == "plain":
            return PlainReader(self.index)
        from data_pipelines.shards.tensorflow_reader import TensorFlowReader

        return TensorFlowReader(self.index)

    def _next_piece(self, pieces: Iterator[Piece], planned: deque[tuple[int, Chunk, Rows]]) -> Piece:
        try:
            return next(pieces)
        except DataError:
            raise
        except Exception as error:
            # TensorFlow's own errors (DataLossError, NotFoundError, StopIteration): say which shard it was.
            raise _damaged_among([chunk for _, chunk, _ in planned], str(error).split("\n")[0]) from error

    def _assemble(self, streams: list["_Stream"], picked: list[np.ndarray], length: int) -> dict[str, np.ndarray]:
        """A batch of the picked rows of every stream, stream after stream."""
        count = sum(map(len, picked))
        batch: dict[str, np.ndarray] = {name: np.empty((count, length), np.float32) for name in self.kind.series}
        size, record = np.zeros(count, np.int64), np.full(count, -1)
        at = 0
        for stream, rows in zip(streams, picked, strict=True):
            stream.copy(np.sort(rows), at, [batch[name] for name in self.kind.series], size, record)
            at += len(rows)
        batch |= {"weight": (size > 0).astype(np.float32), "label": self.labels[record], "record": record}
        batch |= {"object_id": self._object_ids[record], "band": self._bands[record]}
        batch |= self._own_entries(record, size, length)
        fill = record < 0
        if fill.any():
            empty = {"label": -1, "object_id": "", "band": ""} | dict.fromkeys(self.kind.series, 0.0) | self.fill_values
            for name, value in empty.items():
                batch[name][fill] = value
        return self._shaped(batch)

    fill_values: ClassVar[dict[str, Any]] = {}
    """Entry of a batch -> its value in rows that only fill up, besides the common ones."""

    @abstractmethod
    def _own_entries(self, record: np.ndarray, size: np.ndarray, length: int) -> dict[str, np.ndarray]:
        """Entries of a batch that this kind of records adds, from the index.

        Args:
          record: (B,) number of each row's record, -1 in rows that only fill up. size: (B,) values of its series.
          length: that series are padded to.
        """

    def _shaped(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The batch with its series in their final shape."""
        return batch


class _Stream:
    """Rows of one stream that have been read and are still wanted, by their number in the endless sequence."""

    def __init__(self, plan: StreamPlan, begin: int) -> None:
        self.plan, self.begin, self.end = plan, begin, begin
        self._held: deque[tuple[int, Piece, Rows]] = deque()

    def last(self, end: int) -> int:
        """`end`, or where an evaluation pass ends."""
        return end if self.plan.training else min(end, self.plan.rows_per_round)

    def lacks(self, end: int) -> bool:
        return self.end < self.last(end)

    def add(self, piece: Piece, rows: Rows) -> None:
        self._held.append((self.end, piece, rows))
        self.end += len(rows)

    def forget(self, begin: int) -> None:
        while self._held and self._held[0][0] + len(self._held[0][2]) <= begin:
            self._held.popleft()

    def copy(self, wanted: np.ndarray, at: int, series: list[np.ndarray], size: np.ndarray, record: np.ndarray) -> None:
        """Copies rows (ascending numbers) into a batch's series from row `at` on; rows past the end are left alone."""
        for first, piece, rows in self._held:
            low, high = np.searchsorted(wanted, (first, first + len(rows)))
            if low == high:
                continue
            inside, target = wanted[low:high] - first, slice(at + low, at + high)
            size[target], record[target] = rows.size[inside], rows.record[inside]
            source = piece.order[inside]
            for whole, array in zip(series, piece.arrays, strict=True):
                out = whole[target]
                if array.shape[1] == out.shape[1]:
                    np.take(array, source, axis=0, out=out, mode="clip")
                else:
                    width = min(array.shape[1], out.shape[1])
                    out[:, :width] = array[source, :width]
                    out[:, width:] = 0


def _schedule(
    streams: list[_Stream], rows: int, planned: deque[tuple[int, Chunk, Rows]]
) -> Iterator[tuple[Chunk, Rows]]:
    """The chunks of all streams in the order in which groups of `rows` rows of each need them; noted in `planned`."""
    pieces = [stream.plan.pieces(stream.begin) for stream in streams]
    ends = [stream.begin for stream in streams]
    goal, idle = streams[0].begin + rows, 0
    while idle < len(streams):
        idle = 0
        for which, stream in enumerate(streams):
            if ends[which] >= stream.last(1 << 62):
                idle += 1
            while ends[which] < stream.last(goal):
                chunk, wanted = next(pieces[which])
                ends[which] += len(wanted)
                planned.append((which, chunk, wanted))
                yield chunk, wanted
        goal += rows


def _damaged_among(chunks: list[Chunk], detail: str) -> DataError:
    """Names the shard behind a reading error by checking those that were about to be read against the manifest."""
    folders = dict.fromkeys(c.shard.path.parent for c in chunks)
    names = {c.shard.path for c in chunks}
    damage = [d for folder in folders for d in verify(folder) if d.file in names]
    where = str(damage[0]) if damage else f"'{chunks[0].shard.path}' cannot be read ({detail})"
    return DataError(f"{where}; restore the file or prepare the data again (lcjax data verify lists all damage)")


def _choose_reader(reader: str) -> str:
    if reader not in ("auto", "tf.data", "plain"):
        raise DataError(f"there is no reader '{reader}': use auto, tf.data or plain")
    has_tensorflow = importlib.util.find_spec("tensorflow") is not None
    if reader == "auto":
        return "tf.data" if has_tensorflow else "plain"
    if reader == "tf.data" and not has_tensorflow:
        raise DataError("the tf.data reader needs TensorFlow: install tensorflow-cpu, or use --reader plain")
    return reader


def _merged_classes(manifests: Sequence[Manifest]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for manifest in manifests for name in manifest.class_names))


def _translation(manifest: Manifest, class_names: Sequence[str]) -> np.ndarray:
    """Index among `class_names` of each class of a dataset; the last entry stands for unlabelled."""
    number = {name: i for i, name in enumerate(class_names)}
    return np.array([number.get(c, -1) for c in manifest.class_names] + [-1], np.int64)
