import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lcjax.errors import ConfigError
from lcjax.transforms.delight import (
    block_median_pyramid,
    delight_stack,
    finite_pixels,
    mad_mask,
    mean_and_scatter,
    median,
    network_input,
    recentre,
    rescale,
    stack_side,
    usable,
)

FLOATS = st.floats(-(2.0**99), 2.0**99, width=32, allow_subnormal=False)


JITTED_MEDIAN = jax.jit(median)


@settings(max_examples=30, deadline=None)
@given(arrays(np.float32, st.sampled_from([(1, 3), (7, 3), (8, 3)]), elements=FLOATS))
def test_medians_are_numpys(values):
    np.testing.assert_array_equal(JITTED_MEDIAN(values), np.median(values, axis=0))


def test_medians_of_ties_zeros_and_doubles():
    ties = np.array([[-0.0, 1], [0.0, 1], [0.0, 1], [5, 2]], np.float32)
    np.testing.assert_array_equal(JITTED_MEDIAN(ties), [0, 1])
    with jax.enable_x64(True):
        values = np.random.default_rng(0).normal(size=(16, 5)) * 1e-300
        np.testing.assert_array_equal(jax.jit(median)(values), np.median(values, axis=0))


@pytest.mark.parametrize("size,side", [(32, 8), (20, 4)])
def test_pyramid_is_medians_of_blocks(size, side):
    """Also where the number of blocks is odd: the published code then begins at the edge."""
    image = np.random.default_rng(0).normal(size=(2, size, size)).astype(np.float32)
    pyramid = np.asarray(jax.jit(block_median_pyramid, static_argnums=1)(image, 3))
    assert pyramid.shape == (2, 3, side, side) and stack_side(size, 3) == side
    for level in range(3):
        block = 2**level
        whole = np.median(image.reshape(2, size // block, block, size // block, block), axis=(2, 4))
        begin = size // block // 2 - side // 2
        np.testing.assert_array_equal(pyramid[:, level], whole[:, begin : begin + side, begin : begin + side])
    for wrong in (image[0, :, :16], image[0, :18, :18]):
        with pytest.raises(ConfigError):
            block_median_pyramid(jnp.asarray(wrong), 3)


def test_rescaling():
    image = np.array([[1.0, 2.0], [3.0, 5.0]], np.float32)
    mask = np.array([[False, True], [True, True]])
    np.testing.assert_allclose(rescale(image, mask), [[0, 0], [1 / 3, 1]], rtol=1e-6)
    np.testing.assert_array_equal(rescale(image, np.zeros((2, 2), bool)), np.zeros((2, 2)))
    flat = rescale(np.ones((2, 2), np.float32), mask)
    np.testing.assert_array_equal(flat, np.zeros((2, 2)))


def test_every_image_of_a_batch_is_scaled_by_its_own_extremes():
    rng = np.random.default_rng(3)
    images = (rng.normal(size=(2, 3, 4, 4)) * [[[[1]], [[10]], [[100]]]]).astype(np.float32)
    masks = rng.random((2, 3, 4, 4)) < 0.5
    apart = [rescale(image, mask) for image, mask in zip(images.reshape(-1, 4, 4), masks.reshape(-1, 4, 4))]
    np.testing.assert_array_equal(rescale(images, masks).reshape(-1, 4, 4), apart)


def test_mad_mask():
    image = np.random.default_rng(1).normal(5, 1, (16, 16)).astype(np.float32)
    data, mask = jax.jit(mad_mask)(image)
    expected = image - np.median(image)
    np.testing.assert_array_equal(data, expected)
    np.testing.assert_array_equal(mask, expected > 3 * np.median(np.abs(expected)))


def test_modes():
    image = np.random.default_rng(2).normal(size=(16, 16)).astype(np.float32)
    image[0, 0] = np.nan
    assert finite_pixels(image)[0, 0] == 0
    mask = np.ones((16, 16), bool)
    everything = delight_stack(image, mode="none", levels=2)
    np.testing.assert_array_equal(everything, delight_stack(image, mask, levels=2))
    np.testing.assert_array_equal(delight_stack(image[None], mask[None], levels=2)[0], everything)
    for arguments in (
        {"mode": "none", "mask": mask},
        {"mode": "sources"},
        {"mode": "mad", "mask": mask},
        {"mode": "x"},
    ):
        with pytest.raises(ConfigError, match="mask mode"):
            delight_stack(image, levels=2, **arguments)


def test_network_input():
    stack = np.zeros((2, 4, 4), np.float32)
    stack[0, 1, 2] = 0.5
    levels = np.asarray(network_input(jnp.asarray(stack)))
    assert levels.shape == (4, 4, 2) and levels[2, 1, 0] == 1 and levels.sum() == 1
    assert usable(jnp.asarray(stack)) and not usable(jnp.zeros((2, 4, 4)))
    assert not usable(jnp.asarray(stack).at[1, 0, 0].set(jnp.nan))


def test_mean_and_scatter():
    offsets = np.array([[0, 0], [2, 0], [0, 2], [2, 2]], np.float32)
    mean, scatter = mean_and_scatter(offsets)
    np.testing.assert_allclose(mean, [1, 1])
    assert scatter == pytest.approx(np.sqrt(2))


def test_recentring():
    """One size, so that one shape is compiled: whole pixels, beyond the edge, finer and coarser pixels."""
    image = np.random.default_rng(0).normal(size=(40, 40)).astype(np.float32)
    run = jax.jit(lambda pixels, x, y, scale: recentre(pixels, x, y, scale, 9))
    np.testing.assert_allclose(run(image, 21.0, 9.0, 1.0), image[5:14, 17:26], atol=1e-5)
    beyond = run(image, 0.0, 0.0, 1.0)
    np.testing.assert_allclose(beyond[4:, 4:], image[:5, :5], atol=1e-5)
    assert not np.asarray(beyond)[:4].any()
    slope = np.tile(np.arange(40, dtype=np.float32), (40, 1))
    np.testing.assert_allclose(run(slope, 20.0, 20.0, 2.0)[5], 20 + (np.arange(9) - 4) / 2, atol=1e-4)
    np.testing.assert_allclose(run(slope, 20.0, 20.0, 0.5)[3], 20 + (np.arange(9) - 4) * 2, atol=1e-3)
