"""Alerts as they arrive for who watches a night: of watched folders, Kafka topics, a simulation; some at a time, with marks."""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from data_pipelines.simulate.night import simulated_night
from data_pipelines.sources.alerts import STAMP_NAMES, Alert, SchemaSet, StampRules, read_alerts
from data_pipelines.sources.alerts.cutting import BESIDE
from data_pipelines.sources.alerts.kafka import KafkaAlerts
from data_pipelines.sources.alerts.kafka_settings import KafkaAddress, KafkaSettings
from data_pipelines.sources.alerts.stamp_files import stamp_group
from data_pipelines.sources.folders import files_below
from lcjax.errors import DataError, Rejection
from lcjax.files import printable

RULES = StampRules(need=(), optional=STAMP_NAMES, size="any", ztf_orientation=True)
"""Every alert is shown, with what it has."""
_TOGETHER = 64
"""Alerts that are handed over together."""
_FILES = 32
_STILL_SECONDS = 2.0
"""A file that changed within so many seconds may still be growing."""


@dataclasses.dataclass(frozen=True)
class Arrived:
    """Some alerts, and how far they are read once these are stored."""

    outcomes: Sequence[Alert | Rejection]
    marks: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Name of a file or partition -> how far it is read."""


def _some_at_a_time(outcomes: Iterable[Alert | Rejection], marks: Mapping[str, str]) -> Iterator[Arrived]:
    """The marks come with the last ones."""
    rest = iter(outcomes)
    while True:
        some = list(itertools.islice(rest, _TOGETHER))
        if len(some) < _TOGETHER:
            yield Arrived(some, marks)
            return
        yield Arrived(some)


class FolderAlerts:
    """Of files and folders, read once and then watched: what is new is read, what has changed is read again."""

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

    def arrived(self, marks: Mapping[str, str]) -> Iterator[Arrived]:
        """Alerts of files that are not as they were when they were read."""
        new = [list(g) for _, g in itertools.groupby(self._changed(marks), key=lambda item: _together(item[0]))]
        self._waiting = sum(map(len, new))
        for begin in range(0, len(new), _FILES):
            part = new[begin : begin + _FILES]
            yield from self._read(part)
            self._waiting -= sum(map(len, part))

    def _read(self, groups: Sequence[Sequence[tuple[Path, str]]]) -> Iterator[Arrived]:
        """Of files that belong together or not; those that are gone meanwhile cost the others nothing, and may come again."""
        part = [item for group in groups for item in group]
        now = {str(path): mark for path, mark in part}
        try:
            yield from _some_at_a_time(read_alerts([p for p, _ in part], rules=RULES, schemas=self._schemas), now)
        except DataError as error:
            if len(groups) > 1:
                for group in groups:
                    yield from self._read([group])
                return
            there = all(path.exists() for path, _ in part)
            yield Arrived([Rejection("", str(error), printable(part[0][0]))], now if there else {})

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


class TopicAlerts:
    """Of topics of a broker; how far they are read is stored with the alerts, and committed behind them."""

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

    def arrived(self, marks: Mapping[str, str]) -> Iterator[Arrived]:
        """Messages that came within a second; committed when the next ones are asked for, so store them first."""
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
        yield from _some_at_a_time(outcomes, {self._key(*where): str(offset) for where, offset in at.items()})
        self._source.commit(at)  # only now, when the caller has stored them

    @staticmethod
    def _key(topic: str, partition: int) -> str:
        return f"kafka {topic}/{partition}"


class SimulatedAlerts:
    """Of a simulated night, some at once and then a few more from time to time."""

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

    def arrived(self, marks: Mapping[str, str]) -> Iterator[Arrived]:
        """What is not there yet."""
        done = int(marks.get("simulated", "0"))
        wanted = max(self._count, done)
        if self._every and time.monotonic() >= self._next and done >= self._count:
            wanted, self._next = done + 1, time.monotonic() + self._every
        while done < wanted:
            some = min(_TOGETHER, wanted - done)
            found = [alert for alert, _ in simulated_night(some, self._seed, done)]
            done += some
            yield Arrived(found, {"simulated": str(done)})
