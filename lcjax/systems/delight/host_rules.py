"""What a table of sources says about a host without a network: the nearest source, and how large a host is.

Sources are tables of columns as `sep` gives them: `x`, `y` pixels from 0, `a`, `b` pixels of the ellipse, `cxx`, `cyy`,
`cxy` of its equation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lcjax.systems.delight.examination import Sources
from lcjax.transforms.delight import plane_begin, stack_side

SNAP_REACH = 2.0
"""Radii of a source up to which a predicted position falls on it."""
WELL_CENTRED = 0.05
"""Separation over size up to which a source surely is the host."""


def elliptical_distance(sources: Sources, x: float, y: float) -> np.ndarray:
    """(N,) distance of (x, y) from every source in its own ellipse, squared: cxx dx^2 + cyy dy^2 + cxy dx dy."""
    dx, dy = sources["x"] - x, sources["y"] - y
    return sources["cxx"] * dx * dx + sources["cyy"] * dy * dy + sources["cxy"] * dx * dy


def nearest_source(sources: Sources, x: float, y: float) -> np.ndarray:
    """(dx, dy) to the source nearest in its own ellipse: the classical rule, and the fallback of DELIGHT; NaN without any.

    >>> one = {k: np.array([v]) for k, v in dict(x=5.0, y=1.0, cxx=1.0, cyy=1.0, cxy=0.0).items()}
    >>> nearest_source(one, 2.0, 2.0).tolist()
    [3.0, -1.0]
    """
    if not len(sources["x"]):
        return np.full(2, np.nan)
    best = int(np.argmin(elliptical_distance(sources, x, y)))
    return np.array([sources["x"][best] - x, sources["y"][best] - y])


def snap_to_source(sources: Sources, x: float, y: float) -> tuple[float, float]:
    """The centre of the source that a predicted position falls on, within `SNAP_REACH` of its radii; else the position itself.

    Detection finds the centre of a galaxy better than a network does, the network knows better which galaxy it is.
    """
    if not len(sources["x"]):
        return x, y
    distance = elliptical_distance(sources, x, y)
    best = int(np.argmin(distance))
    if distance[best] > SNAP_REACH**2:
        return x, y
    return float(sources["x"][best]), float(sources["y"][best])


@dataclass(frozen=True)
class HostSize:
    """A host as an ellipse, from the resolution where it is found best."""

    semi_major_axis: float  #: pixels of the full image; NaN if no source is there
    level: int  #: found on blocks of 2^level pixels; -1: on the full image
    ratio: float  #: separation of predicted position and source over the semi-major axis

    @property
    def doubtful(self) -> bool:
        """The source found there may be another one."""
        return not self.ratio <= WELL_CENTRED


def host_size(full: Sources, planes: Sequence[Sources], x: float, y: float, size: int) -> HostSize:
    """Size of the source at the predicted host, as the code of DELIGHT (AJ 164, 195) measures it.

    On the full image and on every plane the source nearest in its own ellipse is taken; the one whose centre lies closest
    to the prediction, in units of its size, counts. Coarse planes see large hosts as one source where the full image
    breaks them up.

    Args:
      full: sources of the full image. planes: those of the block medians of every level, not masked, in pixels of them.
      x, y: predicted host on the full image of `size` pixels a side.
    """
    best = _measure(full, x, y, 1, -1)
    for level, found in enumerate(planes):
        if best.ratio < WELL_CENTRED:
            break
        block, begin = 2**level, plane_begin(size, stack_side(size, len(planes)), level)
        candidate = _measure(found, (x - begin + 0.5) / block - 0.5, (y - begin + 0.5) / block - 0.5, block, level)
        if candidate.ratio < best.ratio or np.isnan(best.ratio):
            best = candidate
    return best


def _measure(sources: Sources, x: float, y: float, block: int, level: int) -> HostSize:
    if not len(sources["x"]):
        return HostSize(float("nan"), level, float("nan"))
    nearest = int(np.argmin(elliptical_distance(sources, x, y)))
    axis = max(float(sources["a"][nearest]), float(sources["b"][nearest]))
    separation = float(np.hypot(sources["x"][nearest] - x, sources["y"][nearest] - y))
    return HostSize(axis * block, level, separation / axis if axis > 0 else float("nan"))
