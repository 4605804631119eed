"""Stamps of galaxies: each scaled by itself, missing pixels filled, turned and moved as said."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from data_pipelines.kinds.images.resizing import resize
from lcjax.errors import ConfigError
from lcjax.transforms import galaxy_stamps
from lcjax.transforms.galaxy_stamps import prepare_galaxies

random_views = jax.jit(galaxy_stamps.random_views, static_argnums=(3, 4))


def test_each_by_itself_and_missing_pixels_lowest():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(3, 6, 6, 1)).astype(np.float32) * np.array([1, 100, 1e4])[:, None, None, None] + 50
    images[1, 2, 3] = np.nan
    images[2] = 7.0
    found = np.asarray(prepare_galaxies(jnp.asarray(images), 6))
    alone = np.concatenate([prepare_galaxies(jnp.asarray(images[i : i + 1]), 6) for i in range(3)])
    np.testing.assert_array_equal(found, alone)
    assert found[0].min() == 0 and found[0].max() == 1 and found[1, 2, 3, 0] == 0 and not found[2].any()
    expected = (images[0] - images[0].min()) / np.ptp(images[0])
    np.testing.assert_allclose(found[0], expected, atol=1e-6)
    eight = np.asarray(prepare_galaxies(jnp.asarray(images[:1]), 6, eight_bit=True))[0]
    np.testing.assert_allclose(eight, np.round(expected * 255) / 255, atol=1e-6)
    stretched = np.asarray(prepare_galaxies(jnp.asarray(images[:1]), 6, stretch="arcsinh", softening=0.2))[0]
    np.testing.assert_allclose(stretched, np.arcsinh(expected / 0.2) / np.arcsinh(5), atol=1e-5)


def test_resized_alike_on_host_and_device():
    rng = np.random.default_rng(1)
    for shape, side in (((9, 9), 5), ((5, 7), 12)):
        image = rng.normal(size=(*shape, 1)).astype(np.float32)
        host = prepare_galaxies(jnp.asarray(resize(image, side))[None], side)
        np.testing.assert_allclose(host, prepare_galaxies(jnp.asarray(image)[None], side), atol=1e-5)
    holes = resize(np.array([[[np.nan], [4.0]], [[2.0], [3.0]]]), 2)
    assert holes[..., 0].tolist() == [[2.0, 4.0], [2.0, 3.0]]


def test_channels():
    pictures = jnp.asarray(np.random.default_rng(2).normal(size=(2, 5, 5, 3)), jnp.float32)
    with pytest.raises(ConfigError, match="3 channels, and each band is an image of its own"):
        prepare_galaxies(pictures, 5)
    mean = prepare_galaxies(jnp.mean(pictures, -1, keepdims=True), 5)
    np.testing.assert_allclose(prepare_galaxies(pictures, 5, channels="mean"), mean, atol=1e-6)


def test_views():
    """Nothing asked changes nothing but mirror images; a row's view depends on its number and not on the batch."""
    image = jnp.arange(36.0).reshape(1, 6, 6, 1)
    key, rows = jax.random.key(0), jnp.arange(40)
    many = jnp.tile(image, (40, 1, 1, 1))
    still = np.asarray(random_views(many, key, rows, 0.0, 0.0))[..., 0]
    mirrored = [np.asarray(image)[0, ::a, ::b, 0] for a in (1, -1) for b in (1, -1)]
    seen = [next(i for i, m in enumerate(mirrored) if np.allclose(m, s, atol=1e-4)) for s in still]
    assert set(seen) == {0, 1, 2, 3}
    turned = random_views(many, key, rows)
    np.testing.assert_allclose(random_views(many[7:9], key, rows[7:9]), turned[7:9], atol=1e-5)
    assert float(jnp.abs(turned - many).mean()) > 1
    moved = random_views(jnp.ones((4, 6, 6, 1)), key, rows[:4])
    np.testing.assert_allclose(moved, 1.0, atol=1e-6)  # edges go on: nothing dark comes in
