"""Who competes in the few-shot benchmark. A new contestant is a name and one function:

    def embed(curves):                      # sequence of `few_shot_stars.Curve`
        return np.stack([my_vector(c.mjd, c.magnitude, c.magnitude_error) for c in curves])   # (N, D), NaN where missing

    Contestant("mine", embed)

or, for a classifier without an embedding, `classify(train curves, labels, test curves, classes, seed) -> (M, K) probabilities`.
What `fit(curves)` does before, with the stars to learn from and without their labels, is the contestant's own affair.
"""

import dataclasses
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from benchmarks.few_shot_stars import WINDOW, Curve, curve_digest, part_of
from data_pipelines.sources.embedding_tables import read_embeddings
from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.features import BRIGHTNESS, FEATURES, MAX_FREQUENCY, PERIOD, columns_without, light_curve_features
from lcjax.inference.light_curves import LightCurvePredictor
from lcjax.inference.loaded import Loaded
from lcjax.systems.masked_pretraining.raw_curves import answer_curves

Embed = Callable[[Sequence[Curve]], np.ndarray]
Classify = Callable[[Sequence[Curve], np.ndarray, Sequence[Curve], int, int], np.ndarray]
_AT_ONCE = 500
"""Curves between two writes of embeddings."""
LINEAR, FOREST = "logistic regression", "random forest"


@dataclasses.dataclass(frozen=True)
class Contestant:
    """One row of the tables. It has `embed`, or `parts`, or `classify`."""

    name: str
    embed: Embed | None = None
    """Curves -> (N, D) float, NaN where a value is missing."""
    heads: tuple[str, ...] = (LINEAR,)
    """Classifiers on the embedding."""
    parts: tuple["Contestant", ...] = ()
    """Others, whose embeddings side by side are this one's."""
    columns: Callable[[np.ndarray], np.ndarray] | None = None
    """Of the embeddings side by side, those that are used."""
    classify: Classify | None = None
    """(train curves, labels, test curves, number of classes, seed) -> (M, K) probabilities."""
    fit: Callable[[Sequence[Curve]], None] | None = None
    """Called once with the stars to learn from, before any embedding."""
    identity: str = ""
    """What else tells its embeddings apart from those of another version."""
    windows: bool = True
    """Whether it can be asked for pieces of curves."""
    development: bool = False
    """An ablation, scored on the development part alone."""

    @property
    def version(self) -> str:
        """Changes with the identity of the contestant or of a part of it."""
        text = "\n".join([self.name, self.identity, *(part.version for part in self.parts)])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclasses.dataclass
class Cache:
    """Embeddings on disk, by contestant and curves: a benchmark that was stopped goes on."""

    folder: Path

    def embedding(self, contestant: Contestant, curves: Sequence[Curve]) -> np.ndarray:
        """(N, D) float64, one row a curve.

        Raises:
          DataError: the contestant gives another number of rows, or infinite numbers.
        """
        if contestant.parts:
            table = np.hstack([self.embedding(part, curves) for part in contestant.parts])
        else:
            table = self._own(contestant, curves)
        return table if contestant.columns is None else contestant.columns(table)

    def _own(self, contestant: Contestant, curves: Sequence[Curve]) -> np.ndarray:
        """Rows that are on disk, and the others, which are put there some hundreds at a time."""
        if contestant.embed is None:
            raise ConfigError(f"the contestant '{contestant.name}' has no embedding")
        path = self.folder / f"{contestant.version}.npz"
        rows = self._rows(path)
        names = [curve_digest(curve) for curve in curves]
        absent = list({name: curve for name, curve in zip(names, curves, strict=True) if name not in rows}.items())
        for begin in range(0, len(absent), _AT_ONCE):
            some = absent[begin : begin + _AT_ONCE]
            table = np.asarray(contestant.embed([curve for _, curve in some]), np.float64)
            if table.ndim != 2 or len(table) != len(some) or np.isinf(table).any():
                raise DataError(
                    f"the contestant '{contestant.name}' gives {table.shape} numbers for {len(some):,} curves, or infinite ones: it "
                    "must give one row for each"
                )
            rows |= {name: row for (name, _), row in zip(some, table, strict=True)}
            self._write(path, rows)
        return np.stack([rows[name] for name in names])

    def shares(
        self, name: str, ask: Callable[[Sequence[Curve]], np.ndarray], asked: Sequence[Curve], also: Sequence[Curve]
    ) -> np.ndarray:
        """(N, K) of `asked` by a contestant that was trained for it; one that was asked all of it before is not trained again.

        Args:
          name: of the trained contestant. ask: trains and answers. also: curves that may be asked next.
        """
        path = self.folder / f"{name}.npz"
        rows, names = self._rows(path), [curve_digest(curve) for curve in asked]
        if not rows.keys() >= set(names):
            more = [*asked, *also]
            rows |= dict(zip(map(curve_digest, more), np.asarray(ask(more), np.float64), strict=True))
            self._write(path, rows)
        return np.stack([rows[name] for name in names])

    def _rows(self, path: Path) -> dict[str, np.ndarray]:
        """By the digest of the curve."""
        if not path.exists():
            return {}
        with np.load(path, allow_pickle=False) as kept:
            return dict(zip(kept["curve"].tolist(), kept["embedding"], strict=True))

    def _write(self, path: Path, rows: dict[str, np.ndarray]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(partial, curve=np.array(list(rows)), embedding=np.stack(list(rows.values())))
        os.replace(partial, path)


def encoder(name: str, loaded: Loaded, prepare: Callable[[Curve], Curve] | None = None) -> Contestant:
    """Means over points of the input embedding and of each block's output, then the largest value of the last: for `pooled`.

    Args:
      prepare: what is done to each curve first.

    Raises:
      ConfigError: the model is no encoder of light curves.
    """
    encode = loaded.task.encode
    if encode is None:
        raise ConfigError(
            f"'{loaded.folder}' is a {loaded.task.name}, which does not give what its blocks make of points"
        )

    def answers(variables: dict, batch: dict) -> dict:
        def pooled(windows: dict) -> dict:
            found = encode(variables, windows)
            mask = found["mask"][..., None]
            count = jnp.maximum(jnp.sum(mask, 1), 1)
            means = [jnp.sum(jnp.where(mask, layer, 0), 1) / count for layer in found["layers"]]
            return {"embedding": jnp.concatenate([*means, jnp.max(jnp.where(mask, found["layers"][-1], -1e9), 1)], -1)}

        return answer_curves(pooled, batch, loaded.experiment.window, loaded.task.full_length)

    task = dataclasses.replace(loaded.task, predict=answers)
    predictor = LightCurvePredictor(task, loaded.variables, loaded.experiment.window)

    def embed(curves: Sequence[Curve]) -> np.ndarray:
        ready = curves if prepare is None else [prepare(curve) for curve in curves]
        return np.stack([found.outputs["embedding"] for found in predictor.predict(ready)])

    return Contestant(name, embed, identity=loaded.identity())


def pooled(base: Contestant, layers: int, name: str, pooling: str) -> Contestant:
    """What one pooling keeps of `encoder`: `last`, `all` or `max`.

    Args:
      layers: with the input embedding.
    """
    if pooling not in ("last", "all", "max"):
        raise ConfigError(f"there is no pooling '{pooling}': use last, all or max")

    def columns(table: np.ndarray) -> np.ndarray:
        width = table.shape[1] // (layers + 1)
        begin, end = {"last": (layers - 1, layers), "all": (0, layers), "max": (layers, layers + 1)}[pooling]
        return table[:, begin * width : end * width]

    return Contestant(name, parts=(base,), columns=columns)


FEATURE_VERSION = hashlib.sha256(f"{MAX_FREQUENCY} {', '.join(FEATURES)}".encode()).hexdigest()[:16]
FEATURE_TABLE = Contestant("features", light_curve_features, (FOREST, LINEAR), identity=FEATURE_VERSION)


def features_without(name: str, names: Sequence[str], development: bool = False) -> Contestant:
    """The features but some."""
    kept = columns_without(names)
    return Contestant(
        name,
        heads=(FOREST, LINEAR),
        parts=(FEATURE_TABLE,),
        columns=lambda table: table[:, kept],
        development=development,
    )


NO_BRIGHTNESS = features_without("features without mean magnitude", BRIGHTNESS)
NO_PERIOD = features_without("features without period", PERIOD)
PERIOD_ALONE = features_without("period", [name for name in FEATURES if name not in PERIOD], development=True)


def scalars(curves: Sequence[Curve]) -> np.ndarray:
    """What zero-mean, unit-variance windows of a fixed length do not show: log spread, log mean error, log points, log span.

    Returns:
      (N, 4).
    """
    rows = []
    for curve in curves:
        spread, error = np.std(curve.magnitude), np.mean(curve.magnitude_error)
        span = curve.mjd[-1] - curve.mjd[0]
        rows.append(np.log10(np.maximum([spread, error, len(curve.mjd), span], 1e-6)))
    return np.array(rows, np.float64)


SCALARS = Contestant("four scalars", scalars, (FOREST, LINEAR), development=True)


def first_window(curves: Sequence[Curve]) -> np.ndarray:
    """Features of the first 200 points alone."""
    return light_curve_features([first_points(curve) for curve in curves])


FIRST_WINDOW = Contestant(
    "features of 200 points", first_window, (FOREST, LINEAR), identity=FEATURE_VERSION, development=True
)


def folded(curve: Curve) -> Curve:
    """One cycle of the period of the highest peak, 200 points at most, evenly chosen in phase."""
    log_period = light_curve_features([curve])[0, FEATURES.index(PERIOD[0])]
    if not np.isfinite(log_period):
        return curve
    phase = (curve.mjd - curve.mjd[0]) % 10**log_period
    order = np.argsort(phase, kind="stable")
    order = order[np.linspace(0, len(order) - 1, min(len(order), WINDOW)).astype(int)]
    some = part_of(curve, order)
    # Ascending also where two points have one phase.
    return dataclasses.replace(some, mjd=phase[order] + 1e-7 * np.arange(len(order)))


def first_points(curve: Curve) -> Curve:
    """One window of a star that has several."""
    return part_of(curve, slice(0, WINDOW))


def equal_errors(curve: Curve) -> Curve:
    """Without what errors say: each is 0.05 mag."""
    return dataclasses.replace(curve, magnitude_error=np.full_like(curve.magnitude_error, 0.05))


def shuffled(curve: Curve) -> Curve:
    """Without what times say: magnitudes, with their errors, in another order."""
    order = np.random.default_rng(0).permutation(len(curve.mjd))
    return dataclasses.replace(curve, magnitude=curve.magnitude[order], magnitude_error=curve.magnitude_error[order])


CHANGES: Mapping[str, Callable[[Curve], Curve]] = {
    "200 points": first_points,
    "equal errors": equal_errors,
    "shuffled times": shuffled,
    "folded": folded,
}
"""What is done to curves before an encoder sees them, to learn what it makes use of."""


def from_table(path: Path) -> Contestant:
    """Embeddings of stars, brought as Parquet.

    Raises:
      DataError: the table cannot be used; when it is asked: a star is not in it.
    """
    table = read_embeddings(path)
    row: dict[str, int] = {}
    for i, name in enumerate(table.object_id):
        if name in row and not np.array_equal(table.embedding[i], table.embedding[row[name]], equal_nan=True):
            raise DataError(f"'{name}' has two different embeddings in '{path}': leave one row for each star")
        row.setdefault(name, i)

    def embed(curves: Sequence[Curve]) -> np.ndarray:
        absent = [curve.object_id for curve in curves if curve.object_id not in row]
        if absent:
            raise DataError(
                f"'{path}' has no embedding of {len(absent):,} stars of the benchmark, '{absent[0]}' among them"
            )
        found = table.embedding[[row[curve.object_id] for curve in curves]]
        return np.where(np.isfinite(found), found, np.nan)

    identity = hashlib.sha256(table.embedding.tobytes()).hexdigest()
    return Contestant(path.stem, embed, (LINEAR, FOREST), identity=identity, windows=False)
