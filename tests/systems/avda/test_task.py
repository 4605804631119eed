"""AVDA: what each update moves, what pretraining leaves out, and that both domains share the classes."""

import dataclasses
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.models.avda_config import AvdaConfig
from lcjax.models.image_networks_config import ImageNetworkConfig
from lcjax.systems import find_system
from lcjax.systems.avda.config import AvdaExperiment, AvdaObjectiveConfig
from lcjax.systems.avda.task import build_task
from lcjax.systems.domain_pairs.config import PairInputsConfig
from lcjax.systems.domain_pairs.inputs import example, prepared, receive

INPUTS = PairInputsConfig(class_names=("a", "b"), vectors=5)


def experiment(**objective):
    return AvdaExperiment(
        inputs=INPUTS,
        network=ImageNetworkConfig(vector_widths=(4,), head=(4,), dropout=0.0, dropout_before=()),
        latent=AvdaConfig(dimensions=3, decoder=(4,), discriminator=(4,)),
        objective=AvdaObjectiveConfig(pretraining_steps=1, **objective),
        pixels="gaussian",
    )


@pytest.mark.parametrize(
    ("shape", "scale", "wanted"),
    [((1, 5, 1), "min_max", "gaussian"), ((9, 9, 1), "min_max", "bernoulli"), ((9, 9, 1), "none", "gaussian")],
)
def test_pixels_that_may_be_any_numbers_are_no_probabilities(shape, scale, wanted):
    """The likelihood of a share has no bound beyond 0 and 1: a decoder would run away."""
    domain = types.SimpleNamespace(shape=shape, channel_names=("x",))
    data = types.SimpleNamespace(domains={"source": domain, "target": domain}, class_names=("a", "b"))
    asked = AvdaExperiment(inputs=PairInputsConfig(scale=scale))
    system = find_system("avda")
    assert system.adapt(asked, data).pixels == wanted
    assert system.adapt(dataclasses.replace(asked, pixels="gaussian"), data).pixels == "gaussian"
    if wanted == "gaussian":
        with pytest.raises(ConfigError, match="need not be: say gaussian"):
            system.adapt(dataclasses.replace(asked, pixels="bernoulli"), data)


@pytest.fixture(scope="module")
def run():
    task = build_task(experiment())
    batch = {k: jnp.asarray(v) for k, v in (example(INPUTS, 4) | {"label": np.array([0, 1, 0, 1], np.int32)}).items()}
    batch |= {"target": dict(batch), "unlabelled": dict(batch)}
    variables = jax.jit(task.init)(jax.random.key(0), batch)
    params = variables.pop("params")

    @jax.jit
    def gradients(steps):
        state = {"progress": {"steps": steps}}
        of = lambda update: jax.grad(lambda p: update.loss(p, state, batch, jax.random.key(1))[0])(params)
        return [jax.tree.map(lambda g: jnp.abs(g).max(), of(update)) for update in task.updates]

    return task, batch, params, gradients


def moved(gradients, name):
    return max(float(g) for g in jax.tree.leaves(gradients[name]))


def test_pretraining_leaves_the_adversary_out(run):
    before, after = run[3](jnp.int32(0)), run[3](jnp.int32(1))
    assert moved(before[0], "discriminator") == 0 and moved(before[1], "encoder") == 0
    assert moved(after[0], "discriminator") > 0 and moved(after[1], "encoder") > 0
    for name in ("encoder", "decoder_source", "decoder_target", "prior"):
        assert moved(before[2], name) > 0 and moved(after[2], name) > 0


def test_discriminator_has_no_say_in_the_encoder_by_its_own_update(run):
    assert moved(run[3](jnp.int32(1))[0], "encoder") == 0


def test_steps_are_counted_once_a_step(run):
    task, batch, params, _ = run
    state = {"progress": {"steps": jnp.int32(5)}}
    counts = [
        int(jax.eval_shape(lambda u=u: u.loss(params, state, batch, jax.random.key(1)))[1][1]["progress"]["steps"].size)
        for u in task.updates
    ]
    assert counts == [1, 1, 1]
    _, (_, after) = jax.jit(lambda: task.updates[2].loss(params, state, batch, jax.random.key(1)))()
    assert int(after["progress"]["steps"]) == 6


def test_reconstruction_per_pixel_is_a_fifth_of_five_numbers(run):
    _, batch, params, _ = run
    state = {"progress": {"steps": jnp.int32(5)}}
    rebuilt = []
    for per in ("image", "pixel"):
        update = build_task(experiment(per=per)).updates[2]
        _, (metrics, _) = jax.jit(update.loss)(params, state, batch, jax.random.key(1))
        rebuilt.append(float(metrics["rebuilt"][0]))
    assert rebuilt[0] == pytest.approx(5 * rebuilt[1], rel=1e-5)


def test_answers_are_probabilities(run):
    task, batch, params, _ = run
    out = jax.jit(task.predict)({"params": params, "progress": {"steps": 0}}, batch)
    np.testing.assert_allclose(jnp.sum(out["probabilities"], -1), 1, rtol=1e-5)
    assert out["embedding"].shape == (4, 3)


def test_images_as_networks_take_them():
    images = np.ones((2, 6, 7, 2), np.uint8) * 51
    images[:, 0] = 255
    inputs = PairInputsConfig(class_names=("a", "b"), channel_names=("g", "r"), size=4, scale="full_scale")
    ready = receive(inputs, {"image": images, "full_scale": np.full(2, 255.0)})
    np.testing.assert_allclose(prepared(ready, inputs), np.full((2, 4, 4, 2), 0.2), rtol=1e-6)
    assert receive(inputs, {"image": images})["full_scale"].shape == (2,)
    with pytest.raises(ConfigError, match="two classes"):
        build_task(AvdaExperiment(inputs=PairInputsConfig(class_names=("a",))))
