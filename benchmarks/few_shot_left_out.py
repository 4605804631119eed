"""Embeddings of networks from scratch: is a class that they never saw told apart, and are neighbours of one class?

As `unknown_class` and `neighbours` of the few-shot benchmark, but a network has to be trained once more for each class that is left
out. The embedding is what its last layers classify.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.few_shot_arrays import Arrays
from benchmarks.few_shot_stars import CLASSES, Curve
from benchmarks.few_shot_tasks import NEIGHBOURS, Sample, area, class_mean, near, sample_of, summary
from lcjax.evaluation.probe import draw

ALL = "none"
_BETWEEN = ", left out: "
_SHOTS = (200,)
_PARTS = ((1, "development"), (2, "held out"))


def left_out_samples(curves: Sequence[Curve]) -> dict[str, tuple[Sample, tuple[int, ...]]]:
    """Question -> stars and numbers of labels: for each survey all classes, and all but one, whose number is the last then."""
    found = {}
    for survey in (name for name in CLASSES if any(curve.survey == name for curve in curves)):
        sample = sample_of(curves, survey)
        found[f"{survey}{_BETWEEN}{ALL}"] = (sample, _SHOTS)
        drawn = np.isin(np.arange(len(sample.label)), draw(sample.label, sample.pool, *_SHOTS, 0))
        for number, name in enumerate(sample.class_names):
            known = (sample.part != "train") | (drawn & (sample.label != number))
            moved = np.where(
                sample.label == number, len(sample.class_names) - 1, sample.label - (sample.label > number)
            )
            names = (*(one for one in sample.class_names if one != name), name)
            some = tuple(curve for curve, own in zip(sample.curves, known, strict=True) if own)
            found[f"{survey}{_BETWEEN}{name}"] = (Sample(some, names, moved[known]), _SHOTS)
    return found


def is_left_out(question: str) -> bool:
    """Whether a question is one of these."""
    return _BETWEEN in question


def left_out_rows(arrays: Arrays, names: Sequence[str], contestant: str, embedding: Sequence[np.ndarray]) -> list[dict]:
    """Rows of the few-shot benchmark.

    Args:
      names: questions. embedding: of each, (W, D) of all windows; NaN where there is none.
    """
    areas: dict[str, dict[str, dict[str, Any]]] = {}
    out = []
    for question, table in zip(names, embedding, strict=True):
        survey, name = question.split(_BETWEEN)
        run = arrays.of(question)[0]
        known = np.unique(arrays.curve[np.concatenate([run.learn, run.held])])
        asked = np.unique(arrays.curve[arrays.asked(question)])
        star, label = pooled(arrays, table), arrays.label[question]
        row = {"task": "neighbours", "set": survey, "contestant": contestant, "version": "", "head": "distance"}
        row |= {"shots": _SHOTS[0], "draws": 1, "development": False}
        if name == ALL:
            right = (label[near(star, known, asked, NEIGHBOURS)[1]] == label[asked][:, None]).mean(1)
            classes = len(arrays.classes[question])
            at = {part: arrays.part[asked] == number for number, part in _PARTS}
            found = {part: class_mean(right[own], label[asked][own], classes) for part, own in at.items() if own.any()}
            out.append({**row, "scores": {part: summary({"": one})[""] for part, one in found.items()}})
            continue
        distance = near(star, known, asked, 5)[0].mean(1)
        for number, part in _PARTS:
            own = arrays.part[asked] == number
            unknown = label[asked][own] == len(arrays.classes[question]) - 1
            if unknown.any():
                areas.setdefault(survey, {}).setdefault(part, {})[name] = area(distance[own], unknown)
    for survey, parts in areas.items():
        row = {"task": "unknown_class", "set": survey, "contestant": contestant, "version": "", "head": "distance"}
        scores = {part: summary(found) for part, found in parts.items()}
        out.append({**row, "shots": _SHOTS[0], "draws": 1, "development": False, "scores": scores})
    return out


def pooled(arrays: Arrays, table: np.ndarray) -> np.ndarray:
    """(C, D) of light curves: mean over the windows that there are, weighted by their points."""
    weight = np.where(np.isfinite(table).all(1), arrays.points, 0)[:, None]
    total = np.zeros((len(arrays.part), table.shape[1]))
    np.add.at(total, arrays.curve, np.nan_to_num(table) * weight)
    return total / np.maximum(np.bincount(arrays.curve, weight[:, 0], len(total)), 1)[:, None]
