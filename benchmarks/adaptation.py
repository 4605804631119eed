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
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.adaptation_data import domains_of, draw_of, pairs_of
from benchmarks.adaptation_methods import METHODS, QUESTIONS, SEEDS, SHOTS, VALIDATIONS, settings, steps_of
from benchmarks.adaptation_runs import Plan, Program, Runs, batch_sizes, fitted, lowered, planned
from benchmarks.adaptation_table import gains, matrix, table, text
from benchmarks.harness import RESULTS, write_json
from lcjax.errors import ConfigError
from lcjax.typing import PyTree

_PAPER = ("base", "s_plus_t", "mme", "fine_tuning")
ORDER: tuple[tuple[str, tuple[str, ...], slice], ...] = (
    ("surveys", _PAPER, slice(0, 1)),
    ("digits", ("s_plus_t", "mme"), slice(None)),
    ("surveys", _PAPER, slice(1, 2)),
    ("digits", ("con2da", "avda_mean"), slice(None)),
    ("surveys", _PAPER, slice(2, 3)),
    ("digits", ("base", "fine_tuning", "ent"), slice(None)),
    ("surveys_small", ("base", "s_plus_t", "mme", "con2da"), slice(0, 5)),
    ("altered", ("s_plus_t", "mme", "avda_mean", "con2da"), slice(None)),
    ("surveys_small", ("avda_mean",), slice(0, 5)),
    ("altered", ("base", "ent", "fine_tuning"), slice(None)),
    ("surveys_small", ("fine_tuning", "ent"), slice(0, 5)),
    ("surveys_small", ("base", "s_plus_t", "mme", "con2da", "avda_mean", "fine_tuning", "ent"), slice(5, None)),
    ("surveys", ("ent", "con2da", "avda_mean"), slice(0, 3)),
    ("surveys", (*_PAPER, "ent", "con2da", "avda_mean"), slice(3, None)),
    *((question, ("s_plus_t_norm", "mme_norm", "avda"), slice(None)) for question in QUESTIONS),
)
"""Question, methods and draws, the most telling ones first, for a run that is cut short."""
LATER = ("avda", "s_plus_t_norm", "mme_norm")
"""Methods that have to be asked for."""
_LARGE = {"con2da": 36, "avda_mean": 24, "avda": 24}
"""Method -> runs of the largest network whose activations fit into 80 GB; of the others 72, a draw's."""
COMPILERS = 4
"""Programs that are compiled beside the one that runs: the first is ready soonest so; with 14 none of 16 cores was left to it."""
_LONGEST = 86_400.0
"""Seconds that a program is waited for."""


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
    plan: Plan

    @property
    def key(self) -> tuple:
        """What groups share whose program is compiled once."""
        shapes = (x.shape for x in jax.tree.leaves(self.plan))
        return self.question, self.method, tuple(self.program.sizes.items()), *shapes


def options(argv: Sequence[str]) -> argparse.Namespace:
    """What is compared, and how long."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks adaptation", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--arrays", type=Path, required=True, help="folder of the images")
    add("--questions", nargs="+", default=list(QUESTIONS), choices=QUESTIONS)
    add(
        "--methods",
        nargs="+",
        default=[name for name in METHODS if name not in LATER],
        help=f"of {', '.join(METHODS)}; those from base weights need base; default: without {', '.join(LATER)}",
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
    add("--runs-at-once", type=int, default=100, help="bounds the memory; of `surveys` 72 or fewer")
    add("--half", action="store_true", help="products of convolutions with factors in bfloat16, for accelerators")
    add("--dense", action="store_true", help="images as vectors through dense layers, which is much cheaper")
    add("--out", type=Path, help="JSON file; default benchmarks/results/adaptation.json")
    return parser.parse_args(argv)


def cases_of(asked: argparse.Namespace, question: str, method: str, draws: slice = slice(None)) -> list[Case]:
    """Runs of a method, draws outermost; `base` is one for all numbers of shots, called 0."""
    own = METHODS[method]
    shots = [n for n in asked.shots or SHOTS[question] if n or own.without_shots]
    shots = [0] if method == "base" else shots
    pairs = [pair for pair in pairs_of(question) if not asked.pairs or pair in asked.pairs]
    seeds = range(asked.seeds or SEEDS[question])[draws]
    return [Case(pair, n, seed) for seed in seeds for n in shots for pair in pairs]


def groups_of(asked: argparse.Namespace, question: str, method: str, draws: slice = slice(None)) -> Iterator[Group]:
    """Runs by program: those of a network with batch norm, whose statistics count every row, by their number of shots in a batch.

    Without batch norm a run without shots has a stream of them whose rows all have weight 0.
    """
    domains, steps = domains_of(question, asked.arrays, asked.dense), asked.steps or steps_of(method, question)
    experiment = fitted(settings(method, question, steps), domains)
    norm = experiment.network.norm and not asked.dense
    apart: dict[int | None, list[Case]] = {}
    for case in cases_of(asked, question, method, draws):
        apart.setdefault(case.shots if norm else None, []).append(case)
    most = min(asked.runs_at_once, _LARGE.get(method, 72)) if question == "surveys" else asked.runs_at_once
    for cases in apart.values():
        shots = max(case.shots for case in cases)
        streams = tuple(name for name in METHODS[method].streams if shots or name != "target")
        sizes = batch_sizes(experiment, streams, shots * domains.classes)
        every = max(steps // VALIDATIONS[question], 1)
        program = Program(experiment, streams, sizes, every, jnp.bfloat16 if asked.half else jnp.float32)
        parts = -(-len(cases) // most)
        size = -(-len(cases) // parts)
        for at in range(0, len(cases), size):
            part = tuple(cases[at : at + size])
            draws_of = [draw_of(question, asked.arrays, case.pair, case.shots, case.seed) for case in part]
            yield Group(question, method, program, part, planned(domains, draws_of, [case.seed for case in part]))


def wanted_groups(asked: argparse.Namespace) -> list[Group]:
    """All that is asked for, in order.

    Raises:
      ConfigError: an unknown method, or one that starts with weights that nobody trains.
    """
    if unknown := [name for name in asked.methods if name not in METHODS]:
        raise ConfigError(f"there is no method '{unknown[0]}': there are {', '.join(METHODS)}")
    wanted = [(q, m, d) for q, methods, d in ORDER if q in asked.questions for m in methods if m in asked.methods]
    lacking = [m for q, m, _ in wanted if q in METHODS[m].from_base and "base" not in asked.methods]
    if lacking:
        raise ConfigError(f"{lacking[0]} starts with the weights of base: have base among --methods")
    return [group for item in wanted for group in groups_of(asked, *item)]


class Programs:
    """Programs of groups, traced one after another and compiled side by side; those of equal shapes once."""

    def __init__(self, asked: argparse.Namespace, groups: Sequence[Group]) -> None:
        """Begins with all of them, in order. Plans are made before: beside a thread that traces, each step of theirs would wait for it."""
        self._tracer, self._pool = ThreadPoolExecutor(1), ThreadPoolExecutor(COMPILERS)
        first = {group.key: group for group in reversed(groups)}
        self._found: dict[Any, Future[Future[Runs]]] = {
            key: self._tracer.submit(self._begin, asked, first[key]) for key in dict.fromkeys(g.key for g in groups)
        }

    def of(self, group: Group, left: Callable[[], float]) -> Runs:
        """The compiled program of a group.

        Raises:
          TimeoutError: time was over first.
        """
        until = lambda: min(max(left(), 0.0), _LONGEST)
        return self._found[group.key].result(until()).result(until())

    def close(self) -> None:
        """Begins no more of them."""
        self._tracer.shutdown(wait=False, cancel_futures=True)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, asked: argparse.Namespace, group: Group) -> "Future[Runs]":
        begin = time.perf_counter()
        traced = lowered(group.program, domains_of(group.question, asked.arrays, asked.dense), group.plan)
        traced_in = time.perf_counter() - begin

        def compiled() -> Runs:
            begin = time.perf_counter()
            runs = traced.compiled()
            took = time.perf_counter() - begin
            _say(f"{group.question} {group.method}: traced in {traced_in:.1f} s, compiled in {took:.1f} s")
            return runs

        return self._pool.submit(compiled)


def main(argv: list[str]) -> int:
    """Runs and prints the tables."""
    asked, begin = options(argv), time.perf_counter()
    groups = wanted_groups(asked)
    since = lambda: time.perf_counter() - begin
    left = lambda: float("inf") if asked.seconds is None else asked.seconds - since()
    path, rows = asked.out or RESULTS / "adaptation.json", list[dict[str, Any]]()
    bases: dict[tuple[str, str, int], PyTree] = {}
    programs = Programs(asked, groups)
    for group in groups:
        try:
            runs, began = programs.of(group, left), since()
            done = _train(group, runs, bases, left)
        except TimeoutError:
            break
        except jax.errors.JaxRuntimeError as error:  # it did not fit: the others may
            _say(f"{group.question} {group.method}: {str(error).splitlines()[0]}")
            continue
        if left() <= 0 and not done:
            break
        rows += done
        _say(f"{since():6.1f} s  {group.question} {group.method}: {len(done)} runs in {since() - began:.1f} s")
        _write(asked, rows, path)
    programs.close()
    print(text(matrix(rows)), text(gains(rows, by_pair=False)), text(table(rows)), text(gains(rows)), sep="\n\n")
    print(f"\n{len(rows)} runs of {sum(len(g.cases) for g in groups)} in {since():.0f} s: {path}", flush=True)
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _write(asked: argparse.Namespace, rows: Sequence[dict[str, Any]], path: Path) -> None:
    """The runs so far, if there are any."""
    if rows:
        write_json("adaptation", {"options": vars(asked), "runs": rows}, path)


def _train(
    group: Group, runs: Runs, bases: dict[tuple[str, str, int], PyTree], left: Callable[[], float]
) -> list[dict[str, Any]]:
    """Runs of a group to their end, or until time is over: then none of them counts."""
    plan, start = group.plan, None
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
