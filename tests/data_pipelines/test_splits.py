"""Splits by object: disjoint, stratified, seeded, independent of order."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines.splits import assign_per_class, assign_splits
from lcjax.errors import ConfigError, DataError


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


@pytest.mark.parametrize("count", range(1, 9))
def test_rare_classes_are_in_every_split_that_they_can_be_in(count):
    labels = {f"c{i}": "common" for i in range(50)} | {f"r{i}": "rare" for i in range(count)}
    found = {split for name, split in assign_splits(labels).items() if name[0] == "r"}
    assert found == {1: {"train"}, 2: {"train", "test"}}.get(count, {"train", "validation", "test"})
    found = {split for name, split in assign_splits(labels, (0.9, 0, 0.1)).items() if name[0] == "r"}
    assert found == ({"train"} if count == 1 else {"train", "test"})


def test_fractions_must_make_sense():
    with pytest.raises(ConfigError, match="three numbers"):
        assign_splits({"a": None}, (0.9, 0.2, 0.1))


def test_the_published_split_has_so_many_of_each_class():
    labels = {f"a{i}": "a" for i in range(60)} | {f"b{i}": "b" for i in range(25)} | {"u": None}
    splits = assign_per_class(labels, dict.fromkeys(labels, 1), 10, seed=42)
    for name, train in (("a", 40), ("b", 5), ("u", 1)):
        found = Counter(splits[k] for k in labels if k[0] == name)
        assert found == ({"train": 1} if name == "u" else {"test": 10, "validation": 10, "train": train})
    assert splits == assign_per_class(dict(reversed(labels.items())), dict.fromkeys(labels, 1), 10, seed=42)
    assert splits != assign_per_class(labels, dict.fromkeys(labels, 1), 10, seed=0)
    with pytest.raises(DataError, match=r"class 'b' has 25 alerts of 25 objects, too few for 13"):
        assign_per_class(labels, dict.fromkeys(labels, 1), 13, seed=42)


def test_objects_of_many_alerts_are_taken_whole():
    labels = {f"a{i}": "a" for i in range(12)}
    splits = assign_per_class(labels, dict.fromkeys(labels, 3), 4, seed=0)
    assert Counter(splits.values()) == {"test": 2, "validation": 2, "train": 8}
