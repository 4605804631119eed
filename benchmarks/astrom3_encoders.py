"""The dense photometry encoder beside the published one (Informer), same widths: parameters, test accuracy over seeds, CPU time of a step.

    python -m benchmarks astrom3_encoders [--data D ...] [--seeds 42 0 66 12 123]

Classifiers of the light curve alone, from scratch, by the splits and the training of `benchmarks astrom3`. `--data`: prepared datasets; none:
simulated stars. Differences are paired by seed, with 95 % intervals of Student's t.
"""

import dataclasses
import time
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
import tyro

from benchmarks.astrom3 import Options as StudyOptions
from benchmarks.astrom3 import simulated, small, split, student
from benchmarks.astrom3_runs import Objects, accuracy_of, all_objects, standardised, train
from benchmarks.harness import print_table, write_json
from lcjax.systems.astrom3.config import AstroM3Experiment

ENCODERS = ("dense", "informer")


@dataclasses.dataclass(frozen=True)
class Options:
    """What is compared."""

    data: tuple[Path, ...] = ()
    """Prepared datasets; none: simulated stars."""
    seeds: tuple[int, ...] = (42, 0, 66, 12, 123)
    objects: int = 3000
    """Of the simulated stars."""
    points: int = 64
    """Of a light curve that a network sees at a time."""
    layers: int = 2
    steps: int = 400
    batch_size: int = 64
    work: Path = Path("lcjax-runs/astrom3-study")
    out: Path | None = None
    """JSON file (default: benchmarks/results/astrom3_encoders.json)."""


def main(argv: list[str]) -> int:
    """Trains all and prints a table."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks astrom3_encoders")
    study = StudyOptions(objects=options.objects, points=options.points, work=options.work)
    runs: list[dict[str, Any]] = []
    for data in options.data or (simulated(study),):
        objects = with_light_curves(all_objects(data))
        for seed in options.seeds:
            parts = standardised(split(objects, seed))
            for encoder in ENCODERS:
                runs.append({"data": data.name, "seed": seed, **run(options, study, parts, seed, encoder)})
                print(f"{data.name} seed {seed} {encoder}: {runs[-1]['accuracy']:.3f}", flush=True)
        write_json("astrom3_encoders", {"options": options, "runs": runs, "table": table(runs)}, options.out)
    print_table("Classes by the light curve alone, test accuracy, %", table(runs))
    return 0


def with_light_curves(objects: Objects) -> Objects:
    """Labelled objects that have a light curve."""
    return objects.take(np.flatnonzero(objects.arrays["mask"].any(axis=1) & (objects.label >= 0)))


def experiment_of(options: Options, study: StudyOptions, encoder: Literal["dense", "informer"]) -> AstroM3Experiment:
    """A classifier of light curves with an encoder."""
    base = small(study)
    photometry = dataclasses.replace(base.model.photometry, encoder=encoder, layers=options.layers)
    model = dataclasses.replace(base.model, photometry=photometry, modalities=("photometry",), head="classifier")
    return dataclasses.replace(base, model=model)


def run(options: Options, study: StudyOptions, parts: dict[str, Objects], seed: int, encoder: str) -> dict[str, Any]:
    """One classifier, trained and scored."""
    began = time.process_time()
    trained = train(experiment_of(options, study, encoder), parts, seed, options.steps, options.batch_size)  # type: ignore[arg-type]
    took = time.process_time() - began
    count = sum(int(np.size(x)) for x in jax.tree.leaves(trained.variables["params"]))
    tested = len(parts["test"])
    return {
        "encoder": encoder,
        "parameters": count,
        "cpu_seconds": took,
        "tested": tested,
        **accuracy_of(trained, parts["test"]),
    }


def table(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over seeds for every dataset and encoder, and what the dense one gains."""
    rows = []
    for data in dict.fromkeys(r["data"] for r in runs):
        found = {e: [r for r in runs if r["data"] == data and r["encoder"] == e] for e in ENCODERS}
        gains = [100 * (a["accuracy"] - b["accuracy"]) for a, b in zip(*(found[e] for e in ENCODERS), strict=False)]
        for encoder, own in found.items():
            if not own:
                continue
            accuracy, recall = (np.array([100 * r[k] for r in own]) for k in ("accuracy", "balanced_accuracy"))
            rows.append(
                {
                    "data": data,
                    "encoder": encoder,
                    "parameters": f"{own[0]['parameters']:,}",
                    "tested": own[0]["tested"],
                    "accuracy": f"{accuracy.mean():.1f} ± {accuracy.std():.1f}",
                    "mean recall": f"{recall.mean():.1f} ± {recall.std():.1f}",
                    "CPU s (least)": round(min(r["cpu_seconds"] for r in own), 1),
                    "gain of dense [95 %]": student(gains) if encoder == "dense" and gains else "",
                }
            )
    return rows
