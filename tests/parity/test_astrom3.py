"""AstroM3 against recordings of the published code (arXiv 2411.08842)."""

import json
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lcjax.configs import OptimizerConfig
from lcjax.losses import cross_entropy
from lcjax.losses.modality_pairs import pair_loss, retrieval_hits
from lcjax.models.multimodal import build_multimodal, pairs_of
from lcjax.models.prob_sparse import sparsity
from lcjax.systems.astrom3.weight_names import our_layout, our_name, variables_from_torch
from lcjax.systems.astrom3.weights import config_from_settings
from lcjax.training.checkpoint_io import flatten
from lcjax.training.optimizers import build_optimizer
from tests.parity.recorded import files_of, load

MODALITIES = ("photometry", "spectra", "metadata")
SHORT = {"photometry": "p", "spectra": "s", "metadata": "m"}
"""Pairs of the recordings: ps, sm, mp."""
NAMES = {"ps": ("photometry", "spectra"), "sm": ("spectra", "metadata"), "mp": ("metadata", "photometry")}


@pytest.fixture(scope="module")
def recordings(golden_root):
    return {path.name: load(path) for path in files_of(golden_root, "astrom3")}


def holding(recordings, *names):
    found = [z for z in recordings.values() if all(any(k.startswith(n) for k in z) for n in names)]
    if not found:
        pytest.skip(f"no recording holds {names}")
    return found


def inputs_of(z, part="out", rows=slice(None), step=()):
    masked = z["photometry_mask"][step][rows]
    values = z["photometry"][step][rows]
    values = values * masked[..., None] if part == "out_zeropad" else values
    table = z["sample_idx"][step] if "sample_idx" in z else z.get("out/sample_idx")
    photometry = {"values": values, "mask": masked > 0} | ({} if part == "out_dense" else {"samples": table})
    inputs = {"photometry": photometry} | {m: {"values": z[m][step][rows]} for m in ("spectra", "metadata")}
    return {m: x | {"present": np.ones(len(x["values"]), bool)} for m, x in inputs.items()}


def network(z, **changes):
    settings = json.loads(str(z["config_json"]))
    return build_multimodal(config_from_settings(settings | changes))


def weights_of(z, head="param/"):
    return {name.removeprefix(head): z[name] for name in z if name.startswith(head)}


def formula(name, shape, salt):
    """Weights of the published size (README of the recordings)."""
    if name.startswith("logit_scale"):
        return np.float32(np.log({"ps": 20, "sm": 150, "mp": 7}[name[-2:]]))
    count = int(np.prod(shape))
    key = (zlib.crc32(name.encode()) ^ salt) & 0xFFFFFFFF
    with np.errstate(over="ignore"):
        z = np.uint64(key) * np.uint64(1 << 32) + np.arange(count, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    u = 2 * ((z ^ (z >> np.uint64(31))) >> np.uint64(40)).astype(np.float64) / 2**24 - 1
    if len(shape) >= 2:
        value = u * np.sqrt(3 / np.prod(shape[1:]))
    else:
        value = 1 + 0.1 * u if "norm" in name and name.endswith("weight") else 0.1 * u
    return value.astype(np.float32).reshape(shape)


def all_logits(found):
    e, s = found["embeddings"], found["scales"]
    scale = lambda a, b: s.get(f"{a}_{b}", s.get(f"{b}_{a}"))
    return {short: scale(a, b) * e[a] @ e[b].T for short, (a, b) in NAMES.items()}


def objective(found):
    """Loss of every pair by its short name, and their sum."""
    e, ones = found["embeddings"], jnp.ones(len(found["embeddings"]["photometry"]))
    of = lambda a, b: found["scales"].get(f"{a}_{b}", found["scales"].get(f"{b}_{a}"))
    losses = {short: pair_loss(e[a], e[b], of(a, b), ones) for short, (a, b) in NAMES.items()}
    return sum(losses.values()), losses


def close(ours, theirs, rtol=1e-4, atol=2e-5):
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)


def check_outputs(z, part, found, rtol=1e-4, atol=2e-5):
    get = lambda name: z[f"{part}/{name}"]
    for modality, short in {"photometry": "photo", "spectra": "spec", "metadata": "meta"}.items():
        close(found["embeddings"][modality], get(f"{short}_emb"), rtol, atol)
        close(found["projections"][modality], get(f"act_{modality}_proj_out"), rtol, atol)
    for short, logits in all_logits(found).items():
        close(logits, get(f"logits_{short}"), rtol, 100 * atol)
    total, losses = objective(found)
    close(total, get("loss_total"), rtol, 1e-4)
    for short, value in losses.items():
        close(value, get(f"loss_{short}"), rtol, 1e-4)
    probability = sum((jax.nn.softmax(x, 1) + jax.nn.softmax(x.T, 1)) / 2 for x in all_logits(found).values()) / 3
    close(probability, get("retrieval_prob"), rtol, 1e-4)
    pairs = pairs_of(MODALITIES)
    ones = {f"{a}_{b}": jnp.ones(len(probability)) for a, b in pairs}
    hits, weight = retrieval_hits(found["embeddings"], found["scales"], ones, pairs)
    close(np.mean(hits), get("retrieval_acc"))
    assert np.all(weight == 1)


@pytest.mark.parametrize("part", ["out", "out_zeropad", "out_single", "out_dense"])
def test_forward(recordings, part):
    for z in holding(recordings, f"{part}/photo_emb", "param/"):
        settings = json.loads(str(z["config_json"]))
        model = network(z, **({"p_factor": settings["seq_len"]} if part == "out_dense" else {}))
        rows = slice(0, 1) if part == "out_single" else slice(None)
        inputs = inputs_of(z, part, rows)
        run = jax.jit(lambda v, x: model.apply(v, x, mutable=["intermediates"]))
        found, seen = run(variables_from_torch(weights_of(z)), inputs)
        check_outputs(z, part, found)
        check_activations(z, part, seen["intermediates"])


def check_activations(z, part, seen):
    encoders = {m: seen[f"encoders_{m}"] for m in MODALITIES if f"encoders_{m}" in seen}
    photometry, spectra = encoders["photometry"], encoders["spectra"]
    places = {"act_photo_embed": photometry["embedding"], "act_photo_encoder_norm": photometry["normalised"]}
    for k in range(sum(name.startswith("layer_") and name.endswith("_out") for name in photometry)):
        places[f"act_photo_attn{k}"] = photometry[f"layer_{k}"]["attention"]
        places[f"act_photo_layer{k}"] = photometry[f"layer_{k}_out"]
    for m in MODALITIES:
        places[f"act_{m}_encoder_out"] = seen[f"features_{m}"]
    for name, (value,) in places.items():
        if f"{part}/{name}" in z:
            close(value, z[f"{part}/{name}"])
    for number in range(4):
        name = f"{part}/act_spec_conv{3 * number}_meanabs"
        if name in z:
            close(np.abs(spectra[f"conv_{number}_out"][0]).mean((1, 2)), z[name])


def test_sparsity_measure_and_chosen_queries(recordings):
    """Of the first layer, whose queries and keys follow from the recorded embedding."""
    for z in holding(recordings, "out/sparsity_M", "out/act_photo_embed", "param/"):
        w = weights_of(z)
        heads = json.loads(str(z["config_json"]))["p_n_heads"]
        x = z["out/act_photo_embed"]

        def part(name):
            base = f"photometry_encoder.encoder.attn_layers.0.attention.{name}_projection"
            y = x @ w[f"{base}.weight"].T + w[f"{base}.bias"]
            return jnp.asarray(y.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3))

        measure = sparsity(part("query"), part("key"), z["out/sample_idx"][0])
        close(measure, z["out/sparsity_M"][0], atol=1e-4)
        kept = z["out/top_idx"].shape[-1]
        ours = np.sort(jax.lax.top_k(measure, kept)[1], axis=-1)
        np.testing.assert_array_equal(ours, np.sort(z["out/top_idx"][0], axis=-1))


def test_gradients(recordings):
    for z in holding(recordings, "out/grad/", "param/"):
        model, variables, inputs = network(z), variables_from_torch(weights_of(z)), inputs_of(z)
        loss = lambda v: objective(model.apply(v, inputs))[0]
        ours = flatten(jax.jit(jax.grad(loss))(variables)["params"])
        theirs = {our_name(k.removeprefix("out/grad/")): z[k] for k in z if k.startswith("out/grad/")}
        assert set(ours) == set(theirs)
        for path, value in theirs.items():
            expected = our_layout(path, value)
            np.testing.assert_allclose(ours[path], expected, rtol=2e-3, atol=2e-4 * max(np.abs(expected).max(), 1e-3))


def test_published_size(recordings):
    for z in holding(recordings, "param_check_json"):
        check = json.loads(str(z["param_check_json"]))
        model = network(z)
        shapes = jax.eval_shape(lambda k: model.init(k, inputs_of(z)), jax.random.key(0))
        expected = {path: leaf.shape for path, leaf in flatten(shapes).items()}
        arrays = {}
        for name in check:
            path = our_name(name)
            if path is None:
                continue
            shape = expected[f"params/{path}"]
            arrays[name] = formula(name, torch_shape(name, path, shape), int(z["salt"]))
            total, norm, first, last = check[name]
            flat = arrays[name].ravel().astype(np.float64)
            close([flat.sum(), np.linalg.norm(flat), flat[0], flat[-1]], [total, norm, first, last], 1e-4, 1e-3)
        variables = variables_from_torch(arrays)
        assert {p: np.shape(v) for p, v in flatten(variables).items()} == expected
        found, seen = jax.jit(lambda v, x: model.apply(v, x, mutable=["intermediates"]))(variables, inputs_of(z))
        check_outputs(z, "out", found, 1e-3, 5e-5)
        tokens = seen["intermediates"]["features_photometry"][0]
        tokens = tokens.reshape(*z["photometry"].shape[:2], -1)
        close(tokens[0], z["out/photo_encoder_tokens_b0"], 1e-3, 1e-4)
        close(tokens.mean(1), z["out/photo_encoder_token_mean"], 1e-3, 1e-4)
        dense = network(z, p_factor=json.loads(str(z["config_json"]))["seq_len"])
        check_outputs(z, "out_dense", jax.jit(dense.apply)(variables, inputs_of(z, "out_dense")), 1e-3, 5e-5)


def torch_shape(name, path, shape):
    if not path.endswith("kernel"):
        return shape
    if "conv1.w" in name or "conv2.w" in name:
        return (*shape[::-1], 1)
    return shape[::-1]


def test_classifiers(recordings):
    for z in holding(recordings, "param_avg/"):
        base = next(c for c in holding(recordings, "param/") if np.array_equal(c["photometry"], z["photometry"]))
        shared = weights_of(base)
        parts = [k.split("/")[0].removeprefix("out_") for k in z if k.endswith("/logits")]
        for part in parts:
            own = weights_of(z, f"param_{part}/")
            modality = {"photo": "photometry", "spectra": "spectra", "meta": "metadata"}.get(part)
            settings = json.loads(str(z["config_json"])) | {"classification": True}
            settings["fusion"] = part if modality is None else "avg"
            model = build_multimodal(config_from_settings(settings, modality))
            weights = own if modality else {**shared, **own}
            found = jax.jit(model.apply)(variables_from_torch(weights), inputs_of(z))
            close(found["logits"], z[f"out_{part}/logits"])
            close(jnp.mean(cross_entropy(found["logits"], jnp.asarray(z["labels"]))), z[f"out_{part}/ce"])


def test_training_track(recordings):
    for z in holding(recordings, "grad_norm_before_clip"):
        base = next(c for c in holding(recordings, "param/", "out/grad/") if c["config_json"] == z["config_json"])
        model, hp = network(z), json.loads(str(z["hparams_json"]))
        optimizer = build_optimizer(optimizer_of(hp), len(z["loss"]))
        params = variables_from_torch(weights_of(base))["params"]
        state = optimizer.init(params)

        @jax.jit
        def step(params, state, inputs):
            loss, grads = jax.value_and_grad(lambda p: objective(model.apply({"params": p}, inputs))[0])(params)
            updates, state = optimizer.update(grads, state, params)
            return optax.apply_updates(params, updates), state, loss, optax.global_norm(grads)

        for number in range(len(z["loss"])):
            params, state, loss, norm = step(params, state, inputs_of(z, step=(number,)))
            close(loss, z["loss"][number], 1e-3)
            close(norm, z["grad_norm_before_clip"][number], 2e-2)
        ours = flatten(params)
        for name in [k for k in z if k.startswith("final/")]:
            path = our_name(name.removeprefix("final/"))
            close(ours[path], our_layout(path, z[name]), 0, 2e-3)
        for name in [k for k in z if k.startswith("final_l2/")]:
            close(np.linalg.norm(ours[our_name(name.removeprefix("final_l2/"))]), z[name], 1e-3, 1e-3)


def optimizer_of(hp):
    rate = lambda *names: next(hp[n] for n in names if n in hp)
    return OptimizerConfig(
        name="adam_l2",
        learning_rate=rate("lr", "learning_rate"),
        schedule="constant",
        b1=rate("beta1", "b1"),
        b2=rate("beta2", "b2"),
        eps=hp.get("eps", 1e-8),
        weight_decay=rate("weight_decay", "wd"),
        clip_norm=next(v for k, v in hp.items() if "clip" in k),
    )
