"""Where the candidates of `lcjax hunt` come from: watched folders, Kafka topics, a simulation; and how an alert becomes a candidate."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.simulate.night import simulated_night
from data_pipelines.sources.alerts import STAMP_NAMES, Alert, SchemaSet, StampRules, read_alerts
from data_pipelines.sources.alerts.cutting import BESIDE
from data_pipelines.sources.alerts.kafka import KafkaAlerts
from data_pipelines.sources.alerts.kafka_settings import KafkaAddress, KafkaSettings
from data_pipelines.sources.alerts.stamp_files import stamp_group
from data_pipelines.sources.folders import files_below
from lcjax.errors import DataError, Rejection
from lcjax.files import printable
from lcjax.hunt.candidates import STAMP_LOST, Candidate, Cutout, Delivery, LightCurve
from lcjax.hunt.photometry import magnitudes_of_nanojansky, own_brightness, utc_of_tai

RULES = StampRules(need=(), optional=STAMP_NAMES, size="any", ztf_orientation=True)
"""Every alert is shown, with what it has."""
_MICROJANSKY_ZEROPOINT = 23.9
_TOGETHER = 64
"""Alerts stored together."""
_FILES = 32
_STILL_SECONDS = 2.0
"""A file that changed within so many seconds may still be growing."""


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


def _cutout(stamp: Any) -> Cutout:
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


def _arrivals(found: Alert | Rejection) -> Iterator[Candidate | Rejection]:
    """A candidate, and what of its stamps cannot be shown."""
    if isinstance(found, Rejection):
        yield found
        return
    yield candidate_of(found)
    for reason in found.stamp_faults.values():
        yield Rejection(found.object_id, f"{STAMP_LOST}: {reason}", printable(found.origin), found.alert_id)


def _deliveries(outcomes: Iterable[Alert | Rejection], marks: Mapping[str, str]) -> Iterator[Delivery]:
    """Some alerts at a time; the marks come with the last ones."""
    arrivals = (arrival for found in outcomes for arrival in _arrivals(found))
    while True:
        some = list(itertools.islice(arrivals, _TOGETHER))
        if len(some) < _TOGETHER:
            yield Delivery(some, marks)
            return
        yield Delivery(some)


class FolderFeed:
    """Files and folders, read once and then watched: what is new is read, what has changed is read again."""

    def __init__(self, paths: Sequence[Path], schemas: SchemaSet | None = None) -> None:
        """Reads nothing yet.

        Raises:
          DataError: a path does not exist.
        """
        if missing := [path for path in paths if not path.exists()]:
            raise DataError(f"there is no file or folder '{missing[0]}': give --alerts one that is there")
        self.name = ", ".join(map(printable, paths))
        self._paths, self._schemas, self._waiting = list(paths), schemas or SchemaSet(), 0

    def waiting(self) -> int:
        """Files that are known of and not read yet."""
        return self._waiting

    def close(self) -> None:
        """Nothing is held open."""

    def deliveries(self, marks: Mapping[str, str]) -> Iterator[Delivery]:
        """Alerts of files that are not as they were when they were read."""
        new = [list(g) for _, g in itertools.groupby(self._changed(marks), key=lambda item: _together(item[0]))]
        self._waiting = sum(map(len, new))
        for begin in range(0, len(new), _FILES):
            part = [item for group in new[begin : begin + _FILES] for item in group]
            now = {str(path): mark for path, mark in part}
            try:
                yield from _deliveries(read_alerts([p for p, _ in part], rules=RULES, schemas=self._schemas), now)
            except DataError as error:
                yield Delivery([Rejection("", str(error), printable(part[0][0]))], now)
            self._waiting -= len(part)

    def _changed(self, marks: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
        """Files that are new or changed and have come to rest, with their marks."""
        now = time.time()
        for top in self._paths:
            for path in sorted(files_below(top)) if top.is_dir() else [top]:
                hidden = path != top and any(p.startswith((".", "_")) for p in path.relative_to(top).parts)
                if hidden or path.suffix.lower() in BESIDE:
                    continue
                try:
                    about = path.stat()
                except OSError:
                    continue
                mark = f"{about.st_size} {about.st_mtime_ns}"
                if marks.get(str(path)) != mark and abs(now - about.st_mtime) > _STILL_SECONDS:
                    yield path, mark


def _together(path: Path) -> tuple[Path, str]:
    """FITS stamps of one alert are read together."""
    fits = ".fit" in path.name.lower() or ".fts" in path.name.lower()
    return path.parent, stamp_group(path.name)[0] if fits else path.name


class KafkaFeed:
    """Topics of a broker; how far they are read is stored with the alerts, and committed behind them."""

    def __init__(self, address: KafkaAddress, settings: KafkaSettings, warn: Callable[[str], None]) -> None:
        """Joins the group when the first alerts are asked for."""
        self.name = f"{address.brokers}/{','.join(address.topics)}"
        self._address, self._settings, self._warn = address, settings, warn
        self._source: KafkaAlerts | None = None
        self._marks: Mapping[str, str] = {}

    def waiting(self) -> int:
        """Not known of a stream."""
        return 0

    def close(self) -> None:
        """Leaves the group."""
        if self._source is not None:
            self._source.close()
            self._source = None

    def deliveries(self, marks: Mapping[str, str]) -> Iterator[Delivery]:
        """Messages that came within a second."""
        self._marks = marks
        if self._source is None:
            resume = lambda topic, partition: (
                int(self._marks[key]) if (key := self._key(topic, partition)) in self._marks else None
            )
            self._source = KafkaAlerts(self._address, self._settings, rules=RULES, resume=resume, warn=self._warn)
        messages = self._source.poll(_TOGETHER, 1.0)
        if not messages:
            return
        schemas = self._source.schemas
        outcomes = [outcome for message in messages for outcome in message.outcomes(RULES, schemas)]
        at = {(m.topic, m.partition): m.offset + 1 for m in messages}
        yield from _deliveries(outcomes, {self._key(*where): str(offset) for where, offset in at.items()})
        self._source.commit(at)  # only now, when the caller has stored them

    @staticmethod
    def _key(topic: str, partition: int) -> str:
        return f"kafka {topic}/{partition}"


class SimulatedFeed:
    """A simulated night, some at once and then a few more from time to time."""

    name = "simulated alerts"

    def __init__(self, count: int, seed: int = 0, every: float = 0.0) -> None:
        """`count`: alerts; `every`: seconds between further ones, 0: none come."""
        self._count, self._seed, self._every = count, seed, every
        self._next = time.monotonic() + every

    def waiting(self) -> int:
        """Nothing waits."""
        return 0

    def close(self) -> None:
        """Nothing is held open."""

    def deliveries(self, marks: Mapping[str, str]) -> Iterator[Delivery]:
        """What is not there yet."""
        done = int(marks.get("simulated", "0"))
        wanted = max(self._count, done)
        if self._every and time.monotonic() >= self._next and done >= self._count:
            wanted, self._next = done + 1, time.monotonic() + self._every
        while done < wanted:
            some = min(_TOGETHER, wanted - done)
            arrivals = [candidate_of(alert) for alert, _ in simulated_night(some, self._seed, done)]
            done += some
            yield Delivery(arrivals, {"simulated": str(done)})
