"""The triage page with 100,000 candidates: server time of a list, of a vote, and a keyboard step in a browser."""

import dataclasses
import json
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.harness import print_table, write_json
from lcjax.errors import ConfigError
from lcjax.hunt.candidates import STAMP_NAMES, Candidate, Cutout, Delivery, LightCurve
from lcjax.hunt.database import Database, sqlite_url
from lcjax.hunt.night import Night

_SIDE = 63
_TOKEN = "a-token-of-the-benchmark"
_MODEL = "drawn"
_CLASSES = ("AGN", "SN", "VS", "asteroid", "bogus")
PROMISES = {"first page": 200.0, "keyboard step": 100.0}
"""Milliseconds that may pass."""


@dataclasses.dataclass(frozen=True)
class Options:
    """A night of drawn candidates in SQLite, asked for over HTTP on this machine."""

    candidates: int = 100_000
    stamps: int = 300
    """Of the best candidates so many have stamps of 63 x 63: those that are opened here. The others have none, to spare the disk."""
    repeats: int = 30
    steps: int = 40
    """Keyboard steps in Chromium, where it is installed."""
    database: Path | None = None
    """Kept, and used again where it is there."""
    out: Path | None = None
    """JSON file."""


def main(argv: Sequence[str]) -> int:
    """Fills a database, serves it, asks."""
    options = tyro.cli(Options, args=list(argv), prog="python -m benchmarks hunt")
    if options.candidates < 500 or options.repeats < 1:
        raise ConfigError("give 500 candidates and 1 repeat at least")
    folder = Path(tempfile.mkdtemp(prefix="hunt"))
    database = Database(sqlite_url(options.database or folder / "hunt.sqlite"))
    try:
        filled = fill(database, options)
        with Served(database) as base:
            rows = server_rows(base, options)
            steps = browser_steps(base, options.steps)
    finally:
        database.close()
        shutil.rmtree(folder, ignore_errors=True)
    if steps is not None:
        rows.append({"what": "keyboard step", **_spread(steps)})
    print_table(f"{options.candidates:,} candidates, milliseconds", rows)
    print(f"filled in {filled:.0f} s" if filled else "the database was there")
    if steps is None:
        print("no Chromium here: keyboard steps are not measured")
    write_json("hunt", {"options": options, "rows": rows}, options.out)
    broken = [row["what"] for row in rows if row["p95"] > PROMISES.get(row["what"], np.inf)]
    print(f"slower than promised: {', '.join(broken)}" if broken else "as promised: first page < 200 ms, step < 100 ms")
    return int(bool(broken))


def drawn(number: int, stamps: bool) -> Candidate:
    """A candidate with the fields of a packet, a light curve of thirty points and perhaps stamps."""
    rng = np.random.default_rng(number)
    mjd = 60_600.0 + float(rng.random())
    times = sorted(mjd - rng.uniform(0, 30, 30))
    columns = {"mjd": times, "band": ["g", "r"] * 15, "magnitude": rng.uniform(17, 20, 30).tolist()}
    curve = LightCurve(columns | {"error": [0.1] * 30, "positive": [True] * 30})
    fields = {f"field{i}": float(v) for i, v in enumerate(rng.random(90))}
    metadata = fields | {
        "drb": float(rng.random()),
        "sgscore1": float(rng.random()),
        "distpsnr1": float(rng.gamma(2, 2)),
    }
    pixels = rng.normal(100, 10, (3, _SIDE, _SIDE)).astype(np.float32) if stamps else ()
    return Candidate(
        survey="drawn",
        object_id=f"D{number:07d}",
        alert_id=number + 1,
        mjd=mjd,
        ra=float(rng.uniform(0, 360)),
        dec=float(np.degrees(np.arcsin(rng.uniform(-1, 1)))),
        band="gr"[number % 2],
        magnitude=float(rng.uniform(16, 21)),
        magnitude_error=0.1,
        metadata=metadata,
        cutouts={name: Cutout(one, 1.0) for name, one in zip(STAMP_NAMES, pixels, strict=False)},
        light_curve=curve,
    )


def fill(database: Database, options: Options) -> float:
    """Puts the candidates in; returns the seconds, 0 where they are there."""
    from sqlalchemy import func, insert, select, update

    from lcjax.hunt import tables as t
    from lcjax.hunt.facts import facts
    from lcjax.hunt.storing import store

    begin = time.monotonic()
    with database.read() as connection:
        there = connection.execute(select(func.count()).select_from(t.Candidate)).scalar_one()
    if there == options.candidates:
        return 0.0
    if there:
        raise ConfigError(
            f"the database holds {there:,} candidates, not {options.candidates:,}: give another --database"
        )
    with database.write() as connection:
        connection.execute(insert(t.Model).values(name=_MODEL, class_names=list(_CLASSES)))
    for first in range(0, options.candidates, 5000):
        numbers = range(first, min(first + 5000, options.candidates))
        made = {n: drawn(n, n < options.stamps) for n in numbers}
        scores = {n: _score(n, options.candidates) for n in numbers}
        with database.write() as connection:
            with_stamps = [n for n in numbers if n < options.stamps]
            store(connection, Delivery([made[n] for n in with_stamps]))
            for n in with_stamps:
                connection.execute(update(t.Candidate).where(t.Candidate.id == n + 1).values(**scores[n]))
            if rest := [n for n in numbers if n >= options.stamps]:
                rows = [{**facts(made[n]), "arrived": 0.0, "id": n + 1, **scores[n]} for n in rest]
                connection.execute(insert(t.Candidate), rows)
                connection.execute(insert(t.Detail), [_detail(n, made[n]) for n in rest])
            connection.execute(insert(t.Prediction), [_prediction(n, scores[n]) for n in numbers])
    return time.monotonic() - begin


def _score(number: int, candidates: int) -> dict[str, Any]:
    score = float(1 - number / candidates)
    return {"score": score, "entropy": 1 - score, "top_class": "SN", "checked": True}


def _detail(number: int, candidate: Candidate) -> dict[str, Any]:
    curve = dataclasses.asdict(candidate.light_curve)
    return {"candidate_id": number + 1, "fields": candidate.metadata, "light_curve": curve, "origin": ""}


def _prediction(number: int, scored: dict[str, Any]) -> dict[str, Any]:
    rest = scored["entropy"] / 4
    probabilities = [rest, scored["score"], rest, rest, rest]
    answer = {"candidate_id": number + 1, "model": _MODEL, "probabilities": probabilities}
    return {**answer, "entropy": scored["entropy"], "refused": ""}


class _NoFeed:
    """Nothing comes."""

    name = "drawn candidates"

    def deliveries(self, marks: Any) -> Any:
        return iter(())

    def waiting(self) -> int:
        return 0

    def close(self) -> None:
        pass


class Served:
    """The app on a free port; a context that gives its address."""

    def __init__(self, database: Database) -> None:
        """Starts nothing yet."""
        import uvicorn

        from lcjax.hunt.app import make_app
        from lcjax.hunt.background import Background

        self._listener = socket.create_server(("127.0.0.1", 0))
        background = Background(database, _NoFeed())
        background.ready.set()
        app = make_app(Night(database, background, _TOKEN))
        settings = uvicorn.Config(app, log_config=None, log_level="warning", access_log=False, lifespan="off")
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __exit__(self, *unused: Any) -> None:
        self._server.should_exit = True
        self._thread.join(10)


def server_rows(base: str, options: Options) -> list[dict[str, Any]]:
    """Milliseconds of requests over HTTP on this machine, the whole answer read."""
    import httpx

    client = httpx.Client(base_url=base, headers={"origin": base})
    client.post("/api/login", json={"name": "bench", "secret": _TOKEN}).raise_for_status()
    csrf = {"x-csrf-token": client.get("/api/me").json()["csrf"]}
    number = iter(range(10**9))

    def vote() -> None:
        one = next(number)
        body = {"label": "SN" if one % 2 else "bogus", "key": f"benchmark{time.monotonic_ns()}"}
        client.post(f"/api/candidates/{1 + one % 300}/vote", json=body, headers=csrf).raise_for_status()

    def get(path: str) -> Callable[[], None]:
        return lambda: client.get(path).raise_for_status() and None

    deep = json.loads(client.get("/api/candidates?limit=500").text)["cursor"]
    cases = {
        "first page": get("/api/candidates"),
        "a page behind": get(f"/api/candidates?limit=100&cursor={deep}"),
        "first page, sorted by rise": get("/api/candidates?sort=rise_rate"),
        "first page, filtered": get(
            "/api/candidates?min_score=0.3&max_magnitude=19&star=no&min_absolute_latitude=20&unseen=yes"
        ),
        "first page, cone": get("/api/candidates?cone=120 30 10"),
        "first page, search": get("/api/candidates?text=D0099"),
        "candidate": get("/api/candidates/7"),
        "stamps": get("/api/candidates/7/stamps"),
        "sky map": get("/api/sky"),
        "progress": get("/api/progress"),
        "vote, on the disk": vote,
    }
    return [{"what": name, **_spread(_timed(case, options.repeats))} for name, case in cases.items()]


def _timed(case: Callable[[], None], repeats: int) -> list[float]:
    found = []
    case()
    for _ in range(repeats):
        time.sleep(0.06)  # the pace that one visitor is allowed
        begin = time.perf_counter()
        case()
        found.append(1000 * (time.perf_counter() - begin))
    return found


def _spread(milliseconds: Sequence[float]) -> dict[str, float]:
    return {"median": float(np.median(milliseconds)), "p95": float(np.percentile(milliseconds, 95))}


_STEP = """
const done = arguments[arguments.length - 1], detail = document.getElementById('detail'), before = detail.dataset.shown;
const begin = performance.now();
document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', bubbles: true}));
const look = () => detail.dataset.shown !== before ? requestAnimationFrame(() => done(performance.now() - begin)) : setTimeout(look, 1);
look();
"""


def browser_steps(base: str, steps: int) -> list[float] | None:
    """Milliseconds from the key to the next candidate's stamps drawn, in headless Chromium; None where there is none."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        return None
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1360,950"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        browser.get(f"{base}/enter?name=bench&token={_TOKEN}")
        until = time.monotonic() + 30
        while (
            not browser.execute_script("return document.getElementById('detail').dataset.shown")
            and time.monotonic() < until
        ):
            time.sleep(0.1)
        browser.execute_script("document.getElementById('tour').close()")  # a first visit is offered a tour
        found = []
        for _ in range(steps):
            time.sleep(0.3)  # an expert looks at least so long; meanwhile the next ones are fetched
            found.append(float(browser.execute_async_script(_STEP)))
        return found
    finally:
        browser.quit()
