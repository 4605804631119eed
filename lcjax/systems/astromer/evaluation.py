"""Reconstruction of hidden points on held-out stars, and what the embeddings hold."""

import dataclasses
from typing import Any, Protocol

import jax
import numpy as np

from lcjax.errors import DataError
from lcjax.evaluation import figures, window_statistics
from lcjax.evaluation.probe import few_shot
from lcjax.evaluation.projection import nearest_neighbour_accuracy, principal_components
from lcjax.evaluation.reconstruction import ReconstructionSums, SumsByObject, probed_sums, score_groups
from lcjax.evaluation.scores import Part, Picture, Scores, Section, Table, Text
from lcjax.inference.loaded import Loaded
from lcjax.pretrained.weights_folder import count_parameters
from lcjax.systems.astromer.reconstruction import reconstruct_batches
from lcjax.systems.base import Data
from lcjax.training.source import device_part

SHOWN_WINDOWS = 5


class LightCurveData(Data, Protocol):
    """Windows of light curves, perhaps of several surveys."""

    @property
    def dataset_of_record(self) -> np.ndarray:
        """(R,) str, dataset (survey) of every record."""


@dataclasses.dataclass
class HeldOut:
    """What one pass over the held-out stars gives."""

    sums: ReconstructionSums
    windows: list[dict[str, Any]]
    """A few reconstructed windows, for pictures."""
    embedding: np.ndarray
    """(objects, D), mean over windows weighted by their points."""
    label: np.ndarray
    n_points: np.ndarray
    class_names: tuple[str, ...]
    objects: int
    statistics: dict[str, np.ndarray]


def held_out_stars(loaded: Loaded, data: LightCurveData) -> HeldOut:
    """Hides points of every window, predicts them, and embeds every star from all its points."""
    survey = data.dataset_of_record
    adder = SumsByObject()
    predict = jax.jit(loaded.task.predict)
    objects: dict[tuple[str, str], list] = {}
    windows: list[dict[str, Any]] = []
    statistics: list[dict[str, np.ndarray]] = []
    names = (*data.class_names, "")
    for batch, out in reconstruct_batches(loaded.task, loaded.variables, data.evaluation_batches()):
        real = batch["weight"] > 0
        group = np.where(real, survey[np.maximum(batch["record"], 0)], "")
        labels = [names[i] for i in batch["label"]]
        sums = probed_sums(out["target"], out["prediction"], out["probed"])
        adder.add(batch["object_id"], labels, group, (*sums[:2], sums[2] * real))
        embedded = np.asarray(predict(loaded.variables, device_part(batch))["embedding"], np.float64)
        for i in np.flatnonzero(real):
            key = (group[i], f"{batch['object_id'][i]}\t{batch['band'][i]}")
            entry = objects.setdefault(key, [0.0, 0, batch["label"][i]])
            entry[0] = entry[0] + embedded[i] * batch["length"][i]
            entry[1] += int(batch["length"][i])
        statistics.append(window_statistics.window_statistics(batch))
        _collect_windows(windows, batch, out, labels, group)
    entries = list(objects.values())
    if not entries:
        raise DataError("there are no light curves in this split: choose another with --split")
    return HeldOut(
        sums=adder.result(),
        windows=windows,
        embedding=np.array([e[0] / e[1] for e in entries]),
        label=np.array([e[2] for e in entries]),
        n_points=np.array([e[1] for e in entries]),
        class_names=tuple(data.class_names),
        objects=len(objects),
        statistics=window_statistics.join(statistics),
    )


def _collect_windows(kept: list, batch: dict, out: dict, labels: list[str], group: np.ndarray) -> None:
    """Keeps one well-filled window per class until there are enough."""
    for i in np.argsort(-batch["length"], kind="stable"):
        n = int(batch["length"][i])
        if len(kept) >= SHOWN_WINDOWS or n < 20 or labels[i] in {w["label"] for w in kept}:
            continue
        cut = lambda x: np.asarray(x)[i, :n]
        window = {
            "title": f"{batch['object_id'][i]}  {labels[i]}  ({group[i]})",
            "label": labels[i],
            "time": cut(batch["time"]),
            "magnitude": cut(batch["magnitude"]),
            "magnitude_error": cut(batch["magnitude_error"]),
            **{k: cut(v) for k, v in out.items() if k != "target"},
        }
        kept.append(window)
        break


def evaluate(loaded: Loaded, data: LightCurveData, commands: str) -> Scores:
    """Scores of hidden points by survey, always apart for all stars, long-period ones, and the others.

    Raises:
      DataError: there are no light curves.
    """
    held_out = held_out_stars(loaded, data)
    rows = score_groups(held_out.sums)
    header = ("survey", "stars", "objects", "R² of hidden points", "RMSE (mag)")
    cells = [(r["survey"], r["stars"], f"{r['objects']:,}", r["r2"], r["rmse"]) for r in rows]
    return Scores(
        title="Pretraining report",
        printed=[Table(header, cells, "held-out stars, 95 % intervals")],
        values=[{k: dataclasses.asdict(v) if k in ("rmse", "r2") else v for k, v in r.items()} for r in rows],
        cards=_cards(loaded, held_out, rows[0]),
        sections=_sections(held_out, Table(header, cells)),
        curve=("r2", "R² of hidden points"),
        commands=commands,
        facts={"embedding": held_out.embedding, "label": held_out.label, "class_names": held_out.class_names},
    )


def _cards(loaded: Loaded, held_out: HeldOut, first: dict[str, Any]) -> list[tuple[str, str]]:
    cards = [
        (f"{first['r2'].value:.2f}", "R² of hidden points"),
        (f"{first['rmse'].value:.3f}", "RMSE (mag)"),
        (f"{held_out.objects:,}", "held-out stars"),
        (f"{count_parameters(loaded.variables):,}", "parameters"),
    ]
    accuracy, chance = nearest_neighbour_accuracy(held_out.embedding, held_out.label)
    if np.isfinite(accuracy):
        cards.insert(2, (f"{accuracy:.0%}", f"5-neighbour accuracy (guess {chance:.0%})"))
    return cards


def _sections(held_out: HeldOut, table: Table) -> list[Section]:
    """Scores, curves, embeddings and the survey."""
    coordinates, shares = principal_components(held_out.embedding)
    explained = "Half of each window's points are hidden. R² compares with the window's own mean; intervals are 95 % over stars."
    curves = Picture(
        lambda: figures.reconstructions(held_out.windows),
        "Grey: shown. Blue: hidden truth. Orange: prediction. Right: folded, where all points show a period.",
    )
    plane = Picture(
        lambda: figures.embedding_map(coordinates, held_out.label, held_out.class_names, shares),
        "First two principal components of the embeddings of held-out stars; no label was used in training.",
    )
    survey = Picture(
        lambda: figures.survey_histograms(held_out.statistics, "windows"), "Windows of the held-out stars."
    )
    return [
        Section("Scores on held-out stars", [table, Text(explained)]),
        Section("Reconstructions", [curves] if held_out.windows else []),
        Section("Embeddings", [plane, *_few_labels(held_out)]),
        Section("The survey", [survey]),
    ]


def _few_labels(held_out: HeldOut) -> list[Part]:
    """Macro F1 of simple classifiers on the frozen embeddings, for as many shots as the classes allow."""
    rows = []
    for shots in (5, 20, 100):
        try:
            scores = few_shot(held_out.embedding, held_out.label, held_out.class_names, shots, draws=10)
        except DataError:
            break
        rows += [(s.classifier, s.shots, ", ".join(s.classes), s) for s in scores]
    if not rows:
        return []
    text = "Classes from frozen embeddings and a few labelled stars each: mean and spread over ten draws."
    return [Text(text), Table(("classifier", "stars a class", "classes", "macro F1"), rows)]
