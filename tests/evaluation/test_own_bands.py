"""Scores of several bands are of how each varies: colours explain nothing."""

import numpy as np

from lcjax.evaluation.own_bands import most_observed, own_means, told_apart


def test_means_are_of_each_band_and_of_all_where_a_band_has_none():
    values = np.array([[1.0, 3.0, 10.0, 99.0, 50.0]])
    counted = np.array([[True, True, True, False, False]])
    band = np.array([[0, 0, 1, 1, 2]])
    np.testing.assert_allclose(own_means(values, counted, band), [[2, 2, 10, 10, 14 / 3]])
    nothing = own_means(values, np.zeros_like(counted), band)
    assert not nothing.any()


def test_the_band_with_most_points_is_drawn_and_one_band_whole():
    mask = np.array([[True, True, True, True, False]])
    assert most_observed({"mask": mask, "band": np.array(["g"])}, 0).tolist() == [0, 1, 2, 3]
    batch = {"mask": mask, "band": np.array([[0, 2, 2, 1, 0]])}
    assert told_apart(batch) and not told_apart({"mask": mask}) and most_observed(batch, 0).tolist() == [1, 2]
