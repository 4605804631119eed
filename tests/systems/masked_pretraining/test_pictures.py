"""Attention of the window that was reconstructed; neighbours of the right stars with all their points."""

import dataclasses
import itertools

import numpy as np
import pytest

from lcjax.evaluation.neighbour_figures import nearest, queries_of_classes
from lcjax.systems.masked_pretraining.evaluation import held_out_stars
from lcjax.systems.masked_pretraining.pictures import attention, light_curves, neighbours
from lcjax.systems.masked_pretraining.reconstruction import reconstruct_batches, window_attention
from tests.systems.masked_pretraining.test_evaluation import LENGTH, ROWS, Curves, loaded  # noqa: F401


@pytest.fixture(scope="module")
def held_out(loaded):  # noqa: F811
    return held_out_stars(loaded, Curves(ROWS, LENGTH))


def test_attention_is_of_the_points_hidden_in_the_reconstruction(loaded, held_out):  # noqa: F811
    window = held_out.windows[0]
    batch, index, row = window["batch"]
    weights = window_attention(loaded.task, loaded.variables, batch, index, row)
    points = len(window["time"])
    assert weights.shape[1:] == (points, points)
    batches = reconstruct_batches(loaded.task, loaded.variables, Curves(ROWS, LENGTH).evaluation_batches())
    _, out = next(itertools.islice(batches, index, None))
    visible = out["visible"][row, :points]
    assert (weights[:, :, ~visible] == 0).all() and (weights[:, :, visible] > 0).any((0, 1)).all()
    (picture,) = attention(loaded, held_out.windows)
    assert len(picture.draw().axes) == 5
    assert attention(loaded, []) == []


def test_neighbours_have_all_windows_of_their_stars(held_out):
    data = Curves(ROWS, LENGTH)
    name = held_out.names[0]
    found = light_curves(data, {name})[name]
    first = next(iter(data.evaluation_batches()))
    both = [first["time"][i][first["mask"][i]] for i in (0, 1)]
    assert found["name"] == "a0" and len(found["time"]) == sum(map(len, both)) == held_out.n_points[0]
    np.testing.assert_array_equal(found["time"], np.sort(np.concatenate(both)))
    (picture,) = neighbours(data, held_out)
    figure = picture.draw()
    queries = queries_of_classes(held_out.label, held_out.n_points)
    near = nearest(held_out.embedding, queries, 4)
    titles = [axis.get_title(loc="left").split()[0] for axis in figure.axes]
    classes = [*held_out.class_names, "unlabelled"]
    expected = [
        classes[held_out.label[i]] for query, others in zip(queries, near, strict=True) for i in (query, *others)
    ]
    assert titles == expected and len(queries) == 2


def test_nothing_without_labels(held_out):
    unlabelled = dataclasses.replace(held_out, label=np.full(len(held_out.label), -1))
    assert neighbours(Curves(ROWS, LENGTH), unlabelled) == []
