"""Running a trained system on any number of light curves of any length, a few compiled shapes at a time.

Curves are cut into windows, windows are padded to a bucket length and gathered into batches of one fixed number of
rows, so that each bucket compiles once. What a star gets does not depend on its neighbours in a batch. Memory is
bounded: at most a few batches of windows wait at any time.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import jax
import numpy as np

from lcjax.configs import WindowConfig
from lcjax.errors import ConfigError
from lcjax.training.task import Task
from lcjax.transforms.windows import published_starts, sequential_edges
from lcjax.typing import PyTree

_SHORTEST_BUCKET = 32
_LOOK_AHEAD = 8
"""Batches of stars that may wait for their windows to fill a batch."""


class LightCurve(Protocol):
    """One object in one band: what readers and cleaning hand over."""

    object_id: str
    mjd: np.ndarray  #: (N,) float64, days, ascending
    magnitude: np.ndarray  #: (N,) float, mag
    magnitude_error: np.ndarray  #: (N,) float, mag


@dataclass(frozen=True)
class Prediction:
    """What the model gives for one light curve."""

    light_curve: Any
    outputs: dict[str, np.ndarray]
    """Name -> float32 array: the mean over the curve's windows, weighted by their number of points."""
    n_points: int


@dataclass
class _Star:
    light_curve: Any
    waiting: int
    sums: dict[str, np.ndarray] = field(default_factory=dict)
    weight: float = 0.0


_Queue = list[tuple[_Star, int, dict[str, np.ndarray]]]


class Predictor:
    """A Task and its variables, ready for `predict` (stars) or `windows` (batches)."""

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
          batch_size: rows of every compiled batch; None: few on a CPU, many on an accelerator.
          buckets: padded lengths; None: those of `window`, or else halvings of its length. A model to which padding
            matters (`Task.full_length`) always gets its full length.

        Raises:
          ConfigError: sizes that make no sense.
        """
        length = window.length if window else task.batch_spec["mask"].shape[1]
        self.window = window or WindowConfig(length=length)
        if batch_size is None:
            batch_size = 16 if jax.default_backend() == "cpu" else 256
        if batch_size < 1 or length < 1:
            raise ConfigError(
                f"a batch of {batch_size} windows of {length} points is impossible: both must be at least 1"
            )
        self.batch_size = batch_size
        self.buckets = (
            (length,) if task.full_length else _buckets(length, self.window.buckets if buckets is None else buckets)
        )
        self._variables = jax.device_put(variables)
        self._run = jax.jit(task.predict)

    @classmethod
    def of(cls, path_or_name: Path | str, batch_size: int | None = None, which: str = "best") -> "Predictor":
        """The predictor of a workdir, weights folder or published name."""
        from lcjax.systems.loading import load_system

        loaded = load_system(path_or_name, which)
        return cls(loaded.task, loaded.variables, loaded.experiment.window, batch_size)

    def windows(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs for a batch of windows of any number of rows; filled up to the compiled number of rows and cut back.

        Args:
          batch: `time`, `magnitude`, `magnitude_error` (B, L) float32, `mask` (B, L) bool, `length` (B,) int32.
        """
        rows = len(batch["mask"])
        pieces = []
        for start in range(0, rows, self.batch_size):
            part = {k: np.asarray(v)[start : start + self.batch_size] for k, v in batch.items()}
            short = self.batch_size - len(part["mask"])
            padded = {k: np.concatenate([v, np.zeros((short, *v.shape[1:]), v.dtype)]) for k, v in part.items()}
            with jax.default_matmul_precision("float32"):  # an accelerator would otherwise round to 10 bits
                outputs = jax.device_get(self._run(self._variables, padded))
            pieces.append({k: np.asarray(v)[: self.batch_size - short] for k, v in outputs.items()})
        return {k: np.concatenate([p[k] for p in pieces]) for k in pieces[0]} if pieces else {}

    def predict(self, light_curves: Iterable[LightCurve]) -> Iterator[Prediction]:
        """One prediction per light curve, in the order given.

        A star's output is the mean over its windows weighted by their real points: sequential windows hold each point
        once; the published windows of parity models overlap at the end of the curve, and those points count twice.
        """
        stars: OrderedDict[int, _Star] = OrderedDict()
        queues: dict[int, _Queue] = {bucket: [] for bucket in self.buckets}
        for index, light_curve in enumerate(light_curves):
            pieces = list(self._cut(light_curve))
            stars[index] = star = _Star(light_curve, len(pieces))
            for piece, times in pieces:
                queue = queues[self._bucket(len(piece["time"]))]
                queue.append((star, times, piece))
                if len(queue) == self.batch_size:
                    self._flush(queue)
            if len(stars) > _LOOK_AHEAD * self.batch_size:
                for queue in queues.values():
                    self._flush(queue)
            yield from self._finished(stars)
        for queue in queues.values():
            self._flush(queue)
        yield from self._finished(stars)

    def _cut(self, light_curve: LightCurve) -> Iterator[tuple[dict[str, np.ndarray], int]]:
        """Windows, and how often each counts (the published rule cuts some twice)."""
        mjd = np.asarray(light_curve.mjd, np.float64)
        if not len(mjd):
            raise ConfigError(f"light curve '{light_curve.object_id}' has no points: leave it out")
        # Days since the middle of the curve, as on disk: float32 holds a bare MJD only to 5.6 minutes.
        series = {
            "time": (mjd - 0.5 * (mjd[0] + mjd[-1])).astype(np.float32),
            "magnitude": np.asarray(light_curve.magnitude, np.float32),
            "magnitude_error": np.asarray(light_curve.magnitude_error, np.float32),
        }
        length = self.window.length
        if self.window.evaluation_mode == "published":
            starts, times = np.unique(published_starts(len(mjd), length), return_counts=True)
            ends = starts + min(len(mjd), length)
        else:
            edges = sequential_edges(len(mjd), length)
            starts, ends, times = edges[:-1], edges[1:], np.ones(len(edges) - 1, int)
        for start, end, count in zip(starts, ends, times, strict=True):
            yield {name: values[start:end] for name, values in series.items()}, int(count)

    def _bucket(self, length: int) -> int:
        return next(bucket for bucket in self.buckets if bucket >= length)

    def _flush(self, queue: _Queue) -> None:
        if not queue:
            return
        sizes = np.array([len(piece["time"]) for _, _, piece in queue], np.int32)
        padded = self._bucket(int(sizes.max()))
        batch: dict[str, np.ndarray] = {name: np.zeros((len(queue), padded), np.float32) for name in queue[0][2]}
        for name, block in batch.items():
            for row, (_, _, piece) in zip(block, queue, strict=True):
                row[: len(piece[name])] = piece[name]
        batch |= {"mask": np.arange(padded) < sizes[:, None], "length": sizes}
        outputs = self.windows(batch)
        for i, (star, times, _) in enumerate(queue):
            weight = float(times * sizes[i])
            for name, values in outputs.items():
                star.sums[name] = star.sums.get(name, 0.0) + weight * values[i].astype(np.float64)
            star.weight += weight
            star.waiting -= 1
        queue.clear()

    def _finished(self, stars: OrderedDict[int, _Star]) -> Iterator[Prediction]:
        while stars and next(iter(stars.values())).waiting == 0:
            _, star = stars.popitem(last=False)
            outputs = {name: np.asarray(total / star.weight, np.float32) for name, total in star.sums.items()}
            yield Prediction(star.light_curve, outputs, len(star.light_curve.mjd))


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
