"""Does contrastive pretraining over modalities help a classifier, by how much, and with how few labels?

    python -m benchmarks astrom3 [--data D] [--seeds 42 0 66 12 123] [--objects 3000]

Every seed splits the stars anew (60/10/30). Encoders are pretrained on all training stars without labels; then classifiers of each
modality and of all are trained from there and from scratch on 100, 50, 25 and 10 % of the labels (classes capped at one number, as
published), the weights of the best validation accuracy are kept and scored on all test stars of the split. Gains are paired by seed, with
95 % intervals of Student's t over the seeds. By default small networks on coarse spectra (20 Angstrom), for two cores. Published accuracies
(arXiv 2411.08842) stand beside; the published subsets have test sets of their own, here all fractions share one. `--published` uses
the published networks and settings of every run, which takes an accelerator.
"""

import dataclasses
import itertools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from scipy import stats

from benchmarks.astrom3_runs import Objects, Trained, accuracy_of, all_objects, standardised, train
from benchmarks.harness import print_table, write_json
from data_pipelines.kinds.multimodal.options import MultimodalOptions
from data_pipelines.kinds.multimodal.subsets import subset
from lcjax.systems.astrom3.config import AstroM3Experiment
from lcjax.systems.astrom3.fitting import shared_variables
from lcjax.systems.astrom3.presets import astrom3, published_experiment
from lcjax.systems.astrom3.published import ACCURACY, FRACTIONS, PRETRAINING, RUNS, SEEDS

MODES = ("photometry", "spectra", "metadata", "all")
PARTS = {"full": "full", "50": "sub50", "25": "sub25", "10": "sub10"}


@dataclasses.dataclass(frozen=True)
class Options:
    """The study."""

    data: Path | None = None
    """A prepared dataset; default: simulated stars, prepared beside the results."""
    objects: int = 3000
    """Of the simulated stars."""
    seeds: tuple[int, ...] = SEEDS
    """Of splits and networks."""
    modes: tuple[str, ...] = MODES
    fractions: tuple[str, ...] = FRACTIONS
    points: int = 64
    """Of a light curve that the small networks see at a time."""
    spectrum_step: float = 20.0
    """Of the simulated spectra, Angstrom; published: 2."""
    pretraining_steps: int = 600
    classifier_steps: int = 200
    batch_size: int = 64
    learning_rate: float = 5e-3
    """Highest, of the small networks."""
    published: bool = False
    """The published networks and settings, in epochs, instead of small ones."""
    work: Path = Path("lcjax-runs/astrom3-study")
    join: tuple[Path, ...] = ()
    """JSON files of earlier runs of the same study: their seeds are not run again."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/astrom3.json)."""


def main(argv: list[str]) -> int:
    """Runs the study and prints its tables."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks astrom3")
    rows: list[dict[str, Any]] = [row for path in options.join for row in json.loads(path.read_text())["runs"]]
    seeds = [seed for seed in options.seeds if seed not in {row["seed"] for row in rows}]
    objects = all_objects(options.data or simulated(options)) if seeds else None
    for seed in seeds:
        parts = standardised(split(objects, seed))
        began = time.monotonic()
        pretrained = train(small(options), parts, seed, options.pretraining_steps, options.batch_size)
        print(f"seed {seed}: pretrained in {time.monotonic() - began:.0f} s, {pretrained.said}", flush=True)
        for mode, fraction, clip in itertools.product(options.modes, options.fractions, (False, True)):
            score = _classifier(options, parts, seed, mode, fraction, pretrained if clip else None)
            rows.append({"seed": seed, "mode": mode, "fraction": fraction, "pretrained": clip, **score})
            print(f"  {mode} {fraction} {'clip' if clip else 'scratch'}: {score['accuracy']:.3f}", flush=True)
        _write(options, rows)
    _write(options, rows)
    print_table("Test accuracy, %, mean and standard deviation over seeds", table(rows))
    return 0


def _write(options: Options, rows: list[dict[str, Any]]) -> None:
    write_json("astrom3", {"options": dataclasses.asdict(options), "runs": rows, "table": table(rows)}, options.out)


def split(objects: Objects, seed: int) -> dict[str, Objects]:
    """All objects shuffled with the seed and cut at 60 and 70 %."""
    order = np.random.default_rng(seed).permutation(len(objects))
    first, second = round(0.6 * len(order)), round(0.7 * len(order))
    cuts = {"train": order[:first], "validation": order[first:second], "test": order[second:]}
    return {name: objects.take(rows) for name, rows in cuts.items()}


def simulated(options: Options) -> Path:
    """Stars of the default study, prepared once."""
    from data_pipelines.prepare import prepare
    from data_pipelines.shards.manifest import MANIFEST

    out = options.work / f"data-{options.objects}-{options.spectrum_step:g}"
    if not any(out.glob(f"*/*/{MANIFEST}")):
        grid = MultimodalOptions(spectrum_grid=(3850.0, 9000.0, options.spectrum_step))
        prepare("simulated_multimodal", sources=[], out=out, n_objects=options.objects, multimodal=grid)
    return out


def small(options: Options) -> AstroM3Experiment:
    """The pretraining: small networks, or the published ones."""
    if options.published:
        return published_experiment(PRETRAINING, "contrastive", 100)
    base = astrom3()
    photometry = dataclasses.replace(base.model.photometry, length=options.points, width=32, hidden=64, layers=1)
    spectra = dataclasses.replace(base.model.spectra, channels=(3, 16, 32, 32))
    metadata = dataclasses.replace(base.model.metadata, hidden=64)
    model = dataclasses.replace(base.model, photometry=photometry, spectra=spectra, metadata=metadata, dim=64)
    optimizer = dataclasses.replace(base.optimizer, learning_rate=options.learning_rate)
    return dataclasses.replace(base, model=model, optimizer=optimizer)


def _classifier(
    options: Options, parts: dict[str, Objects], seed: int, mode: str, fraction: str, start: Trained | None
) -> dict[str, float]:
    if options.published:
        run = next(r for r in RUNS if (r.mode, r.fraction, r.pretrained) == (mode, fraction, start is not None))
        experiment = published_experiment(run, "classifier", 50)
    else:
        base = small(options)
        modalities = base.model.modalities if mode == "all" else (mode,)
        model = dataclasses.replace(base.model, head="classifier", modalities=modalities)
        experiment = dataclasses.replace(base, model=model)
    labels = {str(i): str(k) if k >= 0 else None for i, k in enumerate(parts["train"].label)}
    kept = np.array(sorted(int(i) for i in subset(labels, PARTS[fraction], seed)))
    given = None if start is None else (lambda task: shared_variables(task, start.variables))
    trained = train(experiment, parts, seed, options.classifier_steps, options.batch_size, given, kept)
    return {"labels": len(kept), **accuracy_of(trained, parts["test"])}


def table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean and standard deviation over the seeds for every mode and fraction, published values beside those on all data."""
    shown = []
    seen = dict.fromkeys((r["mode"], r["fraction"]) for r in rows)
    for mode, fraction in seen:
        own = [r for r in rows if (r["mode"], r["fraction"]) == (mode, fraction)]
        line: dict[str, Any] = {"mode": mode, "data": fraction, "labels": own[0]["labels"]}
        for clip, name in ((False, "scratch"), (True, "pretrained")):
            values = [100 * r["accuracy"] for r in own if r["pretrained"] == clip]
            line[name] = f"{np.mean(values):.1f} ± {np.std(values):.1f}"
            balanced = [100 * r["balanced_accuracy"] for r in own if r["pretrained"] == clip]
            line[f"{name}, mean recall"] = f"{np.mean(balanced):.1f}"
        paired = _gains(own)
        line["gain [95 %]"] = student(paired)
        published = [ACCURACY[mode, clip] for clip in (False, True)]
        line["published"] = " → ".join(f"{m:.1f}" for m, _ in published) if fraction == "full" else "-"
        shown.append(line)
    return shown


def student(values: list[float]) -> str:
    """Mean and its 95 % interval by Student's t; the mean alone of one value.

    >>> student([1.0, 2.0, 3.0])
    '+2.0 [-0.5, +4.5]'
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return f"{mean:+.1f}"
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{mean:+.1f} [{mean - half:+.1f}, {mean + half:+.1f}]"


def _gains(rows: list[dict[str, Any]]) -> list[float]:
    """Per cent gained by pretraining, seed by seed."""
    by = {(r["seed"], r["pretrained"]): 100 * r["accuracy"] for r in rows}
    return [by[seed, True] - by[seed, False] for seed in dict.fromkeys(r["seed"] for r in rows)]
