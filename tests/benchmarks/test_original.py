"""The published Astromers as re-created in Keras: with the same weights they are ours, number by number."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from benchmarks import original
from lcjax.models import Astromer
from lcjax.systems import PRESETS
from tests.models.weights import random_variables

ROWS, LENGTH = 3, 12


def keras_order(params, layers, leak):
    """Our parameters in the order in which the Keras model makes its own."""
    pair = lambda part, names=("kernel", "bias"): [part[name] for name in names]
    norm = lambda part: pair(part, ("scale", "bias"))
    found = pair(params["embed"])
    for i in range(layers):
        block = params[f"block_{i}"]
        for name in ("query", "key", "value", "merge"):
            found += pair(block[name])
        found += pair(block["residual_1"]) if leak else []
        found += norm(block["norm_1"])
        found += pair(block["ffn_in"]) + pair(block["ffn_out"])
        found += pair(block["residual_2"]) if leak else []
        found += norm(block["norm_2"])
    return found + norm(params["head_norm"]) + pair(params["head"])


@pytest.mark.parametrize("preset", ["astromer1", "astromer2"])
def test_the_same_weights_give_the_same_answers(preset):
    import tensorflow as tf

    small = {"num_layers": 2, "num_heads": 2, "width": 8, "ffn_width": 12, "dropout": 0.0}
    config = dataclasses.replace(PRESETS[preset]().model, **small, parity=True, mask_token=False)
    rng = np.random.default_rng(0)
    mask = np.arange(LENGTH) < np.array([[12], [9], [5]])
    probed = (rng.random(mask.shape) < 0.4) & mask
    batch = {
        "time": (rng.normal(0, 100, mask.shape) * mask).astype(np.float32),
        "magnitude": (rng.normal(size=mask.shape) * mask).astype(np.float32),
        "mask": mask,
        "visible": mask & ~probed,
    }
    variables = random_variables(Astromer(config), batch)
    ours = jax.jit(Astromer(config).apply)(variables, batch)["reconstruction"]
    network = original._network(tf, config, LENGTH)
    network.set_weights(keras_order(variables["params"], 2, config.residual == "projection"))
    hidden = np.float32(~batch["visible"])
    inputs = {"input": batch["magnitude"], "times": batch["time"], "hidden": hidden}
    theirs = network({name: tf.constant(value[..., None]) for name, value in inputs.items()}).numpy()[..., 0]
    np.testing.assert_allclose(ours, theirs, atol=2e-4, rtol=1e-3)


def test_rates_are_compared_with_the_published_one(tmp_path, monkeypatch, capsys):
    rates = {"published (TensorFlow)": 10.0, "lcjax, parity": 20.0, "lcjax, strict": 40.0}
    rates |= {f"bucket {edge}": 50.0 * k for k, edge in enumerate((5, 10, 15, 20), 1)}
    made = []
    monkeypatch.setattr(original, "_published", lambda experiment, lengths: made.append(experiment))
    monkeypatch.setattr(
        original, "_ours", lambda experiment, length, lengths: made.append((experiment, length, lengths))
    )
    monkeypatch.setattr(original, "_timed", lambda call, options: call)
    monkeypatch.setattr(original, "enable_compile_cache", lambda: None)
    turns = lambda cases, turns: {name: original_rate(rates[name]) for name in cases}
    original_rate = lambda value: dataclasses.make_dataclass("R", ["median"])(value)
    monkeypatch.setattr(original, "in_turns", turns)
    out = tmp_path / "o.json"
    assert original.main(["--presets", "astromer1", "--length", "20", "--out", str(out)]) == 0
    rows = {row["case"]: row for row in json.loads(out.read_text())["rows"]}
    assert rows["lcjax, strict"]["x published"] == 4.0 and rows["lcjax, parity"]["windows/s"] == 20.0
    (published, parity, strict, *buckets) = made
    assert published.model.parity and parity[0].model.parity and not strict[0].model.parity
    lengths = strict[2]
    shares = [np.mean((lengths > low) & (lengths <= high)) for low, high in ((0, 5), (5, 10), (10, 15), (15, 20))]
    together = 1 / sum(share / (50.0 * k) for k, share in enumerate(shares, 1))
    assert rows["lcjax, strict, buckets 5, 10, 15, 20"]["windows/s"] == pytest.approx(together)
    assert [length for _, length, _ in buckets] == [5, 10, 15, 20]
    assert all(experiment.window.length == length for experiment, length, _ in buckets)
    assert "batch 32, windows of 20 points" in capsys.readouterr().out
