"""Batches of light-curve windows from prepared shards, through tf.data or without TensorFlow: the same arrays.

tf.data works on whole chunks: records are batched before they are parsed, windows are cut out of the bytes with a vector of
positions, and `decode_raw` pads. What is cut where comes from the index (see `streams`), so both readers only execute a
plan, and check against it: a record that is not there, or not as long as the manifest says, is an error that names the shard.
"""

import hashlib
import importlib.util
import json
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.manifest import Manifest, check_sizes, find_datasets, read_manifest, verify
from data_pipelines.plain_reader import decode_rows, read_records
from data_pipelines.records import ARRAYS, parse_spec
from data_pipelines.streams import (
    CHUNK,
    BatchPlan,
    IndexedShard,
    Rows,
    StreamPlan,
    WindowSettings,
    stream_count,
)
from lcjax.errors import DataError

HOST_ARRAYS = ("object_id", "band", "reference_mjd")


class LightCurveSource:
    """Training and evaluation batches of one split of one or more prepared datasets; this process's rows of each.

    A batch holds `time`, `magnitude`, `magnitude_error` (B, L) float32, zero in the padding; `mask` (B, L) bool; `length`,
    `label` (B,) int32; `weight` (B,) float32; and, for the host, `object_id`, `band` (B,) str, `reference_mjd` (B,)
    float64, `record` (B,) int64. Labels of several datasets are merged by class name.
    """

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
    ) -> None:
        """Opens the data and checks that every shard is there and of the promised size.

        Args:
          paths: dataset folders, or folders of datasets. split: `train`, `validation` or `test`.
          batch_size: rows of the global batch. seed: of order and windows.
          reader: `tf.data`, `plain` (no TensorFlow), or `auto` (tf.data where TensorFlow is installed).
          on_corrupt: `raise`, or `skip_shard` to read every file first, leave damaged shards out and say so.

        Raises:
          DataError: no data, damaged data, or a batch or process count that cannot be served.
        """
        paths = [paths] if isinstance(paths, str | Path) else list(paths)
        self.manifests = [read_manifest(folder) for folder in find_datasets(paths)]
        self.split, self.batch_size, self.window, self.seed = split, batch_size, window, seed
        self.reader = _choose_reader(reader)
        self.class_names = _merged_classes(self.manifests)
        self._shards = self._open_shards(on_corrupt)
        if not self._shards:
            raise DataError(f"split '{split}' of {', '.join(map(str, paths))} has no light curves")
        streams = stream_count(batch_size, len(self._shards), process_count)
        self._dealt = [self._shards[i::streams] for i in range(streams)]
        per_process = streams // process_count
        self._mine = range(process_index * per_process, (process_index + 1) * per_process)
        self.n_objects = int(sum(len(s.lengths) for s in self._shards))
        self.n_points = int(sum(s.lengths.sum() for s in self._shards))
        self.fingerprint = self._fingerprint()
        self._training = self._batch_plan(training=True)
        self.batches_per_epoch = self._training.batches

    def _open_shards(self, on_corrupt: str) -> list[IndexedShard]:
        shards, first = [], 0
        for number, manifest in enumerate(self.manifests):
            promised = manifest.split(self.split)
            damaged = {
                d.file: d
                for d in (verify(manifest.folder) if on_corrupt == "skip_shard" else check_sizes(promised))
            }
            index = manifest.index(self.split)
            translate = np.array([self.class_names.index(c) for c in manifest.class_names] + [-1], np.int64)
            at = 0
            for shard in promised:
                piece = slice(at, at + shard.records)
                at += shard.records
                lengths, labels = index["length"][piece].astype(np.int64), index["label"][piece]
                labels = translate[np.where((labels >= 0) & (labels < len(translate) - 1), labels, -1)]
                known = IndexedShard(shard, lengths, labels, first)
                first += shard.records
                if shard.path in damaged:
                    if on_corrupt != "skip_shard":
                        raise DataError(
                            f"{damaged[shard.path]}; restore it or prepare the data again (dataset {number + 1})"
                        )
                    warnings.warn(f"left out {shard.records} records: {damaged[shard.path]}", stacklevel=4)
                elif shard.records:
                    shards.append(known)
        self.records_left_out = sum(s.records for m in self.manifests for s in m.split(self.split)) - sum(
            len(s.lengths) for s in shards
        )
        return shards

    def _fingerprint(self) -> str:
        window = self.window
        settings = [window.length, window.mode, list(window.buckets), self.batch_size, self.seed, self.split]
        text = json.dumps([[m.sha256 for m in self.manifests], settings])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _batch_plan(self, training: bool) -> BatchPlan:
        plans = [StreamPlan(s, i, self.window, self.seed, training) for i, s in enumerate(self._dealt)]
        return BatchPlan(plans, self.batch_size, self.window, self.seed, training)

    def train_batches(
        self, epoch: int = 0, batch: int = 0
    ) -> Iterator[tuple[tuple[int, int], dict[str, np.ndarray]]]:
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
        readers = [_StreamReader(plan.plans[i], begin, self.reader) for i in self._mine]
        window = self.window.length
        group, held = -1, []
        while True:
            if number // plan.group != group:
                group = number // plan.group
                held = [r.take(plan.group * plan.rows) for r in readers]
            picked, length = plan.select(number)
            parts = [
                {k: v[picked[i]] for k, v in rows.items()} for i, rows in zip(self._mine, held, strict=True)
            ]
            joined = {
                k: np.concatenate([p[k] for p in parts]) if len(parts) > 1 else parts[0][k] for k in parts[0]
            }
            yield _finish(joined, min(length, window))
            number += 1


def _finish(rows: dict[str, np.ndarray], length: int) -> dict[str, np.ndarray]:
    size = rows.pop("size")
    batch = {name: np.ascontiguousarray(rows.pop(name)[:, :length]) for name in ARRAYS}
    batch["mask"] = np.arange(length) < size[:, None]
    batch["length"] = size.astype(np.int32)
    batch["label"] = rows.pop("label").astype(np.int32)
    batch["weight"] = (size > 0).astype(np.float32)
    return batch | rows


class _StreamReader:
    """Executes one stream's plan from a row on."""

    def __init__(self, plan: StreamPlan, begin: int, reader: str) -> None:
        self._plan = plan
        self._pieces = _read_rows(plan, begin, reader)
        self._held: list[dict[str, np.ndarray]] = []
        self._rows = 0

    def take(self, count: int) -> dict[str, np.ndarray]:
        """The next `count` rows; past the end of an evaluation pass, empty rows."""
        while self._rows < count:
            piece = next(self._pieces, None)
            if piece is None:
                piece = _empty_rows(count - self._rows, self._plan.window.length)
            self._held.append(piece)
            self._rows += len(piece["size"])
        joined = (
            self._held[0]
            if len(self._held) == 1
            else {k: np.concatenate([p[k] for p in self._held]) for k in self._held[0]}
        )
        self._held = [{k: v[count:] for k, v in joined.items()}]
        self._rows -= count
        return {k: v[:count] for k, v in joined.items()}


def _empty_rows(count: int, length: int) -> dict[str, np.ndarray]:
    text = np.full(count, "", object)
    arrays = {name: np.zeros((count, length), np.float32) for name in ARRAYS}
    zeros = np.zeros(count, np.int64)
    return {
        **arrays,
        "size": zeros,
        "label": zeros - 1,
        "record": zeros - 1,
        "object_id": text,
        "band": text.copy(),
        "reference_mjd": np.zeros(count),
    }


def _rounds(plan: StreamPlan, begin: int) -> Iterator[tuple[list[IndexedShard], Rows, int]]:
    """(shards, rows, first row wanted) of the round that holds row `begin`, and of those after it."""
    epoch, skip = divmod(begin, plan.rows_per_round)
    while plan.training or epoch == 0:
        yield *plan.round(epoch), skip
        epoch, skip = epoch + 1, 0


def _read_rows(plan: StreamPlan, begin: int, reader: str) -> Iterator[dict[str, np.ndarray]]:
    """Rows of a stream from `begin` on, a chunk at a time."""
    if not plan.rows_per_round:
        return
    read = _read_with_tensorflow if reader == "tf.data" else _read_plainly
    pieces = read(plan, begin)
    for shards, rows, skip in _rounds(plan, begin):
        first = int(rows.chunk[skip])
        for chunk in range(first, int(rows.chunk[-1]) + 1):
            low, high = np.searchsorted(rows.chunk, [chunk, chunk + 1])
            piece = _next_piece(pieces, shards, chunk)
            _check_lengths(shards, chunk, piece.pop("record_length"))
            mine = rows.take(slice(low, high))
            piece |= {"size": mine.size, "label": mine.label, "record": mine.record}
            drop = max(0, skip - low)
            yield {k: v[drop:] for k, v in piece.items()} if drop else piece


def _next_piece(
    pieces: Iterator[dict[str, np.ndarray]], shards: list[IndexedShard], chunk: int
) -> dict[str, np.ndarray]:
    try:
        return next(pieces)
    except StopIteration:
        raise _damaged_among(shards, f"records end before number {chunk * CHUNK}") from None
    except DataError:
        raise
    except Exception as error:
        # TensorFlow's own errors (DataLossError, NotFoundError) and parse errors: say which shard it was.
        raise _damaged_among(shards, str(error).splitlines()[0]) from error


def _check_lengths(shards: list[IndexedShard], chunk: int, found: np.ndarray) -> None:
    expected = _chunk_records(shards, chunk)
    if len(found) == len(expected) and np.array_equal(found, expected):
        return
    raise _damaged_among(
        shards, f"records {chunk * CHUNK} to {chunk * CHUNK + len(expected)} differ from the manifest"
    )


def _chunk_records(shards: list[IndexedShard], chunk: int) -> np.ndarray:
    lengths = np.concatenate([s.lengths for s in shards])
    return lengths[chunk * CHUNK : (chunk + 1) * CHUNK]


def _damaged_among(shards: list[IndexedShard], detail: str) -> DataError:
    """Names the shard behind a reading error by checking all shards of the stream against their hashes."""
    folders = sorted({s.shard.path.parent for s in shards})
    names = {s.shard.path for s in shards}
    damage = [
        d
        for folder in folders
        for d in verify(folder)
        if d.file in names or d.file.name.endswith(("npz", "json"))
    ]
    where = str(damage[0]) if damage else f"{shards[0].shard.path.parent}: {detail}"
    return DataError(
        f"{where}; restore the file or prepare the data again (lcjax data verify lists all damage)"
    )


def _locate(shards: list[IndexedShard], record: int) -> tuple[int, int]:
    """Shard number and record within it of a record of a round."""
    ends = np.cumsum([len(s.lengths) for s in shards])
    number = int(np.searchsorted(ends, record, side="right"))
    return number, record - int(ends[number - 1] if number else 0)


def _read_plainly(plan: StreamPlan, begin: int) -> Iterator[dict[str, Any]]:
    for shards, rows, skip in _rounds(plan, begin):
        chunk = int(rows.chunk[skip])
        number, behind = _locate(shards, chunk * CHUNK)
        held: list[memoryview] = []
        for shard in shards[number:]:
            for payload in read_records(shard.shard.path):
                if behind:
                    behind -= 1
                    continue
                held.append(payload)
                if len(held) == CHUNK:
                    yield _decode_plainly(held, rows, chunk, plan.window.length)
                    held, chunk = [], chunk + 1
        if held:
            yield _decode_plainly(held, rows, chunk, plan.window.length)


def _decode_plainly(payloads: list[memoryview], rows: Rows, chunk: int, length: int) -> dict[str, Any]:
    low, high = np.searchsorted(rows.chunk, [chunk, chunk + 1])
    mine = rows.take(slice(low, high))
    if len(mine) and int(mine.within.max()) >= len(payloads):
        raise ValueError(f"only {len(payloads)} records are left")
    piece = decode_rows(payloads, mine.within, mine.start, mine.size, length)
    piece.pop("label")
    return piece


def _read_with_tensorflow(plan: StreamPlan, begin: int) -> Iterator[dict[str, Any]]:
    import tensorflow as tf

    length = plan.window.length
    spec = parse_spec()

    def rounds() -> Iterator[tuple]:
        for shards, rows, skip in _rounds(plan, begin):
            chunk = int(rows.chunk[skip])
            number, behind = _locate(shards, chunk * CHUNK)
            edges = np.searchsorted(rows.chunk, np.arange(chunk, int(rows.chunk[-1]) + 2))
            wanted = rows.take(slice(int(edges[0]), None))
            files = [str(s.shard.path) for s in shards[number:]]
            yield files, behind, np.diff(edges), wanted.within, wanted.start, wanted.size

    def read_round(files: Any, behind: Any, counts: Any, within: Any, start: Any, size: Any) -> Any:
        records = tf.data.TFRecordDataset(files, buffer_size=4 << 20).skip(behind).batch(CHUNK)
        ragged = lambda x: tf.RaggedTensor.from_row_lengths(x, counts, validate=False)
        windows = tf.data.Dataset.from_tensor_slices((ragged(within), ragged(start), ragged(size)))
        return tf.data.Dataset.zip(records, windows)

    def decode(serialized: Any, window: Any) -> dict[str, Any]:
        within, start, size = window
        parsed = tf.io.parse_example(serialized, spec)
        out = {}
        for name in ARRAYS:
            pieces = tf.strings.substr(tf.gather(parsed[name], within), 4 * start, 4 * size)
            out[name] = tf.io.decode_raw(pieces, tf.float32, fixed_length=4 * length)
        out["reference_mjd"] = tf.gather(tf.io.decode_raw(parsed["reference_mjd"], tf.float64)[:, 0], within)
        for name in ("object_id", "band"):
            out[name] = tf.gather(parsed[name], within)
        return out | {"record_length": parsed["length"]}

    numbers = tf.TensorSpec([None], tf.int64)
    signature = (
        tf.TensorSpec([None], tf.string),
        tf.TensorSpec([], tf.int64),
        numbers,
        numbers,
        numbers,
        numbers,
    )
    # One pipeline for the whole run, one thread for each stream: rebuilding costs more than a small round, and parallel
    # maps cost more than they bring on local files with few cores.
    dataset = tf.data.Dataset.from_generator(rounds, output_signature=signature).flat_map(read_round)
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    for piece in (
        dataset.map(decode, deterministic=True).prefetch(2).with_options(options).as_numpy_iterator()
    ):
        piece["object_id"] = _as_text(piece["object_id"])
        piece["band"] = _as_text(piece["band"])
        yield piece


def _as_text(values: np.ndarray) -> np.ndarray:
    return np.array([v.decode() for v in values.tolist()], object)


def _choose_reader(reader: str) -> str:
    if reader not in ("auto", "tf.data", "plain"):
        raise DataError(f"there is no reader '{reader}': use auto, tf.data or plain")
    has_tensorflow = importlib.util.find_spec("tensorflow") is not None
    if reader == "auto":
        reader = "tf.data" if has_tensorflow else "plain"
    if reader == "tf.data":
        if not has_tensorflow:
            raise DataError(
                "the tf.data reader needs TensorFlow: install tensorflow-cpu, or use --reader plain"
            )
        import tensorflow as tf

        tf.config.set_visible_devices([], "GPU")
    return reader


def _merged_classes(manifests: Sequence[Manifest]) -> tuple[str, ...]:
    names: list[str] = []
    for manifest in manifests:
        names += [c for c in manifest.class_names if c not in names]
    return tuple(names)
