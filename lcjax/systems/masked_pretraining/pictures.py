"""Pictures of the report that need the network or the light curves once more: attention, and nearest neighbours folded."""

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lcjax.evaluation.attention_figures import reconstruction_with_attention
from lcjax.evaluation.neighbour_figures import folded_neighbours, nearest, queries_of_classes
from lcjax.evaluation.own_bands import told_apart
from lcjax.evaluation.scores import Picture
from lcjax.inference.loaded import Loaded
from lcjax.systems.base import Data
from lcjax.systems.masked_pretraining.reconstruction import keeps_attention, window_attention

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEIGHBOURS = 4
_SERIES = ("time", "magnitude", "magnitude_error")


class LightCurveData(Data, Protocol):
    """Windows of light curves, perhaps of several surveys."""

    @property
    def dataset_of_record(self) -> np.ndarray:
        """(R,) str, dataset (survey) of every record."""


class Embedded(Protocol):
    """Objects, their embeddings and labels, in one order."""

    embedding: np.ndarray
    label: np.ndarray
    n_points: np.ndarray
    class_names: tuple[str, ...]
    names: list[tuple[str, str]]


def object_key(batch: dict, survey: np.ndarray, row: int) -> tuple[str, str]:
    """What windows of one star and band have in common, or of one star by all its bands; `survey`: of every row."""
    band = "" if told_apart(batch) else batch["band"][row]
    return survey[row], f"{batch['object_id'][row]}\t{band}"


def attention(loaded: Loaded, windows: list[dict[str, Any]]) -> list[Picture]:
    """What the last block looks at in the first of the reconstructed windows; nothing of networks that do not say."""
    if not windows or not keeps_attention(loaded.task, loaded.variables):
        return []
    window = windows[0]

    def draw() -> "Figure":
        weights = window_attention(loaded.task, loaded.variables, *window["batch"])
        return reconstruction_with_attention(window, weights)

    return [
        Picture(
            draw,
            "What one point to predict (star) looks at in the last block: the darker a shown point, the more. Right: all points.",
        )
    ]


def neighbours(data: LightCurveData, objects: Embedded) -> list[Picture]:
    """A star of each of the most numerous classes and its nearest neighbours by embedding; nothing without labels."""
    queries = queries_of_classes(objects.label, objects.n_points)
    if not queries or len(objects.names) < 2:
        return []

    def draw() -> "Figure":
        near = nearest(objects.embedding, queries, NEIGHBOURS)
        rows = [[query, *others] for query, others in zip(queries, near.tolist(), strict=True)]
        curves = light_curves(data, {objects.names[i] for row in rows for i in row})
        classes = (*objects.class_names, "")
        return folded_neighbours(
            [[{**curves[objects.names[i]], "label": classes[objects.label[i]]} for i in row] for row in rows]
        )

    return [
        Picture(
            draw,
            "A star of each of the largest classes (left) and its nearest neighbours by embedding, each folded at its own period "
            "as the points have it (of binaries often half the orbit). Orange: of another class than the query.",
        )
    ]


def light_curves(data: LightCurveData, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
    """All windows of some objects put together, by a pass over the split: name, time (d), magnitude, error (mag).

    Of several bands the one with most points.
    """
    parts: dict[tuple[str, str], list[np.ndarray]] = {}
    survey = data.dataset_of_record
    for batch in data.evaluation_batches():
        group = survey[np.maximum(batch["record"], 0)]
        band = batch["band"] if told_apart(batch) else np.zeros(np.shape(batch["mask"]))
        for row in np.flatnonzero(batch["weight"] > 0):
            key = object_key(batch, group, row)
            if key in wanted:
                mask = np.asarray(batch["mask"][row])
                series = [*(batch[name] for name in _SERIES), band]
                parts.setdefault(key, []).append(np.stack([np.asarray(one[row])[mask] for one in series]))
    found = {}
    for key, pieces in parts.items():
        *points, band = np.unique(np.concatenate(pieces, 1), axis=1)  # published windows overlap
        slots, counts = np.unique(band, return_counts=True)
        shown = band == slots[counts.argmax()]
        series = zip(_SERIES, (values[shown] for values in points), strict=True)
        found[key] = {"name": key[1].partition("\t")[0], **dict(series)}
    return found
