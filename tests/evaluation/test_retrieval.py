"""Nearest neighbours are exact, block by block, and do not find themselves."""

import numpy as np
import pytest

from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.retrieval import (
    class_centres,
    cross_retrieval,
    nearest_centre,
    nearest_label,
    top_k,
    true_ranks,
    unit,
)

RNG = np.random.default_rng(0)
DATA = RNG.normal(size=(37, 5)).astype(np.float32)
ASKED = RNG.normal(size=(6, 5)).astype(np.float32)


def by_hand(queries, data, metric):
    if metric == "euclidean":
        return -np.linalg.norm(queries[:, None] - data[None], axis=-1)
    return (unit(queries) @ unit(data).T) if metric == "cosine" else queries @ data.T


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_every_block_is_searched(metric):
    likeness = by_hand(ASKED, DATA, metric)
    rows, scores = top_k(ASKED, DATA, 4, metric, block=10)
    np.testing.assert_array_equal(rows, np.argsort(-likeness, axis=1)[:, :4])
    np.testing.assert_allclose(scores, -np.sort(-likeness, axis=1)[:, :4], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_faiss_finds_the_same(metric):
    pytest.importorskip("faiss", reason="needs faiss-cpu (extra test or maps)")
    rows, scores = top_k(ASKED, DATA, 4, metric, engine="faiss")
    own_rows, own_scores = top_k(ASKED, DATA, 4, metric)
    np.testing.assert_array_equal(rows, own_rows)
    np.testing.assert_allclose(scores, own_scores, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("engine", ["jax", "faiss"])
def test_an_object_does_not_find_itself(engine):
    if engine == "faiss":
        pytest.importorskip("faiss", reason="needs faiss-cpu (extra test or maps)")
    rows, _ = top_k(DATA, DATA, 36, exclude=np.arange(37), block=10, engine=engine)
    assert all(set(row) == set(range(37)) - {i} for i, row in enumerate(rows.tolist()))


def test_of_equal_ones_the_earlier_row():
    same = np.ones((25, 2), np.float32)
    assert top_k(same[:1], same, 3, block=10)[0].tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"queries": ASKED[:, :4]}, DataError, "from one space"),
        ({"database": np.full_like(DATA, np.nan)}, DataError, "not finite"),
        ({"k": 38}, DataError, "38 neighbours are wanted of 37 objects"),
        ({"k": 37, "exclude": np.zeros(6, int)}, DataError, "37 neighbours are wanted of 37"),
        ({"metric": "angle"}, ConfigError, "no metric 'angle'"),
    ],
)
def test_refusals(changes, error, message):
    with pytest.raises(error, match=message):
        top_k(**({"queries": ASKED, "database": DATA, "k": 3} | changes))


def test_centres():
    label = np.array([0, 0, 2, -1])
    x = np.array([[1.0, 0.0], [0.0, 1.0], [-3.0, 0.0], [9.0, 9.0]])
    centres = class_centres(x, label, 3)
    np.testing.assert_allclose(centres[[0, 2]], [[0.7071068, 0.7071068], [-1, 0]], rtol=1e-6)
    assert np.isnan(centres[1]).all()
    assert nearest_centre(np.array([[-1.0, -0.1], [2.0, 3.0]]), centres).tolist() == [2, 0]
    assert nearest_label(np.array([[-1.0, 0.0]]), x, label).tolist() == [2]


def test_the_same_object_in_another_modality():
    found = cross_retrieval({"a": DATA, "b": DATA + 1e-3, "c": DATA[::-1]}, (1, 37))
    at = {(f["query"], f["database"]): f for f in found}
    assert len(found) == 6 and at["a", "b"]["recall_at"] == {1: 1.0, 37: 1.0} and at["a", "b"]["median_rank"] == 1
    assert at["a", "c"]["recall_at"][1] < 0.2 and at["a", "c"]["chance_at"][1] == 1 / 37
    assert true_ranks(np.ones((3, 2)), np.ones((3, 2))).tolist() == [2, 2, 2]  # what is equal for all finds nothing
