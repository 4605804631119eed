"""Stars whose bands a model looks at together: the points of all of them side by side, each with the slot of its band."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from lcjax.errors import DataError, Rejection
from lcjax.passbands import star_slots
from lcjax.transforms.windows import sequential_edges, spread_order


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


class BandCurve(LightCurve, Protocol):
    """The same, with the name of its band."""

    @property
    def band(self) -> str:
        """Name of the band."""


@dataclass(frozen=True, eq=False)
class WholeStar:
    """One star by all its bands; points by time, or window after window (see `spread`)."""

    object_id: str
    band: str
    """Names of its bands by wavelength, joined by `+`."""
    mjd: np.ndarray
    """(N,) float64, days."""
    magnitude: np.ndarray
    """(N,) float, mag."""
    magnitude_error: np.ndarray
    """(N,) float, mag."""
    slot: np.ndarray
    """(N,) int32, of the band of each point (see `lcjax.passbands.band_slots`)."""

    def take(self, which: np.ndarray) -> "WholeStar":
        """Some of the points, or all in another order."""
        names = ("mjd", "magnitude", "magnitude_error", "slot")
        return replace(self, **{name: getattr(self, name)[which] for name in names})

    def spread(self, length: int) -> tuple["WholeStar", np.ndarray]:
        """Of points by time: windows of at most `length` points one behind the other, each of the whole span and by time.

        Returns:
          the star, and (K, 2) int, of every window the index of its first point and the one behind its last.
        """
        edges = sequential_edges(len(self.mjd), length)
        star = self if len(edges) == 2 else self.take(spread_order(edges))
        return star, np.stack([edges[:-1], edges[1:]], axis=1)


def joined_star(curves: Sequence[BandCurve], slots: int) -> WholeStar:
    """One star of its light curves, whose order does not matter; points by time, at one time by band.

    Args:
      curves: one a band, or several. slots: bands that are told apart.

    Raises:
      DataError: bands that cannot be told apart.
    """
    slot = star_slots([curve.band for curve in curves], slots)
    columns = {name: [getattr(curve, name) for curve in curves] for name in ("mjd", "magnitude", "magnitude_error")}
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    mjd = joined.pop("mjd").astype(np.float64)
    of_points = np.concatenate([np.full(len(curve.mjd), slot[curve.band], np.int32) for curve in curves])
    name = "+".join(sorted(slot, key=lambda band: slot[band]))
    star = WholeStar(curves[0].object_id, name, mjd, **joined, slot=of_points)
    return star.take(np.lexsort((joined["magnitude_error"], of_points, mjd)))


def whole_stars(items: Iterable[Sequence[BandCurve] | Rejection], slots: int) -> Iterator[WholeStar | Rejection]:
    """Each star of its light curves; those whose bands cannot be told apart are set aside."""
    for item in items:
        if isinstance(item, Rejection):
            yield item
            continue
        try:
            yield joined_star(item, slots)
        except DataError as error:
            yield Rejection(item[0].object_id, str(error), "")
