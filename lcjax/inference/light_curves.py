"""A trained system on light curves of any length: cut into windows, answered window by window, put together again."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_args

import jax.numpy as jnp
import numpy as np

from lcjax.configs import WindowConfig
from lcjax.errors import ConfigError, Rejection
from lcjax.inference.loaded import Loaded
from lcjax.inference.output import Level
from lcjax.inference.predictor import Function, Row, answered, usual_batch_size
from lcjax.inference.whole_stars import LightCurve, WholeStar
from lcjax.inference.window_batches import WindowBatches, padded_lengths
from lcjax.training.task import Task
from lcjax.transforms.scaling import masked_mean
from lcjax.transforms.windows import published_starts, sequential_edges
from lcjax.typing import Array, PyTree

Curve = TypeVar("Curve", bound=LightCurve)


@dataclass(frozen=True)
class Prediction(Generic[Curve]):
    """What the model gives for one light curve."""

    light_curve: Curve
    outputs: dict[str, np.ndarray]
    """Name -> float32 array. By level: `star` and `layer` (...), the mean over the curve's windows weighted by their number
    of points; `window` (K, ...); `point` (N, ...), of a point in several windows the mean."""
    n_points: int
    edges: np.ndarray
    """(K, 2) int, of every window the index of its first point and the one behind its last."""
    weight: float
    """Points, each as often as windows hold it: what this counts in a mean with others."""


@dataclass(frozen=True)
class _Cut(Generic[Curve]):
    """A light curve in windows."""

    curve: Curve
    edges: np.ndarray
    weights: list[float]


class LightCurvePredictor:
    """A Task and its variables, ready for light curves. What a curve gets does not depend on the others.

    A task that takes the `band` of points is given `WholeStar`s; another light curve is one of one band. The windows of a long star
    then hold points of the whole span each (`WholeStar.spread`), as in training, and those of the prediction are in their order.
    """

    def __init__(
        self,
        task: Task,
        variables: PyTree,
        window: WindowConfig | None = None,
        batch_size: int | None = None,
        buckets: tuple[int, ...] | None = None,
        level: Level = "star",
    ) -> None:
        """Compiles nothing yet.

        Args:
          task: the system. variables: as `lcjax.load` gives them.
          window: its length and `evaluation_mode` cut light curves; None: the task's own length, sequential.
          batch_size: windows of every compiled batch; None: few on a CPU, many on an accelerator.
          buckets: padded lengths; None: those of the task's `packing`. A task that attends to padding (`full_length`) always gets its
            full length.
          level: what is answered; `point` and `layer` are of encoders (`Task.encode`).

        Raises:
          ConfigError: sizes that make no sense, or a level that the task does not have.
        """
        length = window.length if window else task.batch_spec["mask"].shape[1]
        if length < 1:
            raise ConfigError(f"windows of {length} points are impossible: they must have at least 1")
        self.window = window or WindowConfig(length=length)
        self.level = level
        self._whole = "band" in task.batch_spec
        if task.full_length:
            self.buckets: tuple[int, ...] = (length,)
        else:
            self.buckets = padded_lengths(length, task.packing) if buckets is None else _up_to(length, buckets)
        self.function = _answering(task, level)
        size = usual_batch_size(batch_size, 32, 256, "windows")
        self.batches = WindowBatches(self.function, variables, self.buckets, size, task.packing)

    @classmethod
    def of(cls, loaded: Loaded, batch_size: int | None = None, level: Level = "star") -> "LightCurvePredictor":
        """The predictor of what `lcjax.load` gives."""
        return cls(loaded.task, loaded.variables, loaded.experiment.window, batch_size, level=level)

    def predict(self, light_curves: Iterable[Curve | Rejection]) -> Iterator[Prediction[Curve] | Rejection]:
        """One prediction per light curve, in the order given; rejections among them are passed on.

        Sequential windows hold each point once; the published windows of parity models overlap at the end of the curve, and
        those points count twice in means over a curve.

        Raises:
          ConfigError: a light curve without points. DataError: the model cannot take light curves.
        """
        given = (curve if isinstance(curve, Rejection) else self._cut(curve) for curve in light_curves)
        for found in answered(self.batches, given):
            if isinstance(found, Rejection):
                yield found
            elif found.refused:
                raise found.refused
            else:
                yield self._joined(found.item, found.outputs)

    def _cut(self, curve: Curve) -> tuple[_Cut[Curve], list[Row]]:
        """The curve, and its windows as rows."""
        mjd = np.asarray(curve.mjd, np.float64)
        if not len(mjd):
            raise ConfigError(f"light curve '{curve.object_id}' has no points: leave it out")
        edges, times = self.edges(len(mjd))
        # Days since the middle of the curve, as on disk: float32 holds a bare MJD only to 5.6 minutes.
        middle, series = 0.5 * (mjd[0] + mjd[-1]), {}
        if self._whole:
            star = curve if isinstance(curve, WholeStar) else _of_one_band(curve)
            star, edges = star.spread(self.window.length)
            curve, mjd, series = star, star.mjd, {"band": star.slot}  # type: ignore[assignment]
        series |= {
            "time": (mjd - middle).astype(np.float32),
            "magnitude": np.asarray(curve.magnitude, np.float32),
            "magnitude_error": np.asarray(curve.magnitude_error, np.float32),
        }
        windows = []
        for a, b in edges.tolist():
            windows.append(window := {name: x[a:b] for name, x in series.items()})
            window["time"] = _centred(window["time"])
        weights = (times * (edges[:, 1] - edges[:, 0])).astype(float).tolist()
        return _Cut(curve, edges, weights), windows

    def edges(self, n_points: int) -> tuple[np.ndarray, np.ndarray]:
        """(K, 2) edges of the windows, and how often each counts: twice where the published rule cuts it twice."""
        length = self.window.length
        if self.window.evaluation_mode == "published":
            starts, times = np.unique(published_starts(n_points, length), return_counts=True)
            return np.stack([starts, starts + min(n_points, length)], 1), times
        edges = sequential_edges(n_points, length)
        return np.stack([edges[:-1], edges[1:]], 1), np.ones(len(edges) - 1, int)

    def _joined(self, cut: _Cut[Curve], answers: Sequence[Row]) -> Prediction[Curve]:
        n_points = len(cut.curve.mjd)
        join = {"window": _stacked, "point": _by_point}.get(self.level, _mean)
        outputs = {name: join([answer[name] for answer in answers], cut, n_points) for name in answers[0]}
        return Prediction(cut.curve, outputs, n_points, cut.edges, float(sum(cut.weights)))


def _of_one_band(curve: LightCurve) -> WholeStar:
    """A light curve whose band is not said, or says nothing."""
    series = [np.asarray(values) for values in (curve.mjd, curve.magnitude, curve.magnitude_error)]
    return WholeStar(curve.object_id, "", *series, np.zeros(len(series[0]), np.int32))


def _centred(time: np.ndarray) -> np.ndarray:
    """Days from the middle of a window, float32: means of numbers far from 0 are not exact.

    The middle of what comes back is 0 and not nearly 0, so that whoever centres it again changes nothing.
    """
    for _ in range(3):
        middle = np.float32(0.5) * (time[0] + time[-1])
        if middle == 0:
            break
        time = time - middle
    return time


def _mean(values: list[np.ndarray], cut: _Cut, n_points: int) -> np.ndarray:
    total = float(sum(cut.weights))
    terms = (weight * value.astype(np.float64) for weight, value in zip(cut.weights, values, strict=True))
    return np.asarray(sum(terms) / total, np.float32)


def _stacked(values: list[np.ndarray], cut: _Cut, n_points: int) -> np.ndarray:
    return np.stack(values).astype(np.float32)


def _by_point(values: list[np.ndarray], cut: _Cut, n_points: int) -> np.ndarray:
    total = np.zeros((n_points, *values[0].shape[1:]), np.float32)
    times = np.zeros(n_points, np.float32)
    for value, (a, b) in zip(values, cut.edges.tolist(), strict=True):
        total[a:b] += value[: b - a]
        times[a:b] += 1
    return total / times.reshape(-1, *(1,) * (total.ndim - 1)) if times.max() > 1 else total


def _answering(task: Task, level: Level) -> Function:
    """(variables, windows) -> outputs at a level, first axis windows."""
    if level not in get_args(Level):
        raise ConfigError(f"there is no level '{level}': there are {', '.join(get_args(Level))}")
    if level in ("star", "window"):
        return task.predict
    encode = task.encode
    if encode is None:
        raise ConfigError(f"'{task.name}' has no layers of points: its answers are by star or window, not by {level}")

    def by_point(variables: PyTree, batch: dict[str, Any]) -> dict[str, Array]:
        return {"embedding": encode(variables, batch)["layers"][-1].astype(jnp.float32)}

    def by_layer(variables: PyTree, batch: dict[str, Any]) -> dict[str, Array]:
        found = encode(variables, batch)
        mean: Callable[[Array], Array] = lambda x: masked_mean(x.astype(jnp.float32), found["mask"][..., None], axis=1)[
            :, 0
        ]
        return {f"layer_{i}": mean(layer) for i, layer in enumerate(found["layers"])}

    return by_point if level == "point" else by_layer


def _up_to(length: int, given: tuple[int, ...]) -> tuple[int, ...]:
    """Padded lengths, ascending, the last one `length`.

    >>> _up_to(200, (64, 256))
    (64, 200)
    """
    return (*sorted({b for b in given if 0 < b < length}), length)
