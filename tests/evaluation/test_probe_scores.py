"""Which classes a probe judges, and what is said of the others."""

from dataclasses import dataclass

import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.evaluation import probe
from lcjax.evaluation.probe_scores import judge, probe_scores


@dataclass
class Stars:
    object_id: np.ndarray
    embedding: np.ndarray
    label: np.ndarray
    train: np.ndarray
    test: np.ndarray


@pytest.fixture(scope="module")
def stars():
    """Classes 0 and 2 are told by the sign of the embedding; of class 1 there are two."""
    label = np.array([0, 2] * 30 + [1, 1])
    vectors = np.where(label == 0, -1.0, 1.0)[:, None] + 0.01 * np.arange(62)[:, None] % 0.1
    return Stars(np.arange(62).astype(str), vectors, label, np.arange(44), np.arange(44, 62))


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    before, probe.TREES = probe.TREES, 5
    yield
    probe.TREES = before


def test_classes_with_too_few_stars_are_left_out_and_named(stars):
    judged = judge("d", stars, ("a", "rare", "b"), ["known before"], shots=(5,), draws=2)
    assert judged.classes == {"a": (22, 8), "b": (22, 8)}
    assert judged.notes == ["known before", "classes with too few stars, left out: rare"]
    assert [s.macro_f1.value for s in judged.scores] == [1.0] * 3 and {s.tested for s in judged.scores} == {16}
    scores = probe_scores([judged], "t")
    assert scores.values[0]["classes"] == judged.classes and scores.values[0]["notes"] == judged.notes
    assert scores.cards == [("1.00", "macro F1, nearest neighbours, 5 stars a class")]
    assert "d, classes (stars to learn from + to test): a 22+8, b 22+8" in [
        getattr(p, "text", "") for p in scores.printed
    ]


def test_what_cannot_be_judged_is_refused(stars):
    with pytest.raises(DataError, match="no stars of class 'rare' to learn from"):
        judge("d", stars, ("a", "rare", "b"), classes=("a", "rare"))
    with pytest.raises(DataError, match="has 1 classes with 1 stars to learn from and 1 to test: a probe needs two"):
        judge("d", stars, ("a", "rare", "b"), classes=("a",))
    with pytest.raises(DataError, match="'t' could not be judged on any of these data"):
        probe_scores([], "t")
