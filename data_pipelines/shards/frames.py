"""Frames of records as they lie in a shard, against the index: whether the records there are those that were written.

Lengths alone do not tell two shards of equal sizes apart; the checksums that the frames store do.
"""

import os
from pathlib import Path

import numpy as np

from data_pipelines.shards.index import ShardIndex
from data_pipelines.shards.streams import Chunk
from data_pipelines.shards.tfrecord import FOOTER_BYTES, FRAME_BYTES, HEADER_BYTES, damaged


def read_frames(index: ShardIndex, chunk: Chunk, first: int, last: int) -> bytes:
    """The bytes of records `first` to `last` (numbers in the source) of one shard, whose frames are those of the index.

    Raises:
      DamagedFile: the file is shorter, or holds other records.
    """
    begin = int(index.offset[first])
    count = int(index.offset[last] + index.size[last]) + FRAME_BYTES - begin
    with open(chunk.shard.path, "rb", buffering=0) as file:
        file.seek(begin)
        data = file.read(count)
    if len(data) < count:
        raise damaged(chunk.shard.path, number_in_shard(index, last), "is cut off: the file is shorter than it was")
    records = slice(first, last + 1)
    raw = np.frombuffer(data, np.uint8)
    begins = index.offset[records] - index.offset[first]
    lengths = raw[begins[:, None] + np.arange(8)].view("<u8")[:, 0]
    footers = begins + HEADER_BYTES + index.size[records]
    stored = raw[footers[:, None] + np.arange(FOOTER_BYTES)].view("<u4")[:, 0]
    wrong = (lengths != index.size[records].astype(np.uint64)) | (stored != index.crc[records])
    if wrong.any():
        number = number_in_shard(index, first + int(np.argmax(wrong)))
        raise damaged(chunk.shard.path, number, "is not the one that was written there")
    return data


def number_in_shard(index: ShardIndex, record: int) -> int:
    """Number of a record in its shard: records of a shard are consecutive, and the first has offset 0."""
    return record - int(np.flatnonzero(index.offset[: record + 1] == 0)[-1])


class FrameCheck:
    """Checks the frames of each chunk once, and again when the file has changed: for readers that get payloads alone."""

    def __init__(self, index: ShardIndex) -> None:
        """`index`: of all records of the source."""
        self._index = index
        self._sound: dict[tuple[Path, int], tuple[int, int, int]] = {}

    def __call__(self, chunk: Chunk) -> None:
        """Raises DamagedFile where a chunk does not hold the records of the index."""
        status = os.stat(chunk.shard.path)
        state, key = (status.st_ino, status.st_size, status.st_mtime_ns), (chunk.shard.path, chunk.first)
        if self._sound.get(key) != state:
            read_frames(self._index, chunk, chunk.first, chunk.first + chunk.records - 1)
            self._sound[key] = state
