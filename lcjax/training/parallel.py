"""Two ways to spread the same step: `jit` over a (data, model) mesh, and `pmap` over the data axis.

Layouts are a table of names, not code in the models: a task's `sharding_rules` say which dimension of which kernel lies on
the mesh axis `model`; everything else is replicated. A dimension that does not divide stays whole.
"""

import re
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from lcjax.configs import TrainingConfig
from lcjax.errors import ConfigError
from lcjax.training.tree_paths import path_name
from lcjax.typing import Batch, PyTree

DATA_AXIS, MODEL_AXIS = "data", "model"
"""Axes of the mesh; `DATA_AXIS` is also the axis that the step is mapped over by pmap."""

Rules = tuple[tuple[str, tuple[str | None, ...]], ...]
"""Regular expression of a parameter path -> mesh axis of each dimension."""


def make_mesh(shape: tuple[int, int] | None) -> Mesh:
    """A (data, model) mesh over all devices.

    Raises:
      ConfigError: the shape does not cover the devices.
    """
    count = jax.device_count()
    shape = shape or (count, 1)
    if int(np.prod(shape)) != count:
        raise ConfigError(f"--training.mesh {shape[0]} {shape[1]} asks for {np.prod(shape)} devices; there are {count}")
    return jax.make_mesh(shape, (DATA_AXIS, MODEL_AXIS), axis_types=(jax.sharding.AxisType.Auto,) * 2)


def state_shardings(mesh: Mesh, shapes: PyTree, rules: Rules = ()) -> PyTree:
    """NamedSharding of every leaf, by the first rule that fits; optimizer moments follow their parameter."""

    def one(path: tuple, leaf: jax.ShapeDtypeStruct) -> NamedSharding:
        name = path_name(path)
        for pattern, axes in rules:
            if re.search(pattern, name) and len(axes) == leaf.ndim:
                fits = all(a is None or n % mesh.shape[a] == 0 for a, n in zip(axes, leaf.shape, strict=True))
                return NamedSharding(mesh, P(*axes) if fits else P())
        return NamedSharding(mesh, P())

    return jax.tree_util.tree_map_with_path(one, shapes)


def make_layout(training: TrainingConfig, shapes: PyTree, rules: Rules = ()) -> "JitLayout | PmapLayout":
    """The layout `training.parallel` asks for, for a state of these shapes (`jax.eval_shape` of its constructor).

    `rules`: `Task.sharding_rules`.

    Raises:
      ConfigError: mesh or batch size do not fit the devices.
    """
    if training.parallel == "pmap":
        if training.mesh is not None:
            raise ConfigError("--training.mesh belongs to --training.parallel jit: pmap uses all devices for data")
        return PmapLayout(training.batch_size)
    return JitLayout(training.mesh, training.batch_size, shapes, rules)


class JitLayout:
    """State born sharded, batches split along `data`, one donated compiled step."""

    axis: str | None = None
    """What the step is told of where its rows are: one program sees them all."""

    def __init__(self, mesh_shape: tuple[int, int] | None, batch_size: int, shapes: PyTree, rules: Rules = ()) -> None:
        """Builds the mesh; `batch_size` is the global one, `shapes` those of the state, `rules` how they are split."""
        self.mesh = make_mesh(mesh_shape)
        self._shardings = state_shardings(self.mesh, shapes, rules)
        _check_divides(batch_size, self.mesh.shape[DATA_AXIS])
        self._rows = NamedSharding(self.mesh, P(None, None, DATA_AXIS))
        self._flat_rows = NamedSharding(self.mesh, P(DATA_AXIS))
        self._replicated = NamedSharding(self.mesh, P())

    def init(self, make_state: Callable[[], PyTree]) -> PyTree:
        """Runs `make_state` on the devices; no copy of the state ever exists in one place."""
        return jax.jit(make_state, out_shardings=self._shardings)()

    def compile(self, run: Callable) -> "Step":
        """The step: (state, batches (steps, accumulated, rows, ...)) -> (state, metrics)."""
        # a step that is run again needs its inputs
        donate = () if jax.config.jax_debug_nans else (0,)  # type: ignore[attr-defined]
        shardings = (self._shardings, self._replicated)
        return Step(run, lambda counted: jax.jit(counted, donate_argnums=donate, out_shardings=shardings))

    def put(self, batches: Batch) -> Batch:
        """Stacked local batches -> global arrays split along rows."""
        _check_rows(batches, self.mesh.shape[DATA_AXIS])
        return jax.tree.map(lambda x: jax.make_array_from_process_local_data(self._rows, x), batches)

    def to_device(self, host_state: PyTree) -> PyTree:
        """A host copy of the state -> its place on the devices."""
        put = lambda x, s: jax.make_array_from_callback(np.shape(x), s, lambda i: np.asarray(x)[i])
        return jax.tree.map(put, host_state, self._shardings)

    def to_host(self, state: PyTree) -> PyTree:
        """The whole state as numpy arrays (a collective where it is sharded over processes)."""

        def fetch(x: jax.Array) -> np.ndarray:
            if not x.is_fully_addressable and not x.is_fully_replicated:
                from jax.experimental import multihost_utils

                return np.asarray(multihost_utils.process_allgather(x, tiled=True))
            return np.asarray(x.addressable_data(0)) if x.is_fully_replicated else np.asarray(x)

        return jax.tree.map(fetch, state)

    def evaluator(self, evaluate: Callable) -> "Evaluator":
        """(state, local batch, index) -> metric sums on the host."""
        return Evaluator(evaluate, self._flat_rows, self._replicated, lambda state: state.variables)


class PmapLayout:
    """Data parallel by `jax.pmap`: every device holds the whole state and its share of the rows."""

    axis: str | None = DATA_AXIS
    """What the step is told of where its rows are: spread over this mapped axis."""

    def __init__(self, batch_size: int) -> None:
        """`batch_size` is the global one."""
        _check_divides(batch_size, jax.device_count())
        self._devices = jax.local_device_count()
        self.mesh = make_mesh(None)
        # The mesh pmap builds for itself: placed the same way, nothing is copied again.
        mapped = jax.make_mesh((jax.device_count(),), (DATA_AXIS,), axis_types=(jax.sharding.AxisType.Auto,))
        self._rows = NamedSharding(mapped, P(None, None, DATA_AXIS))
        self._replicas = NamedSharding(mapped, P(DATA_AXIS))

    def init(self, make_state: Callable[[], PyTree]) -> PyTree:
        """The same state on every device."""
        return self.to_device(jax.tree.map(np.asarray, jax.jit(make_state)()))

    def compile(self, run: Callable) -> "Step":
        """As `JitLayout.compile`; metrics keep the device axis."""
        donate = () if jax.config.jax_debug_nans else (0,)  # type: ignore[attr-defined]
        mapped = lambda counted: jax.pmap(counted, DATA_AXIS, in_axes=(0, 2), donate_argnums=donate)
        return Step(run, mapped, lambda out: jax.tree.map(_first_replica, out))

    def put(self, batches: Batch) -> Batch:
        """Stacked local batches -> (steps, accumulated, devices, rows per device, ...)."""
        _check_rows(batches, jax.device_count())
        split = lambda x: x.reshape(*x.shape[:2], self._devices, x.shape[2] // self._devices, *x.shape[3:])
        return jax.tree.map(lambda x: jax.make_array_from_process_local_data(self._rows, split(x)), batches)

    def to_device(self, host_state: PyTree) -> PyTree:
        """Adds the device axis: one copy on every device."""
        count = jax.device_count()

        def put(x: np.ndarray) -> jax.Array:
            x = np.asarray(x)[None]
            return jax.make_array_from_callback((count, *x.shape[1:]), self._replicas, lambda _: x)

        return jax.tree.map(put, host_state)

    def to_host(self, state: PyTree) -> PyTree:
        """The first replica as numpy arrays."""
        return jax.tree.map(lambda x: np.asarray(_first_replica(x)), state)

    def evaluator(self, evaluate: Callable) -> "Evaluator":
        """Evaluation goes through jit over the same devices."""
        rows, whole = NamedSharding(self.mesh, P(DATA_AXIS)), NamedSharding(self.mesh, P())
        put = lambda x: jax.make_array_from_callback(np.shape(x), whole, lambda i: np.asarray(x)[i])
        return Evaluator(evaluate, rows, whole, lambda state: jax.tree.map(put, self.to_host(state).variables))


class Step:
    """A compiled step that counts how often it was traced: once per shape of batch."""

    def __init__(self, run: Callable, compiler: Callable, local: Callable = lambda out: out) -> None:
        """`compiler` turns the pure `run` into the compiled one; `local` picks this process's metrics."""
        self._traces = 0
        self._local = local

        def counted(state: PyTree, batches: Batch) -> tuple[PyTree, dict]:
            self._traces += 1
            return run(state, batches)

        self._compiled = compiler(counted)

    def __call__(self, state: PyTree, batches: Batch) -> tuple[PyTree, dict]:
        """Queues the step; the old state is given up. Nothing may slip from host to device unasked."""
        with jax.transfer_guard("allow" if jax.config.jax_debug_nans else "disallow"):  # type: ignore[attr-defined]
            state, out = self._compiled(state, batches)
        return state, self._local(out)

    def compilations(self) -> int:
        """Shapes of batch seen so far."""
        return self._traces


def _first_replica(x: jax.Array) -> jax.Array:
    # Indexing x[0] would gather; the local shard is free. Shards keep the mapped axis.
    return x.addressable_data(0)[0]


class Evaluator:
    """Compiled evaluation over all devices: (variables, local batch, batch index) -> metric sums on the host."""

    def __init__(self, evaluate: Callable, rows: NamedSharding, whole: NamedSharding, variables: Callable) -> None:
        """`rows` and `whole` place batches and results; `variables` takes what is evaluated from the state."""
        self._evaluate = jax.jit(evaluate, out_shardings=whole)
        self._rows, self._variables = rows, variables

    def prepare(self, state: PyTree) -> PyTree:
        """The variables to evaluate, placed once per evaluation."""
        return self._variables(state)

    def __call__(self, variables: PyTree, batch: Batch, index: int) -> dict:
        """Sums over the global batch; float64 numbers."""
        placed = jax.tree.map(lambda x: jax.make_array_from_process_local_data(self._rows, x), batch)
        out = self._evaluate(variables, placed, jnp.uint32(index))
        return jax.tree.map(lambda x: np.asarray(x.addressable_data(0), np.float64), out)


def _check_divides(batch_size: int, devices: int) -> None:
    if batch_size % devices:
        raise ConfigError(
            f"the batch of {batch_size} rows does not divide over {devices} devices: choose --training.batch-size as a "
            f"multiple of {devices}"
        )


def _check_rows(batches: Batch, devices: int) -> None:
    """Streams may have other numbers of rows than --training.batch-size; each must divide like it."""
    for path, x in jax.tree_util.tree_leaves_with_path(batches):
        rows = x.shape[2] * jax.process_count()
        if rows % devices:
            raise ConfigError(
                f"'{path_name(path)}' has {rows} rows in a batch, which do not divide over {devices} devices: let every "
                f"stream have a multiple of {devices}"
            )
