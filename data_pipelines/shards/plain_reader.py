"""Reading chunks of shards without TensorFlow: positions from the index, numpy, and checksums.

A chunk is read in one piece. Frame lengths and stored checksums must be those of the index; payloads are checked against
their CRC-32C where a compiled one is installed, and otherwise the whole shard against the manifest's sha256 when it is first
touched. Nothing is mapped into memory: a file that shrinks while it is read is an error, not a crash.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from data_pipelines.shards.frames import number_in_shard, read_frames
from data_pipelines.shards.groups import WholeGroup
from data_pipelines.shards.index import ShardIndex
from data_pipelines.shards.layout import RecordLayout
from data_pipelines.shards.manifest import Shard, sha256_file
from data_pipelines.shards.streams import Chunk, Rows
from data_pipelines.shards.tfrecord import HEADER_BYTES, damaged
from lcjax.crc32c import compiled_crc32c, masked
from lcjax.errors import DataError


class Piece(NamedTuple):
    """Rows of one chunk: an (R, W) float32 array for each series, group after group, zero-padded, and where in them each row of
    the plan is.
    """

    arrays: tuple[np.ndarray, ...]
    order: np.ndarray


def in_file_order(rows: Rows) -> tuple[Rows, np.ndarray]:
    """The rows sorted by record, and for each row its place among them."""
    by_record = np.argsort(rows.record, kind="stable")
    order = np.empty(len(by_record), np.int64)
    order[by_record] = np.arange(len(by_record))
    return rows.take(by_record), order


class PlainReader:
    """Executes a plan of chunks with plain file reads."""

    def __init__(self, index: ShardIndex, layout: RecordLayout, whole: Sequence[WholeGroup] = ()) -> None:
        """`index`: of all records of the source. `whole`: the groups of the layout but the first."""
        self._index, self._layout, self._whole = index, layout, whole
        self._crc = compiled_crc32c()
        self._trusted: set[Shard] = set()

    def pieces(self, plan: Iterator[tuple[Chunk, Rows]]) -> Iterator[Piece]:
        """One piece for each chunk of the plan."""
        for chunk, rows in plan:
            yield self._read(chunk, rows)

    def _read(self, chunk: Chunk, rows: Rows) -> Piece:
        rows, order = in_file_order(rows)
        wanted = np.unique(rows.record)
        first, last = int(wanted[0]), int(wanted[-1])
        data = self._read_bytes(chunk, first, last)
        begin = self._index.offset[first]
        if self._crc is not None:
            self._check_payloads(chunk, wanted, data, begin)
        payload = self._index.offset[rows.record] - begin + HEADER_BYTES
        cuts = [(payload + 4 * rows.start, rows.size), *((payload, w.sizes(rows.record)) for w in self._whole)]
        arrays = []
        for group, (starts, sizes) in zip(self._layout.groups, cuts, strict=False):
            for name in group.series:
                positions = starts + self._index[f"{name}_at"][rows.record]
                arrays.append(_take(data, positions, sizes))
        return Piece(tuple(arrays), order)

    def _read_bytes(self, chunk: Chunk, first: int, last: int) -> bytes:
        shard = chunk.shard
        if self._crc is None and shard not in self._trusted:
            if sha256_file(shard.path) != shard.sha256:
                raise DataError(f"shard '{shard.path}' is damaged: its content has changed since it was written")
            self._trusted.add(shard)
        return read_frames(self._index, chunk, first, last)

    def _check_payloads(self, chunk: Chunk, records: np.ndarray, data: bytes, begin: int) -> None:
        starts = self._index.offset[records] - begin + HEADER_BYTES
        stops = starts + self._index.size[records]
        crcs = self._index.crc[records]
        for record, start, stop, crc in zip(records, starts.tolist(), stops.tolist(), crcs.tolist(), strict=True):
            if masked(self._crc(data[start:stop])) != crc:
                number = number_in_shard(self._index, int(record))
                raise damaged(chunk.shard.path, number, "has content that does not match its checksum")


def _take(data: bytes, positions: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(R, W) float32: `sizes` values from each byte position on, zero-padded to the longest."""
    out = np.zeros((len(sizes), int(sizes.max(initial=0))), np.float32)
    for target, size, position in zip(out, sizes.tolist(), positions.tolist(), strict=True):
        target[:size] = np.frombuffer(data, "<f4", size, position)
    return out
