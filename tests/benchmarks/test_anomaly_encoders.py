"""The benchmark of encoders under the hypersphere loss: what learns, from which stars, and where it begins."""

import types

import jax.numpy as jnp
import numpy as np

from benchmarks.anomaly_encoders import Options, windows
from benchmarks.anomaly_hypersphere import embeddings, end_to_end, whitening
from benchmarks.few_shot_stars import WINDOW, Curve
from lcjax.losses.hypersphere import off_zero


def stars(count, seed=0):
    """Stars of two classes and of a third that is not known; their encoder sees a level and a slope."""
    rng, label = np.random.default_rng(seed), np.arange(count) % 3
    curves = []
    for i in range(count):
        mjd = np.sort(rng.uniform(0, 50, 20 + i % 7))
        level = np.array([0.0, 3.0, -4.0])[label[i]]
        curves.append(Curve(f"s{i}", "x", "", "train", mjd, level + 0.3 * rng.normal(size=len(mjd)), 0.1 + 0 * mjd))
    return windows(curves), np.where(label == 2, -1, label)


def loaded():
    def encode(variables, batch, key=None, axis=None):
        layer = jnp.stack([batch["magnitude"], 0.01 * batch["time"] * batch["magnitude"]], -1)
        return {"layers": (layer, layer @ variables["params"]["kernel"]), "mask": batch["mask"]}

    return types.SimpleNamespace(
        task=types.SimpleNamespace(encode=encode), variables={"params": {"kernel": jnp.eye(2)}}
    )


def test_windows_hold_their_points():
    batch, _ = stars(3)
    assert batch["time"].shape == (3, WINDOW) and batch["mask"].sum(1).tolist() == batch["length"].tolist() == [
        20,
        21,
        22,
    ]
    first = batch["time"][0, :20]
    assert first[0] == -first[19] and not batch["magnitude"][0, 20:].any()


def test_learning_begins_at_the_whitened_embedding_and_brings_known_stars_to_their_centres():
    batch, label = stars(90)
    found = loaded()
    frozen = embeddings(found, batch)
    mean, mapping = whitening(frozen[label >= 0], 2)
    np.testing.assert_allclose(
        np.cov((frozen[label >= 0] - mean) @ mapping, rowvar=False, bias=True), np.eye(2), atol=1e-3
    )
    options = Options(data=(), epochs=4, batch_size=8, rate=3e-2, latent=2)
    (before, after), history = end_to_end(found, batch, label, frozen, batch, options, seed=0)
    white = (frozen - mean) @ mapping
    centres = np.asarray(off_zero(jnp.stack([white[label == k].mean(0) for k in (0, 1)])))
    nearest = ((white[:, None] - centres) ** 2).sum(-1).min(1)
    np.testing.assert_allclose(before, nearest, rtol=1e-3, atol=1e-3)
    assert min(history) < 0.8 * history[0] and after[label >= 0].mean() < before[label >= 0].mean()
    assert after[label < 0].mean() > 3 * after[label >= 0].mean()
