"""Light curves in, rows of embeddings out: what `lcjax predict` writes for an Astromer."""

from collections.abc import Callable, Iterable, Iterator

import jax
import numpy as np
import pyarrow as pa

from lcjax.errors import ConfigError, Rejection
from lcjax.files import printable
from lcjax.inference.bands import check_level, predicted
from lcjax.inference.light_curves import LightCurve, LightCurvePredictor, Prediction
from lcjax.inference.loaded import Loaded
from lcjax.inference.output import BandOptions, OutputOptions
from lcjax.inference.whole_stars import whole_stars
from lcjax.systems.base import Row

_TYPES = {"float32": pa.float32(), "float16": pa.float16()}
_LARGEST_FLOAT16 = 65504.0


class LightCurveAnswers:
    """A model of light curves; rows in the order given, one a light curve or, by level, one a window or a point of it."""

    constant_columns: tuple[str, ...] = ("band",)
    """Left out of the table where all rows agree: surveys with one band need no such column."""

    def __init__(
        self,
        loaded: Loaded,
        batch_size: int | None = None,
        output: OutputOptions | None = None,
        bands: BandOptions | None = None,
        told_apart: int = 1,
        taken: Callable[[Iterable], Iterable] = iter,
    ) -> None:
        """Compiles nothing yet.

        Args:
          bands: where they are pooled, the light curves of a star come as a tuple. told_apart: bands of a star that the model looks at
            together, which come so too: then there is a column `bands` of those that were used. taken: what is made of items first.

        Raises:
          ConfigError: a level that the model does not have, or at which bands cannot be pooled.
        """
        output, pool = output or OutputOptions(), (bands or BandOptions()).pool
        if pool:
            check_level(output.level)
        self.unit = "stars" if pool or told_apart > 1 else "light curves"
        self._told_apart, self._taken = told_apart, taken
        self._predictor = LightCurvePredictor.of(loaded, batch_size, output.level)
        self._number = _TYPES[output.precision]
        shapes = jax.eval_shape(self._predictor.function, loaded.variables, loaded.task.batch_spec)
        by_row = 2 if output.level == "point" else 1  # axes that are rows of the table, not of a vector
        kind = lambda shape: self._number if len(shape) == by_row else pa.list_(self._number)
        begin: dict[str, list[tuple[str, pa.DataType]]] = {
            "window": [("window", pa.int32()), ("first_mjd", pa.float64()), ("last_mjd", pa.float64())],
            "point": [("mjd", pa.float64())],
        }
        end = [] if output.level == "point" else [("n_points", pa.int64())]
        columns = [(name, kind(value.shape)) for name, value in shapes.items()]
        self._band = "bands" if told_apart > 1 else "band"
        if told_apart > 1:
            self.constant_columns = ()
        names = [("object_id", pa.string()), (self._band, pa.string())]
        self.schema = pa.schema([*names, *begin.get(output.level, []), *columns, *end])
        several: dict[str, Callable[[Prediction], Row | pa.RecordBatch]] = {
            "window": self._by_window,
            "point": self._by_point,
        }
        self._answer = several.get(output.level, self._by_star)

    def answer(
        self, items: Iterable[LightCurve | tuple[LightCurve, ...] | Rejection]
    ) -> Iterator[Row | pa.RecordBatch | Rejection]:
        """Rows (object_id, band, outputs, ...) and the rejections among the items."""
        items = self._taken(items)
        if self._told_apart > 1:
            items = whole_stars(items, self._told_apart)  # type: ignore[arg-type]
        for found in predicted(self._predictor, items):
            yield found if isinstance(found, Rejection) else self._answer(found)

    def _by_star(self, found: Prediction) -> Row:
        curve = found.light_curve
        numbers = {name: self._rounded(value) for name, value in found.outputs.items()}
        outputs = {name: value.ravel() if value.ndim else value.item() for name, value in numbers.items()}
        return {"object_id": curve.object_id, self._band: curve.band, **outputs, "n_points": found.n_points}

    def _by_window(self, found: Prediction) -> pa.RecordBatch:
        mjd = np.asarray(found.light_curve.mjd, np.float64)
        first, behind = found.edges.T
        columns = {
            "window": np.arange(len(first), dtype=np.int32),
            "first_mjd": mjd[first],
            "last_mjd": mjd[behind - 1],
            "n_points": (behind - first).astype(np.int64),
        }
        return self._batch(found, columns)

    def _by_point(self, found: Prediction) -> pa.RecordBatch:
        return self._batch(found, {"mjd": np.asarray(found.light_curve.mjd, np.float64)})

    def _batch(self, found: Prediction, columns: dict[str, np.ndarray]) -> pa.RecordBatch:
        """Several rows of one star."""
        columns |= {name: self._rounded(value) for name, value in found.outputs.items()}
        rows = len(next(iter(columns.values())))
        star = {"object_id": printable(found.light_curve.object_id), self._band: found.light_curve.band}
        arrays = [
            pa.repeat(pa.scalar(star[field.name], field.type), rows)
            if field.name in star
            else _column(field.type, columns[field.name])
            for field in self.schema
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _rounded(self, values: np.ndarray) -> np.ndarray:
        if self._number == pa.float16():
            if np.abs(values).max(initial=0.0) > _LARGEST_FLOAT16:
                raise ConfigError(
                    f"float16 holds numbers up to {_LARGEST_FLOAT16:.0f}, and the model gives larger ones: leave --output.precision out"
                )
            return values.astype(np.float16)
        return values


def _column(kind: pa.DataType, values: np.ndarray) -> pa.Array:
    """A column of a block of numbers: (rows,), or vectors as (rows, ...)."""
    if not pa.types.is_list(kind):
        return pa.array(values, kind)
    flat = values.reshape(len(values), -1)
    offsets = np.arange(len(flat) + 1, dtype=np.int32) * flat.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat.ravel(), kind.value_type))
