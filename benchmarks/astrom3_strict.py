"""The preset `astrom3` beside the published network at equal budget: who finds an object's partner in another modality, held out.

    python -m benchmarks astrom3_strict [--data D] [--seeds 42 0] [--updates 200]

Contrastive pretraining over light curve, spectrum and catalogue numbers from random weights, by the splits of `benchmarks astrom3`. Every network
makes the same number of updates of the same batches; `strict, equal CPU` goes on until it has spent the CPU seconds of the published one. The weights
of the best validation accuracy are scored: an object's own partner among all held-out objects, mean of the six ordered pairs of modalities, and
classes by the nearest centre of its class. Reduced in what is fed (64 points, spectra by 20 Angstrom) and in updates, not in the networks: the
published one has its widths, initial scale and optimizer, but a warm-up of a tenth of the updates, since its own takes ten passes and its
plateau more of them than there are here. `published, trained as strict` is the same network with the optimizer and initial scale of
the preset, `informer` the preset with the published photometry encoder at its widths. Differences are paired by seed.
"""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro

from benchmarks.astrom3 import Options as StudyOptions
from benchmarks.astrom3 import simulated, split, student
from benchmarks.astrom3_runs import Objects, Trained, all_objects, batches, standardised, train
from benchmarks.harness import print_table, write_json
from lcjax.configs import OptimizerConfig
from lcjax.systems.astrom3.config import AstroM3Experiment
from lcjax.systems.astrom3.evaluation import centre_accuracy, retrieval
from lcjax.systems.astrom3.presets import astrom3, astrom3_published

EQUAL = "strict, equal CPU"
STRICT, INFORMER, PUBLISHED, RETRAINED = "strict", "informer", "published", "published, trained as strict"
NETWORKS = (STRICT, INFORMER, PUBLISHED, RETRAINED, EQUAL)


@dataclasses.dataclass(frozen=True)
class Options:
    """What is compared."""

    data: Path | None = None
    """A prepared dataset; none: simulated stars."""
    objects: int = 3000
    """Of the simulated stars."""
    seeds: tuple[int, ...] = (42, 0)
    networks: tuple[str, ...] = NETWORKS
    """In this order: `strict, equal CPU` needs the two before it, of this call or of `--join`."""
    points: int = 64
    """Of a light curve that a network sees at a time; published: 200."""
    updates: int = 200
    batch_size: int = 64
    """Published: 512."""
    most: int = 8
    """Times the updates that `strict, equal CPU` may make."""
    work: Path = Path("lcjax-runs/astrom3-study")
    join: tuple[Path, ...] = ()
    """JSON files of earlier runs: what they hold is not run again."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/astrom3_strict.json)."""


def main(argv: list[str]) -> int:
    """Trains all and prints a table."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks astrom3_strict")
    runs: list[dict[str, Any]] = [row for path in options.join for row in json.loads(path.read_text())["runs"]]
    done = {(row["seed"], row["network"]) for row in runs}
    wanted = [(seed, name) for seed in options.seeds for name in options.networks if (seed, name) not in done]
    study = StudyOptions(objects=options.objects, work=options.work)
    objects = all_objects(options.data or simulated(study)) if wanted else None
    for seed, name in wanted:
        experiment, updates = contestants(options)[STRICT if name == EQUAL else name], options.updates
        if name == EQUAL:
            spent = {row["network"]: row["CPU s"] for row in runs if row["seed"] == seed}
            more = spent[PUBLISHED] / spent[STRICT] * options.updates
            updates = int(np.clip(more, options.updates, options.most * options.updates))
        found = run(options, experiment, standardised(split(objects, seed)), seed, updates)
        print(f"seed {seed} {name}: {found}", flush=True)
        runs.append({"network": name, "seed": seed, **found})
        write_json("astrom3_strict", {"options": options, "runs": runs, "table": table(runs)}, options.out)
    print_table("Contrast between three modalities, held-out objects, %", table(runs))
    return 0


def contestants(options: Options) -> dict[str, AstroM3Experiment]:
    """Network -> experiment."""
    warm = max(options.updates // 10, 1)
    strict, published = astrom3(), astrom3_published()
    rate: OptimizerConfig = dataclasses.replace(published.optimizer, warmup_steps=warm)
    published = dataclasses.replace(
        published,
        optimizer=rate,
        plateau=dataclasses.replace(published.plateau, factor=1.0),
        objective=dataclasses.replace(published.objective, epochs=None),
    )
    strict = dataclasses.replace(strict, optimizer=dataclasses.replace(strict.optimizer, warmup_steps=warm))
    scale = dataclasses.replace(published.model, initial_scale=strict.model.initial_scale)
    informer = dataclasses.replace(strict.model.photometry, encoder="informer")
    found = {
        STRICT: strict,
        INFORMER: dataclasses.replace(strict, model=dataclasses.replace(strict.model, photometry=informer)),
        PUBLISHED: published,
        RETRAINED: dataclasses.replace(published, model=scale, optimizer=strict.optimizer),
    }
    return {name: _shorter(experiment, options.points) for name, experiment in found.items()}


def _shorter(experiment: AstroM3Experiment, points: int) -> AstroM3Experiment:
    """The same on so many points of a light curve."""
    photometry = dataclasses.replace(experiment.model.photometry, length=points)
    model = dataclasses.replace(experiment.model, photometry=photometry)
    return dataclasses.replace(experiment, model=model)


def run(
    options: Options, experiment: AstroM3Experiment, parts: dict[str, Objects], seed: int, updates: int
) -> dict[str, Any]:
    """One network, trained and scored."""
    trained = train(experiment, parts, seed, updates, options.batch_size)
    count = sum(int(np.size(x)) for x in jax.tree.leaves(trained.variables["params"]))
    return {"parameters": count, "updates": updates, "CPU s": trained.cpu_seconds, **scores(trained, parts["test"])}


def scores(trained: Trained, objects: Objects) -> dict[str, float]:
    """Shares of partners found first and among ten, mean of all ordered pairs, and of classes told by their centres."""
    predict = functools.partial(trained.made.predict, trained.variables)
    parts: dict[str, list[np.ndarray]] = {}
    for batch in batches(objects):
        rows = batch["weight"] > 0
        for name, value in (jax.device_get(predict(batch)) | {"label": batch["label"]}).items():
            parts.setdefault(name, []).append(np.asarray(value)[rows])
    answers = {name: np.concatenate(values) for name, values in parts.items()}
    names = tuple(name.removeprefix("has_") for name in answers if name.startswith("has_"))
    found = retrieval(answers, names)
    mean = lambda k: float(np.mean([row["found"][k].value for row in found]))
    chance = float(np.mean([row["chance"][10] for row in found]))
    centre = centre_accuracy(answers["embedding"], answers["label"])
    return {"first": mean(1), "ten": mean(10), "chance of ten": chance, "classes": centre, "tested": len(objects)}


def table(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over seeds, and what each differs from the published network."""
    rows = []
    for name in dict.fromkeys(r["network"] for r in runs):
        own = [r for r in runs if r["network"] == name]
        other = {r["seed"]: r for r in runs if r["network"] == PUBLISHED}
        gains = [100 * (r["ten"] - other[r["seed"]]["ten"]) for r in own if r["seed"] in other]
        percent = lambda key, own=own: (
            f"{100 * np.mean([r[key] for r in own]):.1f} ± {100 * np.std([r[key] for r in own]):.1f}"
        )
        rows.append(
            {
                "network": name,
                "parameters": f"{own[0]['parameters']:,}",
                "updates": "/".join(str(r["updates"]) for r in own),
                "CPU s": round(float(np.mean([r["CPU s"] for r in own]))),
                "partner first": percent("first"),
                "among ten": percent("ten"),
                "ten, less published [95 %]": "" if name == PUBLISHED else student(gains) if gains else "",
                "class by centre": percent("classes"),
            }
        )
    return rows
