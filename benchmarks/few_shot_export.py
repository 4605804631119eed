"""Writes the arrays of the few-shot benchmark: the stars and draws of prepared data, and encoders (`few_shot_scenarios --export`)."""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.few_shot import TRANSFERS
from benchmarks.few_shot_arrays import PARTS, SERIES, STARS, TRANSFER, VIEWS
from benchmarks.few_shot_left_out import is_left_out, left_out_samples
from benchmarks.few_shot_methods import write_encoder
from benchmarks.few_shot_stars import CLASSES, WINDOW, Curve, fingerprint, padded_windows, read_curves, windows_of
from benchmarks.few_shot_tasks import Sample, sample_of, shared_sample
from benchmarks.few_shot_trained import held_stars
from benchmarks.harness import short_names
from lcjax.errors import ConfigError
from lcjax.evaluation.probe import draw
from lcjax.inference.loaded import Loaded
from lcjax.systems.loading import load

TRANSFER_SHOTS = 200


def export(options: argparse.Namespace) -> int:
    """Windows of all stars, every encoder, and for encoders that read views those of their own windows."""
    if not options.data:
        raise ConfigError("there are no stars: give prepared asas_acvs and crts_sss with --data")
    folder = options.export
    curves = read_curves(options.data, options.pool, options.tested)
    if options.transfer:
        write(folder / TRANSFER, curves, transfers(curves), options.draws)
        return _say(folder)
    asked = surveys(curves, options.shots)
    write(folder / STARS, curves, asked | left_out_samples(curves), options.draws)
    for short, name in short_names(options.models).items():
        loaded = load(name)
        write_encoder(folder / f"{short}.npz", loaded)
        if (views := views_of_windows(loaded)) is not None:
            write(folder / f"{short}-{VIEWS}", curves, asked, options.draws, loaded.experiment.window.length, views)
    return _say(folder)


def _say(folder: Path) -> int:
    for path in sorted(folder.glob("*.npz")):
        print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")
    return 0


def views_of_windows(loaded: Loaded) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]] | None:
    """(windows) -> the views that are all this encoder reads of them, as it takes them in a batch; None: it reads points."""
    from lcjax.systems.base_encoder.config import BaseEncoderExperiment
    from lcjax.systems.base_encoder.parts import packed, views_of

    own = loaded.experiment
    if not isinstance(own, BaseEncoderExperiment) or own.model.encoder.tokens.points:
        return None
    views = views_of(own)
    run = jax.jit(lambda batch: packed(views(batch)))
    return lambda batch: {name: np.asarray(x) for name, x in run(batch).items()}


def draws_of(sample: Sample, shots: int, draws: int) -> list[np.ndarray]:
    """Rows of the labelled stars of every draw; one draw where there are no more stars than are asked for."""
    rows = [draw(sample.label, sample.pool, shots, seed) for seed in range(draws)]
    return rows[:1] if all(set(one) == set(rows[0]) for one in rows) else rows


Asked = dict[str, tuple[Sample, tuple[int, ...]]]
"""Question -> its stars and numbers of labels."""


def surveys(curves: Sequence[Curve], shots: Sequence[int]) -> Asked:
    """Each survey by itself."""
    there = {curve.survey for curve in curves}
    return {survey: (sample_of(curves, survey), tuple(shots)) for survey in CLASSES if survey in there}


def transfers(curves: Sequence[Curve]) -> Asked:
    """One survey by others.

    Raises:
      ConfigError: there are no two of them.
    """
    there = {curve.survey for curve in curves}
    some = [(learned, asked) for learned, asked in TRANSFERS if {*learned, asked} <= there]
    if not some:
        raise ConfigError(
            "there is no survey to carry over to: give prepared asas_acvs, crts_sss and debosscher with --data"
        )
    name = lambda learned, asked: f"{' + '.join(learned)} -> {asked}"
    return {name(*pair): (shared_sample(curves, *pair), (TRANSFER_SHOTS,)) for pair in some}


def write(
    path: Path,
    curves: Sequence[Curve],
    asked: Asked,
    draws: int,
    length: int = WINDOW,
    views: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]] | None = None,
) -> None:
    """Writes windows of at most `length` points of all light curves of the questions.

    Args:
      views: what is stored in place of the points of windows (`padded_windows`), some hundreds at a time.
    """
    many = lambda name: 1 if is_left_out(name) else draws
    drawn = {(n, k): draws_of(sample, k, many(n)) for n, (sample, shots) in asked.items() for k in shots}
    rows_used = lambda name, sample, shots: np.concatenate([sample.tested, *(r for k in shots for r in drawn[name, k])])
    used = {id(own[0].curves[i]) for name, own in asked.items() for i in rows_used(name, *own)}
    some = [curve for curve in curves if id(curve) in used]
    number = {id(curve): i for i, curve in enumerate(some)}
    cut = [windows_of([curve], length) for curve in some]
    begin = np.concatenate([[0], np.cumsum([len(pieces) for pieces in cut])])
    flat = [piece for pieces in cut for piece in pieces]
    stored: dict[str, Any] = {
        "count": np.array([len(piece.mjd) for piece in flat], np.int32),
        "curve": np.repeat(np.arange(len(some)), np.diff(begin)).astype(np.int32),
        "objects": np.array([f"{curve.survey}\t{curve.object_id}" for curve in some]),
        "part": np.array([PARTS.index(curve.part) for curve in some], np.int8),
    }
    for name in SERIES if views is None else ():
        stored[name] = np.concatenate([padded_windows([piece], len(piece.mjd))[name][0] for piece in flat])
    if views is not None:
        parts = [views(padded_windows(flat[a : a + 512], length)) for a in range(0, len(flat), 512)]
        stored |= {f"views/{name}": np.concatenate([part[name] for part in parts]) for name in parts[0]}
    rows_of = lambda at: np.concatenate([np.zeros(0, int), *(np.arange(begin[i], begin[i + 1]) for i in at)])
    told = []
    for name, (sample, shots) in asked.items():
        place = np.array([number.get(id(curve), -1) for curve in sample.curves])
        label = np.full(len(some), -1, np.int16)
        label[place[place >= 0]] = sample.label[place >= 0]
        stored[f"label/{name}"] = label
        for count in shots:
            for seed, rows in enumerate(drawn[name, count]):
                held = held_stars([sample.curves[i] for i in rows], sample.label[rows], seed)
                key = f"{len(told)}"
                stored[f"learn/{key}"] = rows_of(place[rows[~held]]).astype(np.int32)
                stored[f"held/{key}"] = rows_of(place[rows[held]]).astype(np.int32)
                told.append([name, count, seed])
    classes = {name: sample.class_names for name, (sample, _) in asked.items()}
    record = {"stars": fingerprint(curves), "length": length, "classes": classes, "runs": told}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, record=np.array(json.dumps(record)), **stored)
