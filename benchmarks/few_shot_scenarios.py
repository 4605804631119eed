"""What is gained by fine-tuning with few labels, and by training from scratch? All draws of the few-shot benchmark at once.

    python -m benchmarks few-shot-scenarios --data D --models W1 W2 --export FOLDER      # where the prepared data are
    python -m benchmarks few-shot-scenarios --arrays FOLDER --seconds 240                # anywhere, best on an accelerator

The same stars, draws and scores as `python -m benchmarks few-shot` with the same --pool, --tested and --draws, and rows of the same form.
Trainings of one method are vmapped over the draws and all numbers of labels. Results are written after each; methods that were
done are not done again. Training needs arrays alone: no TensorFlow, and argparse, so that a bare machine with jax can run it.
"""

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.few_shot_arrays import STARS, TRANSFER, VIEWS, Arrays, Run, read
from benchmarks.few_shot_left_out import is_left_out, left_out_rows
from benchmarks.few_shot_many import Lesson
from benchmarks.few_shot_methods import FROM_SCRATCH, METHODS, Question, School, Taught, read_encoder
from benchmarks.few_shot_tasks import shown
from benchmarks.harness import RESULTS, print_table, write_json
from lcjax.errors import ConfigError
from lcjax.evaluation.probe import balanced_macro_f1

_BLOCK = 1024
"""Windows are padded to a multiple, so that all surveys have one shape."""


DEFAULT = (
    "astromer1=astromer1-published",
    "transformer",
    "astromer2=astromer2-survey",
    "gru",
    "wholly=astromer1-published",
    "wholly=astromer2-survey",
    "skip-head=astromer1-published",
    "skip-head=astromer2-survey",
    "last-block=astromer1-published",
    "last-block=astromer2-survey",
)


def options(argv: Sequence[str]) -> argparse.Namespace:
    """What is trained on which arrays."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks few-shot-scenarios", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("--arrays", type=Path, help="folder that --export wrote")
    add("--export", type=Path, help="write the arrays of --data and --models there, and train nothing")
    add("--data", type=Path, nargs="*", default=[], help="to export: prepared datasets, as for few-shot")
    add("--models", nargs="*", default=[], help="to export: encoders")
    add("--transfer", action="store_true", help="to export: one survey by others, in place of every survey by itself")
    add("--shots", type=int, nargs="*", default=[20, 100, 500], help="to export: labelled stars of each class")
    add("--draws", type=int, default=5, help="to export: of labelled stars")
    add("--pool", type=int, default=500, help="to export: labelled stars of each class to draw from")
    add("--tested", type=int, default=80, help="to export: stars of each class in each part that are scored")
    add(
        "--methods",
        nargs="*",
        default=list(DEFAULT),
        help="METHOD or METHOD=ENCODER, in the order in which they are done",
    )
    add("--questions", nargs="*", default=[], help="by name; none: all")
    add("--steps", type=int, help="at most so many updates of every training")
    add("--seconds", type=float, help="stop after so long: a training that is going on is scored as it is, and says so")
    add("--out", type=Path, default=RESULTS / "few_shot_scenarios.json", help="JSON file")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Exports, or runs what is not there yet and prints all."""
    asked = options(argv)
    if asked.export:
        from benchmarks.few_shot_export import export

        return export(asked)
    if asked.arrays is None:
        raise ConfigError(
            "there are no stars: write arrays with --data, --models and --export, and give them with --arrays"
        )
    begun = time.monotonic()
    going = lambda: asked.seconds is None or time.monotonic() - begun < asked.seconds
    record: dict[str, Any] = json.loads(asked.out.read_text()) if asked.out.exists() else {"rows": []}
    record = {name: value for name, value in record.items() if name not in ("benchmark", "machine")}
    rows: list[dict[str, Any]] = record["rows"]
    school = School(going, asked.steps)
    for group in work(asked):
        done = {(row["method"], row["asked"]) for row in rows}
        if (group.key, group.asked) in done or not going():
            continue
        encoder = read_encoder(asked.arrays / f"{group.encoder}.npz") if group.encoder else None
        last = time.monotonic()
        for taught in METHODS[group.method](school, encoder, question_of(group)):
            seconds, last = round(time.monotonic() - last, 1), time.monotonic()
            told = {
                "method": group.key,
                "asked": group.asked,
                "seconds": seconds,
                "device": jax.devices()[0].device_kind,
            }
            found = [{**row, **told} for row in scored(group, taught)]
            rows += found
            record |= {"jax": jax.__version__, "total": round(time.monotonic() - begun, 1)}
            write_json("few_shot_scenarios", record, asked.out)
            print(
                f"{taught.name}: {seconds} s, {taught.updates} of {taught.steps} updates", file=sys.stderr, flush=True
            )
            show(found)
    show(rows)
    return 0


@dataclasses.dataclass(frozen=True)
class Group:
    """What one method is asked at once."""

    method: str
    encoder: str
    names: tuple[str, ...]
    """Of its questions."""
    arrays: Arrays
    alike: tuple[str, ...]
    """Questions whose programs should have the same shapes."""

    @property
    def key(self) -> str:
        """Method and encoder, as they are asked for."""
        return f"{self.method}={self.encoder}" if self.encoder else self.method

    @property
    def asked(self) -> str:
        """All questions in one line."""
        return "; ".join(self.names)

    @property
    def embeds(self) -> bool:
        """Whether it is embeddings that are scored."""
        return any(map(is_left_out, self.names))

    def runs(self) -> list[Run]:
        """Those of all questions, in order."""
        return [run for name in self.names for run in self.arrays.of(name)]


def work(asked: argparse.Namespace) -> Iterator[Group]:
    """Encoders survey by survey; networks from scratch all surveys at once, and then one survey by others.

    Raises:
      ConfigError: no such method or question.
    """
    kept, known = {}, set()
    for key in asked.methods:
        method, _, encoder = key.partition("=")
        if method not in METHODS or (method in FROM_SCRATCH) == bool(encoder):
            there = ", ".join(name if name in FROM_SCRATCH else f"{name}=ENCODER" for name in METHODS)
            raise ConfigError(f"there is no method '{key}': there are {there}")
        views, transfer = asked.arrays / f"{encoder}-{VIEWS}", asked.arrays / TRANSFER
        paths = [views if encoder and views.exists() else asked.arrays / STARS]
        for path in paths + [transfer] * (transfer.exists() and not encoder):
            if path not in kept:
                kept[path] = read(path)
            known |= {*kept[path].classes}
            for names in alike(kept[path].classes, scratch=not encoder):
                some = tuple(name for name in names if name in asked.questions or not asked.questions)
                for one in [(name,) for name in some] if encoder else [some] * bool(some):
                    yield Group(method, encoder, one, kept[path], names if encoder else one)
    if unknown := [name for name in asked.questions if name not in known]:
        raise ConfigError(f"there is no question '{unknown[0]}': there are {', '.join(sorted(known))}")


def alike(names: Sequence[str], scratch: bool) -> list[tuple[str, ...]]:
    """Questions of one kind together; embeddings of networks from scratch alone are left to compare."""
    others = tuple(name for name in names if is_left_out(name))
    plain = tuple(name for name in names if name not in others)
    return [some for some in (plain, others * scratch) if some]


def question_of(group: Group) -> Question:
    """Windows of the questions of a group alone, on the device."""
    arrays = group.arrays
    every = {name: used_rows(arrays, (name,)) for name in group.alike}
    own = used_rows(arrays, group.names)
    size = -(-max(len(own), *map(len, every.values())) // _BLOCK) * _BLOCK
    place = np.full(len(arrays.points), -1)
    place[own] = np.arange(len(own))
    filled = np.concatenate([own, np.full(size - len(own), own[0])])
    windows = jax.tree.map(lambda x: jax.device_put(x[filled]), dict(arrays.windows))
    labels = {name: arrays.label[name][arrays.curve][filled].astype(np.int32) for name in group.names}
    lessons = [Lesson(run.seed, place[run.learn], place[run.held], labels[run.question]) for run in group.runs()]
    asked = [place[rows] for rows in asked_rows(group)]
    judged = max(len(run.held) for run in arrays.runs if run.question in group.alike)
    most = max(len(arrays.asked(name)) for name in group.alike)
    return Question(lessons, windows, asked, judged, most, group.embeds)


def asked_rows(group: Group) -> list[np.ndarray]:
    """Rows that each run is asked: those to be scored on, and where embeddings are compared those that it knows."""
    rows = lambda run: [group.arrays.asked(run.question), *([run.learn, run.held] if group.embeds else [])]
    return [np.concatenate(rows(run)) for run in group.runs()]


def used_rows(arrays: Arrays, names: Sequence[str]) -> np.ndarray:
    """Rows of the windows that questions need."""
    learned = [rows for name in names for run in arrays.of(name) for rows in (run.learn, run.held)]
    return np.unique(np.concatenate([*map(arrays.asked, names), *learned]))


def scored(group: Group, taught: Taught) -> list[dict[str, Any]]:
    """Rows of the few-shot benchmark: of stars, and of single windows; or of embeddings."""
    if group.embeds:
        tables = []
        for rows, found in zip(asked_rows(group), taught.embedding, strict=True):  # type: ignore[arg-type]
            tables.append(np.full((len(group.arrays.points), found.shape[-1]), np.nan, np.float32))
            tables[-1][rows] = found[: len(rows)]
        return left_out_rows(group.arrays, group.names, taught.name, tables)
    at = np.array([run.question for run in group.runs()])
    return [row for name in group.names for row in _scored(group.arrays, name, taught, np.flatnonzero(at == name))]


def _scored(arrays: Arrays, name: str, taught: Taught, place: np.ndarray) -> list[dict[str, Any]]:
    """Of one question, whose runs are at `place` of what was taught."""
    rows, own, runs = arrays.asked(name), range(len(arrays.classes[name])), arrays.of(name)
    window = taught.score[place][:, : len(rows), : len(own)].astype(np.float64)
    curve, owner = np.unique(arrays.curve[rows], return_inverse=True)
    weight = arrays.points[rows].astype(np.float64)
    total = np.bincount(owner, weight)
    star = np.stack([[np.bincount(owner, weight * w) / total for w in run.T] for run in window]).swapaxes(1, 2)
    kinds = [("transfer" if "->" in name else "few_shot", curve, star)]
    # The table of windows is of those that the benchmark cuts; encoders that read views see longer ones.
    kinds += [("windows", arrays.curve[rows], window)] * ("->" not in name and "views" not in arrays.windows)
    out = []
    for task, which, score in kinds:
        guesses, label, names = score.argmax(-1), arrays.label[name][which], arrays.objects[which]
        for shots in sorted({run.shots for run in runs}):
            mine = [i for i, run in enumerate(runs) if run.shots == shots]
            scores = {}
            for number, part in ((1, "development"), (2, "held out")):
                at = arrays.part[which] == number
                if at.any():
                    found = balanced_macro_f1(label[at], guesses[mine][:, at], len(own), names[at])
                    scores[part] = {"value": found.value, "low": found.low, "high": found.high}
            row = {
                "task": task,
                "set": name,
                "contestant": taught.name,
                "version": "",
                "head": "its own",
                "shots": shots,
            }
            row |= {
                "draws": len(mine),
                "development": False,
                "scores": scores,
                "best": [taught.best[place[i]] for i in mine],
            }
            out.append({**row, "stars": arrays.stars, "updates": taught.updates, "steps": taught.steps})
    return out


def show(rows: Sequence[dict[str, Any]]) -> None:
    """A table for each kind, of the held-out part."""
    for task in dict.fromkeys(row["task"] for row in rows):
        table: dict[str, dict[str, str]] = {}
        for row in (row for row in rows if row["task"] == task):
            line = table.setdefault(row["contestant"], {"contestant": row["contestant"]})
            line[f"{row['set']} {row['shots']}"] = shown(row["scores"]["held out"])
        columns = list(dict.fromkeys(name for line in table.values() for name in line))
        print_table(f"{task}, held out", [{name: line.get(name, "-") for name in columns} for line in table.values()])
    sys.stdout.flush()
