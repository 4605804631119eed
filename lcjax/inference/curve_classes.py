"""Light curves in, rows of class probabilities out: what `lcjax predict` writes for a classifier of light curves."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa

from lcjax.errors import Rejection
from lcjax.inference.answers import Row
from lcjax.inference.bands import predicted
from lcjax.inference.light_curves import LightCurve, LightCurvePredictor
from lcjax.inference.loaded import Loaded
from lcjax.typing import Array

Pooling = Literal["log_probabilities", "probabilities"]
_TAKEN = ("object_id", "band", "class", "entropy", "embedding", "n_points")


def window_scores(logits: Array, pooling: Pooling) -> Array:
    """What is averaged over windows, (B, K)."""
    return jax.nn.log_softmax(logits) if pooling == "log_probabilities" else jax.nn.softmax(logits)


def star_probabilities(score: Array, pooling: Pooling) -> Array:
    """Probabilities of stars from their mean scores, (B, K)."""
    return jax.nn.softmax(score) if pooling == "log_probabilities" else score / jnp.sum(score, -1, keepdims=True)


class ClassAnswers:
    """A classifier of light curves; one row a light curve, in the order given."""

    constant_columns = ("band",)
    """Left out of the table where all rows agree."""

    def __init__(
        self,
        loaded: Loaded,
        class_names: tuple[str, ...],
        pooling: Pooling = "log_probabilities",
        embedding: bool = False,
        batch_size: int | None = None,
        pool: bool = False,
    ) -> None:
        """Compiles nothing yet.

        Args:
          loaded: its task gives `score` (`window_scores`) and `embedding` of windows as `extras["windows"]`.
          pooling: of windows. embedding: also the vector that the head classifies. batch_size: windows of every compiled batch.
          pool: the light curves of a star come as a tuple, of one band each.
        """
        self.unit = "stars" if pool else "light curves"
        self._pooling, self.class_names = pooling, class_names
        task = dataclasses.replace(loaded.task, predict=loaded.task.extras["windows"])
        self._predictor = LightCurvePredictor.of(loaded.replace(task=task), batch_size)
        self._embedding = embedding
        self._columns = [f"p_{name}" if name in _TAKEN else name for name in self.class_names]
        vector = [("embedding", pa.list_(pa.float32()))] if embedding else []
        self.schema = pa.schema(
            [
                *(("object_id", pa.string()), ("band", pa.string())),
                *((name, pa.float32()) for name in self._columns),
                *(("class", pa.string()), ("entropy", pa.float32()), *vector, ("n_points", pa.int64())),
            ]
        )

    def answer(self, items: Iterable[LightCurve | tuple[LightCurve, ...] | Rejection]) -> Iterator[Row | Rejection]:
        """Rows (object_id, band, a column for each class, class, entropy in nats, n_points) and the rejections."""
        for found in predicted(self._predictor, items):
            if isinstance(found, Rejection):
                yield found
                continue
            curve = found.light_curve
            p = np.asarray(star_probabilities(found.outputs["score"][None].astype(np.float64), self._pooling))[0]
            if not np.isfinite(p).all():
                yield Rejection(curve.object_id, "no finite probabilities: values beyond what float32 holds", "")
                continue
            row = {
                "object_id": curve.object_id,
                "band": curve.band,
                **dict(zip(self._columns, p.tolist(), strict=True)),
            }
            row |= {
                "class": self.class_names[int(p.argmax())],
                "entropy": float(-(p * np.log(np.maximum(p, 1e-30))).sum()),
            }
            if self._embedding:
                row["embedding"] = found.outputs["embedding"].ravel()
            yield row | {"n_points": found.n_points}
