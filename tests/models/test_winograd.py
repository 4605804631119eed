"""Cheaper convolutions against the direct ones: any shape, gradients, and the whole published network."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from lcjax.models.pooling import max_pool, max_pool_of_slices
from lcjax.models.stamp_classifier import StampClassifier
from lcjax.models.stamp_classifier_config import PRODUCTION, StampModelConfig
from lcjax.models.winograd import convolve, transforms


def direct(x, kernel, padding):
    return lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def drawn(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("taps", [2, 3, 4, 5])
def test_transforms_are_exact_on_whole_numbers(taps):
    result, kernel, inputs = (x.astype(np.float64) for x in transforms(taps))
    d, g = np.arange(1.0, 7) ** 2, np.arange(1.0, taps + 1)
    expected = np.correlate(d, g, "valid")
    np.testing.assert_allclose(result @ ((kernel @ g) * (inputs @ d)), expected, rtol=1e-5)
    assert np.all(inputs == np.round(inputs))


@given(
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    taps=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    channels=st.sampled_from([1, 3, 8, 11]),
    padding=st.sampled_from(["SAME", "VALID", ((1, 2), (0, 3))]),
)
@settings(max_examples=12, deadline=None)
def test_any_shape_is_the_direct_convolution(height, width, taps, channels, padding):
    x, kernel = drawn(0, 2, height, width, channels), drawn(1, *taps, channels, 4)
    expected = direct(x, kernel, padding)
    ours = convolve(x, kernel, padding)
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5 * (1 + np.max(np.abs(expected), initial=0)))


def test_gradients_are_those_of_the_direct_convolution():
    x, kernel = drawn(0, 2, 5, 9, 8), drawn(1, 3, 3, 8, 5)
    grads = lambda f: jax.jit(jax.grad(lambda x, k: jnp.sum(jnp.sin(f(x, k, "SAME"))), (0, 1)))(x, kernel)
    for ours, theirs in zip(grads(convolve), grads(direct), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-4)


def test_the_largest_of_four_pixels():
    x = drawn(0, 2, 5, 7, 3)
    np.testing.assert_array_equal(max_pool_of_slices(x), max_pool(x))


@pytest.mark.parametrize(
    "config",
    [
        StampModelConfig(filters=(4, 8, 9), kernels=(4, 3, 3), pool_after=(2, 3), image_size=16),
        dataclasses.replace(PRODUCTION, filters=(8, 8, 9), kernels=(4, 5, 7), pool_after=(2, 3), norm="none"),
    ],
    ids=["group-norm", "5x5"],
)
def test_the_network_answers_alike_with_the_same_weights(config):
    images = np.random.default_rng(0).random((3, config.image_size, config.image_size, 3), np.float32)
    batch = {"images": images, "features": drawn(1, 3, config.num_features)}
    fast = StampClassifier(dataclasses.replace(config, convolution="winograd"))
    shapes = [jax.eval_shape(m.init, jax.random.key(0), batch) for m in (StampClassifier(config), fast)]
    assert shapes[0] == shapes[1]
    rng = np.random.default_rng(2)
    variables = jax.tree.map(lambda leaf: rng.uniform(-0.2, 0.3, leaf.shape).astype(np.float32), shapes[0])
    answers = [jax.jit(m.apply)(variables, batch)["logits"] for m in (StampClassifier(config), fast)]
    np.testing.assert_allclose(answers[1], answers[0], rtol=2e-5, atol=1e-5)
