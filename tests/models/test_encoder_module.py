"""An Astromer as one of two modalities: its own weights, trained with the rest, and deaf to padding."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.losses.modality_pairs import pair_loss
from lcjax.models.encoder_module import EncoderModule
from lcjax.models.galspecnet import VectorEncoder
from lcjax.models.multimodal import Multimodal
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
    def loss(variables, inputs):
        found = model.apply(variables, inputs)["embeddings"]
        return pair_loss(found["curve"], found["numbers"], jnp.float32(5.0), jnp.array([1.0, 1.0, 0.0]))

    value, gradient = jax.jit(jax.value_and_grad(loss))(variables, inputs)
    leaves = jax.tree.leaves(gradient["params"]["encoders_curve"])
    assert np.isfinite(value) and all(np.isfinite(g).all() for g in leaves) and any(np.abs(g).max() > 0 for g in leaves)
    other = windows | {"magnitude": np.where(mask, windows["magnitude"], 50.0).astype(np.float32)}
    np.testing.assert_allclose(loss(variables, inputs | {"curve": other}), value, rtol=1e-5)
    trained = Multimodal({"curve": EncoderModule(task.encode, task.init, own)}, dim=4)
    begun = jax.jit(trained.init)(jax.random.key(9), {"curve": windows})["params"]["encoders_curve"]["encoder"]
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(begun), jax.tree.leaves(own), strict=True))
