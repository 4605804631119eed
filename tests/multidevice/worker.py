"""Runs on eight forced CPU devices, in a process of its own; leaves workdirs and one JSON of findings."""

import json
import sys
from pathlib import Path

import jax
import numpy as np
import optax

from lcjax.configs import TrainingConfig
from lcjax.training.feed import stack_updates
from lcjax.training.parallel import make_layout
from lcjax.training.state import init_state
from lcjax.training.step import make_update
from lcjax.training.tree_paths import path_name
from tests.systems.classifier.stamp_alerts import stamps_fit
from tests.training.curves import astromer_fit, tiny_astromer
from tests.training.several import TASKS, PairSource, two_fit
from tests.training.toy import ToySource, toy_fit, toy_task

LAYOUTS = {"jit_8x1": {}, "jit_4x2": {"mesh": (4, 2)}, "pmap_8": {"parallel": "pmap"}}


def several_descent(training: TrainingConfig, kind: str) -> dict[str, list]:
    """One step of plain gradient descent of a task with two updates, accumulated."""
    task, optimizer, source = TASKS[kind](), optax.sgd(0.1), PairSource()
    make_state = lambda: init_state(task, optimizer, jax.random.key(1), False)
    layout = make_layout(training, jax.eval_shape(make_state))
    update = layout.compile(make_update(task, optimizer, 0, None, layout.axis))
    state, _ = update(layout.init(make_state), layout.put(stack_updates([[source.batch(0, 0), source.batch(0, 1)]])))
    params = layout.to_host(state.params)
    return {path_name(p): np.ravel(x).tolist() for p, x in jax.tree_util.tree_leaves_with_path(params)}


def plain_descent(training: TrainingConfig) -> dict[str, list]:
    """Two updates of plain gradient descent, which shows gradients that are off by a factor (Adam hides them)."""
    task, optimizer, source = toy_task(), optax.sgd(0.1), ToySource(training.batch_size)
    make_state = lambda: init_state(task, optimizer, jax.random.key(1), False)
    layout = make_layout(training, jax.eval_shape(make_state), task.sharding_rules)
    state = layout.init(make_state)
    update = layout.compile(make_update(task, optimizer, 0, None, layout.axis))
    batches = [[source.batch(0, 2 * i), source.batch(0, 2 * i + 1)] for i in range(2)]
    state, out = update(state, layout.put(stack_updates(batches)))
    host = layout.to_host(state)
    return {
        "params": {path_name(p): np.ravel(x).tolist() for p, x in jax.tree_util.tree_leaves_with_path(host.params)},
        "mean": host.model_state["state"]["mean"].tolist(),
        "batches": int(host.model_state["state"]["batches"]),
        "objective": np.ravel(out["scalars"]["objective"]).tolist(),
    }


def split_names(training: TrainingConfig) -> list[str]:
    """Names in the Astromer state that lie split over the mesh axis `model`."""
    from lcjax.systems import build_task

    experiment = tiny_astromer()
    task = build_task(experiment)
    make_state = lambda: init_state(task, optax.adam(1e-3), jax.random.key(1), False)
    state = make_layout(training, jax.eval_shape(make_state), task.sharding_rules).init(make_state)
    leaves = jax.tree_util.tree_leaves_with_path(state)
    return [path_name(p) for p, x in leaves if "model" in jax.tree.leaves(tuple(x.sharding.spec))]


def main(folder: Path, layouts: dict) -> None:
    """Trains everything under every layout."""
    findings = {"devices": jax.device_count()}
    for name, settings in layouts.items():
        toy_fit(folder / f"toy_{name}", log_every=2, accumulate=2, steps_per_dispatch=2, **settings)
        astromer_fit(folder / f"astromer_{name}", **settings)
        if name in ("single", "pmap_8"):  # statistics of features and live units cross the devices by hand there
            stamps_fit(folder / f"stamps_{name}", **settings)
        training = TrainingConfig(batch_size=8, **settings)
        findings[name] = {"descent": plain_descent(training)}
        for kind in TASKS:
            two_fit(folder / f"{kind}_{name}", kind, accumulate=2, **settings)
            findings[name][kind] = several_descent(training, kind)
    if "jit_4x2" in layouts:
        findings["split"] = split_names(TrainingConfig(batch_size=8, mesh=(4, 2)))
    (folder / "findings.json").write_text(json.dumps(findings))


if __name__ == "__main__":
    main(Path(sys.argv[1]), LAYOUTS)
