"""The image of a field, and what is found out about it on the host, perhaps in another process: nothing here imports jax."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lcjax.errors import DataError

Sources = Mapping[str, np.ndarray]
"""Columns as `sep` names them."""


class WorldCoordinates(Protocol):
    """Where pixels are on the sky; astropy's `WCS` is one."""

    def pixel_to_world_values(self, x: float, y: float) -> tuple[float, float]:
        """(ra, dec) degrees, ICRS, of a pixel counted from 0."""
        ...


class Field(Protocol):
    """The image of a field and where the transient is in it."""

    @property
    def pixels(self) -> np.ndarray:
        """(H, W) numbers; not finite: unknown."""

    @property
    def pixel_scale(self) -> float:
        """Arcsec."""

    @property
    def x(self) -> float:
        """Column of the transient, pixels from 0."""

    @property
    def y(self) -> float:
        """Row of the transient."""

    @property
    def object_id(self) -> str:
        """Name of the transient."""

    @property
    def origin(self) -> str:
        """File and record."""

    @property
    def alert_id(self) -> int:
        """Of the alert whose stamp it is, else 0."""

    @property
    def wcs(self) -> WorldCoordinates | None:
        """World coordinates, if there are any."""


@dataclass(frozen=True)
class ArrayField:
    """A field without world coordinates, the transient in the middle of the image."""

    pixels: np.ndarray
    pixel_scale: float
    object_id: str = ""
    origin: str = ""
    alert_id: int = 0
    wcs: None = None

    @property
    def x(self) -> float:
        """Column of the middle."""
        return (self.pixels.shape[-1] - 1) / 2

    @property
    def y(self) -> float:
        """Row of the middle."""
        return (self.pixels.shape[-2] - 1) / 2


def sky_of(field: Field, x: float, y: float) -> tuple[float, float]:
    """(ra, dec) of a pixel, degrees; NaN without world coordinates."""
    if field.wcs is None:
        return float("nan"), float("nan")
    ra, dec = field.wcs.pixel_to_world_values(x, y)
    return float(ra) % 360.0, float(dec)


class Examined(Protocol):
    """Of one field."""

    sources: Sources
    stack: np.ndarray  #: (levels, S, S) float32
    plane_sources: Sequence[Sources]  #: of the block medians of every level; or empty


class Examine(Protocol):
    """Finds the sources of a field and makes its stack, such as `data_pipelines.kinds.host_fields.stack.examine_field`."""

    def __call__(
        self, image: np.ndarray, levels: int, *, outside: np.ndarray | None = None, planes: bool = True
    ) -> Examined:
        """`image` (H, H); `outside` (H, H) bool: pixels without data; `planes`: also the sources of every level."""
        ...


@dataclass(frozen=True)
class Examination:
    """The same for every field of a model."""

    examine: Examine
    levels: int
    planes: bool

    def __call__(self, field: tuple[np.ndarray, np.ndarray | None] | None) -> Examined | str | None:
        """Of pixels and what is outside of them; a sentence if they cannot be examined; None for None."""
        if field is None:
            return None
        pixels, outside = field
        try:
            return self.examine(pixels, self.levels, outside=outside, planes=self.planes)
        except DataError as error:
            return str(error)
