"""Light curves in, rows of embeddings out: what `lcjax predict` writes for an Astromer."""

from collections.abc import Iterable, Iterator

import jax
import pyarrow as pa

from lcjax.errors import Rejection
from lcjax.inference.light_curves import LightCurve, LightCurvePredictor
from lcjax.inference.loaded import Loaded
from lcjax.systems.base import Row


class LightCurveAnswers:
    """A model of light curves; one row a light curve, in the order given."""

    unit = "light curves"
    constant_columns = ("band",)
    """Left out of the table where all rows agree: surveys with one band need no such column."""

    def __init__(self, loaded: Loaded, batch_size: int | None = None) -> None:
        """Compiles nothing yet."""
        self._predictor = LightCurvePredictor.of(loaded, batch_size)
        outputs = jax.eval_shape(loaded.task.predict, loaded.variables, loaded.task.batch_spec)
        vector = lambda shape: pa.float32() if len(shape) == 1 else pa.list_(pa.float32())
        columns = [(name, vector(value.shape)) for name, value in outputs.items()]
        begin = [("object_id", pa.string()), ("band", pa.string())]
        self.schema = pa.schema([*begin, *columns, ("n_points", pa.int64())])

    def answer(self, items: Iterable[LightCurve | Rejection]) -> Iterator[Row | Rejection]:
        """Rows (object_id, band, outputs, n_points) and the rejections among the items."""
        for found in self._predictor.predict(items):
            if isinstance(found, Rejection):
                yield found
                continue
            curve = found.light_curve
            outputs = {name: value.ravel() if value.ndim else float(value) for name, value in found.outputs.items()}
            yield {"object_id": curve.object_id, "band": curve.band, **outputs, "n_points": found.n_points}
