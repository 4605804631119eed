"""lcjax-base by size, length of training, objectives and inputs: validation loss and few-shot F1 of the development stars.

    python -m benchmarks base-scaling --data D --write FOLDER        # stars as one file, on a machine with TensorFlow
    python -m benchmarks base-scaling --arrays FOLDER --out R        # trains; on an accelerator, which needs no TensorFlow
    python -m benchmarks base-scaling --arrays FOLDER --read R       # scores and tables, and --picture FILE.png

Every case is trained once, from the stars of the training split and simulated ones, and judged on the development part: choices are made
there. Rows of a batch are drawn with equal chances. Cases follow one another, the most telling first, until --seconds are over.
"""

import argparse
import os
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.base_scaling_cases import CASES, Case
from benchmarks.base_scaling_data import Windows, labelled_of, read_stars, write_stars
from benchmarks.base_scaling_runs import Run, Stars, prepared
from benchmarks.few_shot_stars import PARTS
from benchmarks.harness import write_json
from lcjax.errors import ConfigError

LENGTH = 512
COMPILERS = max(min(6, (os.cpu_count() or 1) // 2), 1)


def options(argv: list[str]) -> argparse.Namespace:
    """What is trained, and how long."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks base-scaling", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--data", nargs="+", type=Path, help="prepared data sets, for --write")
    add("--write", type=Path, metavar="FOLDER", help="only write the stars of --data there")
    add("--arrays", type=Path, metavar="FOLDER", help="stars that --write wrote")
    add(
        "--out",
        type=Path,
        help="folder of what is trained: a JSON file, and the embeddings of the labelled stars of each case",
    )
    add("--read", type=Path, metavar="FOLDER", help="only score what --out holds")
    add("--picture", type=Path, help="with --read: loss and F1 against compute")
    add("--shots", nargs="+", type=int, default=[20, 100], help="with --read: labelled stars of each class")
    add("--draws", type=int, default=5, help="with --read: of the labelled stars")
    add("--cases", nargs="+", help=f"of: {'; '.join(case.name for case in CASES)}")
    add("--seed", type=int, default=0)
    add("--steps", type=int, help="of every case; default: its own")
    add("--stars", type=int, default=20_000, help="that are simulated")
    add("--limit", type=int, help="stars of each kind, at most: for a try")
    add("--every", type=int, default=250, help="updates in a call")
    add("--seconds", type=float, default=float("inf"), help="when to stop, done or not")
    add("--weights", nargs="*", default=[], help="cases whose weights are kept as well (float16)")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Writes, trains, or scores."""
    asked, begin = options(argv), time.perf_counter()
    if asked.write:
        if not asked.data:
            raise ConfigError("--write needs --data: prepared data sets")
        print(write_stars(asked.data, asked.write))
        return 0
    if not asked.arrays:
        raise ConfigError("give --arrays, the folder that --write wrote")
    if asked.read:
        from benchmarks.base_scaling_table import report

        print(report(asked.read, read_stars(asked.arrays), asked.shots, asked.draws, asked.picture))
        return 0
    if not asked.out:
        raise ConfigError("give --out, a folder for what is trained")
    say = lambda text: print(f"[{time.perf_counter() - begin:6.1f}] {text}", file=sys.stderr, flush=True)
    stars = stars_of(asked, say)
    cases = chosen(asked)
    device = jax.tree.map(jax.device_put, stars._replace(record=None))._replace(record=stars.record)
    say(f"on {jax.devices()[0].device_kind}: {len(cases)} cases")
    asked.out.mkdir(parents=True, exist_ok=True)
    pool = ThreadPoolExecutor(COMPILERS)
    programs: dict[str, Future[Run]] = {
        case.name: pool.submit(Run, case, device, min(asked.every, case.steps), asked.stars, asked.seed)
        for case in cases
    }
    rows: list[dict[str, Any]] = []
    for number, case in enumerate(cases):
        left = asked.seconds - (time.perf_counter() - begin)
        try:
            run = programs[case.name].result(None if left == float("inf") else max(left, 0.0))
        except TimeoutError:
            break
        found = trained(run, device, asked, begin)
        if found is None:
            break
        row, embedding, weights = found
        name = f"case_{number:02d}"
        np.savez(asked.out / f"{name}.npz", embedding=embedding.astype(np.float16), **weights)
        rows.append({**row, "file": f"{name}.npz"})
        write_json("base_scaling", {"settings": vars(asked), "cases": rows}, asked.out / "cases.json")
        say(f"{case.name}: {row['seconds']:.1f} s, {row['validation']}")
    pool.shutdown(wait=False, cancel_futures=True)
    say(f"{len(rows)} of {len(cases)} cases")
    return 0


def chosen(asked: argparse.Namespace) -> list[Case]:
    """The cases that are asked for.

    Raises:
      ConfigError: there is no such case.
    """
    import dataclasses

    known = {case.name: case for case in CASES}
    if unknown := [name for name in asked.cases or () if name not in known]:
        raise ConfigError(f"there is no case '{unknown[0]}': there are {'; '.join(known)}")
    some = [known[name] for name in asked.cases] if asked.cases else list(CASES)
    return [dataclasses.replace(case, steps=asked.steps) for case in some] if asked.steps else some


def stars_of(asked: argparse.Namespace, say: Any) -> Stars:
    """Reads stars and computes all views."""
    curves = read_stars(asked.arrays)
    labelled = labelled_of(curves)
    learned = [curve for curve in curves if curve.part == "train"]
    judged = [curve for curve in curves if curve.part == PARTS[0]]
    if asked.limit:
        learned, judged, labelled = (some[:: -(-len(some) // asked.limit)] for some in (learned, judged, labelled))
    say(f"{len(learned)} stars to learn from, {len(labelled)} to be embedded, {len(judged)} judged")
    windows = [
        Windows(some, LENGTH, split)
        for some, split in ((learned, "train"), (judged, "validation"), (labelled, "train"))
    ]
    return prepared(*windows, asked.stars)


def trained(run: Run, stars: Stars, asked: argparse.Namespace, begin: float) -> tuple[dict, np.ndarray, dict] | None:
    """A case from its first update to its scores; None where time is over."""
    case, state, history = run.case, run.begin(), []
    started = time.perf_counter()
    for done in range(run.every, case.steps + 1, run.every):
        state, sums = run.stretch(state, stars.train, stars.simulated)
        if time.perf_counter() - begin > asked.seconds:
            return None
        means = {name: round(float(a) / max(float(b), 1e-9), 5) for name, (a, b) in jax.device_get(sums).items()}
        history.append({"step": done, **means})
    jax.block_until_ready(state)
    seconds = time.perf_counter() - started
    validation = {name: round(value, 5) for name, value in run.judge(state, stars).items()}
    row = {
        "name": case.name, "group": case.group, "steps": case.steps, "batch": case.batch, "seed": asked.seed,
        "parameters": run.parameters, "seconds": seconds, "validation": validation, "history": history,
    }  # fmt: skip
    weights = {}
    if case.name in asked.weights:
        from lcjax.training.tree_paths import path_name

        flat = jax.tree_util.tree_flatten_with_path(jax.device_get(state.variables["params"]))[0]
        weights = {f"params/{path_name(path)}": np.asarray(leaf).astype(np.float16) for path, leaf in flat}
    return row, run.embed(state, stars), weights
