"""Planted mislabels are found, and get their class back."""

import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.evaluation.mislabels import check_with_planted, find_doubts, plant_mislabels

RNG = np.random.default_rng(0)
LABEL = np.repeat([0, 1, 2], [90, 60, 20])
X = RNG.normal(size=(3, 8))[LABEL] * 3 + RNG.normal(size=(170, 8))


def test_planted_ones_are_found():
    found = check_with_planted(X, LABEL, 0.06, k=8)
    assert found.planted == 10 and found.auroc > 0.97 and found.found_among > 0.7 and found.right_class > 0.8


def test_what_is_planted():
    said, changed = plant_mislabels(LABEL, 0.1)
    assert changed.sum() == 17 and (said != LABEL).sum() == 17 and ((said != LABEL) == changed).all()


def test_small_classes_are_not_outvoted_by_their_size():
    doubts = find_doubts(X, LABEL, k=8)
    assert (doubts.doubt[LABEL == 2] > 0).mean() < 0.2
    assert (doubts.suggested[doubts.doubt <= 0] == LABEL[doubts.doubt <= 0]).all()
    assert not (doubts.candidates & (doubts.doubt <= 0)).any()


def test_refusals():
    with pytest.raises(DataError, match="two classes or more"):
        find_doubts(X, np.zeros(170, int))
    with pytest.raises(DataError, match="5 labelled objects are too few for 10"):
        find_doubts(X[:5], np.array([0, 1, 0, 1, 0]))
