"""How much of the classes is found from few labelled stars? Embeddings against features and networks from scratch.

    python -m benchmarks few-shot --data D --models W1 W2 [--embeddings X.parquet] [--picture P.png]

Object-level macro F1 at 20, 100 and 500 labelled stars of each class (all, where a class has fewer), transfer between surveys,
classes left out, nearest neighbours; `few_shot_stars` says which stars, `few_shot_contestants` how to add a contestant. The
validation split is the development part, on which choices are made; numbers to quote are those of the held-out part. Results are
written after every contestant; the same command goes on where it stopped.
"""

import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import tyro

from benchmarks import few_shot_tasks as tasks
from benchmarks.few_shot_contestants import Cache, Contestant
from benchmarks.few_shot_lineup import Lineup, line_up
from benchmarks.few_shot_stars import CLASSES, PARTS, fingerprint, read_curves
from benchmarks.harness import RESULTS, print_table, write_json
from lcjax.errors import ConfigError

TaskName = Literal["few_shot", "windows", "transfer", "unknown_class", "neighbours"]
TRANSFERS = (
    (("crts_sss",), "asas_acvs"),
    (("asas_acvs",), "crts_sss"),
    (("asas_acvs", "crts_sss"), "debosscher Hp"),
    (("asas_acvs", "crts_sss"), "debosscher I or V (not stated)"),
)


@dataclasses.dataclass(frozen=True)
class Options:
    """What competes, and in what."""

    data: tuple[Path, ...] = ()
    """Prepared asas_acvs and crts_sss, split by star; for transfer also debosscher, all of it in its test split."""
    models: tuple[str, ...] = ()
    """Workdirs, weights folders or published names of encoders."""
    embeddings: tuple[Path, ...] = ()
    """Parquet tables with an embedding of every star of the benchmark."""
    tasks: tuple[TaskName, ...] = ("few_shot", "windows", "transfer", "unknown_class", "neighbours")
    only: tuple[str, ...] = ()
    """Contestants by name; none: all."""
    heads: tuple[str, ...] = ()
    """Classifiers on embeddings, by name; none: those that each contestant asks for."""
    ablations: bool = True
    """Also those that say what limits the embeddings; they are scored on the development part alone."""
    trained: bool = True
    """Also heads, and networks from scratch, that are trained in every draw."""
    shots: tuple[int, ...] = (20, 100, 500)
    draws: int = 5
    """Of labelled stars."""
    trained_draws: int = 5
    """Of those that are trained in every draw."""
    pool: int = 1000
    """Labelled stars of each class to draw from."""
    tested: int = 150
    """Stars of each class in each part that are scored."""
    cache: Path = RESULTS / "few_shot_cache"
    """Embeddings, by contestant and curves."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/few_shot.json)."""
    picture: Path | None = None
    """Draw the table there (PNG)."""
    more: tuple[Path, ...] = ()
    """Results of `few-shot-scenarios` for the same stars, to print and draw with these."""
    drawn: tuple[str, ...] = ()
    """Contestants in the picture, by name; none: all."""


def main(argv: list[str]) -> int:
    """Runs what is not there yet, prints all, draws."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks few-shot")
    if not options.data:
        raise ConfigError("there are no stars: give prepared asas_acvs and crts_sss with --data")
    curves = read_curves(options.data, options.pool, options.tested)
    kept = options.cache / "training"
    lineup = line_up(options.models, options.embeddings, options.data, options.ablations, options.trained, kept)
    path = options.out or RESULTS / "few_shot.json"
    stars = fingerprint(curves)
    record = _earlier(path, stars)
    record |= {"stars": stars, "counts": _counts(curves), "settings": options, "leaks": lineup.leaks}
    rows: list[dict[str, Any]] = record.setdefault("rows", [])
    done = {_key(row) for row in rows}
    cache = Cache(options.cache)
    for work, run in _all_work(options, lineup, curves, cache):
        if _key(work) in done:
            continue
        begin = time.monotonic()
        rows.append({**work, **run(), "seconds": round(time.monotonic() - begin, 1)})
        write_json("few_shot", record, path)
        print(f"{_key(work)}: {rows[-1]['seconds']} s", file=sys.stderr, flush=True)
    rows = [*rows, *_more(options.more, stars)]
    _print(rows)
    print(f"written to {write_json('few_shot', record, path)}")
    if options.picture:
        from benchmarks.few_shot_picture import draw_scores

        draw_scores(rows, options.picture, options.drawn)
    return 0


def _earlier(path: Path, stars: str) -> dict[str, Any]:
    """What was found before, if it is of the same stars."""
    if not path.exists():
        return {}
    record = json.loads(path.read_text())
    if record.get("stars") != stars:
        raise ConfigError(f"'{path}' is of other stars: choose another --out, or remove it")
    return {name: value for name, value in record.items() if name not in ("benchmark", "machine")}


def _more(paths: Sequence[Path], stars: str) -> list[dict[str, Any]]:
    """Rows of other results.

    Raises:
      ConfigError: they are of other stars.
    """
    found = [(path, row) for path in paths for row in json.loads(path.read_text())["rows"]]
    if odd := [path for path, row in found if row["task"] in ("few_shot", "windows") and row.get("stars") != stars]:
        raise ConfigError(
            f"'{odd[0]}' is of other stars: export and run `few-shot-scenarios` with the same --data, --pool and --tested"
        )
    return [row for _, row in found]


def _key(row: dict[str, Any]) -> tuple:
    return tuple(row[name] for name in ("task", "set", "contestant", "version", "head", "shots", "draws"))


def _counts(curves: Sequence[Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for curve in curves:
        name = f"{curve.survey}, {curve.part}, {curve.label}"
        counts[name] = counts.get(name, 0) + 1
    return counts


Work = tuple[dict[str, Any], Callable[[], dict[str, Any]]]


def _all_work(options: Options, lineup: Lineup, curves: Sequence[Any], cache: Cache) -> Iterator[Work]:
    """One entry for each number of the tables; the cheap contestants come first."""
    there = {curve.survey for curve in curves}
    samples = {survey: tasks.sample_of(curves, survey) for survey in CLASSES if survey in there}
    pieces = {survey: tasks.windows_sample(one) for survey, one in samples.items() if "windows" in options.tasks}
    shared = {
        f"{' + '.join(learned)} -> {asked}": tasks.shared_sample(curves, learned, asked)
        for learned, asked in TRANSFERS
        if "transfer" in options.tasks and {*learned, asked} <= there
    }
    unknown = [name for name in options.only if name not in {one.name for one in lineup.contestants}]
    if unknown:
        raise ConfigError(
            f"there is no contestant '{unknown[0]}': there are {', '.join(c.name for c in lineup.contestants)}"
        )
    for contestant in lineup.contestants:
        if options.only and contestant.name not in options.only:
            continue
        if contestant.fit is not None:
            contestant.fit([curve for curve in curves if curve.part == "train"])
        yield from _work_of(contestant, options, samples, pieces, shared, cache)


def _work_of(
    contestant: Contestant, options: Options, samples: dict, pieces: dict, shared: dict, cache: Cache
) -> Iterator[Work]:
    draws = options.draws if contestant.classify is None else options.trained_draws
    base = {"contestant": contestant.name, "version": contestant.version, "development": contestant.development}

    def entry(task: str, which: str, head: str, shots: int, call: Callable[[], dict], own: int = draws) -> Work:
        work = {"task": task, "set": which, **base, "head": head, "shots": shots, "draws": own}
        return work, lambda: {"scores": {n: _plain(found) for n, found in call().items() if _wanted(n, contestant)}}

    for head in contestant.heads:
        if options.heads and contestant.classify is None and head not in options.heads:
            continue
        for survey, sample in samples.items():
            for shots in options.shots if "few_shot" in options.tasks else ():
                both = (sample, pieces.get(survey) if contestant.windows else None)
                call = lambda b=both, h=head, k=shots: tasks.few_shot(contestant, cache, b[0], h, k, draws, b[1])
                yield entry("few_shot", survey, head, shots, call)
            for shots in options.shots if "windows" in options.tasks and contestant.windows else ():
                both = (sample, pieces[survey])
                call = lambda b=both, h=head, k=shots: tasks.few_shot_windows(contestant, cache, *b, h, k, draws)
                yield entry("windows", survey, head, shots, call)
        for name, sample in shared.items() if not contestant.development else ():
            call = lambda s=sample, h=head: tasks.few_shot(contestant, cache, s, h, 200, draws)
            yield entry("transfer", name, head, 200, call)
    if contestant.classify is not None or contestant.development:
        return
    for survey, sample in samples.items():
        if "unknown_class" in options.tasks:
            call = lambda s=sample: tasks.unknown_class(contestant, cache, s, 200)
            yield entry("unknown_class", survey, "distance", 200, call, 1)
        if "neighbours" in options.tasks:
            call = lambda s=sample: tasks.nearest_precision(contestant, cache, s, 200)
            yield entry("neighbours", survey, "distance", 200, call, 1)


def _wanted(part: str, contestant: Contestant) -> bool:
    """Ablations are never scored on the held-out part."""
    return part == PARTS[0] or not contestant.development


def _plain(found: Any) -> dict[str, Any]:
    """A score, or scores by class."""
    return tasks.summary(found) if isinstance(found, dict) else tasks.summary({"": found})[""]


def _print(rows: Sequence[dict[str, Any]]) -> None:
    """A table for each question and part."""
    for task in dict.fromkeys(row["task"] for row in rows):
        for part in PARTS:
            some = [row for row in rows if row["task"] == task and part in row["scores"]]
            columns = list(dict.fromkeys((row["set"], row["shots"]) for row in some))
            table = []
            for who in dict.fromkeys((row["contestant"], row["head"]) for row in some):
                own = {(r["set"], r["shots"]): r["scores"][part] for r in some if (r["contestant"], r["head"]) == who}
                line = {f"{name} {shots}": tasks.shown(own.get((name, shots))) for name, shots in columns}
                table.append({"contestant": ", ".join(who), **line})
            if table:
                print_table(f"{task}, {part} part", table)
