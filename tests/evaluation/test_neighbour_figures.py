"""Who is near whom, and what a row of the picture shows."""

import numpy as np

from lcjax.evaluation.neighbour_figures import folded_neighbours, nearest, queries_of_classes


def star(label, period, seed=0, n=80):
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0, 300, n))
    y = 15 - (0.5 * np.cos(2 * np.pi * time / period) if period else 0) + rng.normal(0, 0.02, n)
    return {"name": "s", "label": label, "time": time, "magnitude": y, "magnitude_error": np.full(n, 0.02)}


def test_distance_is_of_standardised_embeddings():
    x = np.array([[0, 0], [0, 90.0], [1, 0], [0.2, 500.0]])
    # One column is a hundred times as wide: without scales 1 would be far from 0.
    assert nearest(x, [0], 3)[0].tolist() == [1, 2, 3]
    assert nearest(x, [3, 1], 9).shape == (2, 3) and nearest(x, [], 2).shape == (0, 2)


def test_queries_are_of_labelled_numerous_classes():
    labels = np.array([2, 2, 2, -1, -1, -1, -1, 0, 1, 1])
    assert queries_of_classes(labels, np.arange(10), 2) == [2, 9]
    assert queries_of_classes(np.full(3, -1), np.arange(3)) == []


def test_rows_are_folded_at_their_own_periods_with_minimum_light_at_phase_0():
    figure = folded_neighbours([[star("A", 3.3), star("A", 1.7, 1), star("B", 0, 2)], [star("B", 5.1, 3)]])
    axes = np.array(figure.axes).reshape(2, 3)
    titles = [axis.get_title(loc="left") for axis in axes[0]]
    assert [t.split()[0] for t in titles] == ["A", "A", "B"]
    assert [float(t.split()[1]) for t in titles[:2]] == [3.3, 1.7] and titles[2].endswith("no period")
    assert axes[0, 2].get_xlabel() == "days" and axes[0, 0].get_ylabel() == "magnitude"
    phase, y = axes[0, 0].lines[1].get_data()
    assert abs(phase[np.argmax(y)] - round(phase[np.argmax(y)])) < 0.12 and axes[0, 0].yaxis_inverted()
    assert not axes[1, 1].axison and axes[1, 0].get_xlabel() == "phase"
    colours = [axis._left_title.get_color() for axis in axes[0]]
    assert colours[0] == colours[1] != colours[2]
