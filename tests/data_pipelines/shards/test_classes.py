"""Classes: numbered without regard to case, balanced as promised whatever their sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines.shards.classes import class_counts, class_numbers, published_replication, repeats
from lcjax.errors import DataError

LABELS = st.lists(st.integers(-1, 4), min_size=1, max_size=60).filter(lambda labels: max(labels) >= 0)


@given(LABELS)
def test_published_copies_fill_every_class_to_the_largest(labels):
    labels = np.array(labels)
    times = published_replication(labels, 5)
    counts = class_counts(labels, 5)
    for number in range(5):
        own = times[labels == number]
        assert own.sum() == (counts.max() if counts[number] else 0)
        assert len(own) == 0 or (own.max() - own.min() <= 1 and (np.diff(own) <= 0).all())
    assert not times[labels < 0].any()


@given(LABELS)
def test_weighted_shares_are_equal_and_add_up(labels):
    labels = np.array(labels)
    share = repeats(labels, 5, "weighted", "x")
    sums = [share[labels == number].sum() for number in set(labels[labels >= 0])]
    assert np.allclose(sums, sums[0]) and np.isclose(share.sum(), (labels >= 0).sum())
    assert not share[labels < 0].any()


def test_nothing_to_balance():
    with pytest.raises(DataError, match="split 'train' has no labelled records"):
        repeats(np.array([-1, -1]), 2, "weighted", "split 'train'")


def test_numbers_of_a_models_classes():
    assert class_numbers(("sn", "Asteroid", "x"), ("asteroid", "SN")) == [1, 0, -1]
