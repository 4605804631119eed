"""Reconstruction of hidden points on held-out stars, and what the embeddings hold."""

import dataclasses
from typing import Any

import jax
import numpy as np

from lcjax.errors import DataError, MissingExtraError
from lcjax.evaluation import figures, window_statistics
from lcjax.evaluation.baselines import baseline
from lcjax.evaluation.own_bands import most_observed, own_means, told_apart
from lcjax.evaluation.probe import NEIGHBOURS, probe, probe_classes
from lcjax.evaluation.projection import nearest_neighbour_accuracy, principal_components
from lcjax.evaluation.reconstruction import ReconstructionSums, SumsByObject, probed_sums, score_groups, within_errors
from lcjax.evaluation.scores import Part, Picture, Scores, Section, Table, Text
from lcjax.inference.loaded import Loaded
from lcjax.pretrained.weights_folder import count_parameters
from lcjax.systems.masked_pretraining.pictures import LightCurveData, attention, neighbours, object_key
from lcjax.systems.masked_pretraining.reconstruction import reconstruct_batches
from lcjax.training.source import device_part

SHOWN_WINDOWS = 5
SHOWN_BASELINES = ("window mean", "linear interpolation")
"""Rules that need no training and no time, scored on the same points; `python -m benchmarks reconstruction` has all."""
HIDDEN, SHOWN = "hidden points", "shown points"
LEAK = (
    "These are no scores of hidden points: the published network sees the points it must predict (they are in the mean "
    "of the window, its mask does not hide them, and some stay as they are). --strict hides them."
)


@dataclasses.dataclass
class HeldOut:
    """What one pass over the held-out stars gives."""

    sums: ReconstructionSums
    baselines: dict[str, ReconstructionSums]
    """The same points by rules that need no training."""
    windows: list[dict[str, Any]]
    """A few reconstructed windows, for pictures."""
    embedding: np.ndarray
    """(objects, D), mean over windows weighted by their points."""
    label: np.ndarray
    n_points: np.ndarray
    class_names: tuple[str, ...]
    objects: int
    statistics: dict[str, np.ndarray]
    names: list[tuple[str, str]]
    """Survey, and object id and band, of every object."""


def held_out_stars(loaded: Loaded, data: LightCurveData) -> HeldOut:
    """Hides points of every window, predicts them, and embeds every star from all its points."""
    survey = data.dataset_of_record
    adder, rules = SumsByObject(), {name: SumsByObject() for name in SHOWN_BASELINES}
    predict = jax.jit(loaded.task.predict)
    objects: dict[tuple[str, str], list] = {}
    windows: list[dict[str, Any]] = []
    statistics: list[dict[str, np.ndarray]] = []
    names = (*data.class_names, "")
    reconstructed = reconstruct_batches(loaded.task, loaded.variables, data.evaluation_batches())
    for index, (batch, out) in enumerate(reconstructed):
        real = batch["weight"] > 0
        group = np.where(real, survey[np.maximum(batch["record"], 0)], "")
        labels = [names[i] for i in batch["label"]]
        level = own_means(out["target"], out["probed"], batch["band"]) if told_apart(batch) else 0.0
        sums = probed_sums(out["target"] - level, out["prediction"] - level, out["probed"])
        errors = [out["prediction_error"]] if "prediction_error" in out else []
        inside = [within_errors(out["target"], out["prediction"], error, out["probed"]) for error in errors]
        adder.add(batch["object_id"], labels, group, (*sums[:2], sums[2] * real, *inside))
        seen = {**batch, "visible": out["visible"] & ~out["probed"]}
        for name, rule in rules.items():
            sums = probed_sums(out["target"] - level, _ruled(name, seen) - level, out["probed"])
            rule.add(batch["object_id"], labels, group, (*sums[:2], sums[2] * real))
        embedded = np.asarray(predict(loaded.variables, device_part(batch))["embedding"], np.float64)
        for i in np.flatnonzero(real):
            key = object_key(batch, group, i)
            entry = objects.setdefault(key, [0.0, 0, batch["label"][i]])
            entry[0] = entry[0] + embedded[i] * batch["length"][i]
            entry[1] += int(batch["length"][i])
        statistics.append(window_statistics.window_statistics(_levelled(batch, batch["mask"])))
        _collect_windows(windows, batch, index, out, labels, group)
    entries = list(objects.values())
    if not entries:
        raise DataError("there are no light curves in this split: choose another with --split")
    return HeldOut(
        sums=adder.result(),
        baselines={name: rule.result() for name, rule in rules.items()},
        windows=windows,
        embedding=np.array([e[0] / e[1] for e in entries]),
        label=np.array([e[2] for e in entries]),
        n_points=np.array([e[1] for e in entries]),
        class_names=tuple(data.class_names),
        objects=len(objects),
        statistics=window_statistics.join(statistics),
        names=list(objects),
    )


def _levelled(batch: dict, counted: np.ndarray) -> dict:
    """Of several bands, each moved to the mean of all, so that what is left is how they vary."""
    if not told_apart(batch):
        return batch
    own = own_means(batch["magnitude"], counted, batch["band"])
    every = own_means(batch["magnitude"], counted, np.zeros_like(batch["band"]))
    return {**batch, "magnitude": batch["magnitude"] - own + every}


def _ruled(name: str, seen: dict) -> np.ndarray:
    """A baseline's predictions; of several bands about the mean of each."""
    levelled = _levelled(seen, seen["visible"])
    return baseline(name, levelled) + (seen["magnitude"] - levelled["magnitude"])


def _collect_windows(kept: list, batch: dict, index: int, out: dict, labels: list[str], group: np.ndarray) -> None:
    """Keeps one well-filled window per class until there are enough."""
    for i in np.argsort(-batch["length"], kind="stable"):
        n = int(batch["length"][i])
        if len(kept) >= SHOWN_WINDOWS or n < 20 or labels[i] in {w["label"] for w in kept}:
            continue
        shown = most_observed(batch, i)
        cut = lambda x: np.asarray(x)[i, shown]
        window = {
            "title": f"{batch['object_id'][i]}  {labels[i]}  ({group[i]})",
            "label": labels[i],
            "batch": (batch, index, int(i)),
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
    leaks = bool(loaded.experiment.model.parity)  # type: ignore[attr-defined]
    points = SHOWN if leaks else HIDDEN
    rows = score_groups(held_out.sums)
    scores = {"r2": f"R² of {points}", "rmse": "RMSE (mag)", "coverage": "within the predicted error (68 % if right)"}
    scores = {name: title for name, title in scores.items() if name in rows[0]}
    header = ("survey", "stars", "objects", *scores.values())
    cells = [(r["survey"], r["stars"], f"{r['objects']:,}", *(r[name] for name in scores)) for r in rows]
    warning = [Text(LEAK, "warning")] if leaks else []
    plain = lambda r: {k: dataclasses.asdict(v) if k in scores else v for k, v in r.items()}
    return Scores(
        title="Pretraining report",
        printed=[Table(header, cells, "held-out stars, 95 % intervals"), *warning],
        values=[{**plain(r), "points": points, "baselines": _baselines(held_out, r)} for r in rows],
        cards=_cards(loaded, held_out, rows[0], points),
        sections=_sections(loaded, data, held_out, Table(header, cells), points, warning),
        curve=("r2", f"R² of {points}"),
        commands=commands,
        facts={"embedding": held_out.embedding, "label": held_out.label, "class_names": held_out.class_names},
    )


def _baselines(held_out: HeldOut, row: dict[str, Any]) -> dict[str, dict[str, float]]:
    """R² and RMSE of the rules in the group of a row."""
    found = {}
    for name, sums in held_out.baselines.items():
        same = next(r for r in score_groups(sums) if (r["survey"], r["stars"]) == (row["survey"], row["stars"]))
        found[name] = {"r2": same["r2"].value, "rmse": same["rmse"].value}
    return found


def _cards(loaded: Loaded, held_out: HeldOut, first: dict[str, Any], points: str) -> list[tuple[str, str]]:
    cards = [
        (f"{first['r2'].value:.2f}", f"R² of {points}"),
        (f"{first['rmse'].value:.3f}", "RMSE (mag)"),
        (f"{held_out.objects:,}", "held-out stars"),
        (f"{count_parameters(loaded.variables):,}", "parameters"),
    ]
    accuracy, classes = nearest_neighbour_accuracy(held_out.embedding, held_out.label)
    if np.isfinite(accuracy):
        said = f"5-neighbour accuracy, {classes} classes of 4 stars or more (guess {1 / classes:.0%})"
        cards.insert(2, (f"{accuracy:.0%}", said))
    return cards


def _sections(
    loaded: Loaded, data: LightCurveData, held_out: HeldOut, table: Table, points: str, warning: list[Text]
) -> list[Section]:
    """Scores beside what needs no training, curves, embeddings and the survey."""
    coordinates, shares = principal_components(held_out.embedding)
    probed = loaded.experiment.masking.probed  # type: ignore[attr-defined]
    explained = (
        f"Scores are of {points}, {probed:.0%} of each window's. R² compares with the mean of the very points asked for; intervals are "
        "95 % over stars. Baselines see the other points of the window alone."
    )
    rules = [
        (name, row["survey"], row["stars"], row["r2"], row["rmse"])
        for name, sums in held_out.baselines.items()
        for row in score_groups(sums)
    ]
    baselines = Table(("baseline", "survey", "stars", "R² of hidden points", "RMSE (mag)"), rules)
    curves = Picture(
        lambda: figures.reconstructions(held_out.windows),
        f"Grey: shown. Blue: truth of {points}. Orange: prediction. Right: folded, where all points show a period.",
    )
    plane = Picture(
        lambda: figures.embedding_map(coordinates, held_out.label, held_out.class_names, shares),
        "First two principal components of the embeddings of held-out stars; no label was used in training.",
    )
    survey = Picture(
        lambda: figures.survey_histograms(held_out.statistics, "windows"), "Windows of the held-out stars."
    )
    return [
        Section("Scores on held-out stars", [*warning, table, baselines, Text(explained)]),
        Section("Reconstructions", [curves, *attention(loaded, held_out.windows)] if held_out.windows else []),
        Section("Embeddings", [plane, *neighbours(data, held_out), *_few_labels(held_out)]),
        Section("The survey", [survey]),
    ]


def _few_labels(held_out: HeldOut) -> list[Part]:
    """Macro F1 of simple classifiers that learn from some of the held-out stars, for as many as half of each class allow."""
    known = np.flatnonzero(held_out.label >= 0)
    mixed = np.random.default_rng(0).permutation(known)
    half = np.zeros(len(held_out.label), bool)
    for number in np.unique(held_out.label[known]):
        members = mixed[held_out.label[mixed] == number]
        half[members[: len(members) // 2]] = True
    rows: list[tuple] = []
    for shots in (5, 20, 100):
        counts = probe_classes(held_out.label, known[half[known]], known[~half[known]], shots, NEIGHBOURS)
        if len(counts) < 2:
            break
        names = [held_out.class_names[number] for number in counts]
        own = np.isin(held_out.label, list(counts))
        label = np.searchsorted(list(counts), held_out.label)
        try:
            found = probe(
                held_out.embedding,
                label,
                np.flatnonzero(own & half),
                np.flatnonzero(own & ~half),
                names,
                shots=(shots,),
            )
        except MissingExtraError as error:
            return [Text(f"How much of the classes is in the embeddings is not known: {error}")]
        rows += [(s.classifier, s.shots, ", ".join(names), s.macro_f1) for s in found]
    if not rows:
        return []
    text = (
        "Classes of half of the held-out stars, from frozen embeddings and a few labelled ones of the other half: means over five "
        "draws, 95 % intervals over stars and draws."
    )
    return [Text(text), Table(("classifier", "stars a class", "classes", "macro F1"), rows)]
