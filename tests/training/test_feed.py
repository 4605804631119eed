"""Reading ahead, grouping and stacking."""

import itertools

import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.training.feed import Feeder, Prefetch, stack_updates
from tests.training.toy import ToySource


def _feeder(accumulate, **settings):
    return Feeder(ToySource(**settings).train_batches(), accumulate)


def test_dispatches_hold_every_batch_once_in_order():
    feeder = _feeder(2, buckets=(3, 6))
    taken = [feeder.take(k) for k in (1, 4, 2, 4, 3, 1)]
    flat = [batch["object_id"][0] for updates in taken for update in updates for batch in update]
    expected = (batch["object_id"][0] for _, batch in ToySource(buckets=(3, 6)).train_batches())
    assert flat == list(itertools.islice(expected, len(flat)))
    assert feeder.position == divmod(len(flat), 7)


def test_updates_of_different_width_are_not_fused():
    feeder = _feeder(1, buckets=(3, 6))
    sizes = set()
    for _ in range(30):
        updates = feeder.take(3)
        assert len(updates) in (1, 3)
        assert len({update[0]["magnitude"].shape for update in updates}) == 1
        sizes.add(len(updates))
    assert sizes == {1, 3}


def test_groups_depend_on_where_they_start_not_on_where_the_run_was_resumed():
    feeder, groups = _feeder(1, buckets=(3, 6)), {}
    for _ in range(12):
        position = feeder.position
        groups[position] = len(feeder.take(3))
    for position, size in groups.items():
        resumed = Feeder(ToySource(buckets=(3, 6)).train_batches(*position), 1)
        assert len(resumed.take(3)) == size


def test_stacking_pads_and_drops_what_stays_on_the_host():
    short, long = ToySource(buckets=(3,)).batch(0, 0), ToySource(buckets=(6,)).batch(0, 1)
    stacked = stack_updates([[short, long]])
    assert stacked["magnitude"].shape == (1, 2, 8, 6) and stacked["y"].shape == (1, 2, 8)
    assert "object_id" not in stacked and not stacked["mask"][0, 0, :, 3:].any()
    np.testing.assert_array_equal(stacked["magnitude"][0, 0, :, :3], short["magnitude"])


def test_prefetch_hands_on_errors_and_ends():
    def broken():
        yield 1
        raise DataError("shard 3 is damaged")

    items = Prefetch(broken())
    assert next(items) == 1
    with pytest.raises(DataError, match="shard 3"):
        next(items)
    with pytest.raises(DataError, match="no further batch"):
        next(Prefetch(iter([])))
    endless = Prefetch(itertools.count())
    assert [next(endless) for _ in range(20)] == list(range(20))
    endless.close()
