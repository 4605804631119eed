"""Rows of features in, anomaly scores out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from lcjax.errors import Rejection
from lcjax.inference.loaded import Loaded
from lcjax.inference.predictor import Predictor, usual_batch_size
from lcjax.inference.predictor import Row as InputRow
from lcjax.systems.base import Row
from lcjax.systems.record_answers import AnswersByRecord
from lcjax.systems.svdd.scaler import known_ends
from lcjax.systems.svdd.task import SCALER
from lcjax.typing import PyTree


class AnomalyAnswers(AnswersByRecord):
    """One row an object: `object_id`, `anomaly_score`, of multi-class detectors `nearest_class` and the squared distance to each
    centre; as asked for the features that the score owes most to, and the latent vector.

    `features_missing` and `features_beyond` count those without a value and those outside of what the known objects had: where
    most are, the score is of a table in other units, or of another survey.
    """

    unit = "objects"

    def __init__(
        self, loaded: Loaded, embedding: bool = False, contributions: int = 0, batch_size: int | None = None
    ) -> None:
        """Compiles nothing yet."""
        inputs = loaded.experiment.inputs  # type: ignore[attr-defined]
        self._names, self._embedding = inputs.feature_names, embedding
        self._count = min(contributions, len(self._names))
        multi = loaded.experiment.detector == "mcdsvdd"  # type: ignore[attr-defined]
        self._classes = inputs.class_names if multi else ()
        task = loaded.task
        self._ends = known_ends(inputs.scaling, np.asarray(loaded.variables[SCALER]["table"]))

        def answer(variables: PyTree, batch: dict) -> dict:
            out = dict(task.predict(variables, batch))
            return out | (task.extras["contributions"](variables, batch) if self._count else {})

        self.predictor = Predictor(answer, loaded.variables, usual_batch_size(batch_size, 256, 4096, self.unit))
        columns = [("object_id", pa.string()), ("anomaly_score", pa.float32())]
        columns += [("nearest_class", pa.string())] if self._classes else []
        columns += [(f"distance_{name}", pa.float32()) for name in self._classes]
        columns += [("features_missing", pa.int32()), ("features_beyond", pa.int32())]
        if self._count:
            columns += [("top_features", pa.list_(pa.string())), ("top_contributions", pa.list_(pa.float32()))]
        columns += [("embedding", pa.list_(pa.float32()))] if embedding else []
        self.schema = pa.schema(columns)

    def row(self, record: Mapping[str, Any], outputs: Mapping[str, np.ndarray]) -> Row | Rejection:
        """Score, distances and what was asked for."""
        name, out = record["object_id"], outputs
        if not np.isfinite(out["anomaly_score"]):
            return Rejection(name, "no finite score", "")
        row: Row = {"object_id": name, "anomaly_score": float(out["anomaly_score"])}
        if self._classes:
            row["nearest_class"] = self._classes[int(out["distances"].argmin())]
            row |= {f"distance_{c}": float(d) for c, d in zip(self._classes, out["distances"], strict=True)}
        values, (low, high) = self._values(record), self._ends
        row["features_missing"] = int(np.sum(~np.isfinite(values)))
        row["features_beyond"] = int(np.sum(np.isfinite(values) & ((values < low) | (values > high))))
        if self._count:
            order = np.argsort(-out["contributions"], kind="stable")[: self._count]
            row["top_features"] = [self._names[i] for i in order]
            row["top_contributions"] = out["contributions"][order].tolist()
        return row | ({"embedding": out["embedding"]} if self._embedding else {})

    def input_row(self, record: Mapping[str, Any]) -> InputRow | Rejection:
        """The features in the detector's order."""
        values = record["metadata"]
        missing = [name for name in self._names if name not in values]
        if missing:
            return Rejection(record["object_id"], f"feature that is not in the table: {missing[0]}", "")
        features = self._values(record)
        if not np.isfinite(features).any():
            return Rejection(record["object_id"], "no feature has a value", "")
        return {"features": features}

    def _values(self, record: Mapping[str, Any]) -> np.ndarray:
        return np.array([record["metadata"][name] for name in self._names], np.float32)
