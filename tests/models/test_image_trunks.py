"""Encoders of images: blind to turns, finite whatever is missing, the parameters of their networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.models.astrom3_config import ImageConfig
from lcjax.models.delight import Delight
from lcjax.models.delight_config import DelightModelConfig
from lcjax.models.image_trunks import check_sizes, image_trunk, prepared_images
from lcjax.models.multiscale_config import MultiscaleModelConfig
from lcjax.models.stamp_classifier_config import StampModelConfig

STAMP = StampModelConfig(kernels=(3,), filters=(3,), pool_after=(1,), padding=1, trunk=(5,), num_features=0, head=())
SMALL = {"size": (17, 16), "channels": 2, "stamp": STAMP, "levels": 2, "level_side": 4,
         "multiscale": MultiscaleModelConfig(kernels=(3,), filters=(3,), pool_after=(1,), num_features=0),
         "delight": DelightModelConfig(filters=(2, 2, 2))}  # fmt: skip


@pytest.mark.parametrize(("network", "side"), [("stamp_classifier", 16), ("multiscale", 16), ("delight", 40)])
def test_a_turned_image_has_the_same_features(network, side):
    config = ImageConfig(network=network, **SMALL | {"size": (side, side)})
    pixels = np.random.default_rng(0).lognormal(size=(3, side, side, 2)).astype(np.float32)
    pixels[2] = 0.0  # an image that is not there
    top = jnp.full(3, jnp.nan)
    trunk = image_trunk(config)

    @jax.jit
    def features(pixels, key):
        ready = prepared_images(pixels, top, config)
        return trunk.apply(trunk.init(key, ready), ready)["features"]

    key = jax.random.key(0)
    found, turned = features(pixels, key), features(np.rot90(pixels, axes=(1, 2)), key)
    np.testing.assert_allclose(found, turned, atol=1e-5)
    assert np.isfinite(features(np.where(pixels > 2, np.nan, pixels), key)).all()
    assert np.abs(found[0] - found[1]).max() > 1e-4 and found.shape[0] == 3


def test_parameters_are_those_of_the_network_they_come_from():
    config = ImageConfig(network="delight", **SMALL | {"size": (32, 32), "levels": 2})
    shape = lambda module, batch: jax.eval_shape(module.init, jax.random.key(0), batch)["params"]
    own = shape(image_trunk(config), {"levels": jnp.zeros((2, 32, 32, 2))})
    theirs = shape(
        Delight(DelightModelConfig(filters=(2, 2, 2), side=32, levels=2)), {"levels": jnp.zeros((2, 32, 32, 2))}
    )
    assert own["trunk"] == theirs["trunk"] and set(own) == {"trunk"}


def test_colours_of_pictures_are_kept_where_they_are_asked_for():
    pixels = jnp.stack([jnp.full((4, 4), 51.0), jnp.full((4, 4), 102.0)], -1)[None].at[0, 0, 0, 0].set(jnp.nan)
    config = ImageConfig(scale="full_scale", size=(4, 4), channels=2)
    found = prepared_images(pixels, jnp.array([255.0]), config)["images"]
    np.testing.assert_allclose(found[0, 1, 1], [0.2, 0.4], rtol=1e-6)
    assert found[0, 0, 0, 0] == 0


def test_images_that_are_too_small_are_refused():
    with pytest.raises(ConfigError, match="crop is 30"):
        check_sizes(ImageConfig(crop=30, **SMALL), "--model.host")
    with pytest.raises(ConfigError, match="cannot be halved into 2 levels"):
        ImageConfig(network="delight", **SMALL | {"size": (3, 3)}).side
    with pytest.raises(ConfigError, match="too small"):  # the last convolution would have no place left
        check_sizes(ImageConfig(network="delight", **SMALL | {"size": (32, 32)}), "--model.host")
