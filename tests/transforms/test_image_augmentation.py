"""What each augmentation keeps, by property; and that a row's does not depend on its neighbours."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.transforms import image_augmentation as augment
from lcjax.transforms.image_scaling import centre_crop, scale_images

KEY = jax.random.key(3)
ROWS = jnp.arange(3)
WARP = jax.jit(augment.warp)
BLUR = jax.jit(augment.blur, static_argnums=2)


def blob(side=21, sigma=2.0, at=(0.0, 0.0)):
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return jnp.asarray(np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * sigma**2)), jnp.float32)[None, ..., None]


def centroid(image):
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] - (image.shape[0] - 1) / 2
    return np.array([(image * y).sum(), (image * x).sum()]) / image.sum()


def test_a_turned_blob_keeps_its_light_and_goes_where_it_must():
    images = jnp.concatenate([blob(sigma=1.5, at=(4.0, 0.0))] * 2)
    angle = jnp.array([np.pi / 2, np.pi / 4])
    turned = np.asarray(WARP(images, angle, jnp.zeros((2, 2))))
    for image, a in zip(turned, angle, strict=True):
        np.testing.assert_allclose(image.sum(), images[0].sum(), rtol=5e-3)
        np.testing.assert_allclose(centroid(image[..., 0]), 4 * np.array([np.cos(a), np.sin(a)]), atol=0.02)
    quarter = np.asarray(jnp.rot90(images[0], -1, axes=(0, 1)))
    other = np.asarray(jnp.rot90(images[0], 1, axes=(0, 1)))
    assert min(np.abs(turned[0] - quarter).max(), np.abs(turned[0] - other).max()) < 1e-5


def test_a_shift_moves_the_centroid_by_fractions_of_a_pixel():
    moved = np.asarray(WARP(blob(), jnp.zeros(1), jnp.array([[0.3, -1.25]])))
    np.testing.assert_allclose(centroid(moved[0, ..., 0]), [0.3, -1.25], atol=0.01)
    np.testing.assert_array_equal(WARP(blob(), jnp.zeros(1), jnp.zeros((1, 2))), blob())


def test_blur_keeps_light_and_centre_and_adds_variances():
    image = blob(31, 2.0, (1.0, -2.0))
    blurred = np.asarray(BLUR(image, jnp.array([1.5]), 7))
    np.testing.assert_allclose(blurred.sum(), image.sum(), rtol=1e-3)
    np.testing.assert_allclose(centroid(blurred[0, ..., 0]), [1.0, -2.0], atol=5e-3)
    y = np.mgrid[:31, :31][0] - 15
    variance = (blurred[0, ..., 0] * (y - 1) ** 2).sum() / blurred.sum()
    np.testing.assert_allclose(variance, 4 + 2.25, rtol=0.02)
    np.testing.assert_allclose(BLUR(image, jnp.zeros(1)), image, atol=1e-6)


def test_noise_is_of_the_level_of_the_image():
    image = 3.0 * jax.random.normal(KEY, (1, 64, 64, 1))
    np.testing.assert_allclose(augment.background_noise(image), 3.0, rtol=0.1)
    noisy = augment.add_noise(image, KEY, jnp.array([5]), jnp.array([2.0]))
    np.testing.assert_allclose(np.std(noisy - image), 6.0, rtol=0.1)
    np.testing.assert_array_equal(augment.add_noise(image, KEY, jnp.array([5]), jnp.zeros(1)), image)


def test_contrast_keeps_the_mean_and_stretches_about_it():
    image = jax.random.normal(KEY, (3, 8, 8, 2))
    found = augment.contrast(image, jnp.array([0.5, 1.0, 2.0]))
    np.testing.assert_allclose(found.mean((1, 2)), image.mean((1, 2)), atol=1e-5)
    np.testing.assert_allclose(found.std((1, 2)), image.std((1, 2)) * np.array([[0.5], [1], [2]]), rtol=1e-4)


def test_cut_out_changes_its_square_alone():
    image = jax.random.normal(KEY, (1, 9, 9, 1))
    found = augment.cut_out(image, jnp.array([[4.0, 2.0]]), 3)
    changed = np.asarray(found != image)[0, ..., 0]
    assert changed.sum() == 9 and changed[3:6, 1:4].all()


@pytest.mark.parametrize("view", [augment.weak_view, augment.strong_view])
def test_views_depend_on_key_and_row_number_alone(view):
    images = jax.random.normal(KEY, (3, 8, 8, 2))
    run = jax.jit(view)
    whole, alone = run(images, KEY, ROWS), run(images[::-1], KEY, ROWS[::-1])
    np.testing.assert_allclose(whole, alone[::-1], atol=1e-6)
    assert np.isfinite(whole).all() and whole.shape == images.shape
    assert not np.allclose(whole, run(images, jax.random.key(4), ROWS))


def test_weak_views_hold_no_new_pixels():
    images = jax.random.normal(KEY, (3, 8, 8, 1))
    for image, seen in zip(np.asarray(images), np.asarray(augment.weak_view(images, KEY, ROWS)), strict=True):
        assert np.isin(seen, image).all()
    still = augment.weak_view(images, KEY, ROWS, 0.0, symmetric=False)
    np.testing.assert_array_equal(still, images)


def test_vectors_are_dropped_and_shaken():
    vectors = jnp.ones((3, 400))
    seen = np.asarray(augment.vector_view(vectors, KEY, ROWS, 0.1, 0.25))
    assert abs((seen == 0).mean() - 0.25) < 0.05 and abs(seen[seen != 0].std() - 0.1) < 0.02


def test_scaling_and_crops():
    image = jnp.array([[1.0, 3.0], [jnp.nan, 2.0]])[None, ..., None]
    np.testing.assert_allclose(scale_images(image, "min_max")[0, ..., 0], [[0, 1], [0, 0.5]])
    np.testing.assert_allclose(scale_images(image, "full_scale", jnp.array([4.0]))[0, ..., 0], [[0.25, 0.75], [0, 0.5]])
    np.testing.assert_allclose(scale_images(image, "none")[0, 0, :, 0], [1, 3])
    assert not scale_images(jnp.full((1, 2, 2, 1), 7.0), "min_max").any()
    assert not scale_images(jnp.full((1, 2, 2, 1), jnp.nan), "min_max").any()
    big = jnp.arange(25.0).reshape(1, 5, 5, 1)
    np.testing.assert_array_equal(centre_crop(big, 3)[0, ..., 0], np.arange(25).reshape(5, 5)[1:4, 1:4])
    with pytest.raises(ConfigError, match="smaller than"):
        centre_crop(big, 6)
