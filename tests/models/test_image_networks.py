"""Networks of images: shapes, turns, batch statistics, the two parts of a domain classifier."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.models.domain_classifier import DomainClassifier
from lcjax.models.image_networks import ImageNetwork
from lcjax.models.image_networks_config import DEEP_HITS, ImageNetworkConfig


def test_deep_hits_has_the_published_shapes():
    """The join is 4 x 6 x 6 x 64 of stamps of 21 pixels."""
    shapes = jax.eval_shape(
        lambda x: ImageNetwork(DEEP_HITS).init(jax.random.key(0), {"image": x}), jnp.zeros((1, 21, 21, 3))
    )
    assert shapes["params"]["head"]["dense_1"]["kernel"].shape == (9216, 64)
    assert shapes["params"]["trunk"]["conv_1"]["kernel"].shape == (4, 4, 3, 32)


@pytest.mark.parametrize("config", [{"filters": (2,)}, {"residual": (2, 3)}])
def test_mean_over_turns_is_invariant(config):
    network = ImageNetwork(ImageNetworkConfig(**config, rotations="mean", head=(3,), dropout_before=()))
    image = jax.random.normal(jax.random.key(1), (2, 6, 6, 1))
    variables = network.init(jax.random.key(0), {"image": image})
    run = jax.jit(network.apply)
    turned = jnp.rot90(image, axes=(1, 2))
    np.testing.assert_allclose(run(variables, {"image": image}), run(variables, {"image": turned}), atol=1e-5)


def test_classifier_parts_make_the_whole():
    model = DomainClassifier(ImageNetworkConfig(vector_widths=(4,), head=(3,), dropout=0.0), 2, None)
    batch = {"image": jnp.ones((2, 5))}
    variables = jax.jit(model.init)(jax.random.key(0), batch)
    assert variables["params"]["classifier"].keys() == {"kernel", "bias"}
    whole = model.apply(variables, batch)
    parts = model.apply(variables, model.apply(variables, batch, method="embed"), method="classify")
    np.testing.assert_array_equal(whole["logits"], parts)


@pytest.mark.parametrize("settings", [{"filters": (2,), "residual": (2,)}, {"head": ()}, {"kernels": (0,)}])
def test_layers_that_are_none(settings):
    with pytest.raises(ConfigError):
        ImageNetworkConfig(**settings)
