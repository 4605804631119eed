"""Windows of light curves in one band each as stars of several: points side by side by time, each with the slot of its band."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from lcjax.errors import DataError
from lcjax.inference.whole_stars import joined_star
from lcjax.systems.base import Data

Windows = dict[str, np.ndarray]


ROWS = 32
"""Of a batch that is evaluated: each point looks at all others of its star."""


class Piece(NamedTuple):
    """A window of a star in one band."""

    object_id: str
    band: str
    mjd: np.ndarray
    magnitude: np.ndarray
    magnitude_error: np.ndarray


def joined_bands(
    windows: Windows,
    slots: int,
    length: int,
    dataset: np.ndarray,
    say: Callable[[str], None] = lambda text: None,
    every: bool = False,
    name: str = "",
) -> Windows:
    """Rows of stars of rows that are windows of one band.

    Rows of one id of one dataset are one star, with times from the middle between its first and last point. A star of more than
    `length` points is several windows, each of its whole span, as `lcjax predict` cuts it: of these there is the first. Stars whose
    bands cannot be told apart are set aside and counted.

    Args:
      windows: `time`, `magnitude`, `magnitude_error`, `mask` (N, L), `reference_mjd` (N,) float64, `band`, `object_id` (N,) str, and
        whatever else there is of a row, of which a star keeps that of its first.
      slots: bands that are told apart. length: of the rows that come out. dataset: (N,) of each row.
      say: told how many stars are set aside, and of the first of them why. every: all windows of a star. name: what the stars are
        of, for what is said.

    Returns:
      The same, (M, length), without `reference_mjd`; `band` is (M, length) int32, 0 where there is no point.

    Raises:
      DataError: no star is left.
    """
    stars: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(dataset.tolist(), windows["object_id"].tolist(), strict=True)):
        stars.setdefault((str(key[0]), str(key[1])), []).append(row)
    kept, series, aside = [], [], []
    for (_, star), rows in stars.items():
        try:
            found = _star(windows, rows, slots, length)
        except DataError as error:
            aside.append(f"{star}: {error}")
            continue
        found = found if every else found[:1]
        kept += [rows[0]] * len(found)
        series += found
    if not series:
        raise DataError(f"no star of several bands can be used; the first: {aside[0] if aside else 'there is none'}")
    if aside:
        where = f" of {name}" if name else ""
        say(f"{len(aside):,} of {len(stars):,} stars{where} set aside; the first: {aside[0]}")
    of_rows = {name: value[kept] for name, value in windows.items() if value.ndim == 1 and name != "reference_mjd"}
    return {**of_rows, **{name: np.stack([star[name] for star in series]) for name in series[0]}}


def _star(windows: Windows, rows: list[int], slots: int, length: int) -> list[Windows]:
    """Series of the windows of one star, (length,) each."""
    pieces = []
    for row in rows:
        there = windows["mask"][row]
        mjd = windows["time"][row][there].astype(np.float64) + windows["reference_mjd"][row]
        series = (windows[name][row][there] for name in ("magnitude", "magnitude_error"))
        pieces.append(Piece(str(windows["object_id"][row]), str(windows["band"][row]), mjd, *series))
    star, edges = joined_star(pieces, slots).spread(length)
    found = []
    for a, b in edges.tolist():
        window = star.take(slice(a, b))
        mjd = window.mjd
        middle = 0.5 * (mjd[0] + mjd[-1]) if len(mjd) else 0.0
        values = {"magnitude": window.magnitude, "magnitude_error": window.magnitude_error, "band": window.slot}
        values |= {"time": (mjd - middle).astype(np.float32), "mask": np.ones(len(mjd), bool)}
        one = {name: np.pad(value, (0, length - len(value))) for name, value in values.items()}
        found.append(one | ({"length": np.int32(len(mjd))} if "length" in windows else {}))
    return found


class JoinedStars:
    """A split whose batches hold stars by all their bands, in memory: what is evaluated."""

    def __init__(
        self, data: Data, slots: int, length: int, say: Callable[[str], None] = lambda text: None, rows: int = ROWS
    ) -> None:
        """Reads nothing yet.

        Args:
          data: a split whose evaluation batches hold every window once. slots, length, say: as in `joined_bands`. rows: of a batch.
        """
        self._data, self._slots, self._length, self._say, self._rows = data, slots, length, say, rows
        self.class_names, self.labels, self.n_objects = data.class_names, data.labels, data.n_objects
        self.fingerprint = data.fingerprint
        self._ready: Windows | None = None

    @property
    def dataset_of_record(self) -> np.ndarray:
        """(R,) str, survey of every record."""
        return self._data.dataset_of_record  # type: ignore[attr-defined]

    def describe(self) -> dict:
        """What there is, for the record of a run."""
        return self._data.describe()

    def evaluation_batches(self) -> Iterator[Windows]:
        """Every window once, in order; rows that fill up the last batch are copies, of weight 0."""
        if self._ready is None:
            windows = windows_of(self._data, self._length)
            dataset = self.dataset_of_record[windows["record"]]
            self._ready = joined_bands(windows, self._slots, self._length, dataset, self._say, every=True)
        count = len(self._ready["mask"])
        for start in range(0, count, self._rows):
            rows = np.arange(start, start + self._rows)
            batch = {name: value[np.minimum(rows, count - 1)] for name, value in self._ready.items()}
            batch["weight"] = np.where(rows >= count, 0, batch["weight"]).astype(np.float32)
            yield batch


def windows_of(data: Data, length: int) -> Windows:
    """Every window of a split, padded to one length.

    Raises:
      DataError: there is none.
    """
    parts = []
    for batch in data.evaluation_batches():
        real = np.flatnonzero(np.asarray(batch["weight"]) > 0)
        if len(real):
            parts.append({name: _padded(np.asarray(value)[real], length) for name, value in batch.items()})
    if not parts:
        raise DataError("there is no light curve of use here: prepare the data again, or choose another --split")
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _padded(value: np.ndarray, length: int) -> np.ndarray:
    """Series as long as all windows are."""
    return np.pad(value, ((0, 0), (0, length - value.shape[1]))) if value.ndim == 2 else value
