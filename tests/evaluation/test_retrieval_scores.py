"""What a search found: no object finds itself, objects of another table may; how good it is where that is known."""

from pathlib import Path

import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.evaluation.retrieval_scores import (
    OtherModality,
    chosen,
    comparable,
    found_columns,
    found_scores,
    modality_names,
    search_scores,
)
from tests.evaluation.objects import objects


@pytest.fixture(scope="module")
def some():
    angle = np.array([0.0, 0.1, 0.3, 2.0, 2.1, 2.3])
    return objects(np.stack([np.cos(angle), np.sin(angle)], 1), [0, 0, 0, 1, 1, 1])


def test_an_object_finds_others_of_its_table_and_itself_in_another(some):
    asked = chosen(some, ["s1"], Path("t"))
    own = found_columns(some, asked, 2, "cosine", same_table=True)
    assert own["object_id"] == ["s0", "s2"] and own["rank"].tolist() == [1, 2] and own["class"] == ["a", "a"]
    other = found_columns(some, asked, 2, "cosine", same_table=False)
    assert other["object_id"] == ["s1", "s0"]
    assert found_scores(other).printed[0].rows[0] == ("s1", 1, "s1", "a", "1.0000")
    assert chosen(some, (), Path("t")) is some
    with pytest.raises(DataError, match="'t' has no object 'q'"):
        chosen(some, ["q"], Path("t"))


def test_how_good_a_search_is(some):
    turned = some.taken([5, 4, 3, 2, 1, 0])
    modality, classes = search_scores(some, 2, "cosine", OtherModality(turned, "one", "two")).printed
    assert [row[:2] for row in modality.rows] == [("one", "two"), ("two", "one")]
    assert modality.rows[0][2].startswith("1.000 (0.167)") and "6 objects" in modality.title
    assert classes.rows == [("a", 3, "1.000", "0.500"), ("b", 3, "1.000", "0.500")]
    with pytest.raises(DataError, match="nothing to check by"):
        search_scores(objects(np.eye(4)), 2, "cosine")
    with pytest.raises(DataError, match="'u' and 't' have 0 objects in common"):
        search_scores(some, 2, "cosine", OtherModality(objects(np.eye(2), names=["p", "q"]), "t", "u"))


def test_tables_of_one_name_stay_two_modalities():
    """Or one, under its name, would take the place of the other."""
    one, two = Path("one/e.parquet"), Path("two/e.parquet")
    assert modality_names(one, "", two, None) == ("two/e.parquet (queries)", "one/e.parquet")
    assert modality_names(one, "x", None, "x") == ("e x", "e x (searched)")
    assert modality_names(one, "x", two, "y") == ("e y", "e x")


def test_zeros_have_no_direction():
    said, some = [], objects([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    assert (
        comparable(some, "cosine", Path("t"), said.append).object_id == ["s1", "s2"] and "1 objects of 't'" in said[0]
    )
    assert comparable(some, "euclidean", Path("t"), said.append) is some and len(said) == 1
    with pytest.raises(DataError, match="all embeddings of 't' are zeros"):
        comparable(objects([[0.0, 0.0]]), "cosine", Path("t"), said.append)
