"""How well are hidden points of held-out stars predicted? Models against rules that need no training.

    python -m benchmarks reconstruction --data D --models W ... [--published W1]

All methods get the same windows (200 points, sequential) and the same hidden half of the points. `--published` adds published
Astromer weights twice: strictly (hidden points show nothing) and as they were shipped, with their leak.
"""

import dataclasses
from pathlib import Path

import numpy as np
import tyro

from benchmarks.harness import print_table, short_names, write_json
from data_pipelines.kinds.light_curves.source import LightCurveSource
from lcjax.configs import WindowConfig
from lcjax.errors import ConfigError
from lcjax.evaluation.baselines import BASELINES
from lcjax.evaluation.reconstruction import SumsByObject, probed_sums, score_groups, within_errors
from lcjax.inference.loaded import Loaded
from lcjax.systems import build_task, find_system
from lcjax.systems.loading import load
from lcjax.systems.masked_pretraining.reconstruction import reconstruct_batches
from lcjax.systems.masked_pretraining.system import PretrainingSystem

ROWS = 64


@dataclasses.dataclass(frozen=True)
class Options:
    """Scores on the test split of prepared data."""

    data: tuple[Path, ...]
    """Prepared datasets."""
    models: tuple[str, ...] = ()
    """Workdirs to compare."""
    published: str | None = None
    """Imported published weights."""
    split: str = "test"
    batches: int | None = None
    """Only the first so many batches of 64 windows."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/reconstruction.json)."""
    picture: Path | None = None
    """Draw the scores there (PNG)."""


def main(argv: list[str]) -> int:
    """Runs the comparison."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks reconstruction")
    source = LightCurveSource(list(options.data), options.split, ROWS, WindowConfig(length=200))
    survey = source.dataset_of_record
    batches = [b for i, b in enumerate(source.evaluation_batches()) if options.batches is None or i < options.batches]
    rows = []
    masks: list[tuple[np.ndarray, np.ndarray]] = []
    for name, loaded in _models(options).items():
        adder = SumsByObject()
        masks = []
        for batch, out in reconstruct_batches(loaded.task, loaded.variables, batches):
            masks.append((out["probed"], out["visible"]))
            _add(adder, source, survey, batch, out["probed"], out["prediction"], out.get("prediction_error"))
        rows += [{"method": name, **row} for row in score_groups(adder.result())]
        print_table(name, _shown(rows, name))
    for name, baseline in BASELINES.items():
        adder = SumsByObject()
        for batch, (probed, visible) in zip(batches, masks, strict=True):
            _add(adder, source, survey, batch, probed, baseline({**batch, "visible": visible}))
        rows += [{"method": name, **row} for row in score_groups(adder.result())]
        print_table(name, _shown(rows, name))
    shown = [r for r in rows if r["stars"] != "long-period"]
    columns = list(dict.fromkeys((r["survey"], r["stars"]) for r in shown))
    methods = list(dict.fromkeys(r["method"] for r in shown))
    find = lambda m, c: next(r for r in shown if r["method"] == m and (r["survey"], r["stars"]) == c)
    for what, title in (("r2", "R2 of hidden points"), ("rmse", "RMSE of hidden points (mag)")):
        table = [{"method": m} | {", ".join(c): str(find(m, c)[what]) for c in columns} for m in methods]
        print_table(f"{title}, 95 % intervals over stars", table)
    print(f"written to {write_json('reconstruction', {'scores': rows, 'settings': options}, options.out)}")
    if options.picture:
        from lcjax.evaluation.figures import score_bars

        score_bars([r for r in shown if not r["method"].endswith("leak")]).savefig(options.picture, dpi=130)
    return 0


def _shown(rows: list[dict], name: str) -> list[dict]:
    keys = ("survey", "stars", "objects", "r2", "rmse", "coverage")
    return [{k: str(r[k]) for k in keys if k in r} for r in rows if r["method"] == name]


def _models(options: Options) -> dict[str, Loaded]:
    models = {short: _hide_half(load(name)) for short, name in short_names(options.models).items()}
    if options.published:
        published = load(options.published)
        models["published, strict"] = _hide_half(_system(published).strictly(published))
        models["published, with its leak"] = _hide_half(published)
    return models


def _system(loaded: Loaded) -> PretrainingSystem:
    system = find_system(loaded.experiment.system)
    if not isinstance(system, PretrainingSystem):
        raise ConfigError(
            f"'{loaded.folder}' is a {system.name}, which reconstructs no light curves: give an Astromer or a positional study"
        )
    return system


def _hide_half(loaded: Loaded) -> Loaded:
    """Half of the points probed, none of them shown or randomised; otherwise as configured."""
    masking = dataclasses.replace(loaded.experiment.masking, probed=0.5, same=0.0, random=0.0)
    experiment = dataclasses.replace(loaded.experiment, masking=masking)
    return loaded.replace(experiment=experiment, task=build_task(experiment))


def _add(
    adder: SumsByObject,
    source: LightCurveSource,
    survey: np.ndarray,
    batch: dict,
    probed: np.ndarray,
    prediction: np.ndarray,
    error: np.ndarray | None = None,
) -> None:
    real = batch["weight"] > 0
    names = (*source.class_names, "")
    sums = probed_sums(batch["magnitude"], prediction, probed)
    inside = () if error is None else (within_errors(batch["magnitude"], prediction, error, probed),)
    group = np.where(real, survey[np.maximum(batch["record"], 0)], "")
    adder.add(batch["object_id"], [names[i] for i in batch["label"]], group, (*sums[:2], sums[2] * real, *inside))
