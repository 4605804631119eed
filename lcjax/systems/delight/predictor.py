"""Hosts of transients with a trained DELIGHT: images in, positions on the sky out, in batches of one compiled shape.

Any image works: by its explicit pixel scale it is resampled to the field that the network knows, around the transient.
Sources are found and stacks made on the host by a function that the caller gives
(`data_pipelines.kinds.host_fields.stack.examine_field`), on several cores if asked, while the device works on the batch before;
network and averages are one compiled call.
"""

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.inference.answers import ParallelMap
from lcjax.inference.loaded import Loaded
from lcjax.inference.predictor import Predictor, usual_batch_size
from lcjax.systems.delight.answer import HostAnswer
from lcjax.systems.delight.config import DelightExperiment, ImageConfig
from lcjax.systems.delight.examination import ArrayField, Examination, Examine, Examined, Field, sky_of
from lcjax.systems.delight.host_rules import host_size, nearest_source, snap_to_source
from lcjax.systems.delight.raw_fields import UNKNOWN
from lcjax.training.task import Task
from lcjax.transforms.delight import delight_stack, recentre, usable
from lcjax.typing import PyTree

_SAME_SCALE = 0.01
"""Relative difference of pixel scales that is no reason to resample."""
_PADDING = 64
"""Images are padded to multiples of so many pixels before they are resampled, so that few shapes are compiled."""
_EMPTY = "the image is empty: every pixel is 0 or not finite"


@dataclass(frozen=True)
class _Ready:
    """A field on the network's grid."""

    field: Field
    pixels: np.ndarray  #: (S, S) float32, finite
    x: float  #: of the transient there
    y: float
    zoom: float  #: pixels of the given image per pixel here
    examined: Examined | None = None

    def given(self, offset: np.ndarray) -> tuple[float, float]:
        """Pixel of the given image at an offset from the transient."""
        return self.field.x + float(offset[0]) * self.zoom, self.field.y + float(offset[1]) * self.zoom


class HostPredictor:
    """A trained DELIGHT, ready for fields."""

    def __init__(
        self,
        task: Task,
        variables: PyTree,
        image: ImageConfig,
        examine: Examine | None = None,
        batch_size: int | None = None,
        sizes: bool = True,
        max_scatter: float | None = None,
        snap: bool = False,
        parallel_map: ParallelMap = map,
    ) -> None:
        """Compiles nothing yet.

        Args:
          task: the system. variables: as `lcjax.load` gives them. image: the field it knows.
          examine: finds the sources of a field and makes its stack; needed for the mask `sources`, sizes and the fallback.
          batch_size: fields of every compiled batch; None: few on a CPU, many on an accelerator.
          sizes: also measure hosts (needs `examine`).
          max_scatter: arcsec; where the eight answers scatter more, the nearest source answers instead. None: never.
          snap: move answers to the centres of the sources they fall on (needs `examine`).
          parallel_map: applies `examine` to fields, in order, as `map` does; `data_pipelines.processes.Processes.map` does it on
            several cores.

        Raises:
          ConfigError: no `examine` where the mask or an option needs it.
        """
        if image.mask == "sources" and examine is None:
            raise ConfigError(
                "this model masks by detected sources: give examine=data_pipelines.kinds.host_fields.stack.examine_field"
            )
        if examine is None and (snap or max_scatter is not None):
            raise ConfigError("snap and max_scatter need the sources of the image: give examine as well")
        self.image = image
        self._sizes, self._max_scatter, self._snap = sizes and examine is not None, max_scatter, snap
        self._parallel_map = parallel_map
        self._examination = None if examine is None else Examination(examine, image.levels, self._sizes)
        size = usual_batch_size(batch_size, 8, 128, "fields")
        self._predictor: Predictor[_Ready] = Predictor(partial(_predict, task, image), variables, size)
        self._recentre = jax.jit(partial(recentre, size=image.image_size))

    @classmethod
    def of(cls, loaded: Loaded, examine: Examine | None = None, **settings: Any) -> "HostPredictor":
        """The predictor of what `lcjax.load` gives.

        Raises:
          ConfigError: that model is no DELIGHT.
        """
        if not isinstance(loaded.experiment, DelightExperiment):
            raise ConfigError(
                f"'{loaded.folder}' is a {loaded.experiment.system}, which finds no hosts: give a delight"
            )
        return cls(loaded.task, loaded.variables, loaded.experiment.image, examine, **settings)

    def predict(self, fields: Iterable[Field | Rejection]) -> Iterator[HostAnswer | Rejection]:
        """One answer or rejection a field, in the order given; rejections among the fields are passed on."""
        rows = (r if isinstance(r, Rejection) else (r, [{"input": self._input(r)}]) for r in self.prepare(fields))
        for found in self._predictor.answer(rows):
            if isinstance(found, Rejection):
                yield found
            elif found.refused:
                raise found.refused
            else:
                yield self._answer(found.item, found.outputs[0])

    def _input(self, ready: "_Ready") -> np.ndarray:
        """The stack of a field, or its image where the stack is made on the device."""
        if self.image.mask == "sources" and ready.examined is not None:
            return ready.examined.stack
        return ready.pixels

    def predict_arrays(self, images: np.ndarray, pixel_scale: float) -> list[HostAnswer | Rejection]:
        """Answers for images (B, H, W) with the transient in the middle and pixels of so many arcsec."""
        return list(self.predict(ArrayField(np.asarray(im), pixel_scale, str(i)) for i, im in enumerate(images)))

    def prepare(self, fields: Iterable[Field | Rejection]) -> Iterator[_Ready | Rejection]:
        """Checks fields, brings them to the network's grid and examines them, in order."""
        waiting: deque[_Ready | Rejection] = deque()

        def given() -> Iterator[tuple[np.ndarray, np.ndarray | None] | None]:
            for field in fields:
                waiting.append(ready := self._onto_grid(field))
                if isinstance(ready, Rejection):
                    yield None
                else:
                    yield ready.pixels, _outside(field, ready.pixels.shape, ready.zoom)

        if self._examination is None:
            yield from (self._onto_grid(field) for field in fields)
            return
        for examined in self._parallel_map(self._examination, given()):
            ready = waiting.popleft()
            if isinstance(ready, Rejection):
                yield ready
            elif isinstance(examined, str):
                yield Rejection(ready.field.object_id, examined, ready.field.origin, ready.field.alert_id)
            elif self.image.mask == "sources" and not len(examined.sources["x"]):  # type: ignore[union-attr]
                yield Rejection(
                    ready.field.object_id,
                    "no source was detected in the image",
                    ready.field.origin,
                    ready.field.alert_id,
                )
            else:
                yield dataclasses.replace(ready, examined=examined)

    def _onto_grid(self, field: Field | Rejection) -> _Ready | Rejection:
        if isinstance(field, Rejection):
            return field
        try:
            return _Ready(field, *self._on_grid(field, *_clean(field)))
        except DataError as error:
            return Rejection(field.object_id, str(error), field.origin, field.alert_id)

    def _on_grid(self, field: Field, pixels: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, float, float, float]:
        size, wanted = self.image.image_size, self.image.pixel_scale
        middle = (size - 1) / 2
        same = abs(field.pixel_scale / wanted - 1) <= _SAME_SCALE
        if same and pixels.shape == (size, size) and max(abs(field.x - middle), abs(field.y - middle)) <= 1:
            return pixels, field.x, field.y, 1.0
        scale = 1.0 if same else field.pixel_scale / wanted
        # The sky goes to 0, which is also what lies beyond the edges.
        pixels = np.where(known, pixels - np.median(pixels[known]), np.float32(0))
        height, width = pixels.shape
        padded = np.pad(pixels, ((0, -height % _PADDING), (0, -width % _PADDING)))
        cut = self._recentre(padded, np.float32(field.x), np.float32(field.y), np.float32(scale))
        return np.asarray(cut), middle, middle, 1 / scale

    def _answer(self, item: _Ready, out: dict[str, np.ndarray]) -> HostAnswer | Rejection:
        field, scale = item.field, item.field.pixel_scale
        nearest = np.full(2, np.nan)
        if item.examined is not None:
            nearest = nearest_source(item.examined.sources, item.x, item.y)  # type: ignore[union-attr]
        scatter = float(out["scatter"]) * item.zoom * scale
        offset, method = out["offset"].astype(np.float64), "network"
        if not out["usable"] or (self._max_scatter is not None and scatter > self._max_scatter):
            if np.isnan(nearest).any():
                return Rejection(
                    field.object_id, "nothing in the image stands out to find a host by", field.origin, field.alert_id
                )
            offset, method = nearest, "nearest source"
        elif self._snap:
            position = snap_to_source(item.examined.sources, item.x + offset[0], item.y + offset[1])  # type: ignore[union-attr]
            offset = np.subtract(position, (item.x, item.y))
        x, y = item.given(offset)
        axis, doubtful = float("nan"), True
        if self._sizes:
            examined, at = item.examined, (item.x + offset[0], item.y + offset[1])
            size = host_size(examined.sources, examined.plane_sources, *at, len(item.pixels))  # type: ignore[union-attr]
            axis, doubtful = size.semi_major_axis * item.zoom * scale, size.doubtful
        ra, dec = sky_of(field, x, y)
        nearest_ra, nearest_dec = (
            sky_of(field, *item.given(nearest)) if np.isfinite(nearest).all() else (np.nan, np.nan)
        )
        length = lambda step: float(np.hypot(*step)) * item.zoom * scale
        more = _details(item, out) if method == "network" else {}
        return HostAnswer(
            object_id=field.object_id,
            origin=field.origin,
            method=method,
            x=x,
            y=y,
            pixel_scale=scale,
            ra=ra,
            dec=dec,
            separation=length(offset),
            scatter=scatter if out["usable"] else float("nan"),
            semi_major_axis=axis,
            size_doubtful=doubtful,
            nearest_ra=float(nearest_ra),
            nearest_dec=float(nearest_dec),
            nearest_separation=length(nearest),
            **more,
        )


def _details(item: _Ready, out: dict[str, np.ndarray]) -> dict[str, Any]:
    """What only one of the two heads gives: two hosts and probabilities, or the eight answers."""
    if "hostless_probability" not in out:
        positions = [item.given(offset) for offset in out["offsets"]]
        sky = [sky_of(item.field, *position) for position in positions]
        names = ("variant_x", "variant_y", "variant_ra", "variant_dec")
        return dict(zip(names, (*zip(*positions, strict=True), *zip(*sky, strict=True)), strict=True))
    more = {name: float(out[name]) for name in ("probability", "second_probability", "hostless_probability")}
    if more["second_probability"] > 0:
        second = out["second_offset"].astype(np.float64)
        more["second_ra"], more["second_dec"] = sky_of(item.field, *item.given(second))
        more["second_separation"] = float(np.hypot(*second)) * item.zoom * item.field.pixel_scale
    return more


def _outside(field: Field, shape: tuple[int, int], zoom: float) -> np.ndarray | None:
    """Pixels of the grid, (S, S) bool, that the given image does not reach; None if it covers the grid."""
    height, width = np.shape(field.pixels)
    if (height, width) == shape and zoom == 1.0:
        return None
    steps = (np.arange(shape[0]) - (shape[0] - 1) / 2) * zoom
    columns, rows = field.x + steps, field.y + steps
    beyond_x = (columns < -0.5) | (columns > width - 0.5)
    beyond_y = (rows < -0.5) | (rows > height - 0.5)
    return beyond_x[None, :] | beyond_y[:, None] if beyond_x.any() or beyond_y.any() else None


def _clean(field: Field) -> tuple[np.ndarray, np.ndarray]:
    """The image as float32, 0 where it is not known, and where it is known, bool."""
    pixels = np.asarray(field.pixels)
    if pixels.ndim != 2 or min(pixels.shape) < 8 or pixels.dtype.kind not in "fiu":
        raise DataError(f"an image has two axes of at least 8 pixels, not the shape {pixels.shape} of {pixels.dtype}")
    if not 0 < field.pixel_scale < np.inf:
        raise DataError(f"a pixel scale of {field.pixel_scale} arcsec makes no sense")
    if not (-0.5 <= field.x <= pixels.shape[1] - 0.5 and -0.5 <= field.y <= pixels.shape[0] - 0.5):
        raise DataError(f"the transient at pixel ({field.x}, {field.y}) is not on the image of shape {pixels.shape}")
    with np.errstate(over="ignore"):
        pixels = np.ascontiguousarray(pixels, np.float32)
    known = np.abs(pixels) < UNKNOWN
    pixels = np.where(known, pixels, np.float32(0))
    if not pixels.any():
        raise DataError(_EMPTY)
    return pixels, known


def _predict(task: Task, image: ImageConfig, variables: PyTree, inputs: dict) -> dict[str, jax.Array]:
    """Answers from stacks (B, levels, S, S) with the mask `sources`, else from images (B, H, H)."""
    batch = inputs["input"]
    stack = batch if image.mask == "sources" else delight_stack(batch, None, image.mask, image.levels)
    return {**task.predict(variables, {"stamps": jnp.moveaxis(stack, 1, -1)}), "usable": usable(stack)}
