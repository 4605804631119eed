"""What `lcjax.load` gives can be jitted, mapped and differentiated, whatever the system: traced, nothing is compiled."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.inference.loaded import Loaded
from lcjax.systems import PRESETS, build_task


@pytest.mark.parametrize(
    "preset", ["alerce-stamps", "avda-digits", "con2da-digits", "delight", "mme-digits", "positional-alibi"]
)
def test_answers_are_traced_mapped_and_differentiated(preset):
    experiment = PRESETS[preset]()
    task = build_task(experiment)
    shapes = jax.eval_shape(task.init, jax.random.key(0), task.batch_spec)
    variables = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    loaded, batch = Loaded(experiment, task, variables), task.made_up(2)

    def total(params, arrays, others):
        found = loaded.predict({**arrays, **others}, {**variables, "params": params})
        return sum(jnp.sum(x) for x in found.values() if jnp.issubdtype(x.dtype, jnp.floating)), found

    numbers = {k: v for k, v in batch.items() if k in task.batch_spec and np.issubdtype(v.dtype, np.floating)}
    others = {k: v for k, v in batch.items() if k in task.batch_spec and k not in numbers}
    params, again = variables["params"], lambda tree: jax.tree.map(lambda x: np.stack([x, x, x]), tree)
    (gradients, of_arrays), found = jax.eval_shape(jax.grad(total, (0, 1), has_aux=True), params, numbers, others)
    assert jax.tree.map(jnp.shape, gradients) == jax.tree.map(jnp.shape, params)
    assert {k: v.shape for k, v in of_arrays.items()} == {k: v.shape for k, v in numbers.items()}
    mapped = jax.eval_shape(jax.vmap(lambda a, o: total(params, a, o)[1]), again(numbers), again(others))
    assert {k: v.shape for k, v in mapped.items()} == {k: (3, *v.shape) for k, v in found.items()}
