"""Objects ranked by how unusual they are: who counts as usual, ties, what is common to modalities."""

from pathlib import Path

import numpy as np
import pytest

from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.outlier_ranking import (
    OutlierSettings,
    Ranked,
    common_outliers,
    rank_embedded,
    ranking_columns,
    ranking_scores,
)
from tests.evaluation.objects import objects

WHERE = Path("t.parquet")


def test_classes_that_are_outliers_do_not_count_as_usual():
    """Three alike objects of class b would be each other's neighbours, and far less unusual than they are."""
    rng = np.random.default_rng(0)
    far = np.array([9.0, 9.0])
    some = objects(np.concatenate([rng.normal(size=(9, 2)), far + 0.01 * rng.normal(size=(3, 2))]), [0] * 9 + [1] * 3)
    ranked = lambda *check: rank_embedded(some, OutlierSettings(neighbours=2, check=check), WHERE, print)
    found = ranked("b")
    assert "AUROC 1.000, average precision 1.000 (chance 0.250), 3 of 12 objects, by neighbours" in found.found[0]
    assert ranking_scores(found, 1).printed[0].text == found.found[0]
    assert set(found.order[:3]) == {9, 10, 11} and found.about[9] == {"class": "b"}
    blind = ranked()
    assert set(blind.order[:3]) != {9, 10, 11} and not blind.found
    with pytest.raises(ConfigError, match="no class 'c' to check by: it has a, b"):
        ranked("c")
    with pytest.raises(ConfigError, match="leave one that is usual"):
        ranked("a", "b")


def test_objects_without_a_class_have_no_class_centre():
    said = []
    found = rank_embedded(objects(np.eye(3), [0, -1, 1]), OutlierSettings("class-centre", 1), WHERE, said.append)
    assert found.object_id == ["s0", "s2"] and "1 objects without a class" in said[0]


def test_what_modalities_have_in_common():
    one = Ranked(["x", "y", "z"], np.array([3.0, 2.0, 1.0]), [{"class": "a"}, {}, {}])
    other = Ranked(["z", "w", "x"], np.array([0.0, 9.0, 5.0]), [{}, {}, {}])
    both = common_outliers([one, other], top=1)
    assert both.object_id == ["x", "z"] and both.score.tolist() == [1.0, 0.5]
    assert both.about[0] == {"class": "a", "unusual": "in every modality"} and one.about[0] == {"class": "a"}
    assert ranking_scores(both, 1).printed[0].rows == [(1, "x", "1", "class: a; unusual: in every modality")]
    assert ranking_columns(both)["rank"].tolist() == [1, 2]
    assert common_outliers([one], 1) is one
    with pytest.raises(DataError, match="no objects in common"):
        common_outliers([one, Ranked(["q"], np.ones(1), [{}])], 1)


def test_equal_scores_share_their_rank_and_an_object_has_one_row():
    flat = Ranked(["x", "y", "z"], np.zeros(3), [{}, {}, {}])
    steep = Ranked(["z", "y", "x"], np.array([3.0, 2.0, 1.0]), [{}, {}, {}])
    both = common_outliers([flat, steep], top=2)
    assert [both.object_id[i] for i in both.order] == ["z", "y", "x"] and not any(both.about)
    with pytest.raises(DataError, match="'x' in several rows"):
        common_outliers([flat, Ranked(["x", "x"], np.ones(2), [{}, {}])], 2)
