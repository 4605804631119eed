"""Does it matter how a light-curve encoder is told the time? All variants, one survey to another, several seeds.

    python -m benchmarks positional --home CRTS --away ASAS --seeds 5 --runs RUNS

Every variant of `lcjax.models.positional_config.VARIANTS` is trained from every seed on the same windows and masks, scored on
hidden points of both surveys, fine-tuned a little on the other, and probed with few labels. Each run is a file in `--runs`:
what is there is not run again, so that the study can be interrupted and continued, or given more seeds. Needs scipy and scikit-learn
(`pip install 'lcjax[classic]'`).
"""

import dataclasses
import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tyro

from benchmarks.harness import print_table, write_json
from benchmarks.positional_files import finished, keep, run_file
from benchmarks.positional_runs import StudySettings, Survey, Variant, run
from benchmarks.positional_scores import SCORES, pairs_apart, sentence, summary
from data_pipelines.shards.manifest import find_datasets, read_manifest
from lcjax.errors import ConfigError
from lcjax.models.positional_config import VARIANTS

BASELINE = "fixed"


@dataclass(frozen=True)
class Options:
    """The study on two prepared surveys."""

    home: Path
    """Prepared dataset to train on."""
    away: Path
    """Prepared dataset to transfer to; with classes."""
    runs: Path
    """Folder of finished runs."""
    seeds: int = 5
    """Runs of every variant."""
    variants: tuple[str, ...] = tuple(VARIANTS)
    """Of the switch `positional`."""
    minutes: float | None = None
    """No run is begun after so many; None: all are."""
    study: StudySettings = field(default_factory=StudySettings)
    out: Path | None = None
    """JSON file (default: benchmarks/results/positional.json)."""
    picture: Path | None = None
    """Draw the differences there (PNG)."""


def main(argv: list[str]) -> int:
    """Runs what is not there yet, prints the table, says what it tells apart."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks positional")
    if unknown := sorted(set(options.variants) - set(VARIANTS)):
        raise ConfigError(f"there is no variant '{unknown[0]}': there are {', '.join(VARIANTS)}")
    if options.study.steps % options.study.fused or options.study.fine_tuning % options.study.fused:
        raise ConfigError(f"steps and fine-tuning must be multiples of the {options.study.fused} updates of a call")
    folder = options.runs / run_key(options)
    complete(options, folder)
    runs = finished(folder, options.variants)
    if BASELINE not in runs:
        raise ConfigError(
            f"there is no finished run of the baseline '{BASELINE}' in '{folder}': nothing to compare with"
        )
    rows = summary(runs, BASELINE)
    print_table(f"{options.study.steps} updates on {options.home.name}, transfer to {options.away.name}", shown(rows))
    said = [sentence(rows, column, BASELINE) for column in SCORES]
    for column, path in SCORES.items():
        apart, pairs = pairs_apart(runs, path)
        told = ", ".join(f"{better} over {worse}" for better, worse in apart) or "none"
        said.append(f"{column}, all {pairs} pairs counted, told apart: {told}")
    print("\n".join(said))
    record = {"rows": rows, "said": said, "runs": runs, "settings": options}
    print(f"written to {write_json('positional', record, options.out)}")
    if options.picture:
        from benchmarks.positional_picture import draw

        draw(rows, BASELINE, options.picture)
    return 0


def run_key(options: Options) -> str:
    """Names the folder of runs that can be compared: same settings, same data."""
    prints = [read_manifest(folder).sha256 for folder in find_datasets([options.home, options.away])]
    told = json.dumps([dataclasses.asdict(options.study), prints], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def complete(options: Options, folder: Path) -> None:
    """Runs what is not there, all variants of a seed before the next seed."""
    begin = time.monotonic()
    late = lambda: options.minutes is not None and time.monotonic() - begin > 60 * options.minutes
    missing = {s: [v for v in options.variants if not run_file(folder, v, s).exists()] for s in range(options.seeds)}
    if not any(missing.values()) or late():
        return
    home, away = Survey(options.home, options.study), Survey(options.away, options.study)
    compiled: dict[str, Variant] = {}
    for seed, names in missing.items():
        if not names or late():
            continue
        batches = list(home.training(seed, options.study.steps))
        fine = list(away.training(seed, options.study.fine_tuning))
        for name in names:
            if late():
                return
            if run_file(folder, name, seed).exists():  # another process was here meanwhile
                continue
            if name not in compiled:
                compiled[name] = Variant(name, options.study)
            record = run(compiled[name], home, away, seed, batches, fine)
            keep(folder, name, record)
            print(
                f"seed {seed}, {name}: R2 {record['home']['r2']:.3f}, transfer {record['away']['r2']:.3f}", flush=True
            )


def shown(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows for the printed table: differences with intervals, a star where they are beyond chance."""
    table = []
    for row in rows:
        cells = {"variant": row["variant"], "seeds": row["seeds"]}
        for column in SCORES:
            cells[column] = f"{row[column]:.3f}"
            found = row.get(f"{column} difference")
            cells[f"Δ {column}"] = "" if found is None else f"{found}{' *' if row[f'{column} apart'] else ''}"
        table.append(cells | {"updates/s": f"{row['updates_per_second']:.0f}", "parameters": row["parameters"]})
    return table
