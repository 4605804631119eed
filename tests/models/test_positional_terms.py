"""Terms of attention that know of time."""

import numpy as np

from lcjax.models.positional_terms import distance_penalty, distance_slopes, products, rotated, time_differences

RNG = np.random.default_rng(0)


def test_products_of_rotated_vectors_depend_on_differences_of_time():
    q, k = (RNG.normal(size=(2, 5, 2, 6)).astype(np.float32) for _ in range(2))
    time = np.sort(RNG.integers(-400, 400, (2, 5)) / 8, axis=1).astype(np.float32)
    frequencies = (2 * np.pi / np.geomspace(2, 900, 6)).reshape(3, 2).T.astype(np.float32)
    pairs = lambda t, u: np.asarray(products(rotated(q, t, frequencies), rotated(k, u, frequencies)))
    plain = pairs(time, time)
    np.testing.assert_allclose(pairs(time + 64, time + 64), plain, atol=1e-3)
    assert np.abs(pairs(time + 64, time) - plain).max() > 0.1
    # A point with itself: no rotation is left.
    diagonal = np.einsum("blhd,blhd->bhl", q, k)
    np.testing.assert_allclose(np.diagonal(plain, axis1=2, axis2=3), diagonal, atol=1e-4)


def test_distances_count_observed_points():
    mask = np.array([[True, True, False, True]])
    penalty = np.asarray(distance_penalty(mask, 2))[0]
    observed = penalty[:, [0, 1, 3]][:, :, [0, 1, 3]]
    expected = np.array([[0, 1, 2], [1, 0, 1], [2, 1, 0]])
    for head, slope in enumerate(distance_slopes(2)):
        np.testing.assert_allclose(observed[head], -slope * expected)
    assert distance_slopes(8)[0] == 0.5 and distance_slopes(8)[-1] == 2.0**-8


def test_rows_of_time_differences():
    time = np.array([[1.0, 4.0, 9.0]], np.float32)
    rows = time_differences(time, np.array([[True, False, True]]), 5)
    np.testing.assert_array_equal(rows[0], [[0, 0, -8, 0, 0], [3, 0, -5, 0, 0], [8, 0, 0, 0, 0]])
