"""Which adaptation helps, by number of labelled target images, and what does the source lose? Digits and simulated surveys.

    python -m benchmarks adaptation --arrays FOLDER                       # every question, method, pair, number of shots and draw
    python -m benchmarks adaptation --arrays FOLDER --questions surveys   # simulated real/bogus, source by target by shots

FOLDER holds mnist_usps_dev.npz (question `digits`), digits_rot24.npz and digits_noise35.npz (`altered`); the stamps of `surveys` are
simulated into it once. All draws of the labelled images train at once. Balanced accuracy (of digits also accuracy)
on source and target at the weights of the best validation, mean over draws with a 95 % interval, and gains over S+T on the same draws. Results are written now and then, and at the end.
Needs numpy files alone: no TensorFlow, and argparse, so that a bare machine with jax can run it.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.adaptation_data import domains_of, draw_of, pairs_of
from benchmarks.adaptation_methods import METHODS, QUESTIONS, SEEDS, SHOTS, VALIDATIONS, settings, steps_of
from benchmarks.adaptation_runs import Program, Runs, batch_sizes, fitted, planned
from benchmarks.adaptation_table import gains, matrix, table, text
from benchmarks.harness import RESULTS, write_json
from lcjax.errors import ConfigError
from lcjax.typing import PyTree

ORDER = (
    ("digits", ("base", "s_plus_t", "mme")),
    ("surveys", ("base", "fine_tuning", "mme")),
    ("altered", ("s_plus_t", "mme")),
    ("digits", ("avda_mean", "con2da", "avda", "fine_tuning", "ent")),
    ("surveys", ("con2da", "avda_mean")),
    ("altered", ("base", "ent", "fine_tuning", "con2da", "avda_mean")),
    ("surveys", ("avda", "s_plus_t", "ent")),
    ("digits", ("s_plus_t_norm", "mme_norm")),
    ("altered", ("avda",)),
)
"""The most telling ones first, for a run that is cut short."""
COMPILERS = max(min(6, (os.cpu_count() or 1) // 2), 1)
"""Programs that are compiled beside the one that runs."""
_LONGEST = 86_400.0
"""Seconds that a program is waited for."""
_WRITE_EVERY = 40.0
"""Seconds: writing takes some itself."""


@dataclass(frozen=True)
class Case:
    """A run of a method."""

    pair: str
    shots: int
    seed: int


@dataclass(frozen=True)
class Group:
    """Runs that one program trains at once."""

    question: str
    method: str
    program: Program
    cases: tuple[Case, ...]


def options(argv: Sequence[str]) -> argparse.Namespace:
    """What is compared, and how long."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks adaptation", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--arrays", type=Path, required=True, help="folder of the images")
    add("--questions", nargs="+", default=list(QUESTIONS), choices=QUESTIONS)
    add(
        "--methods",
        nargs="+",
        default=list(METHODS),
        help=f"of {', '.join(METHODS)}; those from base weights need base",
    )
    add("--pairs", nargs="+", help="as 'mnist to usps'; default: all")
    add("--shots", nargs="+", type=int, help="labelled target images of each class; default: those of the question")
    add(
        "--seeds",
        type=int,
        help="draws of the labelled images, each with a network of its own; default: those of the question",
    )
    add("--steps", type=int, help="of every run; default: those of the question")
    add("--seconds", type=float, help="when to stop, done or not")
    add("--runs-at-once", type=int, default=128, help="bounds the memory")
    add("--dense", action="store_true", help="images as vectors through dense layers, which is much cheaper")
    add("--out", type=Path, help="JSON file; default benchmarks/results/adaptation.json")
    return parser.parse_args(argv)


def cases_of(asked: argparse.Namespace, question: str, method: str) -> list[Case]:
    """Runs of a method, draws outermost; `base` is one for all numbers of shots, called 0."""
    own = METHODS[method]
    shots = [n for n in asked.shots or SHOTS[question] if n or own.without_shots]
    shots = [0] if method == "base" else shots
    pairs = [pair for pair in pairs_of(question) if not asked.pairs or pair in asked.pairs]
    return [Case(pair, n, seed) for seed in range(asked.seeds or SEEDS[question]) for n in shots for pair in pairs]


def groups_of(asked: argparse.Namespace, question: str, method: str) -> Iterator[Group]:
    """Runs by program: those of a network with batch norm, whose statistics count every row, by their number of shots in a batch."""
    domains, steps = domains_of(question, asked.arrays, asked.dense), asked.steps or steps_of(method, question)
    experiment = fitted(settings(method, question, steps), domains)
    norm = experiment.network.norm and not asked.dense
    apart: dict[tuple, list[Case]] = {}
    for case in cases_of(asked, question, method):
        streams = METHODS[method].streams if case.shots or method == "base" else METHODS[method].without_shots
        sizes = batch_sizes(experiment, streams, case.shots * domains.classes)
        apart.setdefault((streams, sizes.get("target") if norm else None), []).append(case)
    for (streams, _), cases in apart.items():
        sizes = batch_sizes(experiment, streams, max(case.shots for case in cases) * domains.classes)
        program = Program(experiment, streams, sizes, max(steps // VALIDATIONS, 1))
        parts = -(-len(cases) // asked.runs_at_once)
        size = -(-len(cases) // parts)
        for at in range(0, len(cases), size):
            yield Group(question, method, program, tuple(cases[at : at + size]))


def main(argv: list[str]) -> int:
    """Runs and prints the tables."""
    asked, begin = options(argv), time.perf_counter()
    if unknown := [name for name in asked.methods if name not in METHODS]:
        raise ConfigError(f"there is no method '{unknown[0]}': there are {', '.join(METHODS)}")
    wanted = [(q, m) for q, methods in ORDER if q in asked.questions for m in methods if m in asked.methods]
    lacking = [m for q, m in wanted if q in METHODS[m].from_base and "base" not in asked.methods]
    if lacking:
        raise ConfigError(f"{lacking[0]} starts with the weights of base: have base among --methods")
    groups = [group for question, method in wanted for group in groups_of(asked, question, method)]
    left = lambda: float("inf") if asked.seconds is None else asked.seconds - (time.perf_counter() - begin)
    path, rows, written = asked.out or RESULTS / "adaptation.json", list[dict[str, Any]](), 0.0
    bases: dict[tuple[str, str, int], PyTree] = {}
    pool, programs = ThreadPoolExecutor(COMPILERS), dict[Any, Future[Runs]]()
    for group in groups:
        if _shapes(asked, group) not in programs:
            programs[_shapes(asked, group)] = pool.submit(_compiled, asked, group)
    for group in groups:
        try:
            done = _train(
                asked, group, programs[_shapes(asked, group)].result(min(max(left(), 0.0), _LONGEST)), bases, left
            )
        except TimeoutError:
            break
        except jax.errors.JaxRuntimeError as error:  # it did not fit: the others may
            done = []
            print(f"{group.question} {group.method}: {str(error).splitlines()[0]}", file=sys.stderr)
        if left() <= 0 and not done:
            break
        rows += done
        now = time.perf_counter() - begin
        print(f"{now:6.1f} s  {group.question} {group.method}: {len(done)} runs", file=sys.stderr, flush=True)
        if now > written + _WRITE_EVERY:
            written = _write(asked, rows, path, now)
    pool.shutdown(wait=False, cancel_futures=True)
    _write(asked, rows, path, 0.0)
    print(text(matrix(rows)), text(gains(rows, by_pair=False)), text(table(rows)), text(gains(rows)), sep="\n\n")
    print(f"\n{len(rows)} runs of {sum(len(g.cases) for g in groups)} in {time.perf_counter() - begin:.0f} s: {path}")
    return 0


def _write(asked: argparse.Namespace, rows: Sequence[dict[str, Any]], path: Path, now: float) -> float:
    """The runs so far, if there are any; when that was."""
    if rows:
        write_json("adaptation", {"options": vars(asked), "runs": rows}, path)
    return now


def _plan(asked: argparse.Namespace, group: Group) -> Any:
    draws = [draw_of(group.question, asked.arrays, case.pair, case.shots, case.seed) for case in group.cases]
    return planned(domains_of(group.question, asked.arrays, asked.dense), draws, [case.seed for case in group.cases])


def _shapes(asked: argparse.Namespace, group: Group) -> tuple:
    """What two groups share whose program is compiled once."""
    plan = _plan(asked, group)
    return group.question, group.method, group.program.streams, *(x.shape for x in jax.tree.leaves(plan))


def _compiled(asked: argparse.Namespace, group: Group) -> Runs:
    return Runs(group.program, domains_of(group.question, asked.arrays, asked.dense), _plan(asked, group))


def _train(
    asked: argparse.Namespace, group: Group, runs: Runs, bases: dict[tuple[str, str, int], PyTree], left: Any
) -> list[dict[str, Any]]:
    """Runs of a group to their end, or until time is over: then none of them counts."""
    plan, start = _plan(asked, group), None
    if group.question in METHODS[group.method].from_base:
        found = [bases.get((group.question, case.pair, case.seed)) for case in group.cases]
        if any(one is None for one in found):
            return []
        start = jax.tree.map(lambda *x: np.stack(x), *found)
    state, history = runs.begin(plan, start), []
    for _ in range(group.program.experiment.training.steps // group.program.every):
        if left() <= 0:
            return []
        state, scores = runs.stretch(state, plan)
        history.append(scores)
    if group.method == "base":
        variables = jax.tree.map(np.asarray, state.variables)
        for i, case in enumerate(group.cases):
            bases[group.question, case.pair, case.seed] = jax.tree.map(lambda x, i=i: x[i], variables)
    return [_row(group, case, i, history) for i, case in enumerate(group.cases)]


def _row(group: Group, case: Case, i: int, history: Sequence[dict[str, dict[str, np.ndarray]]]) -> dict[str, Any]:
    """A run's scores at every validation."""
    found: dict[str, list[float]] = {"step": [group.program.every * (k + 1) for k in range(len(history))]}
    for domain, kinds in history[0].items():
        for kind in kinds:
            found[f"{domain} {kind}"] = [round(float(scores[domain][kind][i]), 5) for scores in history]
    key = {
        "question": group.question,
        "method": group.method,
        "pair": case.pair,
        "shots": case.shots,
        "seed": case.seed,
    }
    return {**key, "history": found}


def read(path: Path) -> list[dict[str, Any]]:
    """Runs of a result file."""
    return json.loads(path.read_text())["runs"]
