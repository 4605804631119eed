"""Rows that were read: copied by their number, whatever pieces they came in; what cannot be read is named."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines.shards.plain_reader import Piece
from data_pipelines.shards.rows import Planned, Stream, next_piece, schedule
from data_pipelines.shards.streams import Rows, StreamPlan, WholeRecords
from lcjax.errors import DataError
from tests.data_pipelines.toy import LAYOUT, write


def stream(pieces, begin=0):
    """Rows 0, 1, 2, ... whose only value is their number, in pieces of these sizes."""
    made = Stream(StreamPlan([], 0, WholeRecords(1), 0, training=True), begin)
    for size in pieces:
        numbers = made.end + np.arange(size)
        order = np.random.default_rng(size).permutation(size)
        array = np.empty((size, 1), np.float32)
        array[order, 0] = numbers
        made.add(Piece((array,), order), Rows(numbers * 0, numbers, numbers * 0, numbers * 0 + 1))
    return made


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 20), st.data())
def test_rows_are_copied_by_their_number(pieces, begin, data):
    made = stream(pieces, begin)
    wanted = np.array(sorted(data.draw(st.sets(st.integers(begin, made.end + 5), min_size=1))))
    series, size, record = np.zeros((len(wanted) + 2, 2), np.float32), np.zeros(len(wanted) + 2, np.int64), -np.ones(99)
    made.copy(wanted, 2, [series], size, record[: len(size)])
    there = wanted < made.end
    assert (series[2:, 0][there] == wanted[there]).all() and not series[:, 1].any()
    assert (size[2:] == there).all() and (record[2 : len(size)][there] == wanted[there]).all() and not series[:2].any()
    made.forget(made.end)
    made.copy(wanted, 2, [series], size, record[: len(size)])
    assert made.lacks(made.end + 1) and not made.lacks(made.end)


def test_what_cannot_be_read_is_named(tmp_path):
    from data_pipelines.shards.source import ShardSource

    source = ShardSource(write(tmp_path / "d", 20, 2), "train", 4, layout=LAYOUT, reader="plain")
    plans = source._batch_plan(training=False).plans
    planned: Planned = deque()
    chunks = [chunk for chunk, _ in schedule([Stream(plan, 0) for plan in plans], 100, planned)]
    assert [chunk for _, chunk, _ in planned] == chunks and sum(len(rows) for _, _, rows in planned) == 20

    def broken():
        raise RuntimeError("lost\nmore")
        yield

    with pytest.raises(DataError, match=r"-00000-of-00002' cannot be read \(lost\); restore the file"):
        next_piece(broken(), planned)
    chunks[1].shard.path.write_bytes(b"")
    with pytest.raises(DataError, match="-00001-of-00002: the file is empty"):
        next_piece(broken(), planned)
