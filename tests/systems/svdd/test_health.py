"""A collapsed hypersphere cannot be missed."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.models.svdd_config import DetectorModelConfig
from lcjax.systems.svdd.health import collapse_warnings, latent_warnings, structure_warnings
from lcjax.systems.svdd.task import build_task
from tests.systems.svdd.conftest import SMALL

INPUTS = dataclasses.replace(SMALL.inputs, feature_names=("x", "y"), class_names=("a", "b"), scaling="none")


@pytest.fixture(scope="module")
def task():
    return build_task(dataclasses.replace(SMALL, inputs=INPUTS))


def evaluated(task, change):
    """What a run reports and warns of."""
    rng = np.random.default_rng(0)
    batch = {
        "features": rng.normal(size=(16, 2)).astype(np.float32),
        "label": np.arange(16, dtype=np.int32) % 2,
        "weight": np.ones(16, np.float32),
    }
    variables = change(jax.jit(task.init)(jax.random.key(0), batch))
    sums = jax.jit(task.evaluate)(variables, batch, jax.random.key(1))
    values = task.summarize({name: float(total / weight) for name, (total, weight) in sums.items()})
    return values, task.warnings("validation", values)


def test_a_network_that_works_is_not_warned_of(task):
    values, warnings = evaluated(task, lambda v: v)
    assert warnings == [] and values["score_spread"] > 0.1 and values["latent_spread"] > 0.1


def test_a_network_that_answers_alike_for_all(task):
    def constant(variables):
        zero = jax.tree.map(jnp.zeros_like, variables["params"])
        return variables | {"params": zero, "centres": {"centres": jnp.ones((2, 3))}}

    values, warnings = evaluated(task, constant)
    assert values["score_spread"] < 1e-6 and len(warnings) == 1 and "has collapsed" in warnings[0]


def test_a_network_that_meets_its_centre(task):
    def met(variables):
        zero = jax.tree.map(jnp.zeros_like, variables["params"])
        return variables | {"params": zero, "centres": {"centres": jnp.zeros((2, 3))}}

    assert "has collapsed" in evaluated(task, met)[1][0]


def test_latents():
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(50, 4))
    assert latent_warnings(latent, (latent**2).sum(1)) == []
    latent[:, 2] = 0.7
    assert latent_warnings(latent, (latent**2).sum(1)) == [
        "1 of 4 latent entries are the same for all objects: they tell nothing"
    ]
    flat = np.full((50, 4), 0.3)
    assert "has collapsed" in latent_warnings(flat, (flat**2).sum(1))[0]
    assert "is about to" in collapse_warnings({"mean_score": 1.0, "score_spread": 0.1, "latent_spread": 1e-5})[0]


def test_bias_paths():
    plain = DetectorModelConfig()
    assert structure_warnings(plain, 4) == []
    assert "can collapse (as published)" in structure_warnings(plain, 1)[0]
    assert structure_warnings(dataclasses.replace(plain, biases=False), 1) == []
    assert "latent layer has a bias" in structure_warnings(dataclasses.replace(plain, final_bias=True), 4)[0]
