"""Splits by object: disjoint, stratified, seeded, independent of order."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines.splits import assign_splits
from lcjax.errors import ConfigError


@given(
    st.dictionaries(st.text(min_size=1, max_size=6), st.sampled_from(["a", "b", None]), max_size=60), st.integers(0, 5)
)
def test_every_object_has_one_split_whatever_the_order(labels, seed):
    splits = assign_splits(labels, seed=seed)
    assert splits.keys() == labels.keys()
    assert splits == assign_splits(dict(reversed(list(labels.items()))), seed=seed)


def test_classes_keep_their_shares():
    labels = {f"a{i}": "a" for i in range(100)} | {f"b{i}": "b" for i in range(20)} | {"c": "c"}
    splits = assign_splits(labels)
    assert Counter(splits[k] for k in labels if k[0] == "a") == {"train": 80, "validation": 10, "test": 10}
    assert Counter(splits[k] for k in labels if k[0] == "b") == {"train": 16, "validation": 2, "test": 2}
    assert splits["c"] == "train"
    assert splits != assign_splits(labels, seed=1)


def test_fractions_must_make_sense():
    with pytest.raises(ConfigError, match="three numbers"):
        assign_splits({"a": None}, (0.9, 0.2, 0.1))
