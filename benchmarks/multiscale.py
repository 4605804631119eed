"""What do pixels buy? Satellites and five more classes told from stamps of seven kinds, accuracy against bytes.

    python -m benchmarks multiscale --alerts FOLDER [--picture P.png]
    python -m benchmarks multiscale --report F.json

Every repeat has a split of its own: real ZTF triplets are shared out by object, 60 % to train on, 20 % to choose by, 20 % to
test, and sources of known class are injected into each part (`data_pipelines.simulate.stamp_classes`). Every case gets the
same search (`benchmarks.multiscale_search`) in every repeat, choices and stopping by the validation part of that repeat alone,
and one look at its test part. Position is not given, since injected sources lie anywhere.

What this can and cannot say: backgrounds, noise, artefacts and missing pixels are real, the sources are our model of them, so
scores compare cases on one footing and are no forecast for the sky. Intervals over repeats hold for other splits of these
objects. The few weakly labelled real alerts of the test parts are scored besides; they have no satellites.

Every finished (case, repeat) is written at once; the same command goes on where it was stopped.
"""

import dataclasses
import json
import time
import zlib
from pathlib import Path
from typing import Any

import jax
import tyro

from benchmarks.harness import write_json
from benchmarks.injected_alerts import (
    RealAlerts,
    injected,
    read_real_alerts,
    split_objects,
    weakly_labelled,
)
from benchmarks.multiscale_cases import CASES, seen_by, stored_bytes
from benchmarks.multiscale_picture import draw_picture
from benchmarks.multiscale_report import markdown, summarize
from benchmarks.multiscale_search import Part, Search, SearchSettings
from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.classification import macro_f1
from lcjax.training.compilation import enable_compile_cache


@dataclasses.dataclass(frozen=True)
class Options:
    """Trains and compares; about an hour on one core."""

    alerts: Path | None = None
    """Folder of ZTF alerts (Avro, Parquet, ...)."""
    labels: Path | None = None
    """CSV with `candid` and `weak_label`; default: `index.csv` of the folder, if there is one."""
    report: Path | None = None
    """Only print the table of this file."""
    cases: tuple[str, ...] = tuple(CASES)
    repeats: int = 5
    train_per_class: int = 800
    validation_per_class: int = 60
    test_per_class: int = 100
    real_share: float = 0.25
    """Share of real weakly labelled alerts among the training stamps of a class that has them."""
    search: SearchSettings = dataclasses.field(default_factory=SearchSettings)
    out: Path = Path("benchmarks/results/multiscale.json")
    """What is known so far; finished runs in it are kept."""
    picture: Path | None = None
    """Draw scores against bytes there (PNG)."""


def main(argv: list[str]) -> int:
    """Runs the comparison."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks multiscale")
    if options.report:
        print(markdown(summarize(_read(options.report))))
        return 0
    if options.alerts is None:
        raise ConfigError("which alerts? Give --alerts FOLDER, or --report FILE to print the table of an earlier run")
    if unknown := set(options.cases) - set(CASES):
        raise ConfigError(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    enable_compile_cache()
    real = read_real_alerts(options.alerts, options.labels or options.alerts / "index.csv")
    print(f"{len(real.stamps)} real alerts of {len(set(real.object_id))} objects, {(real.label >= 0).sum()} labelled")
    record = _record(options, real)
    searches = {name: Search(CASES[name], options.search) for name in options.cases}
    for repeat in range(options.repeats):
        done = {run["case"] for run in record["runs"] if run["repeat"] == repeat}
        if set(options.cases) <= done:
            continue
        parts = _Parts(real, repeat, options)
        record["tests"][str(repeat)] = parts.truth()
        for name in options.cases:
            if name not in record["sizes"]:
                record["sizes"][name] = stored_bytes(CASES[name], parts.test.stamps)
            if name not in done:
                record["runs"].append(parts.run(name, searches[name]))
                write_json("multiscale", record | {"cases": summarize(record)}, options.out)
    rows = summarize(record)
    print(markdown(rows))
    print(f"written to {options.out}")
    if options.picture:
        draw_picture(rows, _Parts(real, 0, options).test, options.picture)
        print(f"picture: {options.picture}")
    return 0


class _Parts:
    """The data of one repeat."""

    def __init__(self, real: RealAlerts, repeat: int, options: Options) -> None:
        train, validation, test = split_objects(real, repeat)
        self.repeat = repeat
        self.train = injected(train, options.train_per_class, 1000 + repeat, options.real_share)
        self.validation = injected(validation, options.validation_per_class, 2000 + repeat)
        self.test = injected(test, options.test_per_class, 4000 + repeat)
        self.real_test = weakly_labelled(test)

    def truth(self) -> dict[str, list]:
        """Labels and objects of the test part, as the report needs them."""
        test, real = self.test, self.real_test
        return {
            "label": test.label.tolist(),
            "object": test.object_id.tolist(),
            "real_label": real.label.tolist(),
            "real_object": real.object_id.tolist(),
        }

    def run(self, name: str, search: Search) -> dict[str, Any]:
        """Searches, trains and tests one case."""
        begin, case = time.perf_counter(), CASES[name]
        part = lambda sample: Part(seen_by(case, sample.stamps), sample.label)
        network, state, trials = search.run(part(self.train), part(self.validation), self.repeat)
        answer = lambda sample: network.answer(state, seen_by(case, sample.stamps))
        predicted = answer(self.test)
        run = {
            "case": name,
            "repeat": self.repeat,
            "macro_f1": macro_f1(self.test.label, predicted),
            "predicted": predicted.tolist(),
            "real_predicted": answer(self.real_test).tolist(),
            "parameters": sum(x.size for x in jax.tree.leaves(state.params)),
            "trials": trials,
            "seconds": time.perf_counter() - begin,
        }
        first = trials[0]
        print(
            f"repeat {self.repeat + 1}, {name}: macro F1 {run['macro_f1']:.3f} (pools {tuple(first['pooling'])}, rate "
            f"{first['learning_rate']:g}, best of {first['steps']} steps at {first['best_step']}; {run['seconds']:.0f} s)",
            flush=True,
        )
        return run


def _record(options: Options, real: RealAlerts) -> dict[str, Any]:
    """What an earlier run of the same settings and alerts has found, or an empty record.

    Raises:
      ConfigError: the file holds a run of other settings or alerts.
    """
    names = ("train_per_class", "validation_per_class", "test_per_class", "real_share")
    settings: dict[str, Any] = {name: getattr(options, name) for name in names}
    settings |= {"search": dataclasses.asdict(options.search), "alerts": zlib.crc32(real.stamps.tobytes())}
    fresh: dict[str, Any] = {"settings": settings, "sizes": {}, "tests": {}, "runs": []}
    if not options.out.is_file():
        return fresh
    found = _read(options.out)
    if found["settings"] != json.loads(json.dumps(settings)):
        raise ConfigError(f"'{options.out}' holds a run of other settings or alerts: give another --out, or remove it")
    return {name: found[name] for name in fresh}


def _read(path: Path) -> dict[str, Any]:
    """The record in a file.

    Raises:
      DataError: it holds none.
    """
    try:
        record = json.loads(path.read_text())
        missing = {"settings", "sizes", "tests", "runs"} - set(record)
    except (OSError, ValueError) as error:
        raise DataError(f"'{path}' cannot be read as a run of this benchmark: {error}") from error
    if missing:
        raise DataError(f"'{path}' is no run of this benchmark: it lacks {', '.join(sorted(missing))}")
    return record
