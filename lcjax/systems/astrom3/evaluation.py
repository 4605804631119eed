"""Scores on held-out objects: who is found by whom across modalities, how far embeddings tell the classes, or class scores."""

import functools
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from lcjax.errors import DataError
from lcjax.evaluation.classification import score_classes
from lcjax.evaluation.classification_figures import confusion_matrix
from lcjax.evaluation.intervals import Score, interval, resampled_sums
from lcjax.evaluation.projection import nearest_neighbour_accuracy
from lcjax.evaluation.scores import Picture, Scores, Section, Table, Text
from lcjax.inference.loaded import Loaded

if TYPE_CHECKING:
    from lcjax.systems.astrom3 import MultimodalData

TOP = (1, 5, 10)
"""Ranks that count as found."""


def evaluate(loaded: Loaded, data: "MultimodalData", commands: str) -> Scores:
    """Scores of a contrastive model or a classifier.

    Raises:
      DataError: no object can be scored.
    """
    answers = collected(loaded, data)
    if loaded.experiment.model.head == "classifier":  # type: ignore[attr-defined]
        return _classified(loaded, answers, commands)
    return _retrieved(loaded, answers, commands)


def collected(loaded: Loaded, data: "MultimodalData") -> dict[str, np.ndarray]:
    """Outputs of all objects of a split, and their `label` and `object_id`."""
    predict = jax.jit(functools.partial(loaded.task.predict, loaded.variables))
    parts: dict[str, list[np.ndarray]] = {}
    wanted = tuple(loaded.task.batch_spec)
    for batch in data.evaluation_batches():
        rows = batch["weight"] > 0
        found = jax.device_get(predict({name: batch[name] for name in wanted})) | {
            "label": batch["label"],
            "object_id": batch["object_id"],
        }
        for name, value in found.items():
            parts.setdefault(name, []).append(np.asarray(value)[rows])
    if not parts or not sum(map(len, parts["label"])):
        raise DataError("there are no objects to score")
    return {name: np.concatenate(values) for name, values in parts.items()}


def ranks(query: np.ndarray, database: np.ndarray) -> np.ndarray:
    """Place of each row's own partner among all rows of the other modality, (N,), 0 the nearest; ties count against it."""
    found = []
    for start in range(0, len(query), 1024):
        cosine = query[start : start + 1024] @ database.T
        own = cosine[np.arange(len(cosine)), start + np.arange(len(cosine))]
        found.append((cosine >= own[:, None]).sum(axis=1) - 1)
    return np.concatenate(found) if found else np.zeros(0, int)


def retrieval(answers: dict[str, np.ndarray], modalities: tuple[str, ...]) -> list[dict[str, Any]]:
    """For every ordered pair of modalities: shares of partners among the nearest, with intervals over objects, and chance."""
    rows = []
    for one in modalities:
        for other in modalities:
            if one == other:
                continue
            both = (answers[f"has_{one}"] > 0) & (answers[f"has_{other}"] > 0)
            count = int(both.sum())
            if count < 2:
                continue
            place = ranks(answers[f"embedding_{one}"][both], answers[f"embedding_{other}"][both])
            hits = np.stack([place < k for k in TOP], axis=1).astype(float)
            draws = resampled_sums(hits) / count
            found = {k: interval(float(hits[:, i].mean()), draws[:, i]) for i, k in enumerate(TOP)}
            rows.append(
                {
                    "query": one,
                    "database": other,
                    "objects": count,
                    "median_rank": int(np.median(place)) + 1,
                    "found": found,
                    "chance": {k: min(k / count, 1.0) for k in TOP},
                }
            )
    return rows


def centre_accuracy(embedding: np.ndarray, label: np.ndarray) -> float:
    """Share of labelled objects that are nearest to the centre of their own class, itself left out of it; of unit vectors."""
    known = label >= 0
    embedding, label = embedding[known], label[known]
    classes = np.unique(label)
    sums = np.stack([embedding[label == k].sum(axis=0) for k in classes])
    counts = np.array([(label == k).sum() for k in classes])
    which = np.searchsorted(classes, label)
    centre = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    cosine = embedding @ centre.T
    own = sums[which] - embedding
    own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-12)
    cosine[np.arange(len(which)), which] = np.where(counts[which] > 1, (embedding * own).sum(axis=1), -1.0)
    return float((cosine.argmax(axis=1) == which).mean()) if len(label) else float("nan")


def _retrieved(loaded: Loaded, answers: dict[str, np.ndarray], commands: str) -> Scores:
    modalities = loaded.experiment.model.modalities  # type: ignore[attr-defined]
    found = retrieval(answers, modalities)
    if not found:
        raise DataError("no two modalities have two objects in common: nothing can be retrieved")
    rows = [
        [
            f"{r['query']} → {r['database']}",
            f"{r['objects']:,}",
            *(r["found"][k].short() for k in TOP),
            r["median_rank"],
            f"{r['chance'][10]:.3f}",
        ]
        for r in found
    ]
    header = ["query → database", "objects", *(f"in nearest {k}" for k in TOP), "median rank", "chance of 10"]
    table = Table(header, rows, "An object's own partner among all held-out objects, 95 % intervals over objects")
    spaces = {"all": "embedding"} | {m: f"embedding_{m}" for m in modalities}
    label, classes = answers["label"], []
    if (label >= 0).sum() > 20 and len(np.unique(label[label >= 0])) > 1:
        for name, column in spaces.items():
            there = answers[f"has_{name}"] > 0 if name != "all" else np.ones(len(label), bool)
            vectors, its = answers[column][there], label[there]
            near, _ = nearest_neighbour_accuracy(vectors, its)
            classes.append([name, f"{int((its >= 0).sum()):,}", f"{centre_accuracy(vectors, its):.3f}", f"{near:.3f}"])
    told = Table(["embedding", "labelled", "nearest class centre", "five nearest neighbours"], classes, _TOLD)
    mean = float(np.mean([r["found"][1].value for r in found]))
    return Scores(
        title="Retrieval across modalities",
        printed=[table, *([told] if classes else [])],
        values={"retrieval": [r | {"found": {k: _plain(s) for k, s in r["found"].items()}} for r in found],
                "classes": [dict(zip(("embedding", "labelled", "centre", "neighbours"), row, strict=True)) for row in classes]},
        cards=[(f"{mean:.1%}", "own partner is the nearest, mean of all pairs"), (f"{len(label):,}", "held-out objects")],
        sections=[Section("Retrieval", [table]), *([Section("Classes", [told])] if classes else [])],
        curve=("accuracy", "Partner found in its batch"),
        commands=commands,
        facts={"answers": answers},
    )  # fmt: skip


_TOLD = "Accuracy of classes by embeddings alone, an object itself left out"


def _plain(score: Score) -> dict[str, float]:
    return {"value": score.value, "low": score.low, "high": score.high}


def _classified(loaded: Loaded, answers: dict[str, np.ndarray], commands: str) -> Scores:
    names = loaded.experiment.inputs.class_names  # type: ignore[attr-defined]
    scores = score_classes(answers["probabilities"], answers["label"], answers["object_id"], names)
    single = Table(
        ["accuracy", "balanced accuracy", "macro F1"],
        [[str(scores.accuracy), str(scores.balanced_accuracy), str(scores.macro_f1)]],
        f"{scores.objects:,} labelled objects, 95 % intervals over objects",
    )
    count = scores.confusion.sum(1)
    rows = [
        [name, f"{count[k]:,}", *(part[name].short() for part in (scores.recall, scores.precision, scores.f1))]
        for k, name in enumerate(scores.class_names)
        if count[k]
    ]
    classes = Table(["class", "objects", "recall", "precision", "F1"], rows)
    left = int((answers["label"] < 0).sum())
    notes = [Text(f"{left:,} objects without a label of the model's classes are not scored")] if left else []
    picture = Picture(lambda: confusion_matrix(scores), "Shares of each true class, and counts.")
    return Scores(
        title="Classification with several modalities",
        printed=[single, classes, *notes],
        values={"scores": scores.as_dict(), "modalities": list(loaded.experiment.model.modalities)},  # type: ignore[attr-defined]
        cards=[(f"{scores.accuracy.value:.1%}", "accuracy"), (f"{scores.balanced_accuracy.value:.1%}", "mean recall")],
        sections=[Section("Scores on held-out objects", [single, classes, *notes, picture])],
        curve=("accuracy", "Accuracy"),
        commands=commands,
    )
