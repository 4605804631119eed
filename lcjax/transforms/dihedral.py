"""The eight symmetries of the square, which every stamp network uses: one group, numbered once.

Element `i` of 0 to 7 mirrors the image first (i >= 4: axis -2 reversed) and then turns it by i mod 4 quarters, from axis
-3 towards axis -2 (`jnp.rot90`). Images are (..., S, S, C). Published networks differ in the order in which they stack
the copies alone; those orders are `TURNS`, `MIRRORED_FIRST` and `TURNED_FIRST`. Images are moved about, never resampled:
what comes out has the values that went in, bit for bit.
"""

from collections.abc import Sequence

import chex
import jax
import jax.numpy as jnp
import numpy as np

from lcjax.typing import Array

TURNS = (0, 1, 2, 3)
"""The four quarter turns: the single-stamp classifier."""
MIRRORED_FIRST = (0, 1, 2, 3, 4, 5, 6, 7)
"""As the group is numbered: DELIGHT."""
TURNED_FIRST = (0, 1, 2, 3, 6, 5, 4, 7)
"""The four turns, then each of them with axis -3 reversed: the multi-scale classifier."""

UNDONE = np.array(
    [
        [[1, 0], [0, 1]],
        [[0, 1], [-1, 0]],
        [[-1, 0], [0, -1]],
        [[0, -1], [1, 0]],
        [[1, 0], [0, -1]],
        [[0, 1], [1, 0]],
        [[-1, 0], [0, 1]],
        [[0, -1], [-1, 0]],
    ],
    np.float32,
)
"""(8, 2, 2): what brings a vector (along axis -3, along axis -2) seen in copy i back into the image."""


def copy(images: Array, element: int) -> Array:
    """One symmetry of (..., S, S, C).

    >>> copy(jnp.arange(4.0).reshape(2, 2, 1), 1)[..., 0].tolist()
    [[1.0, 3.0], [0.0, 2.0]]
    """
    mirrored = jnp.flip(images, axis=-2) if element >= 4 else images
    return jnp.rot90(mirrored, element % 4, axes=(-3, -2))


def copies(images: Array, elements: Sequence[int] = MIRRORED_FIRST) -> Array:
    """(..., S, S, C) -> (n, ..., S, S, C), copy after copy, in the order of `elements`."""
    _check_square(images)
    return jnp.stack([copy(images, element) for element in elements])


def copies_as_rows(images: Array, elements: Sequence[int] = MIRRORED_FIRST) -> Array:
    """(N, S, S, C) -> (n N, S, S, C): block k holds copy k of every image.

    >>> copies_as_rows(jnp.arange(4.0).reshape(1, 2, 2, 1), TURNS)[1, :, :, 0].tolist()
    [[1.0, 3.0], [0.0, 2.0]]
    """
    chex.assert_rank(images, 4)
    _check_square(images)
    return jnp.concatenate([copy(images, element) for element in elements])


def random_symmetries(key: Array, rows: Array, count: int = 8) -> Array:
    """A symmetry for every row, (B,) int32 below `count`; it depends on `key` and the row numbers `rows` (B,) alone."""
    chex.assert_rank(rows, 1)
    return jax.vmap(lambda row: jax.random.randint(jax.random.fold_in(key, row), (), 0, count))(rows)


def pick(images: Array, symmetries: Array, elements: Sequence[int] = MIRRORED_FIRST) -> Array:
    """To each of B images (B, ..., S, S, C) its own symmetry, `elements[symmetries[b]]`."""
    chex.assert_rank(symmetries, 1)
    return copies(images, elements)[symmetries, jnp.arange(images.shape[0])]


def inverse(element: int) -> int:
    """The element that undoes another: mirrored ones undo themselves.

    >>> [inverse(i) for i in range(8)]
    [0, 3, 2, 1, 4, 5, 6, 7]
    """
    return element if element >= 4 else -element % 4


def turn_vectors(vectors: Array) -> Array:
    """Vectors (..., 2) in the image -> (..., 8, 2) as each copy sees them."""
    chex.assert_axis_dimension(vectors, -1, 2)
    return jnp.einsum("vji,...j->...vi", jnp.asarray(UNDONE, vectors.dtype), vectors)


def turn_vectors_back(answers: Array) -> Array:
    """Vectors (..., V, n) seen in the first V copies -> the same in the image: the inverse of `turn_vectors`.

    Numbers after the first two do not turn.
    """
    turns = jnp.asarray(UNDONE[: answers.shape[-2]], answers.dtype)
    turned = jnp.einsum("vij,...vj->...vi", turns, answers[..., :2])
    return jnp.concatenate([turned, answers[..., 2:]], axis=-1)


def _check_square(images: Array) -> None:
    chex.assert_axis_dimension(images, -2, images.shape[-3])
