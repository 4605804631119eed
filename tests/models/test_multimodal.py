"""Several modalities in one space: any encoders, missing ones, scales; and the encoders of AstroM3 on their own."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.models.astrom3_config import MultimodalConfig, PhotometryConfig, SpectraConfig
from lcjax.models.dense_photometry import DensePhotometry
from lcjax.models.galspecnet import GalSpecNet, VectorEncoder, pooled
from lcjax.models.informer import Informer, row_positions
from lcjax.models.initial import torch_bias, torch_kernel
from lcjax.models.multimodal import Multimodal, build_multimodal, clipped_scale, fused
from lcjax.models.prob_sparse import draw_samples, mixed_heads, prob_sparse_attention, sparsity

TINY = PhotometryConfig(encoder="informer", channels=3, width=8, num_heads=2, hidden=8, layers=2, length=12)


def points(length=12, rows=3, channels=3):
    rng = np.random.default_rng(0)
    mask = np.arange(length) < np.array([length, 7, 3])[:rows, None]
    time = np.cumsum(rng.exponential(3, (rows, length)), axis=1).astype(np.float32)
    return {"values": rng.normal(size=(rows, length, channels)).astype(np.float32), "mask": mask, "time": time}


def naive_prob_sparse(q, k, v, samples):
    """The steps of the paper one by one, in float64."""
    batch, heads, length, width = q.shape
    kept = samples.shape[1]
    out = np.repeat(v.mean(axis=2, keepdims=True), length, axis=2)
    for b in range(batch):
        for h in range(heads):
            measure = []
            for i in range(length):
                s = [q[b, h, i] @ k[b, h, j] for j in samples[i]]
                measure.append(max(s) - sum(s) / length)
            for i in np.argsort(measure)[-kept:]:
                logits = k[b, h] @ q[b, h, i] / np.sqrt(width)
                p = np.exp(logits - logits.max())
                out[b, h, i] = p @ v[b, h] / p.sum()
    return out


def test_prob_sparse_attention_follows_its_steps():
    rng = np.random.default_rng(2)
    q, k, v = rng.normal(size=(3, 2, 2, 9, 4)).astype(np.float32)
    samples = np.asarray(draw_samples(jax.random.key(1), 9, 1))
    assert samples.shape == (9, 3) and samples.max() < 9
    np.testing.assert_allclose(prob_sparse_attention(q, k, v, samples), naive_prob_sparse(q, k, v, samples), atol=2e-5)
    whole = np.tile(np.arange(9), (9, 1))
    np.testing.assert_allclose(prob_sparse_attention(q, k, v, whole), naive_prob_sparse(q, k, v, whole), atol=2e-5)
    # No gradient through the choice of queries.
    grad = jax.grad(lambda q: jnp.sum(sparsity(jax.lax.stop_gradient(q), k, samples)))(q)
    assert not np.asarray(grad).any()


def test_heads_are_mixed_with_rows():
    context = np.arange(2 * 6 * 2).reshape(1, 2, 6, 2)
    np.testing.assert_array_equal(mixed_heads(jnp.asarray(context))[0, 0], [0, 1, 2, 3])  # head 0, rows 0 and 1
    np.testing.assert_array_equal(mixed_heads(jnp.asarray(context))[0, 3], [12, 13, 14, 15])  # head 1, rows 0 and 1


def test_one_head_or_one_sample_is_refused():
    q = jnp.zeros((1, 1, 4, 2))
    with pytest.raises(ConfigError, match="at least two"):
        prob_sparse_attention(q, q, q, jnp.zeros((4, 2), jnp.int32))


def test_informer_draws_alike_without_a_key_and_attends_to_padding():
    batch, model = points(), Informer(TINY)
    variables, apply = jax.jit(model.init)(jax.random.key(0), batch), jax.jit(model.apply)
    once = apply(variables, batch)
    assert once["features"].shape == (3, 12 * 8) and not np.asarray(once["tokens"][1, 7:]).any()
    np.testing.assert_array_equal(once["features"], apply(variables, batch)["features"])
    other = batch | {"values": np.where(batch["mask"][..., None], batch["values"], 9.0)}
    assert np.abs(apply(variables, other)["tokens"][1, :7] - once["tokens"][1, :7]).max() > 1e-4
    with pytest.raises(ConfigError, match="takes 12 points"):
        model.apply(variables, points(length=8))
    assert row_positions(4, 6)[1, 1] == np.float32(np.cos(1.0))


def test_dense_encoder_sees_neither_padding_nor_how_much_of_it_there_is():
    config = dataclasses.replace(TINY, encoder="dense")
    model, batch = DensePhotometry(config), points()
    variables, apply = jax.jit(model.init)(jax.random.key(0), batch), jax.jit(model.apply)
    found = apply(variables, batch)["features"]
    fill = lambda x, v: np.concatenate([np.where(batch["mask"][..., None] if x.ndim == 3 else batch["mask"], x, v),
                                        np.full((3, 5, *x.shape[2:]), v, x.dtype)], axis=1)  # fmt: skip
    longer = {name: fill(x, v) for (name, x), v in zip(batch.items(), (np.nan, False, 1e9), strict=True)}
    np.testing.assert_allclose(apply(variables, longer)["features"], found, atol=2e-6)
    shifted = batch | {"time": batch["time"] + 8}
    np.testing.assert_allclose(apply(variables, shifted)["features"], found, atol=2e-3)
    stretched = batch | {"time": batch["time"] * 2}
    assert np.abs(apply(variables, stretched)["features"] - found).max() > 1e-3
    nothing = batch | {"mask": np.zeros_like(batch["mask"])}
    gradient = jax.jit(jax.grad(lambda v: jnp.sum(model.apply(v, nothing)["features"] ** 2)))(variables)
    assert all(np.isfinite(g).all() for g in jax.tree.leaves(gradient))


def test_spectra_are_flattened_channel_after_channel():
    config = SpectraConfig(channels=(3, 4, 5), length=40, pool=4)
    model, values = GalSpecNet(config), np.random.default_rng(0).normal(size=(2, 3, 40)).astype(np.float32)
    variables = jax.jit(model.init)(jax.random.key(0), {"values": values})
    kernels = [np.asarray(variables["params"][f"conv_{i}"]["kernel"]) for i in range(2)]
    biases = [np.asarray(variables["params"][f"conv_{i}"]["bias"]) for i in range(2)]
    conv = lambda x, k, b: np.stack([(x[i : i + 3, :, None] * k).sum((0, 1)) + b for i in range(len(x) - 2)])
    first = np.maximum(conv(values[0].T, kernels[0], biases[0]), 0)
    first = first[: len(first) // 4 * 4].reshape(-1, 4, 4).max(1)
    expected = np.maximum(conv(first, kernels[1], biases[1]), 0).T.ravel()
    found = model.apply(variables, {"values": values})["features"]
    assert found.shape[1] == config.features == len(expected)
    np.testing.assert_allclose(found[0], expected, atol=1e-5)
    with pytest.raises(ConfigError, match="too short"):
        GalSpecNet(dataclasses.replace(config, length=6)).init(jax.random.key(0), {"values": values})
    assert pooled(jnp.arange(9.0).reshape(1, 9, 1), 4).ravel().tolist() == [3, 7]


def test_initial_values_are_within_the_root_of_the_inputs():
    kernel = torch_kernel(jax.random.key(0), (100, 50))
    assert 0.099 < np.abs(kernel).max() <= 0.1
    bias = torch_bias(100)(jax.random.key(0), (500,))
    assert 0.09 < np.abs(bias).max() <= 0.1


def test_scales_stand_still_at_the_start_and_outside_of_their_range():
    start = jnp.float32(np.log(100.0))
    for log_scale, value, gradient in [(start, 100, 0), (6.0, 100, 0), (-1.0, 1, 0), (np.log(7.0), 7, 7), (0.0, 1, 1)]:
        found = jax.value_and_grad(clipped_scale)(jnp.float32(log_scale))
        np.testing.assert_allclose(found, (value, gradient), rtol=1e-5)


class Sum(nn.Module):
    @nn.compact
    def __call__(self, batch, deterministic=True, axis=None):
        return {"features": nn.Dense(3)(batch["values"])}


@pytest.mark.parametrize("count", [2, 4])
def test_any_number_of_any_encoders(count):
    names = ["stamps", "light_curves", "hosts", "spectra"][:count]
    model = Multimodal({name: Sum() for name in names}, dim=5, pair_bias=-10.0)
    inputs = {name: {"values": np.ones((2, 4), np.float32)} for name in names}
    variables = jax.jit(model.init)(jax.random.key(0), inputs)
    found = model.apply(variables, inputs)
    assert (
        set(found["embeddings"]) == set(names)
        and len(found["scales"]) == len(found["biases"]) == count * (count - 1) // 2
    )
    np.testing.assert_allclose(np.linalg.norm(found["embeddings"]["stamps"], axis=1), 1, rtol=1e-5)
    assert float(found["biases"]["stamps_light_curves"]) == -10


def test_what_is_missing_has_no_part_in_the_fusion():
    a, b = jnp.ones((2, 3)), jnp.full((2, 3), jnp.nan)
    present = {"a": jnp.array([True, True]), "b": jnp.array([False, False])}
    np.testing.assert_array_equal(fused({"a": a, "b": b}, present, "avg"), a)
    assert fused({"a": a, "b": b}, present, "concat").shape == (2, 6)


def test_classifier_of_one_modality_has_no_projection():
    config = MultimodalConfig(modalities=("metadata",), head="classifier", num_classes=4)
    model, inputs = build_multimodal(config), {"metadata": {"values": np.ones((2, 34), np.float32)}}
    variables = jax.jit(model.init)(jax.random.key(0), inputs)
    assert set(variables["params"]) == {"encoders_metadata", "head"}
    assert model.apply(variables, inputs)["logits"].shape == (2, 4)
    assert isinstance(model.encoders["metadata"], VectorEncoder)
