"""The tf.data reader, chunk by chunk, against the plain one; records that are not those promised."""

import dataclasses

import numpy as np
import pytest

from data_pipelines.shards.groups import whole_groups
from data_pipelines.shards.opening import open_manifests, open_shards, read_indexes
from data_pipelines.shards.plain_reader import PlainReader
from data_pipelines.shards.streams import Chunk, Rows
from data_pipelines.shards.tensorflow_reader import TensorFlowReader
from tests.data_pipelines.toy import LAYOUT, write


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """(index, shards, groups that are read whole)"""
    manifests = open_manifests([write(tmp_path_factory.mktemp("stars") / "toy", 40, 2)], LAYOUT)
    index = read_indexes(manifests, "train", LAYOUT, None)
    shards, _ = open_shards(manifests, "train", index, "raise")
    return index, shards, whole_groups(LAYOUT, index, {"spectrum": 7}, "here", "")


def plan(index, shards):
    """All records in any order; some of a shard, one twice; a single one in its middle."""
    rng = np.random.default_rng(0)

    def rows(record, start, size):
        columns = (np.zeros(len(record)), record, start, size)
        return Rows(*(np.asarray(column, np.int64) for column in columns))

    for shard in shards:
        chunk = Chunk(shard.shard, shard.first, shard.shard.records)
        everything = shard.first + rng.permutation(shard.shard.records)
        yield chunk, rows(everything, 0 * everything, index.length[everything])
        some = shard.first + np.array([9, 3, 3, 5])
        yield chunk, rows(some, np.minimum(2, index.length[some]), np.minimum(3, np.maximum(index.length[some] - 2, 0)))
        yield chunk, rows(np.array([shard.first + 4]), [1], [2])


def test_pieces_are_those_of_the_plain_reader(opened):
    index, shards, whole = opened
    readers = [reader(index, LAYOUT, whole) for reader in (PlainReader, TensorFlowReader)]
    count = 0
    for one, other in zip(*(reader.pieces(plan(index, shards)) for reader in readers), strict=True):
        np.testing.assert_array_equal(one.order, other.order)
        for a, b in zip(one.arrays, other.arrays, strict=True):
            assert b.dtype == np.float32
            width = max(a.shape[1], b.shape[1])  # widths are padding: zeros
            pad = lambda x, width=width: np.pad(x, [(0, 0), (0, width - x.shape[1])])
            np.testing.assert_array_equal(pad(a), pad(b))
        count += 1
    assert count == 6


@pytest.mark.parametrize("change", ["length", "missing"])
def test_records_that_are_not_those_promised_are_noticed(opened, change, tmp_path):
    index, shards, whole = opened
    if change == "length":
        index = dataclasses.replace(index, length=index.length + 1)
    else:
        short = tmp_path / "short"
        end = int(index.offset[shards[0].first + 15])
        short.write_bytes(shards[0].shard.path.read_bytes()[:end])
        shards = [dataclasses.replace(shards[0], shard=dataclasses.replace(shards[0].shard, path=short))]
    chunk = Chunk(shards[0].shard, shards[0].first, shards[0].shard.records)
    record = shards[0].first + np.arange(shards[0].shard.records)
    rows = Rows(0 * record, record, 0 * record, np.ones_like(record))
    import tensorflow as tf

    # What is noticed where the plan is made comes through TensorFlow's pipeline.
    with pytest.raises((ValueError, tf.errors.UnknownError), match=r"records are missing|is cut off"):
        list(TensorFlowReader(index, LAYOUT, whole).pieces(iter([(chunk, rows)])))
