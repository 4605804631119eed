"""Which adaptation helps, by number of labelled target images, and what does the source lose? Digits and simulated surveys.

    python -m benchmarks adaptation --question altered --altered FOLDER     # digits_rot24.npz, digits_noise35.npz
    python -m benchmarks adaptation --question digits --digits FOLDER       # mnist_usps_dev.npz
    python -m benchmarks adaptation --question surveys                      # simulated real/bogus, source by target by shots

Balanced accuracy (of digits also accuracy) on source and target at the weights of the best validation, mean over draws of the labelled
images with the standard error. Results are written after every run; the same command goes on where it stopped.
"""

import dataclasses
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

from benchmarks.adaptation_data import ALTERED, altered_digits, digits
from benchmarks.adaptation_methods import METHODS, Method, settings
from benchmarks.adaptation_runs import Pair, adapt, fitted
from benchmarks.adaptation_surveys import SURVEYS, survey_pair
from benchmarks.harness import RESULTS, print_table, write_json
from lcjax.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Options:
    """What is compared, and how long."""

    question: Literal["altered", "digits", "surveys"] = "altered"
    methods: tuple[str, ...] = ("s_plus_t", "mme")
    """Of base, fine_tuning, s_plus_t, ent, mme, con2da, avda."""
    shots: tuple[int, ...] = (1, 3, 10)
    draws: int = 10
    """Of the labelled images, with a fresh network each."""
    altered: Path = Path("../shared/data/mme_digits")
    """Folder of the altered digits."""
    digits: Path = Path("../shared/data/digits")
    """Folder of MNIST and USPS."""
    surveys: tuple[str, ...] = SURVEYS
    """Simulated surveys: every ordered pair of them."""
    objects: int = 800
    """Of each simulated survey."""
    steps: int | None = None
    """None: what the question usually has."""
    out: Path | None = None
    """JSON file; default benchmarks/results/adaptation_QUESTION.json."""


STEPS = {"altered": 1200, "digits": 1000, "surveys": 300}


def cases(options: Options) -> Iterator[tuple[str, int, int]]:
    """(name of the pair, shots, draw), draws outermost so that an interrupted table is even."""
    if options.question == "altered":
        names: Sequence[str] = ALTERED
    elif options.question == "digits":
        names = ("mnist to usps", "usps to mnist")
    else:
        names = [f"{a} to {b}" for a in options.surveys for b in options.surveys if a != b]
    for draw in range(options.draws):
        for name in names:
            for shots in options.shots:
                yield name, shots, draw


def pair_of(options: Options, name: str, shots: int, draw: int) -> Pair:
    """The images of a case."""
    if options.question == "altered":
        return altered_digits(options.altered, name, shots, draw)
    source, target = name.split(" to ")
    if options.question == "digits":
        return digits(options.digits, source, target, shots, draw)
    return survey_pair(source, target, shots, draw, options.objects)


def main(argv: list[str]) -> int:
    """Runs what is not in the results yet and prints the table."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks adaptation")
    if unknown := [name for name in options.methods if name not in METHODS]:
        raise ConfigError(f"there is no method '{unknown[0]}': there are {', '.join(METHODS)}")
    path = options.out or RESULTS / f"adaptation_{options.question}.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text())["runs"] if path.exists() else []
    steps = options.steps or STEPS[options.question]
    bases: dict[tuple[str, int], Any] = {}
    for name, shots, draw in cases(options):
        pair = None
        for method in options.methods:
            key = {"pair": name, "shots": shots, "draw": draw, "method": method, "steps": steps}
            if any(all(row.get(k) == v for k, v in key.items()) for row in rows):
                continue
            pair = pair or pair_of(options, name, shots, draw)
            row = _run(METHODS[method], options.question, pair, key, steps, bases)
            rows.append(key | row)
            _write(options, path, rows)
            print({k: v for k, v in rows[-1].items() if k != "steps"}, file=sys.stderr, flush=True)
    print_table(f"{options.question}: mean over draws (standard error)", table(rows, steps))
    return 0


def _run(method: Method, question: str, pair: Pair, key: dict[str, Any], steps: int, bases: dict) -> dict[str, Any]:
    begin = time.perf_counter()
    classes = int(pair.tests["source"][1].max()) + 1
    if method.from_base:
        at = (key["pair"], key["draw"])
        if at not in bases:
            plain = fitted(settings(METHODS["base"], question, steps), pair, classes)
            bases[at] = adapt(plain, pair, METHODS["base"].streams, key["draw"]).variables
        pair = dataclasses.replace(pair, start=bases[at])
    experiment = fitted(settings(method, question, steps), pair, classes)
    outcome = adapt(experiment, pair, method.streams, key["draw"], method.patience)
    return {
        **{f"{name} balanced": value for name, value in outcome.balanced.items()},
        **{f"{name} accuracy": value for name, value in outcome.accuracy.items()},
        "best step": outcome.step,
        "seconds": time.perf_counter() - begin,
    }


def table(rows: Sequence[dict[str, Any]], steps: int) -> list[dict[str, Any]]:
    """A row a pair, number of shots and method: means over draws with standard errors."""
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        if row["steps"] == steps:
            groups.setdefault((row["pair"], row["shots"], row["method"]), []).append(row)
    shown = []
    for (pair, shots, method), own in sorted(groups.items(), key=lambda item: item[0]):
        line: dict[str, Any] = {"pair": pair, "shots": shots, "method": method, "draws": len(own)}
        for name in ("target balanced", "source balanced", "target accuracy"):
            values = np.array([row[name] for row in own])
            error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
            line[name] = f"{100 * values.mean():.1f} ({100 * error:.1f})"
        shown.append(line)
    return shown


def _write(options: Options, path: Path, rows: Sequence[dict[str, Any]]) -> None:
    write_json("adaptation", {"options": options, "runs": rows}, path)
