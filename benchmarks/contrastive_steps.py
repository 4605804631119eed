"""Training steps of AstroM3's networks in this process: `python -m benchmarks.contrastive_steps parity,strict 512,1024 SECONDS`.

Called by `benchmarks contrastive`, and by hand where tyro or TensorFlow are missing (a GPU machine): needs jax, flax and optax alone.
Everything is compiled first, side by side; then every case runs for so many seconds. Prints a line of JSON a case.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lcjax.models.astrom3_config import PhotometryConfig
from lcjax.systems.astrom3.config import AstroM3Experiment
from lcjax.systems.astrom3.presets import astrom3, astrom3_published
from lcjax.systems.astrom3.task import build_task
from lcjax.training.state import init_state
from lcjax.training.step import make_update
from lcjax.training.updates import task_optimizers

LARGE, PART = 4096, 1024
"""Batches from here on are encoded in parts of so many, where nothing else is asked for, and their logits made in chunks of so many."""
STEPS = 100
"""Of the schedule."""


def experiments() -> dict[str, AstroM3Experiment]:
    """Network -> experiment, all with the published inputs: 200 points, 2,575 samples, 38 numbers.

    `parity` is the published network; `dense` has its sizes with the dense encoder; `strict` is the preset `astrom3`.
    """
    columns = tuple(f"column_{i}" for i in range(38))

    def ready(experiment: AstroM3Experiment, photometry: PhotometryConfig) -> AstroM3Experiment:
        inputs = dataclasses.replace(
            experiment.inputs, photometry_columns=columns[:4], metadata_columns=columns[4:], data_columns=columns
        )
        model = dataclasses.replace(experiment.model, photometry=photometry)
        return dataclasses.replace(experiment, inputs=inputs, model=model)

    published, small = astrom3_published(), astrom3()
    dense = dataclasses.replace(published.model.photometry, encoder="dense")
    return {
        "parity": ready(published, published.model.photometry),
        "dense": ready(published, dense),
        "strict": ready(small, small.model.photometry),
    }


def made_up(spec: dict[str, Any], rows: int) -> dict[str, np.ndarray]:
    """Random objects with all modalities; half of the light curves are padded."""
    rng = np.random.default_rng(0)
    batch = {name: rng.normal(size=(rows, *s.shape[1:])).astype(np.float32) for name, s in spec.items()}
    length = spec["mask"].shape[1]
    count = np.where(np.arange(rows) % 2, length, length // 2)
    batch |= {"mask": np.arange(length) < count[:, None], "spectrum_mask": np.ones_like(batch["spectrum"], bool)}
    batch["time"] = np.tile(np.linspace(0, 1, length, dtype=np.float32), (rows, 1))
    batch["years"] = np.full(rows, 4.0, np.float32)
    batch["standardised"] = np.ones(rows, np.int32)
    return batch | {"weight": np.ones(rows, np.float32), "label": np.full(rows, -1, np.int32)}


@dataclasses.dataclass
class Step:
    """One update of the engine, compiled."""

    network: str
    batch_size: int
    encoded_rows: int | None
    run: Callable[..., Any]
    start: Callable[[], Any]
    spec: dict[str, Any]
    parameters: int
    program_mb: float
    """Arguments and temporary arrays, what the compiler asked for."""
    compiled_in: float


def compiled(network: str, batch_size: int, rows: int | None) -> Step:
    """Compiles a case; nothing is allocated yet."""
    began = time.monotonic()
    rows = rows if rows or batch_size < LARGE else PART
    experiment = experiments()[network]
    chunk = PART if batch_size >= LARGE else None
    objective = dataclasses.replace(experiment.objective, encoded_rows=rows, chunk=chunk)
    task = build_task(dataclasses.replace(experiment, objective=objective))
    optimizers = task_optimizers(task, experiment.optimizer, STEPS)
    start = jax.jit(lambda: init_state(task, optimizers, jax.random.key(0), False))
    state = jax.eval_shape(start)
    extra = {"weight": ((batch_size,), np.float32), "label": ((batch_size,), np.int32)}
    shapes = {name: ((batch_size, *s.shape[1:]), s.dtype) for name, s in task.batch_spec.items()} | extra
    batch = {name: jax.ShapeDtypeStruct((1, 1, *shape), dtype) for name, (shape, dtype) in shapes.items()}
    run = jax.jit(make_update(task, optimizers, 0, None, None), donate_argnums=0).lower(state, batch).compile()
    memory = run.memory_analysis()
    size = memory.argument_size_in_bytes + memory.temp_size_in_bytes
    count = sum(int(np.prod(x.shape)) for x in jax.tree.leaves(state.params))
    took = time.monotonic() - began
    return Step(network, batch_size, rows, run, start, task.batch_spec, count, size / 1e6, took)


def described(step: Step) -> dict[str, Any]:
    """What is known of a case before it runs."""
    return {
        "network": step.network,
        "batch": step.batch_size,
        "encoded rows": step.encoded_rows or "all",
        "parameters": step.parameters,
        "program MB": round(step.program_mb),
        "compiled in s": round(step.compiled_in, 1),
    }


def measured(step: Step, seconds: float) -> dict[str, Any]:
    """Objects a second, and memory, of one case after one step to warm up."""
    row = described(step)
    try:
        before = forget_peak()
        state = step.start()
        stacked = jax.device_put(jax.tree.map(lambda x: x[None, None], made_up(step.spec, step.batch_size)))
        state, out = jax.block_until_ready(step.run(state, stacked))
        begin, work, done = time.perf_counter(), time.process_time(), 0
        while done == 0 or time.perf_counter() - begin < seconds:
            state, out = step.run(state, stacked)
            jax.block_until_ready(out)
            done += step.batch_size
        wall, work = time.perf_counter() - begin, time.process_time() - work
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return row | {"objects/s": None, "objects/CPU-s": None, "peak MB": "does not fit"}
    return row | {"objects/s": done / wall, "objects/CPU-s": done / work, "peak MB": peak_mb(before)}


def forget_peak() -> float:
    """Memory of this process now, MB; its highest is counted anew from here (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _status_mb("VmRSS")
    except OSError:
        return float("nan")


def peak_mb(before: float) -> float | None:
    """Highest memory of the device, or on a CPU of the process above what it had `before`, MB."""
    held = jax.local_devices()[0].memory_stats()
    if held and "peak_bytes_in_use" in held:
        return round(held["peak_bytes_in_use"] / 1e6)
    return round(_status_mb("VmHWM") - before) if before == before else None


def _status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1e3 for line in lines if line.startswith(name))


def run() -> None:
    """Compiles all cases side by side and runs them as they come, small batches first: the peak of a device never falls."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contrastive_steps")
    parser.add_argument("networks", help="of parity, dense, strict, with commas")
    parser.add_argument("batches", help="sizes, with commas")
    parser.add_argument("seconds", type=float, help="of each case")
    parser.add_argument("--encoded-rows", type=int)
    parser.add_argument("--within", type=float, help="seconds for everything; what is not compiled by then is left out")
    parser.add_argument("--compile-only", action="store_true", help="the memory of the programs, without running them")
    given = parser.parse_args()
    end = None if given.within is None else time.monotonic() + given.within
    cases = [(n, int(b)) for b in sorted(given.batches.split(","), key=int) for n in given.networks.split(",")]
    pool = concurrent.futures.ThreadPoolExecutor(len(cases))
    waiting = [pool.submit(compiled, *case, given.encoded_rows) for case in cases]
    for case, future in zip(cases, waiting, strict=True):
        try:
            step = future.result(None if end is None else max(end - time.monotonic(), 0))
            row = described(step) if given.compile_only else measured(step, given.seconds)
        except concurrent.futures.TimeoutError:
            row = {"network": case[0], "batch": case[1], "left out": "not compiled in time"}
        except jax.errors.JaxRuntimeError as error:
            row = {"network": case[0], "batch": case[1], "left out": str(error).splitlines()[0]}
        print(json.dumps(row), flush=True)
    sys.stdout.flush()
    os._exit(0)  # compilations that are not wanted any more cannot be stopped otherwise


if __name__ == "__main__":
    run()
