"""Hosts of transients with a trained DELIGHT: images in, places on the sky out, in batches of one compiled shape.

Any image works: by its explicit pixel scale it is resampled to the field that the network knows, around the transient.
Sources are found on the host by a function that the caller gives (`data_pipelines.sources.source_mask.detect_sources`),
while the device works on the batch before; stacks, network and averages are one compiled call.
"""

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import ConfigError, DataError
from lcjax.inference.field_images import FieldImage, FieldRejection, centred, read_fields
from lcjax.inference.host_rules import Detect, Detections, host_size, nearest_source, snap_to_source
from lcjax.tasks.base import Task
from lcjax.tasks.delight_config import DelightExperiment, ImageConfig
from lcjax.transforms.delight import block_median_pyramid, delight_stack, recentre, usable
from lcjax.typing import PyTree

_SAME_SCALE = 0.01
"""Relative difference of pixel scales that is no reason to resample."""
_PADDING = 64
"""Images are padded to multiples of so many pixels before they are resampled, so that few shapes are compiled."""
_EMPTY = "the image is empty: every pixel is 0 or not finite"


@dataclass(frozen=True)
class HostAnswer:
    """Where the host of one transient is; pixels are those of the image given, counted from 0."""

    object_id: str
    origin: str
    method: str  #: `network`, or `nearest source` where that had to answer
    x: float
    y: float
    ra: float  #: degrees; NaN without world coordinates, here and below
    dec: float
    separation: float  #: of transient and host, arcsec
    scatter: float  #: of the eight answers (or of the mixture), arcsec: a quality flag; NaN from the nearest source
    semi_major_axis: float  #: of the source found there, arcsec; NaN if none was
    size_doubtful: bool  #: that source may be another one
    nearest_ra: float  #: of the source nearest in its own ellipse
    nearest_dec: float
    nearest_separation: float  #: arcsec
    probability: float | None = None  #: that the host is there; mixture head only, like what follows
    second_ra: float | None = None
    second_dec: float | None = None
    second_separation: float | None = None  #: arcsec
    second_probability: float | None = None
    hostless_probability: float | None = None

    def as_row(self) -> dict[str, Any]:
        """Column name -> value."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class _Ready:
    """A field on the network's grid."""

    field: FieldImage
    pixels: np.ndarray  #: (S, S) float32, finite
    x: float  #: of the transient there
    y: float
    zoom: float  #: pixels of the given image per pixel here
    found: Detections | None

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
        detect: Detect | None = None,
        batch_size: int | None = None,
        sizes: bool = True,
        max_scatter: float | None = None,
        snap: bool = False,
    ) -> None:
        """Compiles nothing yet.

        Args:
          task: the system. variables: as `lcjax.load` gives them. image: the field it knows.
          detect: finds the sources of an image; needed for the mask `sources`, sizes and the fallback.
          batch_size: fields of every compiled batch; None: few on a CPU, many on an accelerator.
          sizes: also measure hosts (needs `detect`).
          max_scatter: arcsec; where the eight answers scatter more, the nearest source answers instead. None: never.
          snap: move answers to the centres of the sources they fall on (needs `detect`).

        Raises:
          ConfigError: no `detect` where the mask or an option needs it.
        """
        if image.mask == "sources" and detect is None:
            raise ConfigError(
                "this model masks by detected sources: give detect=data_pipelines.sources.source_mask.detect_sources"
            )
        if detect is None and (snap or max_scatter is not None):
            raise ConfigError("snap and max_scatter need the sources of the image: give detect as well")
        if batch_size is None:
            batch_size = 8 if jax.default_backend() == "cpu" else 128
        if batch_size < 1:
            raise ConfigError(f"a batch of {batch_size} fields is impossible: it must be at least 1")
        self.image, self.batch_size, self.detect = image, batch_size, detect
        self._sizes, self._max_scatter, self._snap = sizes and detect is not None, max_scatter, snap
        self._variables = jax.device_put(variables)
        self._run = jax.jit(partial(_stack_and_predict, task, image))
        self._recentre = jax.jit(partial(recentre, size=image.image_size))
        self._planes = jax.jit(partial(block_median_pyramid, levels=image.levels))

    @classmethod
    def of(cls, path_or_name: Path | str, detect: Detect | None = None, which: str = "best", **settings: Any) -> Any:
        """The predictor of a workdir, weights folder or published name.

        Raises:
          ConfigError: that model is no DELIGHT.
        """
        from lcjax.inference.loading import load_system

        loaded = load_system(path_or_name, which)
        if not isinstance(loaded.experiment, DelightExperiment):
            raise ConfigError(f"'{path_or_name}' is a {loaded.experiment.system}, which finds no hosts: give a delight")
        return cls(loaded.task, loaded.variables, loaded.experiment.image, detect, **settings)

    def predict(self, fields: Iterable[FieldImage | FieldRejection]) -> Iterator[HostAnswer | FieldRejection]:
        """One answer or rejection a field, in the order given; rejections among the fields are passed on."""
        waiting: list[_Ready | FieldRejection] = []
        running: deque[tuple[list, list[_Ready], dict | None]] = deque()
        held = 0
        for field in fields:
            ready = field if isinstance(field, FieldRejection) else self.prepare(field)
            waiting.append(ready)
            held += isinstance(ready, _Ready)
            if held == self.batch_size or len(waiting) >= 8 * self.batch_size:
                running.append(self._start(waiting))
                waiting, held = [], 0
            if len(running) > 1:
                yield from self._finish(*running.popleft())
        running.append(self._start(waiting))
        while running:
            yield from self._finish(*running.popleft())

    def predict_arrays(self, images: np.ndarray, pixel_scale: float) -> list[HostAnswer | FieldRejection]:
        """Answers for images (B, H, W) with the transient in the middle and pixels of so many arcsec."""
        return list(self.predict(centred(im, pixel_scale, str(i)) for i, im in enumerate(images)))

    def prepare(self, field: FieldImage) -> _Ready | FieldRejection:
        """Checks a field, brings it to the network's grid and finds its sources."""
        try:
            pixels, x, y, zoom = self._on_grid(field, _clean(field))
            found = None
            if self.detect is not None:
                outside = _outside(field, pixels.shape, zoom)
                found = self.detect(pixels) if outside is None else self.detect(pixels, outside=outside)
        except DataError as error:
            return FieldRejection(field.object_id, str(error), field.origin)
        if self.image.mask == "sources" and not len(found):
            return FieldRejection(field.object_id, "no source was detected in the image", field.origin)
        return _Ready(field, pixels, x, y, zoom, found)

    def _on_grid(self, field: FieldImage, pixels: np.ndarray) -> tuple[np.ndarray, float, float, float]:
        size, wanted = self.image.image_size, self.image.pixel_scale
        middle = (size - 1) / 2
        same = abs(field.pixel_scale / wanted - 1) <= _SAME_SCALE
        if same and pixels.shape == (size, size) and max(abs(field.x - middle), abs(field.y - middle)) <= 1:
            return pixels, field.x, field.y, 1.0
        scale = 1.0 if same else field.pixel_scale / wanted
        # The sky goes to 0, which is also what lies beyond the edges.
        finite = np.isfinite(field.pixels)
        level = np.float32(np.median(np.asarray(field.pixels)[finite]))
        pixels = np.where(finite, pixels - level, np.float32(0))
        height, width = pixels.shape
        padded = np.pad(pixels, ((0, -height % _PADDING), (0, -width % _PADDING)))
        cut = self._recentre(padded, np.float32(field.x), np.float32(field.y), np.float32(scale))
        return np.asarray(cut), middle, middle, 1 / scale

    def _start(self, waiting: list[_Ready | FieldRejection]) -> tuple[list, list[_Ready], dict | None]:
        """Sends a batch to the device; the answers are collected later."""
        ready = [item for item in waiting if isinstance(item, _Ready)]
        if not ready:
            return waiting, ready, None
        images = np.zeros((self.batch_size, self.image.image_size, self.image.image_size), np.float32)
        for row, item in zip(images, ready, strict=False):
            row[:] = item.pixels
        masks = None
        if self.image.mask == "sources":
            masks = np.zeros(images.shape, bool)
            for row, item in zip(masks, ready, strict=False):
                row[:] = item.found.mask
        with jax.default_matmul_precision("float32"):  # an accelerator would otherwise round to 10 bits
            outputs = self._run(self._variables, images, masks)
            if self._sizes:
                outputs = {**outputs, "planes": self._planes(images)}
        return waiting, ready, outputs

    def _finish(self, items: list, ready: list[_Ready], outputs: dict | None) -> Iterator[HostAnswer | FieldRejection]:
        host = {name: np.asarray(values) for name, values in jax.device_get(outputs or {}).items()}
        row = 0
        for item in items:
            if isinstance(item, FieldRejection):
                yield item
                continue
            yield self._answer(item, {name: values[row] for name, values in host.items()})
            row += 1

    def _answer(self, item: _Ready, out: dict[str, np.ndarray]) -> HostAnswer | FieldRejection:
        field, scale = item.field, item.field.pixel_scale
        nearest = np.full(2, np.nan)
        if item.found is not None:
            nearest = nearest_source(item.found.sources, item.x, item.y)
        scatter = float(out["scatter"]) * item.zoom * scale
        offset, method = out["offset"].astype(np.float64), "network"
        if not out["usable"] or (self._max_scatter is not None and scatter > self._max_scatter):
            if np.isnan(nearest).any():
                return FieldRejection(
                    field.object_id, "nothing in the image stands out to find a host by", field.origin
                )
            offset, method = nearest, "nearest source"
        elif self._snap:
            place = snap_to_source(item.found.sources, item.x + offset[0], item.y + offset[1])
            offset = np.subtract(place, (item.x, item.y))
        x, y = item.given(offset)
        axis, doubtful = float("nan"), True
        if self._sizes:
            size = host_size(
                item.found.sources, out["planes"], item.x + offset[0], item.y + offset[1], len(item.pixels), self.detect
            )
            axis, doubtful = size.semi_major_axis * item.zoom * scale, size.doubtful
        ra, dec = field.sky(x, y)
        nearest_ra, nearest_dec = field.sky(*item.given(nearest)) if np.isfinite(nearest).all() else (np.nan, np.nan)
        length = lambda step: float(np.hypot(*step)) * item.zoom * scale
        more: dict[str, Any] = {}
        if method == "network" and "hostless_probability" in out:
            second = out["second_offset"].astype(np.float64)
            second_ra, second_dec = field.sky(*item.given(second))
            more = {
                "second_ra": second_ra,
                "second_dec": second_dec,
                "second_separation": length(second),
                **{n: float(out[n]) for n in ("probability", "second_probability", "hostless_probability")},
            }
        return HostAnswer(
            object_id=field.object_id,
            origin=field.origin,
            method=method,
            x=x,
            y=y,
            ra=ra,
            dec=dec,
            separation=length(offset),
            scatter=scatter if method == "network" else float("nan"),
            semi_major_axis=axis,
            size_doubtful=doubtful,
            nearest_ra=float(nearest_ra),
            nearest_dec=float(nearest_dec),
            nearest_separation=length(nearest),
            **more,
        )


def _outside(field: FieldImage, shape: tuple[int, int], zoom: float) -> np.ndarray | None:
    """Pixels of the grid, (S, S) bool, that the given image does not reach; None if it covers the grid."""
    height, width = np.shape(field.pixels)
    if (height, width) == shape and zoom == 1.0:
        return None
    steps = (np.arange(shape[0]) - (shape[0] - 1) / 2) * zoom
    columns, rows = field.x + steps, field.y + steps
    beyond_x = (columns < -0.5) | (columns > width - 0.5)
    beyond_y = (rows < -0.5) | (rows > height - 0.5)
    return beyond_x[None, :] | beyond_y[:, None] if beyond_x.any() or beyond_y.any() else None


def _clean(field: FieldImage) -> np.ndarray:
    """The image as finite float32."""
    pixels = np.asarray(field.pixels)
    if pixels.ndim != 2 or min(pixels.shape) < 8 or pixels.dtype.kind not in "fiu":
        raise DataError(f"an image has two axes of at least 8 pixels, not the shape {pixels.shape} of {pixels.dtype}")
    if not 0 < field.pixel_scale < np.inf:
        raise DataError(f"a pixel scale of {field.pixel_scale} arcsec makes no sense")
    if not (-0.5 <= field.x <= pixels.shape[1] - 0.5 and -0.5 <= field.y <= pixels.shape[0] - 0.5):
        raise DataError(f"the transient at pixel ({field.x}, {field.y}) is not on the image of shape {pixels.shape}")
    with np.errstate(over="ignore"):
        pixels = np.ascontiguousarray(pixels, np.float32)
    pixels = np.where(np.isfinite(pixels), pixels, np.float32(0))
    if not pixels.any():
        raise DataError(_EMPTY)
    return pixels


def _stack_and_predict(
    task: Task, image: ImageConfig, variables: PyTree, images: jax.Array, masks: jax.Array | None
) -> dict[str, jax.Array]:
    stack = delight_stack(images, masks, image.mask, image.levels)
    return {**task.predict(variables, {"stamps": jnp.moveaxis(stack, 1, -1)}), "usable": usable(stack)}


def find_hosts(
    model: Path | str,
    paths: Iterable[Path | str],
    detect: Detect | None,
    positions: Mapping[str, tuple[float, float]] | None = None,
    pixel_scale: float | None = None,
    **settings: Any,
) -> Iterator[HostAnswer | FieldRejection]:
    """Hosts of the transients in FITS files or folders of them: what `lcjax predict delight` streams to its table.

    Args:
      model: workdir, weights folder or published name. detect: see `HostPredictor`, which takes `settings`.
      paths, positions, pixel_scale: see `lcjax.inference.field_images.read_fields`.
    """
    return HostPredictor.of(model, detect, **settings).predict(read_fields(paths, positions, pixel_scale))
