"""Which of the known periods of real stars a search finds: itself, a multiple, an alias or none of them."""

import functools
import zlib
from pathlib import Path

import jax
import numpy as np

from lcjax.errors import DataError
from lcjax.passbands import SLOTS, band_slots
from lcjax.transforms.frequency_grid import FrequencyGrid, split_time
from lcjax.transforms.peaks import PeakSearch
from lcjax.transforms.views import light_curve_views

METHODS = ("lcjax", "astropy")
KINDS = ("period", "multiple", "alias", "other")
ALL = "all"
LONGEST = 512
"""Points; of longer stars the first so many."""


def relation(frequency: float, period: float, span: float) -> str:
    """What a frequency found (1/d) is to a known period (d).

    `period` within 1%; `multiple` if 2, 3, 1/2 or 1/3 times it within 1%; `alias` if cycles a day (to 3) or a year (to 2)
    away from it, its double or its half, or mirrored there, within a resolution element.

    >>> [relation(f, 0.5, 2500.0) for f in (2.001, 1.0, 3.0027, 1.7)]
    ['period', 'multiple', 'alias', 'other']
    """
    cycles = frequency * period
    if abs(cycles - 1) < 0.01:
        return "period"
    if any(abs(cycles / ratio - 1) < 0.01 for ratio in (2, 3, 1 / 2, 1 / 3)):
        return "multiple"
    days = np.arange(-3, 4)[:, None, None]
    years = np.arange(-2, 3)[:, None] / 365.25
    true = np.array([1.0, 2.0, 0.5]) / period
    aliases = np.abs(true + days + years)
    return "alias" if np.abs(aliases - frequency).min() < 1.0 / span else "other"


def stars_of(table: Path, per_class: int, half: int, band: str) -> list[dict]:
    """Stars of one half of a table, at most so many of each class, ordered by id within it.

    Args:
      band: of tables with several; `all`: every point, and its band's `slot`.

    Raises:
      DataError: it cannot be read, lacks a column or has no star with a period.
    """
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        read = parquet.read_table(table)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{table} is no Parquet table that can be read: {error}.") from error
    lacking = {"id", "label", "period", "time", "mag", "err"} - set(read.column_names)
    if lacking:
        raise DataError(f"{table} has no column {', '.join(sorted(lacking))}: give a table of stars with periods.")
    names, periods = (
        np.asarray(read.column(c).to_pylist(), dtype=t) for c, t in (("label", object), ("period", float))
    )
    mixed = np.array([zlib.crc32(str(name).encode()) for name in read.column("id").to_pylist()])
    usable = (mixed % 2 == half) & (periods > 0)
    rows: list[int] = []
    for label in sorted(set(names)):
        members = np.flatnonzero(usable & (names == label))
        rows += members[np.argsort(mixed[members])][:per_class].tolist()
    found = []
    for row in read.take(rows).to_pylist():
        several = "band" in row and band == ALL
        keep = np.array(row["band"]) == band if "band" in row and not several else np.ones(len(row["time"]), bool)
        columns = {name: np.asarray(row[name], np.float64)[keep] for name in ("time", "mag", "err")}
        if several:
            slots = band_slots(row["band"])
            columns["slot"] = np.array([slots[name] for name in row["band"]])
        order = np.argsort(columns["time"], kind="stable")[:LONGEST]
        columns = {name: values[order] for name, values in columns.items()}
        if len(order) >= 10:
            found.append({"label": row["label"], "period": row["period"], **columns})
    if not found:
        raise DataError(
            f"{table} has no star of 10 points and a known period in this half: give another table or half."
        )
    return found


def by_lcjax(stars: list[dict], grid: FrequencyGrid, search: PeakSearch) -> np.ndarray:
    """Frequencies of the candidates, (stars, K), 1/d."""
    bands = SLOTS if "slot" in stars[0] else 1
    run = jax.jit(functools.partial(light_curve_views, grid=grid, search=search, bands=bands))
    found = []
    for begin in range(0, len(stars), 16):
        part = stars[begin : begin + 16]
        part = part + part[:1] * (16 - len(part))
        batch = {
            name: np.zeros((16, LONGEST), np.float32) for name in ("time", "time_low", "magnitude", "magnitude_error")
        }
        batch["mask"], batch["band"] = np.zeros((16, LONGEST), bool), np.zeros((16, LONGEST), np.int32)
        for i, star in enumerate(part):
            n = len(star["time"])
            batch["time"][i, :n], batch["time_low"][i, :n] = split_time(star["time"], np.floor(star["time"].min()))
            batch["magnitude"][i, :n], batch["magnitude_error"][i, :n] = star["mag"], star["err"]
            batch["mask"][i, :n], batch["band"][i, :n] = True, star.get("slot", 0)
        found.append(np.asarray(run(batch).frequency))
    return np.concatenate(found)[: len(stars)]


def by_astropy(stars: list[dict], grid: FrequencyGrid, harmonics: int) -> np.ndarray:
    """Frequency of the highest power of astropy's periodogram, (stars,); by nifty-ls if it is there.

    Of one band with several harmonics; of all bands the mean of theirs with one harmonic, weighted by their chi-squared (its method
    `fast`; VanderPlas & Ivezic 2015, section 5, N_base = 0, N_band = 1).
    """
    from astropy.timeseries import LombScargle, LombScargleMultiband

    try:
        import nifty_ls  # noqa: F401 - registers its methods with astropy

        method = "fastnifty_chi2"
    except ImportError:
        method = "fastchi2"
    frequency = grid.frequencies[int(np.ceil(grid.lowest / grid.spacing)) :]
    found = []
    for star in stars:
        if "slot" in star:
            several = LombScargleMultiband(star["time"], star["mag"], star["slot"], star["err"])
            power = several.power(frequency, method="fast", sb_method="fast")
            found.append(frequency[np.argmax(power)])
            continue
        model = LombScargle(star["time"], star["mag"], star["err"], nterms=harmonics)
        found.append(frequency[np.argmax(model.power(frequency, method=method, assume_regular_frequency=True))])
    return np.array(found)


def compare(stars: list[dict], harmonics: int) -> list[dict]:
    """One row a star: its class and what each method's frequency is to its period."""
    longest = max(float(np.ptp(star["time"])) for star in stars)
    grid = FrequencyGrid(span=max(longest, 1.0))
    candidates = by_lcjax(stars, grid, PeakSearch())
    others = by_astropy(stars, grid, harmonics)
    rows = []
    for star, mine, other in zip(stars, candidates, others, strict=True):
        is_to = functools.partial(relation, period=star["period"], span=float(np.ptp(star["time"])))
        known = any(is_to(f) in ("period", "multiple") for f in mine if f > 0)
        rows.append({"label": star["label"], "lcjax": is_to(mine[0]), "astropy": is_to(other), "among": known})
    return rows


def shares(stars: list[dict]) -> list[dict]:
    """Shares of each class and method, in percent; `among` the candidates: the period or a multiple."""
    rows = []
    for method in METHODS:
        for label in sorted({star["label"] for star in stars}):
            members = [star for star in stars if star["label"] == label]
            found = [star[method] for star in members]
            share = {kind: 100.0 * np.mean([f == kind for f in found]) for kind in KINDS}
            among = 100.0 * np.mean([star["among"] for star in members]) if method == "lcjax" else None
            rows.append({"class": label, "stars": len(members), **share, "among candidates": among, "method": method})
    return rows
