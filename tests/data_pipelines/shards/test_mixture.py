"""Paired streams: each its own batches, restart anywhere by two integers, several processes, one fingerprint."""

import itertools

import numpy as np
import pytest

from data_pipelines.shards.mixture import Mixture
from data_pipelines.shards.source import ShardSource
from lcjax.errors import ConfigError
from tests.data_pipelines.toy import LAYOUT, write


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("mixture")
    return write(base / "one", 60, 4), write(base / "two", 26, 2, seed=1)


def part(folder, batch_size, seed=3, **settings):
    return ShardSource(folder, "train", batch_size, seed=seed, reader="plain", layout=LAYOUT, **settings)


def mixture(folders, seed=3, evaluated=None, **settings):
    one, two = folders
    return Mixture({"source": part(one, 8, **settings), "target": part(two, 4, seed, **settings)}, evaluated)


def taken(source, count, *position):
    return list(itertools.islice(source.train_batches(*position), count))


def same(a, b):
    for name in ("source", "target"):
        assert a[name].keys() == b[name].keys()
        for key in a[name]:
            np.testing.assert_array_equal(a[name][key], b[name][key])


def test_streams_are_those_of_their_parts(folders):
    mixed = mixture(folders)
    count = 3 * mixed.batches_per_epoch
    one, two = (taken(p, count) for p in mixed.parts.values())
    for (position, batch), (p, a), (_, b) in zip(taken(mixed, count), one, two, strict=True):
        assert position == p
        same(batch, {"source": a, "target": b})
        assert len(batch["source"]["label"]) == 8 and len(batch["target"]["label"]) == 4


@pytest.mark.parametrize("at", [1, 7, 8, 19])
def test_restart_anywhere_gives_the_rest(folders, at):
    run = taken(mixture(folders), 23)
    for (p, a), (q, b) in zip(run[at:], taken(mixture(folders), 23 - at, *run[at][0]), strict=True):
        assert p == q
        same(a, b)


def test_processes_share_every_part(folders):
    halves = [mixture(folders, process_index=i, process_count=2) for i in range(2)]
    for (_, whole), *rows in zip(taken(mixture(folders), 9), *(taken(h, 9) for h in halves), strict=True):
        joined = {name: {key: np.concatenate([r[name][key] for _, r in rows]) for key in whole[name]} for name in whole}
        same(whole, joined)


def test_one_fingerprint_of_all(folders):
    assert mixture(folders).fingerprint == mixture(folders).fingerprint != mixture(folders, seed=4).fingerprint
    one, two = mixture(folders).parts.values()
    assert Mixture({"a": one, "b": two}).fingerprint != Mixture({"b": two, "a": one}).fingerprint


def test_evaluation_of_one_stream(folders):
    records = lambda batches: [b["record"].tolist() for b in batches]
    mixed = mixture(folders)
    assert records(mixed.evaluation_batches()) == records(mixed.parts["source"].evaluation_batches())
    assert records(mixed.evaluation_batches("target")) == records(mixed.parts["target"].evaluation_batches())
    assert records(mixture(folders, evaluated="target").evaluation_batches()) == records(
        mixed.parts["target"].evaluation_batches()
    )
    for name in ("a", "b"):
        with pytest.raises(ConfigError, match="no stream"):
            mixture(folders, evaluated=name)
    with pytest.raises(ConfigError, match="at least one"):
        Mixture({})


def test_it_counts_and_labels_as_the_first(folders):
    mixed = mixture(folders, evaluated="target")
    assert mixed.class_names == ("EA", "RRab") and mixed.describe()["objects"] == 30
    assert mixed.describe()["streams"]["target"]["objects"] == 13
    other = mixed.relabelled(("RRab",))
    assert other.fingerprint == mixed.fingerprint and other.evaluated == "target"
    (_, a), (_, b) = taken(mixed, 1)[0], taken(other, 1)[0]
    for name in ("source", "target"):
        np.testing.assert_array_equal(np.array([-1, 0, -1])[a[name]["label"]], b[name]["label"])
