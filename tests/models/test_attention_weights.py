"""What blocks say they looked at is what they looked at, in every family of networks."""

import dataclasses

import flax.linen as nn
import jax
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.models.astromer import Astromer
from lcjax.models.astromer_config import AstromerModelConfig
from lcjax.models.attention_weights import attending_blocks, attention_weights
from lcjax.models.positional_study import PositionalStudy
from tests.models.test_positional_study import LENGTH, SMALL, a_batch
from tests.models.weights import random_variables


@pytest.mark.parametrize("parity", [False, True])
def test_attention_weights_on_request(parity):
    """What the weights make of the values is what the block made of them; strict networks give hidden points none."""
    config = AstromerModelConfig(
        num_layers=2, num_heads=2, width=8, ffn_width=8, residual="none", norm="post", parity=parity, mask_token=False
    )
    model = Astromer(config)
    rng = np.random.default_rng(0)
    mask = np.arange(9) < np.array([9, 6])[:, None]
    batch = {
        "time": rng.normal(size=(2, 9)).astype(np.float32),
        "magnitude": rng.normal(size=(2, 9)).astype(np.float32),
        "mask": mask,
        "visible": mask & (np.arange(9) % 3 > 0),
    }
    variables = jax.jit(model.init)(jax.random.key(0), batch)
    weights = np.asarray(attention_weights(model, variables, batch, 0))
    assert weights.shape == (2, 2, 9, 9)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    outputs, kept = model.apply(variables, batch, mutable=["intermediates"])
    block = variables["params"]["block_0"]
    value = (np.asarray(outputs["layers"][0]) @ block["value"]["kernel"] + block["value"]["bias"]).reshape(2, 9, 2, 4)
    joined = np.einsum("bhqk,bkhd->bqhd", weights, value).reshape(2, 9, 8)
    expected = joined @ block["merge"]["kernel"] + block["merge"]["bias"]
    np.testing.assert_allclose(kept["intermediates"]["block_0"]["attention"][0], expected, atol=1e-5)
    if not parity:
        assert (weights.transpose(0, 3, 1, 2)[~batch["visible"]] == 0).all()
        assert "attention_logits" not in kept["intermediates"]["block_0"]
    with pytest.raises(ConfigError, match="no block 2: the network has 2"):
        attention_weights(model, variables, batch, 2)


def _dense(x, weights):
    return x @ np.asarray(weights["kernel"]) + np.asarray(weights["bias"])


def _norm(x, weights):
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    return x * np.asarray(weights["scale"]) + np.asarray(weights["bias"])


@pytest.mark.parametrize(("positional", "parity"), [("alibi", False), ("rotary", False), ("p2p", True)])
def test_weights_of_the_positional_study_are_those_of_its_blocks(positional, parity):
    """The output of the first block follows from its input and the weights, whatever was added to the logits."""
    model = PositionalStudy(dataclasses.replace(SMALL, positional=positional, parity=parity), longest=LENGTH + 2)
    batch = a_batch()
    variables = random_variables(model, batch)
    blocks = model.config.num_layers
    assert attending_blocks(model, variables, batch) == blocks
    weights = np.asarray(attention_weights(model, variables, batch, 0))
    before, after = (np.asarray(x) for x in model.apply(variables, batch)["layers"][:2])
    block = variables["params"]["encoder"]["block_0"]
    heads = model.config.num_heads
    value = _dense(before, block["value"]).reshape(*before.shape[:2], heads, -1)
    mixed = np.einsum("bhqk,bkhd->bqhd", weights, value).reshape(before.shape)
    x = _norm(_dense(mixed, block["merge"]), block["norm_1"])
    x = _norm(_dense(np.tanh(_dense(x, block["ffn_in"])), block["ffn_out"]), block["norm_2"])
    np.testing.assert_allclose(x[batch["mask"]], after[batch["mask"]], atol=2e-4)
    last = np.asarray(attention_weights(model, variables, batch))
    assert not np.allclose(weights, last)
    if not parity:
        assert (weights.transpose(0, 3, 1, 2)[~batch["visible"]] == 0).all()


def test_a_network_without_attention_has_no_blocks_to_show():
    model, x = nn.Dense(3), np.zeros((2, 3), np.float32)
    variables = model.init(jax.random.key(0), x)
    assert attending_blocks(model, variables, x) == 0
    with pytest.raises(ConfigError, match="no block -1: the network has 0"):
        attention_weights(model, variables, x)
