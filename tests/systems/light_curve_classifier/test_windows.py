"""Windows in memory: complete, in seeded orders that can be entered anywhere, encoded once."""

import itertools

import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.systems.light_curve_classifier import windows
from lcjax.systems.light_curve_classifier.subset import Subset, draw_training, labelled_stars
from lcjax.systems.light_curve_classifier.windows import DrawnWindows
from tests.systems.light_curve_classifier.stars import LENGTH, Split, SubsetConfig, settings


def drawn(encode=None, seed=0, batch_size=5, **changes):
    data = Split()
    return DrawnWindows(data, draw_training(settings(**changes), data), LENGTH + 2, batch_size, seed, encode)


def names(batches):
    return [
        (str(o), int(n)) for b in batches for o, n, w in zip(b["object_id"], b["length"], b["weight"], strict=True) if w
    ]


def test_every_window_of_the_stars_is_there_once():
    source = drawn()
    ids = {name.removeprefix("toy/") for stars in source.subset.ids().values() for name in stars}
    data = Split()
    expected = [(data.object_ids[r], n) for r, n in data.windows() if data.object_ids[r] in ids]
    batches = list(source.evaluation_batches())
    assert names(batches) == expected
    assert all(b["mask"].shape == (5, LENGTH + 2) for b in batches)
    labels = np.concatenate([b["label"] for b in batches])
    weights = np.concatenate([b["weight"] for b in batches])
    assert (labels[weights == 0] == -1).all() and set(labels[weights > 0]) == {0, 1}
    kinds = dict(zip(data.object_ids, data.labels, strict=True))
    assert all(
        kinds[o] == k for b in batches for o, k, w in zip(b["object_id"], b["label"], b["weight"], strict=True) if w
    )


def test_training_goes_round_and_can_be_entered_anywhere():
    source = drawn()
    count, rows = len(source.windows["label"]), source.batch_size
    first = list(itertools.islice(source.train_batches(), 12))
    seen = names([batch for _, batch in first])
    for start in range(0, len(seen) - count, count):
        assert sorted(seen[start : start + count]) == sorted(names(source.evaluation_batches()))
    assert seen[:count] != seen[count : 2 * count]
    for position, batch in first[3:]:
        (again, same) = next(drawn().train_batches(*position))
        assert again == position and all(np.array_equal(same[name], batch[name]) for name in batch)
    assert first[source.batches_per_epoch][0] == (1, 0) and source.batches_per_epoch == -(-count // rows)
    assert names([next(drawn(seed=1).train_batches())[1]]) != seen[:rows]


def test_batches_may_be_larger_than_the_subset():
    source = drawn(batch_size=64)
    (_, batch) = next(source.train_batches())
    count = len(source.windows["label"])
    assert len(batch["label"]) == 64 and names([batch])[:count] != names([batch])[count : 2 * count]


def test_windows_are_encoded_once():
    calls = []

    def encode(batch):
        calls.append(len(batch["label"]))
        return {"encoded": batch["length"][:, None].astype(np.float32)}

    source = drawn(encode)
    assert not calls  # not before they are asked for
    for batch in [*source.evaluation_batches(), *(b for _, b in itertools.islice(source.train_batches(), 9))]:
        assert (batch["encoded"][:, 0] == batch["length"]).all()
    read = len(calls)
    list(source.evaluation_batches())
    assert len(calls) == read and set(calls) == {64}


def test_what_would_fill_the_memory_is_not_kept(monkeypatch):
    def encode(batch):
        return {"encoded": np.ones((len(batch["label"]), 1, LENGTH + 2, 3), np.float32)}

    kept = drawn(encode).windows["encoded"].nbytes
    for most, there in ((kept, True), (kept - 1, False)):
        monkeypatch.setattr(windows, "MOST_ENCODED", most)
        assert ("encoded" in drawn(encode).windows) is there


def test_stars_that_count_twice_are_there_twice():
    data = Split()
    stars = labelled_stars(data)
    times = np.zeros(len(stars.key), int)
    times[:2] = 3, 1
    source = DrawnWindows(data, Subset(("flat", "sine"), stars, times, {}), LENGTH, 4, 0)
    found = names(source.evaluation_batches())
    first, second = (stars.key[i].split("\t")[1] for i in (0, 1))
    plain = [n for _, n in data.windows()]
    assert {x for x, _ in found} == {first, second}
    for name, count in ((first, 3), (second, 1)):
        own = [plain[i] for i, (r, _) in enumerate(data.windows()) if data.object_ids[r] == name]
        assert sorted(n for x, n in found if x == name) == sorted(own * count)


def test_fingerprints_tell_subsets_apart():
    prints = {drawn(**c).fingerprint for c in ({}, {"seed": 1}, {"batch_size": 6}, {"subset": SubsetConfig(fold=1)})}
    assert len(prints) == 4 and drawn().fingerprint in prints


def test_stars_without_windows_are_said():
    source = drawn()
    source._data.windows = lambda: []
    with pytest.raises(DataError, match="none of the stars"):
        next(source.train_batches())
