"""Every network against its formulas in numpy, with random weights at small sizes: no recording is needed."""

import dataclasses
import math

import jax
import numpy as np
import pytest

from lcjax.models import Astromer
from lcjax.models.astromer_config import ASTROMER1, ASTROMER2
from lcjax.models.delight import Delight
from lcjax.models.delight_config import DelightModelConfig
from lcjax.models.heads import ClassifierHead
from lcjax.models.multiscale_config import MultiscaleModelConfig
from lcjax.models.multiscale_stamps import MultiscaleClassifier
from lcjax.models.positional_config import VARIANTS, PositionalStudyConfig
from lcjax.models.positional_study import PositionalStudyEncoder
from tests.models.weights import random_variables
from tests.parity.formulas import conv, copies, dense, heads, layer_norm, max_pool, sinusoids, softmax

ROWS, LENGTH = 3, 7


def windows():
    """The first window is full, the others are padded; about half of the points are hidden."""
    rng = np.random.default_rng(0)
    mask = np.arange(LENGTH) < np.array([[7], [5], [3]])
    batch = {"time": rng.normal(0, 50, mask.shape) * mask, "magnitude": rng.normal(size=mask.shape) * mask}
    batch = {name: value.astype(np.float32) for name, value in batch.items()}
    visible = mask & (rng.random(mask.shape) < 0.6)
    visible[:, 0] = True
    return batch | {"mask": mask, "visible": visible}


def run(model, batch, **options):
    """(weights in float64, outputs)"""
    variables = random_variables(model, batch, **options)
    outputs = model.apply(variables, batch)  # step by step: the steps of all cases compile once
    return jax.tree.map(lambda x: np.asarray(x, np.float64), variables), outputs


def masked_pairs(hidden, how):
    if how == "QK":
        return np.minimum(1, hidden[:, :, None] + hidden[:, None])[:, None]
    return np.broadcast_to(hidden[:, None] if how == "K" else hidden[:, :, None], (*hidden.shape, LENGTH))[:, None]


def rounded(logits):
    """To float32: at -1e9 what is added vanishes, and a fully hidden row becomes uniform, as published."""
    return logits.astype(np.float32).astype(np.float64)


def astromer(params, batch, cfg):
    """(reconstruction, embedding, layers) of the published networks (A&A 670, A54; A&A 707, A170)."""
    hidden = 1.0 - batch["visible"]
    magnitude = batch["magnitude"].astype(np.float64)
    if cfg.mask_token:
        magnitude = np.where(batch["visible"], magnitude, params["mask_token"])
    frequencies = 1e4 ** (-2 * np.arange(cfg.width) / cfg.width)
    x = dense(magnitude[..., None], params["embed"]) + sinusoids(batch["time"], frequencies)
    layers = [x]
    for i in range(cfg.num_layers):
        block = params[f"block_{i}"]
        query, key, value = (heads(dense(x, block[name]), cfg.num_heads) for name in ("query", "key", "value"))
        logits = query @ key.swapaxes(-1, -2) / np.sqrt(cfg.width / cfg.num_heads)
        logits = logits / cfg.temperature if cfg.temperature else logits
        if cfg.mask_format in ("tanh", "logits"):
            weights = np.tanh(logits) if cfg.mask_format == "tanh" else logits
        else:
            weights = softmax(rounded(logits + cfg.mask_alpha * masked_pairs(hidden, cfg.mask_format)))
        merged = (weights @ value).transpose(0, 2, 1, 3).reshape(x.shape)
        change = dense(merged, block["merge"])
        around = lambda name, x, change, block=block: (
            change + (dense(x, block[name]) if cfg.residual == "projection" else 0)
        )
        x = layer_norm(around("residual_1", x, change), block["norm_1"], 1e-6)
        change = dense(np.tanh(dense(x, block["ffn_in"])), block["ffn_out"])
        x = layer_norm(around("residual_2", x, change), block["norm_2"], 1e-6)
        layers.append(x)
    out = dense(layer_norm(x, params["head_norm"], 1e-6), params["head"])[..., 0]
    seen = batch["visible"][..., None]
    return out, (x * seen).sum(1) / seen.sum(1), layers


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (ASTROMER1, {}),
        (ASTROMER1, {"mask_token": True}),
        (ASTROMER2, {}),
        (ASTROMER2, {"mask_token": True}),
        (ASTROMER2, {"residual": "none"}),
        (ASTROMER2, {"mask_format": "Q"}),
        (ASTROMER2, {"mask_format": "QK"}),
        (ASTROMER2, {"mask_alpha": -2.0, "temperature": 2.0}),
        (ASTROMER2, {"mask_format": "tanh"}),
        (ASTROMER2, {"mask_format": "logits", "temperature": 0.5}),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else value.residual,
)
def test_astromers(base, changes):
    small = {"num_layers": 2, "num_heads": 2, "width": 8, "ffn_width": 12, "parity": True, "mask_token": False}
    cfg = dataclasses.replace(base, **(small | changes))
    batch = windows()
    variables, found = run(Astromer(cfg), batch)
    reconstruction, embedding, layers = astromer(variables["params"], batch, cfg)
    np.testing.assert_allclose(found["reconstruction"], reconstruction, atol=3e-4)
    np.testing.assert_allclose(found["embedding"], embedding, atol=3e-4)
    for ours, theirs in zip(found["layers"], layers, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=3e-4)


def gru(x, layer):
    """Reset after the product, gates in the order update, reset, new."""
    width = layer["recurrent"].shape[0]
    sigmoid = lambda a: 1 / (1 + np.exp(-a))
    state, states = np.zeros((len(x), width)), []
    for item in x.swapaxes(0, 1):
        a, b = item @ layer["kernel"] + layer["bias"][0], state @ layer["recurrent"] + layer["bias"][1]
        update, reset = (sigmoid(a[:, k : k + width] + b[:, k : k + width]) for k in (0, width))
        new = np.tanh(a[:, 2 * width :] + reset * b[:, 2 * width :])
        state = update * state + (1 - update) * new
        states.append(state)
    return np.stack(states, 1)


def study_encoding(params, time, cfg):
    variant = cfg.variant
    starts = {
        "published": cfg.time_base ** (-cfg.time_exponent * np.arange(cfg.width) / cfg.width),
        "paired": cfg.time_base ** (-2.0 * (np.arange(cfg.width) // 2) / cfg.width),
        "log_periods": 2 * np.pi / np.geomspace(cfg.min_period, cfg.max_period, cfg.width),
    }
    frequencies = cfg.cadence_ratio * np.asarray(params.get("frequencies", starts[variant.frequencies]), np.float64)
    sinusoid = sinusoids(time, frequencies)
    source = sinusoid if variant.on_sinusoid else np.asarray(time, np.float64)[..., None]
    if variant.encoding == "mlp":
        inner = dense(source, params["time_in"])
        gelu = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / np.sqrt(2)))
        return dense(gelu, params["time_out"])
    if variant.encoding == "recurrent":
        states = gru(source, params["recurrence"])
        return dense(states, params["projection"]) if variant.projection else states
    return sinusoid if variant.encoding == "sinusoid" else np.zeros_like(sinusoid)


def turned(x, time, cfg):
    """Channels k and d / 2 + k of every head as one complex number, turned by frequency times time."""
    half = cfg.width // cfg.num_heads // 2
    periods = np.geomspace(cfg.min_period, cfg.max_period, half * cfg.num_heads).reshape(half, cfg.num_heads).T
    angle = cfg.cadence_ratio * 2 * np.pi / periods[None, :, None, :] * np.asarray(time, np.float64)[:, None, :, None]
    z = (x[..., :half] + 1j * x[..., half:]) * np.exp(1j * angle)
    return np.concatenate([z.real, z.imag], -1)


def study(params, batch, cfg):
    """The encoder of arXiv 2308.06404, masked as its authors do."""
    time, variant = np.asarray(batch["time"], np.float64), cfg.variant
    encoded = study_encoding(params, batch["time"], cfg)
    if variant.joined == "concatenate":
        x = dense(np.concatenate([encoded, batch["magnitude"][..., None]], -1), params["join"])
    else:
        x = dense(batch["magnitude"][..., None], params["embed"])
    if variant.encoding == "modulation":
        angle = 2 * np.pi * time[..., None] * np.arange(cfg.harmonics) / cfg.max_time
        wave = lambda name: np.sin(angle) @ params[f"{name}_sine"] + np.cos(angle) @ params[f"{name}_cosine"]
        x = x * wave("alpha") + wave("beta")
    elif variant.joined == "sum":
        x = x + encoded
    split = lambda y: heads(y, cfg.num_heads)
    products = lambda a, b: a @ b.swapaxes(-1, -2)
    if "relative" in params:
        rows = np.zeros((*time.shape, params["relative"]["kernel"].shape[0]))
        rows[..., : time.shape[1]] = time[:, :, None] - time[:, None, :]
        relative = dense(rows, params["relative"])
    for i in range(cfg.num_layers):
        block = params[f"block_{i}"]
        query, key = (lambda y, n=n, block=block: split(dense(y, block[n])) for n in ("query", "key"))
        q, k = query(x), key(x)
        logits = (
            products(turned(q, time, cfg), turned(k, time, cfg)) if variant.attention == "rotary" else products(q, k)
        )
        later = variant.attention in ("p2p_all", "mixed") and i > 0
        if later or (variant.attention == "p2p_last" and i == cfg.num_layers - 1):
            logits = logits + products(query(encoded), key(encoded))
        if variant.attention == "relative" or (variant.attention == "mixed" and i == 0):
            logits = logits + products(query(relative), k) + products(q, key(relative))
        if variant.attention == "tupe":
            shared = [split(dense(encoded, params[f"position_{n}"])) for n in ("query", "key")]
            logits = logits + products(*shared)
        if variant.attention == "alibi":
            slopes = np.array([2.0 ** (-8 * (h + 1) / cfg.num_heads) for h in range(cfg.num_heads)])
            steps = np.arange(time.shape[1])
            logits = logits - slopes[:, None, None] * np.abs(steps[:, None] - steps)
        logits = logits / np.sqrt(cfg.width / cfg.num_heads) - 1e9 * masked_pairs(1.0 - batch["visible"], "QK")
        weights = softmax(rounded(logits))
        merged = (weights @ split(dense(x, block["value"]))).transpose(0, 2, 1, 3).reshape(x.shape)
        x = layer_norm(dense(merged, block["merge"]), block["norm_1"], 1e-6)
        x = layer_norm(dense(np.tanh(dense(x, block["ffn_in"])), block["ffn_out"]), block["norm_2"], 1e-6)
    return x + encoded if variant.joined == "output" else x, encoded


@pytest.mark.parametrize("positional", VARIANTS)
def test_the_positional_study(positional):
    cfg = PositionalStudyConfig(
        num_heads=2, width=8, ffn_width=12, hidden=10, harmonics=4, positional=positional, parity=True, min_period=0.5
    )
    if cfg.variant.uses_frequencies:
        cfg = dataclasses.replace(cfg, cadence_ratio=0.8)
    batch = windows()
    batch["time"] = batch["time"] / 50  # recurrences and MLPs of bare days are steep
    model = PositionalStudyEncoder(cfg, longest=LENGTH + 3)
    variables, found = run(model, batch)
    hidden, encoded = study(variables["params"], batch, cfg)
    np.testing.assert_allclose(found["encoding"], encoded, atol=1e-4)
    np.testing.assert_allclose(found["hidden"], hidden, atol=5e-4)


def attended(x, mask):
    """Unscaled self-attention to the points of the mask."""
    return softmax(np.where(mask[:, None], x @ x.swapaxes(-1, -2), -1e9)) @ x


@pytest.mark.parametrize("kind", ["skip_avg_mlp", "avg_mlp", "avg_clf", "mlp_avg", "max", "att_avg", "att_cls"])
def test_classification_heads(kind):
    rng = np.random.default_rng(1)
    layers = [rng.normal(size=(ROWS, LENGTH, 8)).astype(np.float32) for _ in range(3)]
    mask = windows()["mask"]
    variables, found = run(ClassifierHead(5, kind), {"layers": layers, "mask": mask}, spread=0.05)
    params, last = variables["params"], layers[-1].astype(np.float64)
    mean = lambda x: (x * mask[..., None]).sum(1) / mask.sum(1)[:, None]

    def mlp(x):
        for i in range(3):
            x = np.maximum(dense(x, params["mlp"][f"dense_{i}"]), 0)
        return dense(layer_norm(x, params["mlp"]["norm"], 1e-3), params["mlp"]["logits"])

    if kind == "skip_avg_mlp":
        expected = mlp(np.mean([mean(x) * g for x, g in zip(layers, softmax(params["gamma"]), strict=True)], axis=0))
    elif kind == "avg_clf":
        expected = dense(layer_norm(mean(last), params["norm"], 1e-3), params["logits"])
    elif kind == "mlp_avg":
        expected = mean(mlp(last))
    elif kind == "att_cls":
        joined = np.concatenate([np.broadcast_to(params["class_vector"], (ROWS, 1, 8)), last], 1)
        expected = mlp(attended(joined, np.pad(mask, ((0, 0), (1, 0)), constant_values=True))[:, 0])
    else:
        pooled = {
            "avg_mlp": mean(last),
            "max": np.where(mask[..., None], last, -np.inf).max(1),
            "att_avg": mean(attended(last, mask)),
        }
        expected = mlp(pooled[kind])
    np.testing.assert_allclose(found["logits"], expected, atol=2e-4)


def delight_answers(params, stack, cfg):
    """What the network says of one (S, S, L) stack, before anything is turned back (AJ 164, 195)."""
    planes = np.moveaxis(stack, -1, 0)[..., None].astype(np.float64)
    for i in (1, 2, 3):
        planes = np.maximum(conv(planes, params["trunk"][f"conv_{i}"]), 0)
        planes = max_pool(planes) if i < 3 else planes
    hidden = np.tanh(dense(planes.reshape(-1), params["head"]["dense_1"]))
    return dense(hidden, params["head"]["dense_2"]) * cfg.unit


def test_delight():
    cfg = DelightModelConfig(side=22, levels=2, filters=(3, 4, 5), hidden=6)
    stacks = np.random.default_rng(2).normal(size=(ROWS, 22, 22, 2)).astype(np.float32)
    variables, found = run(Delight(cfg), {"levels": stacks}, spread=0.2)
    for row, stack in enumerate(stacks):
        back = np.array([delight_answers(variables["params"], c, cfg)[:2] @ m.T for c, m in copies(stack)])
        np.testing.assert_allclose(found["offset"][row], back.mean(0), atol=1e-3)
        np.testing.assert_allclose(
            np.sort(found["offsets"][row], axis=0), np.sort(back, axis=0), atol=1e-3
        )  # the order of the copies is another matter
        spread = np.sqrt(((back - back.mean(0)) ** 2).sum(-1).mean())
        assert found["scatter"][row] == pytest.approx(spread, rel=1e-3)


def test_multiscale_stamps():
    """arXiv 2304.13080, with two levels of shared weights and a position."""
    cfg = MultiscaleModelConfig(
        kernels=(4, 3),
        filters=(3, 4),
        pool_after=(1,),
        dense=5,
        num_features=3,
        image_size=9,
        num_levels=2,
        num_channels=2,
    )
    rng = np.random.default_rng(3)
    batch = {"levels": rng.normal(size=(ROWS, 2, 9, 9, 2)), "features": rng.normal(size=(ROWS, 3))}
    batch = {name: value.astype(np.float32) for name, value in batch.items()}
    model = MultiscaleClassifier(cfg)
    variables = random_variables(model, batch)
    variables["batch_stats"] = jax.tree.map(lambda x: np.abs(x) + 0.5, variables["batch_stats"])
    found = jax.jit(model.apply)(variables, batch)
    params, stats = variables["params"], variables["batch_stats"]["bn"]

    def trunk(image):
        x = image[None].astype(np.float64)
        x = max_pool(np.maximum(conv(x, params["trunk"]["conv_1"], "SAME"), 0), "SAME")
        return np.maximum(conv(x, params["trunk"]["conv_2"], "SAME"), 0).reshape(-1)

    for row in range(ROWS):
        pooled = np.concatenate([np.mean([trunk(c) for c, _ in copies(level)], 0) for level in batch["levels"][row]])
        np.testing.assert_allclose(found["pooled"][row], pooled, atol=1e-4)
        scaled = (batch["features"][row] - stats["mean"]) / np.sqrt(stats["var"] + cfg.feature_norm_epsilon)
        scaled = scaled * params["bn"]["scale"] + params["bn"]["bias"]
        embedding = np.tanh(dense(np.concatenate([pooled, scaled]), params["dense_1"]))
        np.testing.assert_allclose(found["embedding"][row], embedding, atol=1e-4)
        np.testing.assert_allclose(found["logits"][row], dense(embedding, params["logits"]), atol=1e-4)
