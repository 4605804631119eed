import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcjax.errors import DataError
from lcjax.transforms import multiscale as ms
from lcjax.transforms.ranks import quantile_ranks

SIDES = st.sampled_from([17, 32, 40])


NORMALIZE = jax.jit(ms.normalize_stamps)
PERCENTILE = jax.jit(ms.upper_percentile)


def stamps(seed, side=63, count=2):
    rng = np.random.default_rng(seed)
    made = rng.normal(100, 30, (count, side, side, 3)).astype(np.float32)
    made[0, :4] = np.nan
    return made


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([1, 2, 99, 400]), st.floats(0, 1))
def test_percentile_is_numpys(seed, size, share):
    rng = np.random.default_rng(seed)
    values, valid = rng.lognormal(2, 2, size).astype(np.float32), rng.random(size) >= share
    got = float(PERCENTILE(values, valid))
    if valid.any():
        np.testing.assert_allclose(got, np.percentile(values[valid].astype(np.float64), 99), rtol=2e-5)
    else:
        assert np.isnan(got)


def reference(x):
    """The published normalisation of multi-scale stamps, in plain numpy."""
    size = np.abs(x.astype(np.float64))
    size[~np.isfinite(size) | (size > 1e10)] = np.nan
    low, high = np.nanmin(size, (1, 2), keepdims=True), np.nanpercentile(size, 99, (1, 2), keepdims=True)
    with np.errstate(invalid="ignore", over="ignore"):
        y = np.clip((x - low) / (high - low + 1e-8), -2, 2)
    return np.concatenate([np.nan_to_num(y), ~np.isfinite(x)], -1)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), SIDES)
def test_normalisation_is_the_published_one(seed, side):
    rng = np.random.default_rng(seed)
    x = stamps(seed, side)
    spoil = rng.random(x.shape)
    for value, share in ((np.nan, 0.02), (np.inf, 0.01), (-np.inf, 0.01), (3.4e38, 0.01), (-3.4e38, 0.005)):
        x[spoil < share] = value
        spoil = rng.random(x.shape)
    np.testing.assert_allclose(NORMALIZE(x), reference(x), rtol=0, atol=5e-6)


def test_hopeless_stamps_become_zeros():
    x = np.full((3, 20, 20, 3), np.nan, np.float32)
    x[1], x[2] = 7.0, np.inf
    out = np.asarray(NORMALIZE(x))
    assert np.isfinite(out).all() and not out[0, ..., :3].any()
    assert out[0, ..., 3:].all() and not out[1].any() and out[2, ..., 3:].all()


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([(5, 9, 2), (16, 7, 4), (63, 62, 4), (3, 3, 5)]))
def test_pooling_means_what_is_there(seed, sizes):
    height, width, factor = sizes
    x = np.random.default_rng(seed).normal(size=(1, height, width, 2)).astype(np.float32)
    out = np.asarray(ms.mean_pool(jnp.asarray(x), factor))
    before = [(-side % factor) // 2 for side in (height, width)]
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            rows, columns = (slice(max(0, k * factor - b), k * factor - b + factor) for k, b in zip((i, j), before))
            np.testing.assert_allclose(out[0, i, j], x[0, rows, columns].mean((0, 1)), rtol=1e-4, atol=1e-6)


def seen_shape(shape, *settings):
    """Of `stamp_view`, traced only."""
    return jax.eval_shape(lambda x: ms.stamp_view(x, *settings), jax.ShapeDtypeStruct(shape, jnp.float32)).shape


def test_scenarios_have_the_published_shapes_and_fields():
    x = NORMALIZE(stamps(0))
    for name, size, shape in (
        ("cropped", 16, (2, 1, 16, 16, 6)),
        ("low_res", 16, (2, 1, 16, 16, 6)),
        ("multiscale", 8, (2, 4, 8, 8, 6)),
        ("full", 63, (2, 1, 63, 63, 6)),
        ("cropped", 23, (2, 1, 23, 23, 6)),
    ):
        assert seen_shape(x.shape, name, size) == shape
    np.testing.assert_array_equal(ms.stamp_view(x, "cropped", 16)[:, 0], x[:, 24:40, 24:40])
    np.testing.assert_array_equal(ms.stamp_view(x, "multiscale", 8)[:, 0], x[:, 28:36, 28:36])


def test_rubin_stamps_of_other_sizes_work():
    assert seen_shape((2, 30, 30, 6), "multiscale", 8, 2) == (2, 2, 8, 8, 6)
    assert seen_shape((2, 30, 30, 6), "low_res", 8) == (2, 1, 8, 8, 6)


def test_too_small_a_stamp_is_an_error_that_says_so():
    with pytest.raises(DataError, match="10 x 10 pixels have no central 16 x 16"):
        ms.stamp_view(jnp.zeros((1, 10, 10, 6)), "cropped", 16)
    with pytest.raises(DataError, match="30 x 30 pixels are too small for 4 levels of 8 x 8"):
        ms.stamp_view(jnp.zeros((1, 30, 30, 6)), "multiscale", 8)
    assert seen_shape((1, 29, 40, 6), "multiscale", 8, 3) == (1, 3, 8, 8, 6)


@pytest.mark.parametrize("side,size", [(16, 16), (63, 16), (63, 63), (8, 8)])
def test_fourier_amplitude_turns_with_the_stamp(side, size):
    x = np.random.default_rng(2).normal(size=(side, side)).astype(np.float32)
    amplitude = ms.fourier_amplitude(x, size)
    for k in range(4):
        np.testing.assert_allclose(ms.fourier_amplitude(np.rot90(x, k), size), np.rot90(amplitude, k), atol=2e-5)
    np.testing.assert_allclose(ms.fourier_amplitude(x[::-1], size), amplitude[::-1], atol=2e-5)
    np.testing.assert_allclose(amplitude, amplitude[::-1, ::-1], atol=2e-5)


def test_fourier_amplitude_is_that_of_numpy_for_odd_sizes():
    x = np.random.default_rng(3).normal(size=(15, 15)).astype(np.float32)
    expected = np.log1p(np.abs(np.fft.fftshift(np.fft.fft2(x))) / 15)
    np.testing.assert_allclose(ms.fourier_amplitude(x, 15), expected, atol=2e-5)


def test_a_train_of_points_shows_in_the_fourier_channel():
    x = np.zeros((1, 63, 63, 6), np.float32)
    x[:, 31, ::9, 2] = 1.0
    seen = ms.add_fourier(ms.stamp_view(x, "cropped", 16), x, "stamp")
    assert seen.shape == (1, 1, 16, 16, 7)
    one = np.zeros_like(x)
    one[:, 31, 31, 2] = 7.0
    other = ms.add_fourier(ms.stamp_view(one, "cropped", 16), one, "stamp")
    assert np.std(seen[..., 6]) > 10 * np.std(other[..., 6])


def test_normalisation_has_finite_gradients():
    x = jnp.asarray(stamps(5, side=20))
    grads = jax.jit(jax.grad(lambda v: jnp.sum(ms.normalize_stamps(v)[..., :3] ** 2)))(x)
    assert np.isfinite(grads[1:]).all()


def test_ranks_are_those_of_the_training_values():
    values = np.sort(np.random.default_rng(6).normal(size=1001)).astype(np.float32)
    knots = np.percentile(values, np.linspace(0, 100, 101))[None].astype(np.float32)
    ranks = np.asarray(quantile_ranks(values[:, None], knots))[:, 0]
    np.testing.assert_allclose(ranks, np.linspace(0, 1, 1001), atol=0.006)
    tied = np.array([[0.0] * 61 + [1.0] * 40], np.float32)
    middle = (0.0 + 0.6) / 2
    np.testing.assert_allclose(quantile_ranks(jnp.array([[0.0]]), tied), middle, atol=0.01)


def test_one_stamp_has_the_fourier_channel_it_has_in_a_batch():
    x = np.random.default_rng(4).normal(size=(2, 21, 21, 3)).astype(np.float32)
    one = lambda stamp: ms.add_fourier(ms.stamp_view(stamp, "cropped", 15), stamp, "stamp")
    np.testing.assert_allclose(one(x)[1], one(x[1]), atol=1e-5)
