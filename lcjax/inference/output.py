"""What encoders and classifiers of light curves write: of what each row is, and how exact its numbers are. Nothing here imports jax."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Options = Mapping[str, Any]
"""Name of an option group -> its dataclass, filled in by the user."""

Level = Literal["star", "window", "point", "layer"]
"""What an answer is of: the star; each of its windows; each of its points; the star, by every layer of the network."""


@dataclass(frozen=True)
class OutputOptions:
    """Of what each row of the table is."""

    level: Level = "star"
    """star: one row a star (and band), means over its windows weighted by their number of points. window: one row for each
    window, with first_mjd and last_mjd. point: one row for each point, with its mjd (in several windows: the mean). layer: one
    row a star, a column for the input embedding (layer_0) and for the output of each block, means over all points."""
    precision: Literal["float32", "float16"] = "float32"
    """Of the vectors in the table: float16 takes half the room and keeps three digits."""


@dataclass(frozen=True)
class StarOutputs:
    """What is written of every light curve."""

    embedding: bool = False
    """Also the vector that the head classifies."""


@dataclass(frozen=True)
class BandOptions:
    """Of stars with several bands."""

    pool: bool = False
    """One row a star instead of one a band: means over the windows of all its bands, each weighing as many points as it has,
    as `lcjax evaluate` pools them for classifiers; `band` then names all of them, such as g+r. Not of models that look at all
    bands of a star together, which have one row a star, and `bands` in it, in any case."""
    only: tuple[str, ...] = ()
    """Bands that are used, by the names of the input; none: all."""


@dataclass(frozen=True)
class FluxOptions:
    """Of fluxes, which models of stars take as asinh magnitudes: none is lost for its sign."""

    difference: bool = False
    """Take fluxes of differences for those of the object itself: right where the reference image has nothing of it, as of supernovae."""
