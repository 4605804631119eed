"""An Astromer as one of two modalities: its own weights, trained with the rest, and deaf to padding."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.losses.modality_pairs import pair_loss
from lcjax.models.delight import Delight
from lcjax.models.delight_config import DelightModelConfig
from lcjax.models.encoder_module import EncoderModule, NetworkModule
from lcjax.models.galspecnet import VectorEncoder
from lcjax.models.multimodal import Multimodal
from lcjax.models.stamp_classifier import StampClassifier
from lcjax.models.stamp_classifier_config import StampModelConfig
from lcjax.systems import PRESETS, build_task


def test_a_light_curve_encoder_of_the_library_is_a_modality():
    preset = PRESETS["astromer2-small"]()
    model = dataclasses.replace(preset.model, num_layers=1, num_heads=2, width=8, ffn_width=8)
    task = build_task(dataclasses.replace(preset, model=model))
    windows = task.made_up(3)
    mask = np.arange(windows["time"].shape[1]) < np.array([9, 5, 0])[:, None]
    windows = windows | {
        "mask": mask,
        "time": np.cumsum(np.abs(windows["time"]), axis=1),
        "row": np.arange(3, dtype=np.int32),
    }
    inputs = {"curve": windows, "numbers": {"values": np.ones((3, 4), np.float32), "row": windows["row"]}}
    model = Multimodal({"curve": EncoderModule(task.encode, task.init), "numbers": VectorEncoder(8, 0.0)}, dim=4)
    variables = jax.jit(model.init)(jax.random.key(0), inputs)
    own = variables["params"]["encoders_curve"]["encoder"]
    assert jax.tree.structure(own) == jax.tree.structure(
        jax.eval_shape(task.init, jax.random.key(0), windows)["params"]
    )

    @jax.jit
    @jax.value_and_grad
    def loss(variables, inputs):
        found = model.apply(variables, inputs)["embeddings"]
        return pair_loss(found["curve"], found["numbers"], jnp.float32(5.0), jnp.array([1.0, 1.0, 0.0]))

    value, gradient = loss(variables, inputs)
    leaves = jax.tree.leaves(gradient["params"]["encoders_curve"])
    assert np.isfinite(value) and all(np.isfinite(g).all() for g in leaves) and any(np.abs(g).max() > 0 for g in leaves)
    other = windows | {"magnitude": np.where(mask, windows["magnitude"], 50.0).astype(np.float32)}
    np.testing.assert_allclose(loss(variables, inputs | {"curve": other})[0], value, rtol=1e-5)
    trained = Multimodal({"curve": EncoderModule(task.encode, task.init, own)}, dim=4)
    begun = jax.jit(trained.init)(jax.random.key(9), {"curve": windows})["params"]["encoders_curve"]["encoder"]
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(begun), jax.tree.leaves(own), strict=True))


def test_stamps_and_host_images_are_modalities():
    stamps = StampModelConfig(
        image_size=13, kernels=(3,), filters=(2,), pool_after=(1,), trunk=(3,), head=(4,), num_features=2
    )
    host = DelightModelConfig(levels=2)
    rng = np.random.default_rng(0)
    inputs = {
        "stamps": {
            "images": rng.random((2, 13, 13, stamps.num_channels), np.float32),
            "features": np.zeros((2, 2), np.float32),
        },
        "host": {"levels": rng.random((2, 30, 30, 2), np.float32)},
        "numbers": {"values": np.ones((2, 3), np.float32)},
    }
    encoders = {
        "stamps": NetworkModule(StampClassifier(stamps)),
        "host": NetworkModule(Delight(host), "offsets"),
        "numbers": VectorEncoder(4, 0.0),
    }
    model = Multimodal(encoders, dim=5)
    variables = jax.eval_shape(model.init, jax.random.key(0), inputs)
    found = jax.eval_shape(model.apply, variables, inputs)
    assert {name: value.shape for name, value in found["embeddings"].items()} == dict.fromkeys(encoders, (2, 5))
    assert variables["params"]["projection_stamps"]["kernel"].shape[0] == 4 and len(found["scales"]) == 3
    with pytest.raises(ConfigError, match="no 'embedding' of a row each"):
        jax.eval_shape(NetworkModule(Delight(host)).init, jax.random.key(0), inputs["host"])
