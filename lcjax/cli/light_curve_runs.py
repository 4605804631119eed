"""Training and evaluation on light curves; see `lcjax.cli.data_kinds` for what such a module offers."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lcjax.configs import Experiment
from lcjax.systems.astromer.evaluation import evaluate_and_report as evaluate_and_report
from lcjax.systems.astromer.evaluation import evaluate_held_out, print_scores, save_scores, write_report
from lcjax.systems.loading import Loaded


def open_source(experiment: Experiment, data: Sequence[Path], split: str, reader: str = "auto", **more: Any) -> Any:
    """Source of one split; `more` goes to `LightCurveSource`."""
    from data_pipelines.kinds.light_curves.source import LightCurveSource

    return LightCurveSource(
        data,
        split,
        experiment.training.batch_size,
        experiment.window,
        seed=experiment.training.seed,
        reader=reader,
        **more,
    )


def adapt(experiment: Experiment, source: Any) -> Experiment:
    """Light curves change no setting."""
    del source
    return experiment


def can_score(source: Any) -> bool:
    """Masked pretraining scores itself; labels are not needed."""
    del source
    return True


def describe_data(source: Any) -> dict[str, Any]:
    """Objects, points and classes."""
    return {"objects": source.n_objects, "points": source.n_points, "class_names": list(source.class_names)}


def evaluate(loaded: Loaded, data: Sequence[Path], options: Any) -> None:
    """Reconstruction of hidden points on held-out stars, printed and written where the options ask."""
    from lcjax.evaluation.reconstruction import score_groups

    if options.strict:
        loaded = strictly(loaded)
    held_out = evaluate_held_out(loaded, data, options.split)
    rows = score_groups(held_out.sums)
    print_scores(rows)
    if options.json:
        save_scores(options.json, rows)
    if options.report:
        print(write_report(options.report, loaded, held_out, rows, model=options.model))


def strictly(loaded: Loaded) -> Loaded:
    """The same weights as a strict network: no token, no look at hidden points."""
    from lcjax.systems import build_task

    experiment: Any = loaded.experiment
    token = "mask_token" in loaded.variables["params"]
    model = dataclasses.replace(experiment.model, parity=False, mask_token=token)
    experiment = dataclasses.replace(experiment, model=model)
    return loaded._replace(experiment=experiment, task=build_task(experiment))


def what_next(preset: str, workdir: Path) -> str:
    """Commands to try after training."""
    return f"""
  lcjax evaluate {workdir}                              scores with intervals
  lcjax predict {workdir} YOUR.parquet --out emb.parquet    embeddings of your own stars
  lcjax data prepare light_curve_files --source YOUR.parquet --out D && lcjax train {preset} --data D --workdir W
  lcjax presets                                         published configurations"""
