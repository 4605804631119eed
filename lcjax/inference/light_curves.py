"""A trained system on light curves of any length: cut into windows, answered window by window, averaged."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from lcjax.configs import WindowConfig
from lcjax.errors import ConfigError, Rejection
from lcjax.inference.loaded import Loaded
from lcjax.inference.predictor import Predictor, Row, usual_batch_size
from lcjax.training.task import Task
from lcjax.transforms.windows import published_starts, sequential_edges
from lcjax.typing import PyTree

_SHORTEST_BUCKET = 32


class LightCurve(Protocol):
    """One object in one band: what readers and cleaning hand over."""

    @property
    def object_id(self) -> str:
        """Name of the star."""

    @property
    def mjd(self) -> np.ndarray:
        """(N,) float64, days, ascending."""

    @property
    def magnitude(self) -> np.ndarray:
        """(N,) float, mag."""

    @property
    def magnitude_error(self) -> np.ndarray:
        """(N,) float, mag."""


Curve = TypeVar("Curve", bound=LightCurve)


@dataclass(frozen=True)
class Prediction(Generic[Curve]):
    """What the model gives for one light curve."""

    light_curve: Curve
    outputs: dict[str, np.ndarray]
    """Name -> float32 array: the mean over the curve's windows, weighted by their number of points."""
    n_points: int


class LightCurvePredictor:
    """A Task and its variables, ready for light curves."""

    def __init__(
        self,
        task: Task,
        variables: PyTree,
        window: WindowConfig | None = None,
        batch_size: int | None = None,
        buckets: tuple[int, ...] | None = None,
    ) -> None:
        """Compiles nothing yet.

        Args:
          task: the system. variables: as `lcjax.load` gives them.
          window: its length and `evaluation_mode` cut light curves; None: the task's own length, sequential.
          batch_size: windows of every compiled batch; None: few on a CPU, many on an accelerator.
          buckets: padded lengths; None: those of `window`, or else halvings of its length. A task that attends to padding
            (`full_length`) always gets its full length.

        Raises:
          ConfigError: sizes that make no sense.
        """
        length = window.length if window else task.batch_spec["mask"].shape[1]
        if length < 1:
            raise ConfigError(f"windows of {length} points are impossible: they must have at least 1")
        self.window = window or WindowConfig(length=length)
        given = self.window.buckets if buckets is None else buckets
        self.buckets = (length,) if task.full_length else _buckets(length, given)
        self._predictor: Predictor[tuple[LightCurve, list[float]]] = Predictor(
            task.predict, variables, usual_batch_size(batch_size, 16, 256, "windows")
        )

    @classmethod
    def of(cls, loaded: Loaded, batch_size: int | None = None) -> "LightCurvePredictor":
        """The predictor of what `lcjax.load` gives."""
        return cls(loaded.task, loaded.variables, loaded.experiment.window, batch_size)

    def predict(self, light_curves: Iterable[Curve | Rejection]) -> Iterator[Prediction[Curve] | Rejection]:
        """One prediction per light curve, in the order given; rejections among them are passed on.

        A curve's output is the mean over its windows weighted by their real points: sequential windows hold each point
        once; the published windows of parity models overlap at the end of the curve, and those points count twice.

        Raises:
          ConfigError: a light curve without points.
        """
        for found in self._predictor.answer(self._cut(curve) for curve in light_curves):
            if isinstance(found, Rejection):
                yield found
                continue
            if found.refused:
                raise found.refused
            curve, weights = found.item
            total = float(sum(weights))
            outputs = {}
            for name in found.outputs[0]:
                terms = (w * row[name].astype(np.float64) for w, row in zip(weights, found.outputs, strict=True))
                outputs[name] = np.asarray(sum(terms) / total, np.float32)
            yield Prediction(curve, outputs, len(curve.mjd))

    def _cut(self, curve: Curve | Rejection) -> tuple[tuple[Curve, list[float]], list[Row]] | Rejection:
        """Padded windows, and the weight of each: its points, twice where the published rule cuts it twice."""
        if isinstance(curve, Rejection):
            return curve
        mjd = np.asarray(curve.mjd, np.float64)
        if not len(mjd):
            raise ConfigError(f"light curve '{curve.object_id}' has no points: leave it out")
        # Days since the middle of the curve, as on disk: float32 holds a bare MJD only to 5.6 minutes.
        series = {
            "time": (mjd - 0.5 * (mjd[0] + mjd[-1])).astype(np.float32),
            "magnitude": np.asarray(curve.magnitude, np.float32),
            "magnitude_error": np.asarray(curve.magnitude_error, np.float32),
        }
        length = self.window.length
        if self.window.evaluation_mode == "published":
            starts, times = np.unique(published_starts(len(mjd), length), return_counts=True)
            ends = starts + min(len(mjd), length)
        else:
            edges = sequential_edges(len(mjd), length)
            starts, ends, times = edges[:-1], edges[1:], np.ones(len(edges) - 1, int)
        rows = [self._row({name: x[a:b] for name, x in series.items()}) for a, b in zip(starts, ends, strict=True)]
        return (curve, (times * (ends - starts)).astype(float).tolist()), rows

    def _row(self, window: dict[str, np.ndarray]) -> Row:
        size = len(window["time"])
        padded = next(bucket for bucket in self.buckets if bucket >= size)
        row: Row = {name: np.pad(values, (0, padded - size)) for name, values in window.items()}
        return row | {"mask": np.arange(padded) < size, "length": np.int32(size)}


def _buckets(length: int, given: tuple[int, ...]) -> tuple[int, ...]:
    """Padded lengths, ascending, the last one `length`.

    >>> _buckets(200, ()), _buckets(200, (64, 256))
    ((50, 100, 200), (64, 200))
    """
    if not given:
        halvings = [length]
        while halvings[-1] >= 2 * _SHORTEST_BUCKET:
            halvings.append((halvings[-1] + 1) // 2)
        given = tuple(halvings)
    return (*sorted({b for b in given if 0 < b < length}), length)
