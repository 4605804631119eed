"""The directional light radius, the host rule of supernova surveys: what DELIGHT must beat.

Sources are tables of columns as in `lcjax.systems.delight.host_rules`, with `theta`, radians from x to the major axis. Rules
answer (dx, dy) from the transient to the host, pixels.
"""

import numpy as np

from lcjax.systems.delight.examination import Sources

NOTHING = np.full(2, np.nan)
DLR_LIMIT = 4.0
"""Directional light radii beyond which a transient counts as hostless (Gupta et al. 2016, AJ 152, 154)."""


def closest_source(sources: Sources, x: float, y: float) -> np.ndarray:
    """The source with the smallest separation on the sky, whatever its size; NaN without sources."""
    if not len(sources["x"]):
        return NOTHING
    best = int(np.argmin(np.hypot(sources["x"] - x, sources["y"] - y)))
    return np.array([sources["x"][best] - x, sources["y"][best] - y])


def directional_light_radius(sources: Sources, x: float, y: float) -> np.ndarray:
    """(N,) separation over directional light radius: the radius of the ellipse towards the transient (Sullivan 2006).

    The square of it is `lcjax.systems.delight.host_rules.elliptical_distance`, so that the fallback of DELIGHT is this rule.
    """
    dx, dy = x - sources["x"], y - sources["y"]
    separation = np.hypot(dx, dy)
    angle = np.arctan2(dy, dx) - sources["theta"]
    ratio = sources["a"] / np.maximum(sources["b"], 1e-6)
    radius = sources["a"] / np.hypot(ratio * np.sin(angle), np.cos(angle))
    return separation / np.maximum(radius, 1e-6)


def light_radius_host(
    sources: Sources, x: float, y: float, limit: float = np.inf, star_size: float = 0.0
) -> np.ndarray:
    """The source at the smallest directional light radius; NaN if none is within `limit` of them.

    Args:
      star_size: sources whose geometric mean of a and b (pixels) is not larger are left out, as stars.
    """
    if not len(sources["x"]):
        return NOTHING
    radii = directional_light_radius(sources, x, y)
    radii = np.where(np.sqrt(sources["a"] * sources["b"]) > star_size, radii, np.inf)
    best = int(np.argmin(radii))
    return np.array([sources["x"][best] - x, sources["y"][best] - y]) if radii[best] <= limit else NOTHING
