"""Every published configuration builds a task whose functions fit together, whatever the system."""

import jax
import jax.numpy as jnp
import pytest

from lcjax.systems import PRESETS, build_task, find_system
from lcjax.systems.batch_shapes import training_spec


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_builds_a_task_whose_functions_trace(preset):
    preset = PRESETS[preset]()
    system = find_system(preset.system)
    task = build_task(system.stand_in(preset))
    key = jax.eval_shape(jax.random.key, 0)
    rows = len(jax.tree.leaves(task.batch_spec)[0])
    batch = training_spec(task)
    variables = jax.eval_shape(task.init, key, batch)
    model_state = {name: tree for name, tree in variables.items() if name != "params"}
    metrics = {}
    for update in task.updates:
        loss, (found, new_state) = jax.eval_shape(update.loss, variables["params"], model_state, batch, key)
        assert loss.shape == () and loss.dtype == jnp.float32
        assert jax.tree.structure(new_state) == jax.tree.structure(model_state)
        metrics |= found
    assert "loss" in metrics
    assert "loss" in jax.eval_shape(task.evaluate, variables, batch, key)
    outputs = jax.eval_shape(task.predict, variables, batch)
    assert outputs and all(value.shape[0] == rows for value in outputs.values())
    assert task.flops is None or task.flops(2, 200) > 0
    assert system.experiment is type(preset)
