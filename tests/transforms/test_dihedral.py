"""The symmetries of the square: a group, in the published orders."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.transforms import dihedral as group

IMAGES = np.random.default_rng(0).normal(size=(5, 6, 6, 2)).astype(np.float32)


def test_published_orders():
    turns = [np.rot90(IMAGES, k, (1, 2)) for k in range(4)]
    np.testing.assert_array_equal(group.copies_as_rows(IMAGES, group.TURNS), np.concatenate(turns))
    mirrored = [np.rot90(IMAGES[:, :, ::-1], k, (1, 2)) for k in range(4)]
    np.testing.assert_array_equal(group.copies(IMAGES, group.MIRRORED_FIRST), np.stack([*turns, *mirrored]))
    flipped = [turn[:, ::-1] for turn in turns]
    np.testing.assert_array_equal(group.copies(IMAGES, group.TURNED_FIRST), np.stack([*turns, *flipped]))


def test_it_is_a_group():
    copies = np.asarray(group.copies(IMAGES))
    assert len(np.unique(copies.reshape(8, -1), axis=0)) == 8
    for i in range(8):
        again = np.asarray(group.copies(copies[i]))
        # Acting on a copy gives the same eight copies in another order, and the inverse gives the image.
        found = [int(np.flatnonzero((copies == one).all(axis=(1, 2, 3, 4)))[0]) for one in again]
        assert sorted(found) == list(range(8)) and found[group.inverse(i)] == 0


def test_vectors_turn_with_the_image():
    size, at = 7, np.array([2, -1])
    image = np.zeros((1, size, size, 1), np.float32)
    image[0, size // 2 + at[0], size // 2 + at[1]] = 1
    seen = np.asarray(group.copies(image))[:, 0, :, :, 0]
    where = np.array([np.argwhere(copy == 1)[0] for copy in seen]) - size // 2
    np.testing.assert_array_equal(group.turn_vectors(jnp.asarray(at, jnp.float32)), where)
    np.testing.assert_array_equal(group.turn_vectors_back(jnp.asarray(where, jnp.float32)), np.tile(at, (8, 1)))
    first = jnp.asarray(np.c_[where[:3], [7, 8, 9]], jnp.float32)
    np.testing.assert_array_equal(group.turn_vectors_back(first)[:, 2], [7, 8, 9])
    batch = jnp.stack([first, 2 * first, 3 * first, -first])
    np.testing.assert_array_equal(group.turn_vectors_back(batch)[3], -group.turn_vectors_back(first))


@pytest.mark.parametrize("order", [group.TURNS, group.MIRRORED_FIRST, group.TURNED_FIRST])
def test_each_row_its_own_copy(order):
    key, rows = jax.random.key(3), np.arange(400, dtype=np.int32)
    symmetries = np.asarray(group.random_symmetries(key, rows, len(order)))
    assert np.bincount(symmetries, minlength=len(order)).min() > 25
    np.testing.assert_array_equal(symmetries[[7, 300]], group.random_symmetries(key, rows[[7, 300]], len(order)))
    found = jax.jit(lambda x, p: group.pick(x, p, order))(IMAGES, symmetries[:5])
    for b in range(5):
        np.testing.assert_array_equal(found[b], group.copy(IMAGES[b], order[symmetries[b]]))
    # Several levels of an image turn together.
    levels = np.stack([IMAGES, 2 * IMAGES], axis=1)
    np.testing.assert_array_equal(group.pick(levels, symmetries[:5], order)[:, 1], 2 * found)


def test_only_squares_turn():
    with pytest.raises(AssertionError):
        group.copies(IMAGES[:, 1:])
