"""Small untrained systems and light curves for inference tests."""

import dataclasses
from types import SimpleNamespace

import jax
import numpy as np

from lcjax.configs import WindowConfig
from lcjax.models.astromer_config import ASTROMER1, AstromerModelConfig
from lcjax.pretrained.weights_folder import ImportedWeights, write_weights
from lcjax.systems import build_task
from lcjax.systems.astromer.config import AstromerExperiment

SIZES = {"num_layers": 2, "num_heads": 2, "width": 8, "ffn_width": 12}
PUBLISHED = dataclasses.replace(ASTROMER1, **SIZES, parity=True)
STRICT = AstromerModelConfig(**SIZES, residual="identity", norm="pre", time_encoding="log_periods")


def experiment(parity=False, length=40, **window):
    """Settings of a system with windows of `length` points."""
    mode = "published" if parity else "sequential"
    return AstromerExperiment(
        system="astromer1" if parity else "astromer2",
        model=PUBLISHED if parity else STRICT,
        window=WindowConfig(length=length, evaluation_mode=mode, **window),
    )


def untrained(settings, seed=0):
    """(task, variables as numpy); every parameter random, so that nothing is hidden by zeros."""
    task = build_task(settings)
    shapes = jax.eval_shape(task.init, jax.random.key(0), task.batch_spec)
    rng = np.random.default_rng(seed)
    return task, jax.tree.map(lambda x: rng.normal(0, 0.4, x.shape).astype(np.float32), shapes)


def weights_folder(folder, settings, seed=0):
    """A weights folder on disk; returns the variables."""
    _, variables = untrained(settings, seed)
    write_weights(folder, ImportedWeights(settings, variables, folder, None, [], []))
    return variables


def light_curve(n, seed=0, name=None):
    """One star of n points over a thousand days."""
    rng = np.random.default_rng(seed)
    mjd = np.sort(rng.uniform(50_000, 51_000, n))
    return SimpleNamespace(
        object_id=name or f"star-{seed}",
        band="",
        mjd=mjd,
        magnitude=15 + rng.normal(size=n),
        magnitude_error=rng.uniform(0.01, 0.1, n),
    )
