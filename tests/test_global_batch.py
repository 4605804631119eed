"""Sums, gathers and row numbers over mapped axes: named ones are global, unnamed ones are refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.global_batch import (
    axes_in_scope,
    global_any,
    global_gather,
    global_mean,
    global_mean_of_rows,
    global_sum,
    row_numbers,
)

ROOT = Path(__file__).resolve().parents[1]
ROWS = np.arange(1.0, 17.0, dtype=np.float32).reshape(8, 2) / 7
FUNCTIONS = {
    "global_sum": global_sum,
    "global_mean": lambda x, axis=None: global_mean(x, jnp.ones_like(x), axis),
    "global_mean_of_rows": lambda x, axis=None: global_mean_of_rows(x, jnp.ones(len(x)), axis),
    "global_any": lambda x, axis=None: global_any(x > 2, axis),
    "global_gather": global_gather,
    "row_numbers": lambda x, axis=None: row_numbers(len(x), axis),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_without_a_mapped_axis_arrays_are_global(name):
    function = FUNCTIONS[name]
    expected = {
        "global_sum": ROWS.sum(),
        "global_mean": ROWS.mean(),
        "global_mean_of_rows": ROWS.mean(0),
        "global_any": ROWS > 2,
        "global_gather": ROWS,
        "row_numbers": np.arange(8),
    }[name]
    np.testing.assert_allclose(function(ROWS), expected, rtol=1e-6)
    np.testing.assert_allclose(jax.jit(function)(ROWS), expected, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(function)(ROWS[None]), np.asarray(expected)[None], rtol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_mapped_axis_must_be_named(name):
    function, split = FUNCTIONS[name], ROWS.reshape(4, 2, 2)
    with pytest.raises(ConfigError, match=r"mapped axis 'data'.*axis='data', or axis=\(\)"):
        jax.vmap(function, axis_name="data")(split)
    with pytest.raises(ConfigError, match=r"no mapped axis 'batch' here \(there are: data\)"):
        jax.vmap(lambda x: function(x, axis="batch"), axis_name="data")(split)
    with pytest.raises(ConfigError, match=r"no mapped axis 'batch' here \(there are: none\)"):
        function(ROWS, axis="batch")
    local = jax.vmap(lambda x: function(x, axis=()), axis_name="data")(split)
    np.testing.assert_allclose(local[1], function(split[1]), rtol=1e-6)


def test_several_axes_in_rank_order():
    split = ROWS.reshape(2, 4, 1, 2)
    both = lambda f: jax.vmap(jax.vmap(lambda x: f(x, axis=("outer", "inner")), axis_name="inner"), axis_name="outer")
    np.testing.assert_array_equal(both(global_gather)(split)[1, 2], ROWS)
    np.testing.assert_array_equal(both(FUNCTIONS["row_numbers"])(split)[..., 0], np.arange(8).reshape(2, 4))
    np.testing.assert_allclose(both(global_sum)(split), ROWS.sum(), rtol=1e-6)


def test_scope_is_seen_through_jit_and_scan():
    seen = []

    def note(x):
        seen.append(axes_in_scope())
        return x

    jax.vmap(jax.jit(note), axis_name="a")(ROWS)
    jax.vmap(lambda x: jax.lax.scan(lambda c, y: (c, note(y)), 0, x), axis_name="a")(ROWS)
    jax.jit(note)(ROWS)
    assert seen[0] == ("a",) and seen[1] == ("a",) and seen[-1] == () == axes_in_scope()


def test_gathered_flags_and_integers_keep_their_kind():
    for values in (np.array([True, False]), np.array([3, -4], np.int32)):
        found = jax.vmap(lambda x: global_gather(x, axis="rows"), axis_name="rows")(values[:, None])
        assert found.dtype == values.dtype and np.array_equal(found[1], values)


@pytest.fixture(scope="module")
def eight():
    """What eight devices say: see `main`."""
    flags = "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0"
    flags = {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.test_global_batch"]
    done = subprocess.run(command, env=os.environ | flags, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def contrastive(scale, rows, axis=None):
    """A loss in which every row meets every other one, so that nothing of it is a mean over rows."""
    everyone = global_gather(jnp.sin(scale * rows), axis)
    own = jnp.sin(scale * rows)
    weights = jnp.arange(1.0, 1.0 + everyone.shape[0])  # tells the order of the rows
    return global_mean(jnp.logaddexp(0.0, (own @ everyone.T) * weights), jnp.ones((len(own), 1)), axis)


@pytest.mark.parametrize("way", ["pmap", "shard_map", "shard_map unchecked"])
def test_named_axes_give_the_global_value_and_gradient(eight, way):
    value, gradient = jax.value_and_grad(contrastive)(np.float32([0.7, 1.3]), ROWS)
    assert eight["devices"] == 8
    np.testing.assert_allclose(eight[way]["value"], value, rtol=1e-5)
    np.testing.assert_allclose(eight[way]["gradient"], gradient, rtol=1e-5)


def test_axes_without_a_name_are_refused_on_eight_devices(eight):
    assert "axis='batch'" in eight["pmap over batch"]
    assert "axis='data'" in eight["pmap over data"]
    assert "axis='rows'" in eight["shard_map over rows"]


def main() -> None:
    """Runs on eight forced CPU devices; prints findings as JSON."""
    from jax.sharding import AxisType
    from jax.sharding import PartitionSpec as P

    scale = jnp.float32([0.7, 1.3])
    mesh = jax.make_mesh((8,), ("rows",), axis_types=(AxisType.Auto,))
    found = {"devices": jax.device_count()}

    def step(axis):
        def run(scale, rows):
            value, gradient = jax.value_and_grad(contrastive)(scale, rows, axis)
            return value, jax.lax.pmean(gradient, axis) if axis else gradient

        return run

    value, gradient = jax.pmap(step("batch"), axis_name="batch", in_axes=(None, 0))(scale, ROWS[:, None])
    found["pmap"] = {"value": np.asarray(value).tolist(), "gradient": np.asarray(gradient)[3].tolist()}
    for name, check in (("shard_map", True), ("shard_map unchecked", False)):
        spread = jax.shard_map(step("rows"), mesh=mesh, in_specs=(P(), P("rows")), out_specs=P(), check_vma=check)
        value, gradient = jax.jit(spread)(scale, ROWS)
        found[name] = {"value": float(value), "gradient": np.asarray(gradient).tolist()}
    for axis in ("batch", "data"):
        try:
            jax.pmap(step(None), axis_name=axis, in_axes=(None, 0))(scale, ROWS[:, None])
        except ConfigError as error:
            found[f"pmap over {axis}"] = str(error)
    try:
        jax.jit(jax.shard_map(step(None), mesh=mesh, in_specs=(P(), P("rows")), out_specs=P()))(scale, ROWS)
    except ConfigError as error:
        found["shard_map over rows"] = str(error)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
