"""The threads beside the server: one reads what comes, one classifies it; both say how far they are."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from lcjax.errors import LcjaxError, first_line
from lcjax.hunt import answering
from lcjax.hunt.candidates import Classifier, Feed, HostFinder
from lcjax.hunt.database import Database
from lcjax.hunt.known import KnownObjects, cross_match, recheck_if_changed
from lcjax.hunt.storing import marks, store

_PAUSE = 1.0
"""Seconds between two looks for something new."""
_PATIENCE = 10.0
"""Seconds before what failed is tried again."""


class Background:
    """Reads feeds, classifies, finds hosts and known objects until it is stopped."""

    def __init__(
        self,
        database: Database,
        feed: Feed,
        classifiers: Callable[[], Sequence[Classifier]] = tuple,
        host_finder: Callable[[], HostFinder | None] = lambda: None,
        known: KnownObjects | None = None,
        wanted: str = "SN",
        tell: Callable[[str], None] = print,
    ) -> None:
        """Starts nothing yet.

        Args:
          classifiers: makes the models, in the thread that uses them; the first ranks the list. host_finder: likewise.
          known: catalogues that new candidates are looked up in. wanted: the class that is hunted.
          tell: told one sentence of what goes wrong, once.
        """
        self.database, self.feed, self.known, self.wanted = database, feed, known, wanted
        self._make_classifiers, self._make_finder, self._tell = classifiers, host_finder, tell
        self.classifiers: tuple[Classifier, ...] = ()
        self.finder: HostFinder | None = None
        self.revision = 0
        """Grows with every change of the candidates: pages look again when it did."""
        self.ready = threading.Event()
        """Set when the models are there."""
        self._looked = threading.Event()
        self._arrivals, self._answered = 0, -1
        self._said: dict[str, str] = {}
        self._resting: dict[str, float] = {}
        self._stop, self._came = threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._read, self._answer)]

    def start(self) -> None:
        """Begins reading and classifying."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends both threads after what they are at."""
        self._stop.set()
        self._came.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=30)

    @property
    def troubles(self) -> list[str]:
        """What is wrong now, one sentence each."""
        return [text for text in self._said.values() if text]

    def progress(self) -> dict[str, int]:
        """What is still to be done: `files` or messages to read, candidates to `classify`, to find `hosts` of."""
        if self._answered == self._arrivals:  # as on most days: nothing need be counted
            return {"read": self.feed.waiting(), "classify": 0, "hosts": 0}
        classify = [answering.count(self.database, answering.unclassified(m.name)) for m in self.classifiers]
        hosts = answering.count(self.database, answering.without_host(self.finder.name)) if self.finder else 0
        return {"read": self.feed.waiting(), "classify": max(classify, default=0), "hosts": hosts}

    def changed(self) -> None:
        """Says that candidates are not what they were."""
        self.revision += 1
        self._came.set()

    def _read(self) -> None:
        try:
            self._repeat("reading", self._read_once)
        finally:
            self.feed.close()

    def _read_once(self) -> bool:
        with self.database.read() as connection:
            known_marks = marks(connection)
        if not self._looked.is_set():
            with self.database.write() as connection:
                recheck_if_changed(connection, self.known)
        some = False
        for delivery in self.feed.deliveries(known_marks):
            some = True
            with self.database.write() as connection:
                store(connection, delivery)
                cross_match(connection, self.known)
            self._arrivals += 1
            self.changed()
            if self._stop.is_set():
                break
        self._looked.set()
        return some

    def _answer(self) -> None:
        def begin() -> bool:
            self.classifiers = tuple(self._make_classifiers())
            self.finder = self._make_finder()
            answering.register(self.database, self.classifiers)
            answering.rank(self.database, self.classifiers[0] if self.classifiers else None, self.wanted)
            self.ready.set()
            self.changed()
            return True

        while not (self.ready.is_set() or self._stop.is_set()):
            self._guarded("starting the models", begin)
        self._repeat("classifying", self._answer_once)

    def _answer_once(self) -> bool:
        arrivals, some = self._arrivals, 0
        if self._answered == arrivals:
            return False
        if not self.classifiers:
            answering.rank(self.database, None, self.wanted)
        wanted = lambda number: self.wanted if number == 0 else None
        jobs = {
            f"asking '{model.name}'": partial(answering.classify_some, self.database, model, wanted(number))
            for number, model in enumerate(self.classifiers)
        }
        if self.finder is not None:
            jobs[f"asking '{self.finder.name}'"] = partial(answering.find_some_hosts, self.database, self.finder)
        for what, job in jobs.items():  # a model that is broken keeps none of the others from answering
            if time.monotonic() >= self._resting.get(what, 0.0):
                some += self._tried(what, job)
        if some:
            self.revision += 1
        elif not any(until > time.monotonic() for until in self._resting.values()):
            self._answered = arrivals
        return bool(some)

    def _tried(self, what: str, job: Callable[[], int]) -> int:
        """What a job did; after a fault it rests before it is tried again."""
        try:
            done = job()
        except Exception as error:
            self._say(what, error)
            self._resting[what] = time.monotonic() + _PATIENCE
            return 0
        self._said[what] = ""
        self._resting.pop(what, None)
        return done

    def _repeat(self, what: str, work: Callable[[], bool]) -> None:
        while not self._stop.is_set():
            if not self._guarded(what, work):
                self._came.wait(_PAUSE)
                self._came.clear()

    def _guarded(self, what: str, work: Callable[[], bool]) -> bool:
        """Lets no fault end a thread: it is said, once, and the work tried again later."""
        try:
            some = work()
        except Exception as error:
            self._say(what, error)
            self._stop.wait(_PATIENCE)
            return True
        self._said[what] = ""
        return some

    def _say(self, what: str, error: Exception) -> None:
        """Once, not at every new try."""
        text = f"{what}: {error if isinstance(error, LcjaxError) else f'{type(error).__name__}: {first_line(error)}'}"
        if self._said.get(what) != text:
            self._tell(text)
        self._said[what] = text

    def settle(self, seconds: float = 60.0) -> None:
        """Waits until there is nothing more to do: for tests and benchmarks."""
        until = time.monotonic() + seconds
        begun = lambda: self.ready.is_set() and self._looked.is_set()
        while time.monotonic() < until and not (begun() and not any(self.progress().values())):
            time.sleep(0.05)
