"""How fast are periodograms, and how often do they find the period? lcjax, astropy and nifty-ls on the same stars.

    python -m benchmarks periodogram [--tables A.parquet B.parquet]

Speed: simulated stars of 200 points over 2,900 days, frequencies from 1/1500 to 20 per day at two a resolution element. The
CPU time counts (all threads together), as well as the clock. Periods: Parquet tables with a star a row (`id`, `label`,
`period` in days, lists `time`, `mag`, `err` and, where there are several, `band`: one of them is searched, and all together), of which one half, by a hash of the id,
served to choose the settings of the search and the other half is shown.
"""

import dataclasses
import functools
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import tyro

from benchmarks.harness import print_table, write_json
from benchmarks.periods_found import ALL, METHODS, compare, shares, stars_of
from lcjax.passbands import SLOTS
from lcjax.transforms.frequency_grid import FrequencyGrid
from lcjax.transforms.peaks import PeakSearch
from lcjax.transforms.periodogram import lomb_scargle
from lcjax.transforms.views import light_curve_views

POINTS = 200
SPAN = 2900.0


@dataclasses.dataclass(frozen=True)
class Options:
    """What is measured."""

    tables: tuple[Path, ...] = ()
    """Stars with known periods; none: only the speed is measured."""
    per_class: int = 40
    """Most stars of each class in each table."""
    half: int = 1
    """Which half of the stars: 0 is that of the development, 1 the other."""
    bands: tuple[str, ...] = ("g", "all")
    """Of tables with several: each of these by itself; `all`: every band together."""
    harmonics: int = 3
    """Of astropy's periodogram of several harmonics."""
    stars: int = 64
    """Simulated ones for the speed."""
    turns: int = 5
    out: Path | None = None
    """JSON file (default: benchmarks/results/periodogram.json)."""


def main(argv: list[str]) -> int:
    """Runs both parts."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks periodogram")
    tables = {name: stars for table in options.tables for name, stars in ways(table, options).items()}
    speed = speeds(options)
    print_table(f"{POINTS} points over {SPAN:,.0f} days, {FrequencyGrid().count:,} frequencies", speed)
    record = {"settings": options, "speed": speed}
    for table, stars in tables.items():
        record[table] = rows = shares(compare(stars, options.harmonics))
        for method in METHODS:
            print_table(f"{table}: {method}", [r for r in rows if r["method"] == method])
    print(f"written to {write_json('periodogram', record, options.out)}")
    return 0


def ways(table: Path, options: Options) -> dict[str, list[dict]]:
    """The stars of a table, in each way of `bands` where it has several."""
    first = stars_of(table, options.per_class, options.half, options.bands[0])
    if "slot" not in stars_of(table, 1, options.half, ALL)[0]:
        return {table.stem: first}
    rest = {band: stars_of(table, options.per_class, options.half, band) for band in options.bands[1:]}
    return {f"{table.stem}, {band}": stars for band, stars in {options.bands[0]: first, **rest}.items()}


def simulated(stars: int, seed: int = 0) -> dict:
    """Noisy sines at nights of eight seasons, float32."""
    rng = np.random.default_rng(seed)
    nights = np.concatenate([np.arange(start, start + 200) for start in range(0, 2700, 365)])
    at = np.stack([np.sort(rng.choice(nights, POINTS, replace=False)) for _ in range(stars)])
    when = (at + rng.uniform(0.2, 0.5, at.shape)) * (SPAN / 2755)
    error = rng.uniform(0.02, 0.1, at.shape)
    magnitude = (
        15 + 0.2 * np.sin(2 * np.pi * when / rng.uniform(0.1, 5, (stars, 1))) + error * rng.normal(size=at.shape)
    )
    batch = {"time": when, "magnitude": magnitude, "magnitude_error": error}
    return {name: values.astype(np.float32) for name, values in batch.items()} | {"mask": np.ones(at.shape, bool)}


def cases(batch: dict, grid: FrequencyGrid) -> dict[str, tuple[int, Callable[[], object]]]:
    """Name -> (stars, call that works on them)."""
    frequency = {"fmin": grid.spacing, "fmax": grid.spacing * (grid.count - 1), "Nf": grid.count - 1}
    stars = len(batch["mask"])
    highest = lambda harmonics: jax.jit(lambda b: lomb_scargle(b, grid, harmonics).power.max(axis=-1))
    every = jax.jit(functools.partial(light_curve_views, grid=grid, search=PeakSearch()))
    found: dict[str, tuple[int, Callable[[], object]]] = {}
    for name, run in {
        "lcjax, 1 harmonic": highest(1),
        "lcjax, 3 harmonics": highest(3),
        "lcjax, all views (candidates, folded curves)": every,
    }.items():
        found[name] = stars, lambda run=run: jax.block_until_ready(run(batch))
    mixed = {**batch, "band": np.tile(np.arange(POINTS, dtype=np.int32) % SLOTS, (stars, 1))}
    apart = jax.jit(functools.partial(light_curve_views, grid=grid, search=PeakSearch(), bands=SLOTS))
    found[f"lcjax, all views, points in {SLOTS} bands"] = stars, lambda: jax.block_until_ready(apart(mixed))
    few = min(stars, 4)
    columns = [batch[name].astype(np.float64) for name in ("time", "magnitude", "magnitude_error")]
    try:
        from astropy.timeseries import LombScargle
    except ImportError:
        print("astropy is not installed: left out")
    else:
        each = lambda **how: [
            LombScargle(*(c[i] for c in columns), nterms=how.get("nterms", 1)).power(
                grid.frequencies[1:], method=how["method"], assume_regular_frequency=True
            )
            for i in range(how["stars"])
        ]
        found["astropy, fast"] = few, lambda: each(method="fast", stars=few)
        found["astropy, fastchi2, 3 harmonics"] = 1, lambda: each(method="fastchi2", nterms=3, stars=1)
    try:
        import nifty_ls
    except ImportError:
        print("nifty-ls is not installed: left out")
    else:
        for kind in (np.float64, np.float32):
            t, y, dy = (c[:few].astype(kind) for c in columns)
            found[f"nifty-ls, {kind.__name__}"] = (
                few,
                lambda t=t, y=y, dy=dy: [nifty_ls.lombscargle(t[i], y[i], dy[i], **frequency) for i in range(few)],
            )
    return found


def speeds(options: Options) -> list[dict]:
    """Stars a second of CPU and of the clock, best of some turns taken in turn."""
    every = cases(simulated(options.stars), FrequencyGrid())
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in every}
    for _, call in every.values():
        call()
    for _ in range(options.turns):
        for name, (_, call) in every.items():
            cpu, clock = time.process_time(), time.perf_counter()
            call()
            taken[name].append((time.process_time() - cpu, time.perf_counter() - clock))
    rows = []
    for name, (stars, _) in every.items():
        cpu, clock = (stars / min(values) for values in zip(*taken[name], strict=True))
        middle = stars / float(np.median([c for c, _ in taken[name]]))
        rows.append({"method": name, "stars per CPU second": cpu, "median turn": middle, "stars per second": clock})
    return rows
