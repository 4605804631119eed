"""A catalogue of morphologies: a row a galaxy and band with the expected fraction of votes of each class."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from lcjax.errors import Rejection
from lcjax.inference.loaded import Loaded
from lcjax.inference.predictor import Predictor, usual_batch_size
from lcjax.inference.predictor import Row as InputRow
from lcjax.systems.base import Row
from lcjax.systems.record_answers import AnswersByRecord
from lcjax.transforms.galaxy_stamps import HUGE

Resize = Callable[[np.ndarray, int], np.ndarray]


class GalaxyAnswers(AnswersByRecord):
    """Rows `object_id`, `band`, `ra`, `dec` (degrees), the fractions by name, and `class`, the largest of them."""

    unit = "images"
    constant_columns = ("ra", "dec")

    def __init__(self, loaded: Loaded, resize: Resize, batch_size: int | None = None) -> None:
        """Compiles nothing yet.

        Args:
          resize: (H, W, C), side -> (side, side, C) bilinear, on the host: images of many sizes would compile as many programs.
        """
        self._names = tuple(loaded.experiment.objective.names)  # type: ignore[attr-defined]
        self._side, self._mean = loaded.experiment.model.side, loaded.experiment.image.channels == "mean"  # type: ignore[attr-defined]
        self._resize = resize
        self.predictor = Predictor(
            lambda variables, batch: {"votes": loaded.task.predict(variables, batch)["votes"]},
            loaded.variables,
            usual_batch_size(batch_size, 64, 1024, self.unit),
        )
        text, number = pa.string(), pa.float32()
        columns = [("object_id", text), ("band", text), ("ra", pa.float64()), ("dec", pa.float64())]
        self.schema = pa.schema([*columns, *((name, number) for name in self._names), ("class", text)])

    def row(self, record: Mapping[str, Any], outputs: Mapping[str, np.ndarray]) -> Row | Rejection:
        """Place, fractions and the largest of them."""
        votes = outputs["votes"]
        fractions = {name: float(value) for name, value in zip(self._names, votes, strict=True)}
        place = {name: float(record[name]) for name in ("ra", "dec")}
        largest = self._names[int(np.argmax(votes))]
        return {"object_id": record["object_id"], "band": record["band"], **place, **fractions, "class": largest}

    def input_row(self, record: Mapping[str, Any]) -> InputRow | Rejection:
        """The image at the model's size; none without a galaxy in it."""
        pixels = np.asarray(record["image"], np.float32)
        if pixels.shape[-1] > 1 and not self._mean:
            return Rejection(
                record["object_id"], f"several channels: {pixels.shape[-1]} where each band is an image of its own", ""
            )
        # What the network takes for missing must not be spread over its neighbours by resizing.
        pixels = np.where(np.abs(pixels) < HUGE, pixels, np.nan)
        finite = pixels[np.isfinite(pixels)]
        if not finite.size or finite.min() == finite.max():
            return Rejection(record["object_id"], "no galaxy: all pixels are missing or equal", "")
        return {"image": self._resize(pixels, self._side)}
