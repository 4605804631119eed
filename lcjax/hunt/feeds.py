"""Alerts that arrive as the candidates of a feed: brightnesses in AB magnitudes of the difference, forced fluxes in microjansky."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from lcjax.errors import Rejection
from lcjax.files import printable
from lcjax.hunt.candidates import STAMP_LOST, Candidate, Cutout, Delivery, LightCurve
from lcjax.hunt.photometry import magnitudes_of_nanojansky, own_brightness, utc_of_tai

_MICROJANSKY_ZEROPOINT = 23.9


class World(Protocol):
    """How a stamp lies on the sky."""

    x: float
    y: float
    ra: float
    dec: float
    matrix: tuple[float, float, float, float]


class Stamp(Protocol):
    """A cutout as readers of packets give it."""

    pixels: np.ndarray
    pixel_scale: float

    @property
    def world(self) -> World | None:
        """Where it is known."""


class Alert(Protocol):
    """An alert as readers of packets give it (`data_pipelines.sources.alerts.Alert`)."""

    survey: str
    object_id: str
    alert_id: int
    mjd: float
    ra: float
    dec: float
    band: str
    metadata: dict[str, Any]
    history: Mapping[str, np.ndarray]
    forced_photometry: Mapping[str, np.ndarray]
    non_detections: Mapping[str, np.ndarray]
    stamp_faults: Mapping[str, str]
    """Why cutouts that the packet has cannot be used."""
    origin: str

    @property
    def stamps(self) -> Mapping[str, Stamp]:
        """Name -> cutout."""

    def number(self, name: str) -> float:
        """A field of the packet; NaN where it has none."""


class Arrived(Protocol):
    """Some alerts, and how far they are read once these are stored."""

    @property
    def outcomes(self) -> Sequence[Alert | Rejection]:
        """In order."""

    @property
    def marks(self) -> Mapping[str, str]:
        """As of `Delivery`."""


class Arrivals(Protocol):
    """What a feed reads from (`data_pipelines.arrivals`); its parts mean what those of `Feed` do."""

    name: str

    def arrived(self, marks: Mapping[str, str]) -> Iterator[Arrived]:
        """What has come since `marks`."""

    def waiting(self) -> int:
        """Files or messages that are known of and not read yet."""

    def close(self) -> None:
        """Leaves what it reads from."""


class AlertFeed:
    """The feed of what arrives."""

    def __init__(self, arrivals: Arrivals) -> None:
        """Reads nothing yet."""
        self.name = arrivals.name
        self.waiting, self.close = arrivals.waiting, arrivals.close
        self._arrivals = arrivals

    def deliveries(self, marks: Mapping[str, str]) -> Iterator[Delivery]:
        """What has come since `marks`, as candidates."""
        for some in self._arrivals.arrived(marks):
            yield Delivery([arrival for one in some.outcomes for arrival in _of(one)], some.marks)


def _of(found: Alert | Rejection) -> Iterator[Candidate | Rejection]:
    """A candidate, and what of its stamps cannot be shown."""
    if isinstance(found, Rejection):
        yield found
        return
    yield candidate_of(found)
    for reason in found.stamp_faults.values():
        yield Rejection(found.object_id, f"{STAMP_LOST}: {reason}", printable(found.origin), found.alert_id)


def candidate_of(alert: Alert) -> Candidate:
    """An alert as the app takes it; magnitudes are AB, of the difference, forced fluxes microjansky, times UTC."""
    found = own_brightness(alert.survey, alert.metadata)
    magnitude, error, positive = _number(found[0]), _number(found[1]), found[2]
    mjd = _utc(alert, alert.mjd).item()
    detections = _detections(alert)
    if magnitude is not None:
        own = (mjd, alert.band, magnitude, error, positive)
        for name, value in zip(("mjd", "band", "magnitude", "error", "positive"), own, strict=True):
            detections[name].append(value)
    limits = {name: _list(alert.non_detections.get(name, ())) for name in ("band", "limit")}
    limits = {"mjd": _list(_utc(alert, alert.non_detections.get("mjd", ()))), **limits}
    return Candidate(
        survey=alert.survey,
        object_id=alert.object_id,
        alert_id=alert.alert_id,
        mjd=mjd,
        ra=alert.ra,
        dec=alert.dec,
        band=alert.band,
        magnitude=magnitude,
        magnitude_error=error,
        metadata=alert.metadata,
        cutouts={name: _cutout(stamp) for name, stamp in alert.stamps.items()},
        light_curve=LightCurve(detections, limits, _forced(alert)),
        origin=printable(alert.origin),
    )


def _cutout(stamp: Stamp) -> Cutout:
    world = stamp.world
    known = None if world is None else (world.x, world.y, world.ra, world.dec, *world.matrix)
    return Cutout(stamp.pixels, stamp.pixel_scale, known)


def _utc(alert: Alert, mjd: Any) -> np.ndarray:
    return utc_of_tai(mjd) if alert.survey == "lsst" else np.asarray(mjd, np.float64)


def _detections(alert: Alert) -> dict[str, list[Any]]:
    history = dict(alert.history)
    history["mjd"] = _utc(alert, history.get("mjd", ()))
    found = {name: _list(history.get(name, ())) for name in ("mjd", "band", "magnitude", "error", "positive")}
    if "flux" in history:
        found["magnitude"], found["error"] = map(_list, magnitudes_of_nanojansky(history["flux"], history["error"]))
        found["positive"] = _list(np.asarray(history["flux"]) > 0)
    return found


def _forced(alert: Alert) -> dict[str, list[Any]]:
    forced = alert.forced_photometry
    if not len(forced.get("mjd", ())):
        return {name: [] for name in ("mjd", "band", "flux", "error")}
    to_microjansky = np.float64(1e-3)
    if "zeropoint" in forced:
        to_microjansky = 10 ** (-0.4 * (np.asarray(forced["zeropoint"], np.float64) - _MICROJANSKY_ZEROPOINT))
    scaled = {name: _list(np.asarray(forced[name], np.float64) * to_microjansky) for name in ("flux", "error")}
    return {"mjd": _list(_utc(alert, forced["mjd"])), "band": _list(forced["band"]), **scaled}


def _list(values: Any) -> list[Any]:
    """Plain values; None for what is not finite."""
    return [_number(v) if isinstance(v, float) else v for v in np.asarray(values).tolist()]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
