"""Pieces of files and messages decoded by processes beside the caller, and given back in order.

Decoding is Python and holds its interpreter's lock, so threads would gain nothing. Processes get jobs of a few megabytes, or
the names of small files, and send back what `then` makes of each alert. A job that turns out to hold far more alerts than its
bytes promise is decoded by the caller, one alert at a time: memory stays bounded whatever was compressed.
"""

import dataclasses
import functools
import itertools
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from data_pipelines.processes import Processes
from data_pipelines.sources.alerts.avro_schema import SchemaSet
from data_pipelines.sources.alerts.cutting import Outcome, Piece, outcomes_of
from data_pipelines.sources.alerts.packets import StampRules
from data_pipelines.sources.alerts.record import Alert
from lcjax.errors import Rejection

_JOB_ITEMS = 32
_JOB_BYTES = 4 << 20
_FEW_JOBS = 4
"""So much is not worth starting a process."""
MOST_OUTCOMES = 512
"""Of a job, sent between processes; stamps of so many ZTF alerts are 24 MB."""

Then = Callable[[Outcome], Any]
Job = list[Piece | Outcome]


def _as_it_is(outcome: Outcome) -> Outcome:
    return outcome


@dataclasses.dataclass(frozen=True)
class _Work:
    """How outcomes are made; sent with every job."""

    rules: StampRules
    schemas: SchemaSet
    then: Then
    token: str
    """The same in every process."""
    most: int
    """Outcomes of a job."""

    def of(self, job: Job) -> Iterator[Any]:
        return map(self.then, outcomes_of(job, self.rules, self.schemas))


class Decoders:
    """Decodes pieces, here or beside."""

    def __init__(
        self, processes: Processes, rules: StampRules, schemas: SchemaSet | None = None, then: Then | None = None
    ) -> None:
        """Starts nothing: processes start when there is enough to do.

        Args:
          processes: that decode; with none all is done here. rules: of the stamps. schemas: of Confluent-framed messages.
          then: made of every alert and rejection, where they are decoded; picklable.
        """
        self.rules, self._processes = rules, processes
        self._work = _Work(rules, schemas or SchemaSet(), then or _as_it_is, uuid.uuid4().hex, MOST_OUTCOMES)

    def map(self, items: Iterable[Piece | Outcome]) -> Iterator[Any]:
        """What `then` makes of the alerts and rejections of the items, in order.

        Raises:
          DataError: a process died.
        """
        if not self._processes.count:
            yield from self._work.of(items)
            return
        running: deque[Job] = deque()

        def noted() -> Iterator[Job]:
            for job in _jobs(items):
                running.append(job)
                yield job

        for found in self._processes.map(functools.partial(_decoded, self._work), noted(), few=_FEW_JOBS):
            job = running.popleft()
            yield from self._work.of(job) if found is None else found


def _jobs(items: Iterable[Piece | Outcome]) -> Iterator[Job]:
    """Items in bundles of a few megabytes; a larger one is a bundle of its own."""
    job: Job = []
    held = 0
    for item in items:
        size = 0 if isinstance(item, Alert | Rejection) else item.size
        if job and (held + size > _JOB_BYTES or len(job) == _JOB_ITEMS):
            yield job
            job, held = [], 0
        job.append(item)
        held += size
    if job:
        yield job


_SCHEMAS: dict[str, SchemaSet] = {}
"""Of this process, so that each schema is parsed once and not for every job."""


def _decoded(work: _Work, job: Job) -> list[Any] | None:
    """What a process answers; None: it would be too much."""
    work = dataclasses.replace(work, schemas=_SCHEMAS.setdefault(work.token, work.schemas))
    found = list(itertools.islice(work.of(job), work.most + 1))
    return found if len(found) <= work.most else None
