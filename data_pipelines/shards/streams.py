"""The order of training rows: a pure function of (data, seed, epoch), whatever the number of processes.

Shards are dealt to a fixed number V of virtual streams. Each stream is endless: epoch after epoch it goes through its
shards in a seeded order, cuts every curve into windows, and shuffles rows within chunks of consecutive records. Global
batch number k takes rows [k b, (k+1) b) of every stream, b = batch_size / V, stream after stream. Nothing is dropped at an
epoch's end: short streams simply begin their next round earlier, and every record of a stream is read once a round.
A process owns V / P neighbouring streams, so rank order is row order. With length buckets, groups of batches are sorted by
length within each stream and then handed out in seeded order; still, batch k is a function of k alone.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from data_pipelines.shards.manifest import Shard
from lcjax.errors import DataError

STREAMS = 8
CHUNK = 1024
"""Records parsed, and shuffled, together."""
GROUP = 8
"""Batches sorted by length together."""


class WindowSettings(Protocol):
    """How curves become windows (`lcjax.configs.WindowConfig`)."""

    length: int
    mode: str
    evaluation_mode: str
    buckets: tuple[int, ...]


@dataclass(frozen=True)
class WholeRecords:
    """The window settings of data that are never cut."""

    length: int
    mode: str = "random"
    evaluation_mode: str = "sequential"
    buckets: tuple[int, ...] = ()


@dataclass(frozen=True)
class IndexedShard:
    """A shard with the lengths of its records and the number of its first record."""

    shard: Shard
    lengths: np.ndarray
    first: int


@dataclass(frozen=True)
class Chunk:
    """At most CHUNK consecutive records of a shard, read together."""

    shard: Shard
    first: int  #: number of its first record in the source
    records: int


@dataclass(frozen=True)
class Rows:
    """Windows in reading order. Every array has one entry a row."""

    chunk: np.ndarray  #: which chunk of the round the row comes from, ascending
    record: np.ndarray  #: number of its record in the source
    start: np.ndarray  #: first point
    size: np.ndarray  #: number of points

    def __len__(self) -> int:
        return len(self.chunk)

    def take(self, index: np.ndarray | slice) -> "Rows":
        """A subset or reordering."""
        return Rows(*(getattr(self, n)[index] for n in ("chunk", "record", "start", "size")))


def cut_windows(lengths: np.ndarray, width: int, mode: str, rng: np.random.Generator | None) -> tuple[np.ndarray, ...]:
    """Windows of many curves at once.

    Args:
      lengths: (R,) points of each curve. width: points of a window at most.
      mode: `random` one window a curve, start uniform in [0, N - width]; `sequential` each point in exactly one window,
        ceil(N/W) windows of equal size give or take a point (so that none is left with one or two points); `published`
        floor(N/W)+1 overlapping windows, the last shifted back (one window if N < W).

    Returns:
      (owner, start, size), one entry a window, int64.
    """
    lengths = np.asarray(lengths, np.int64)
    if mode == "random":
        room = np.maximum(lengths - width, 0) + 1
        draw = rng.random(len(lengths)) if rng is not None else np.zeros(len(lengths))
        start = np.minimum((draw * room).astype(np.int64), room - 1)
        return np.arange(len(lengths)), start, np.minimum(lengths, width)
    if mode == "sequential":
        count = np.maximum(-(-lengths // width), 1)
    elif mode == "published":
        count = lengths // width + 1
    else:
        raise DataError(f"there is no window mode '{mode}': use random, sequential or published")
    owner = np.repeat(np.arange(len(lengths)), count)
    turn = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    if mode == "published":
        start = np.minimum(turn * width, np.maximum(lengths[owner] - width, 0))
        return owner, start, np.minimum(lengths[owner], width)
    start = turn * lengths[owner] // count[owner]
    return owner, start, (turn + 1) * lengths[owner] // count[owner] - start


def stream_count(batch_size: int, shards: int, processes: int) -> int:
    """How many streams serve a batch: at most STREAMS, a divisor of the batch, no more than there are shards.

    >>> stream_count(64, 16, 1), stream_count(12, 16, 1), stream_count(64, 1, 1)
    (8, 4, 1)
    """
    limit = min(STREAMS, shards)
    count = max(v for v in range(1, limit + 1) if batch_size % v == 0 and STREAMS % v == 0)
    if count % processes:
        raise DataError(
            f"{processes} processes cannot share {count} streams evenly ({shards} shards, batch {batch_size}): use a number of "
            f"processes that divides {count}, or prepare more shards (--shards)"
        )
    return count


def _repeated(repeats: np.ndarray, total: int, rng: np.random.Generator) -> np.ndarray:
    """Row numbers, each as often as `repeats` says give or take one, `total` in all (systematic sampling).

    >>> _repeated(np.array([2.0, 0.5, 0.5]), 3, np.random.default_rng(0))[:2].tolist()
    [0, 0]
    """
    edges = np.concatenate([[0.0], np.cumsum(repeats)])
    edges *= total / edges[-1] if edges[-1] > 0 else 0
    whole = np.abs(repeats - np.round(repeats)).max(initial=0) < 1e-9
    points = np.arange(total) + (0.5 if whole else rng.random())
    return np.searchsorted(edges[1:], points, side="right").clip(0, max(len(repeats) - 1, 0))


class StreamPlan:
    """The endless row sequence of one stream, or with `epochs=1` and no shuffling, one pass in file order."""

    def __init__(
        self,
        shards: Sequence[IndexedShard],
        number: int,
        window: WindowSettings,
        seed: int,
        training: bool,
        chunk: int = CHUNK,
        repeats: np.ndarray | None = None,
    ) -> None:
        """`shards`: this stream's; `number`: which stream it is.

        `chunk`: records read, and shuffled, together. `repeats`: how often each record of the source (by its number) is used
        in a round of training, on average; fractions are drawn anew every round. None: once. An evaluation pass has each record
        once, except those of 0.
        """
        self.chunk, self.repeats = chunk, repeats
        self.shards, self.number, self.window, self.seed, self.training = (
            list(shards),
            number,
            window,
            seed,
            training,
        )
        self._rounds: OrderedDict[int, tuple[list[Chunk], Rows]] = OrderedDict()
        self._lock = threading.Lock()
        mode = window.mode if training else window.evaluation_mode
        self.mode = mode
        rows = [cut_windows(s.lengths, window.length, mode, None)[0] + s.first for s in self.shards]
        self.rows_per_round = sum(map(len, rows))
        if self.repeats is not None and not training:
            self.rows_per_round = int((self.repeats[np.concatenate(rows)] > 0).sum())
        elif self.repeats is not None:
            weight = float(self.repeats[np.concatenate(rows)].sum())
            if weight <= 0:
                raise DataError(
                    f"all records of '{self.shards[0].shard.path.name}' and the shards read with it are left out, by balancing or because "
                    "their stars are held out elsewhere: label more of them, prepare fewer shards (--shards), or see --on-leak"
                )
            self.rows_per_round = max(1, round(weight))

    def round(self, epoch: int) -> tuple[list[Chunk], Rows]:
        """Chunks in reading order, and the rows of one pass."""
        with self._lock:  # tf.data asks from its own thread
            if epoch not in self._rounds:
                self._rounds[epoch] = self._plan(epoch)
                while len(self._rounds) > 4:
                    self._rounds.popitem(last=False)
            return self._rounds[epoch]

    def _plan(self, epoch: int) -> tuple[list[Chunk], Rows]:
        rng = np.random.default_rng((self.seed, epoch, self.number))
        order = rng.permutation(len(self.shards)) if self.training else range(len(self.shards))
        shards = [self.shards[i] for i in order]
        chunks = [
            Chunk(s.shard, s.first + at, min(self.chunk, len(s.lengths) - at))
            for s in shards
            for at in range(0, len(s.lengths), self.chunk)
        ]
        empty = np.zeros(0, np.int64)
        lengths = np.concatenate([s.lengths for s in shards] or [empty])
        record = np.concatenate([s.first + np.arange(len(s.lengths)) for s in shards] or [empty])
        chunk = np.repeat(np.arange(len(chunks)), [c.records for c in chunks])
        owner, start, size = cut_windows(lengths, self.window.length, self.mode, rng if self.training else None)
        rows = Rows(chunk[owner], record[owner], start, size)
        if self.repeats is not None and not self.training:
            rows = rows.take(np.flatnonzero(self.repeats[rows.record] > 0))
        elif self.repeats is not None:
            rows = rows.take(_repeated(self.repeats[rows.record], self.rows_per_round, rng))
        if self.training:
            # Sorting by (chunk, random) shuffles rows within each chunk.
            rows = rows.take(np.lexsort((rng.random(len(rows)), rows.chunk)))
        return chunks, rows

    def pieces(self, begin: int) -> Iterator[tuple[Chunk, Rows]]:
        """The chunks that hold row `begin` of the endless sequence and all after it, each with its rows from there on."""
        epoch, skip = divmod(begin, self.rows_per_round) if self.rows_per_round else (1, 0)
        while self.rows_per_round and (self.training or epoch == 0):
            chunks, rows = self.round(epoch)
            edges = np.searchsorted(rows.chunk, np.arange(len(chunks) + 1))
            for chunk, low, high in zip(chunks, edges[:-1], edges[1:], strict=True):
                if high > max(low, skip):
                    yield chunk, rows.take(slice(max(low, skip), high))
            epoch, skip = epoch + 1, 0

    def sizes(self, begin: int, end: int) -> np.ndarray:
        """Points of rows [begin, end) of the endless sequence (0 past the end of an evaluation pass)."""
        out = []
        while begin < end:
            epoch, at = divmod(begin, self.rows_per_round) if self.rows_per_round else (1, 0)
            if not self.training and (epoch or not self.rows_per_round):
                out.append(np.zeros(end - begin, np.int64))
                break
            take = min(end - begin, self.rows_per_round - at)
            out.append(self.round(epoch)[1].size[at : at + take])
            begin += take
        return np.concatenate(out) if out else np.zeros(0, np.int64)


class BatchPlan:
    """Which rows of each stream form batch k, and how far they are padded."""

    def __init__(
        self, plans: Sequence[StreamPlan], batch_size: int, window: WindowSettings, seed: int, training: bool
    ) -> None:
        """`plans`: of all streams, in order, also those of other processes."""
        self.plans, self.seed, self.training = list(plans), seed, training
        self.rows = batch_size // len(plans)
        buckets = tuple(sorted(set(window.buckets)))
        if buckets and buckets[-1] < window.length:
            buckets = (*buckets, window.length)
        self.buckets = (*(b for b in buckets if b < window.length), window.length)
        self.group = GROUP if len(self.buckets) > 1 else 1
        most = max(p.rows_per_round for p in plans)
        total = sum(p.rows_per_round for p in plans)
        self.batches = math.ceil(most / self.rows) if not training else max(1, math.ceil(total / batch_size))
        self._cached: tuple[int, list[np.ndarray], np.ndarray] | None = None

    def span(self, batch: int) -> tuple[int, int]:
        """Rows [begin, end) of every stream that the group of this batch uses."""
        group = batch // self.group
        return group * self.group * self.rows, (group + 1) * self.group * self.rows

    def select(self, batch: int) -> tuple[list[np.ndarray], int]:
        """For every stream the rows of this batch as offsets into `span(batch)`, and the padded length."""
        if self.group == 1:
            return [np.arange(self.rows)] * len(self.plans), self.buckets[-1]
        orders, turns, sizes = self._group(batch // self.group)
        turn = int(turns[batch % self.group])
        picked = [order[turn * self.rows : (turn + 1) * self.rows] for order in orders]
        longest = max(int(s[p].max(initial=0)) for s, p in zip(sizes, picked, strict=True))
        return picked, next(b for b in self.buckets if b >= longest)

    def holds_rows(self, batch: int) -> bool:
        """Whether any row of this batch of an evaluation pass is more than filling."""
        picked, _ = self.select(batch)
        begin, _ = self.span(batch)
        return any((begin + rows < p.rows_per_round).any() for p, rows in zip(self.plans, picked, strict=True))

    def _group(self, group: int) -> tuple[list[np.ndarray], np.ndarray, list[np.ndarray]]:
        if self._cached is None or self._cached[0] != group:
            begin, end = self.span(group * self.group)
            sizes = [p.sizes(begin, end) for p in self.plans]
            # In evaluation rows past the end (size 0) sort first, so longest-first keeps real rows in front.
            orders = [np.argsort(-s, kind="stable") for s in sizes]
            turns = np.arange(self.group)
            if self.training:
                turns = np.random.default_rng((self.seed, group, 1 << 20)).permutation(self.group)
            self._cached = (group, orders, turns, sizes)
        return self._cached[1:]
