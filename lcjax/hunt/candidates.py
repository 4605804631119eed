"""What the app is given: candidates with stamps and light curves, and the protocols of what reads, classifies and finds hosts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from lcjax.errors import Rejection

STAMP_NAMES = ("science", "template", "difference")
"""The cutouts of an alert, in the order of a network's channels."""


STAMP_LOST = "a stamp is not shown"
"""How the reason of a rejection begins that is about one stamp of a candidate which is there."""


@dataclass(frozen=True)
class Cutout:
    """One stamp."""

    pixels: np.ndarray
    """(H, W) float32, the survey's units; missing pixels NaN."""
    pixel_scale: float
    """Arcsec."""
    world: tuple[float, float, float, float, float, float, float, float] | None = None
    """Reference pixel x, y (from 0), its ra, dec (degrees), and the matrix CD1_1, CD1_2, CD2_1, CD2_2 (degrees a pixel)."""


@dataclass(frozen=True)
class LightCurve:
    """Brightness of an object in time, as plain columns of one length each; times MJD (days, UTC)."""

    detections: dict[str, list[Any]] = field(default_factory=dict)
    """`mjd`, `band`, `magnitude` (AB, of the difference), `error`, `positive` (brighter than the template)."""
    limits: dict[str, list[Any]] = field(default_factory=dict)
    """Non-detections: `mjd`, `band`, `limit` (5 sigma, AB mag)."""
    forced: dict[str, list[Any]] = field(default_factory=dict)
    """Forced photometry: `mjd`, `band`, `flux`, `error` (microjansky, of the difference)."""


@dataclass(frozen=True)
class Candidate:
    """One alert of an object."""

    survey: str
    object_id: str
    alert_id: int
    mjd: float
    """Of the alert, days, UTC."""
    ra: float
    """Degrees, ICRS."""
    dec: float
    band: str = ""
    magnitude: float | None = None
    """AB, of the difference."""
    magnitude_error: float | None = None
    metadata: Mapping[str, float | str | None] = field(default_factory=dict)
    """Fields of the packet under the survey's names."""
    cutouts: Mapping[str, Cutout] = field(default_factory=dict)
    light_curve: LightCurve = field(default_factory=LightCurve)
    origin: str = ""
    """File and record."""


@dataclass(frozen=True)
class Delivery:
    """Some of what a feed has: arrivals, and the marks that say how far it has been read once they are stored."""

    arrivals: Sequence[Candidate | Rejection]
    marks: Mapping[str, str] = field(default_factory=dict)
    """Name of a file or partition -> how far it is read; stored together with the arrivals."""


class Feed(Protocol):
    """Where candidates come from: a folder that is watched, a stream, a simulation."""

    name: str
    """What users call it."""

    def deliveries(self, marks: Mapping[str, str]) -> Iterator[Delivery]:
        """What has come since `marks`; ends when there is nothing more for now, and is asked again a little later."""

    def waiting(self) -> int:
        """Files or messages that are known of and not read yet."""

    def close(self) -> None:
        """Leaves what it reads from; called once, by the thread that read."""


class Classifier(Protocol):
    """A network that gives probabilities of classes."""

    name: str
    class_names: tuple[str, ...]

    def classify(self, candidates: Sequence[Candidate]) -> list[np.ndarray | str]:
        """(K,) probabilities of each, or a sentence why there are none."""

    def gradient(self, candidate: Candidate, label: int) -> np.ndarray | None:
        """(H, W, 3) of the log-probability of a class with respect to the stamps, times the stamps; None: it has none."""


@dataclass(frozen=True)
class Host:
    """Where the host of a candidate is; pixels of the given cutout, counted from 0."""

    x: float
    y: float
    separation: float
    """Of transient and host, arcsec."""
    scatter: float | None = None
    """Arcsec, of the network's answers: a flag of quality."""
    ra: float | None = None
    """Degrees, where the cutout says how it lies on the sky."""
    dec: float | None = None
    semi_major_axis: float | None = None
    """Arcsec."""
    variants: tuple[tuple[float, float], ...] = ()
    """Pixels of the answers whose mean this is."""
    method: str = "network"


class HostFinder(Protocol):
    """Finds the host galaxies of candidates."""

    name: str
    cutout: str
    """The stamp in which it looks."""

    def find(self, candidates: Sequence[Candidate]) -> list[Host | str]:
        """The host of each, or a sentence why there is none."""
