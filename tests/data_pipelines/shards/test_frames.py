"""Frames of a shard against the index: another file of the same size is noticed, and changes are looked at again."""

import os

import pytest

from data_pipelines.shards.frames import FrameCheck, number_in_shard, read_frames
from data_pipelines.shards.opening import open_manifests, open_shards, read_indexes
from data_pipelines.shards.streams import Chunk
from data_pipelines.shards.tfrecord import FRAME_BYTES, DamagedFile
from tests.data_pipelines.toy import LAYOUT, write


@pytest.fixture
def opened(tmp_path):
    """(index, second shard as a chunk)"""
    manifests = open_manifests([write(tmp_path / "toy", 20, 2)], LAYOUT)
    index = read_indexes(manifests, "train", LAYOUT, None)
    shards, _ = open_shards(manifests, "train", index, "raise")
    return index, Chunk(shards[1].shard, shards[1].first, shards[1].shard.records)


def change(path, at, data):
    whole = bytearray(path.read_bytes())
    whole[at : at + len(data)] = data
    path.write_bytes(whole)


def test_the_bytes_of_some_records(opened):
    index, chunk = opened
    data = read_frames(index, chunk, 12, 14)
    begin, end = int(index.offset[12]), int(index.offset[14] + index.size[14]) + FRAME_BYTES
    assert data == chunk.shard.path.read_bytes()[begin:end]
    assert [number_in_shard(index, record) for record in (0, 9, 10, 19)] == [0, 9, 0, 9]


def test_other_records_and_cuts_are_named_by_their_number(opened):
    index, chunk = opened
    path = chunk.shard.path
    whole = path.read_bytes()
    end = int(index.offset[13] + index.size[13]) + FRAME_BYTES
    change(path, end - 4, b"\xff\xff\xff\xff")  # the stored checksum of the fourth record
    read_frames(index, chunk, 10, 12)
    with pytest.raises(DamagedFile, match=r"3.* is not the one that was written there"):
        read_frames(index, chunk, 11, 14)
    path.write_bytes(whole[:-1])
    with pytest.raises(DamagedFile, match="is cut off"):
        read_frames(index, chunk, 10, 19)


def test_a_chunk_is_checked_once_and_again_when_the_file_changes(opened, monkeypatch):
    from data_pipelines.shards import frames

    index, chunk = opened
    read, reads = frames.read_frames, []
    monkeypatch.setattr(frames, "read_frames", lambda *a: (reads.append(a), read(*a)))
    check = FrameCheck(index)
    check(chunk)
    check(chunk)
    assert len(reads) == 1
    os.utime(chunk.shard.path, (1, 1))
    check(chunk)
    assert len(reads) == 2
    change(chunk.shard.path, 0, b"\xff")
    with pytest.raises(DamagedFile):
        check(chunk)
