"""Every published configuration builds a task whose functions fit together, whatever the system."""

import jax
import jax.numpy as jnp
import pytest

from lcjax.systems import PRESETS, build_task, find_system


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_builds_a_task_whose_functions_trace(preset):
    experiment = PRESETS[preset]()
    task = build_task(experiment)
    key = jax.eval_shape(jax.random.key, 0)
    rows = len(jax.tree.leaves(task.batch_spec)[0])
    integer = jax.ShapeDtypeStruct((rows,), jnp.int32)
    number = jax.ShapeDtypeStruct((rows,), jnp.float32)
    pair = jax.ShapeDtypeStruct((rows, 2), jnp.float32)
    targets = {"label": integer, "offset": pair, "hostless": number, "host_radius": number}
    batch = {"weight": number, "row": integer, **targets, **task.batch_spec}
    variables = jax.eval_shape(task.init, key, batch)
    model_state = {name: tree for name, tree in variables.items() if name != "params"}

    loss, (metrics, new_state) = jax.eval_shape(task.loss, variables["params"], model_state, batch, key)
    assert loss.shape == () and loss.dtype == jnp.float32
    assert "loss" in metrics
    assert jax.tree.structure(new_state) == jax.tree.structure(model_state)
    assert "loss" in jax.eval_shape(task.evaluate, variables, batch, key)
    outputs = jax.eval_shape(task.predict, variables, batch)
    assert outputs and all(value.shape[0] == rows for value in outputs.values())
    assert task.flops is None or task.flops(2, 200) > 0
    assert find_system(experiment.system).experiment is type(experiment)
