"""Light curves of one band each as stars of several: points side by side by time, each with the slot of its band."""

import zlib
from collections.abc import Callable

import numpy as np

from lcjax.errors import DataError
from lcjax.passbands import band_slots

Windows = dict[str, np.ndarray]


def joined_bands(
    windows: Windows, slots: int, length: int, dataset: np.ndarray, say: Callable[[str], None] = lambda text: None
) -> Windows:
    """One row a star of rows that are windows of one band.

    Rows of one id of one dataset are one star, with times from the middle between its first and last point. Of a star of more
    than `length` points a random part is taken, the same each time. Stars whose bands cannot be told apart are set aside and
    counted.

    Args:
      windows: `time`, `magnitude`, `magnitude_error`, `mask` (N, L), `reference_mjd` (N,) float64, `band`, `object_id` (N,) str, and
        whatever else there is of a row, of which a star keeps that of its first.
      slots: bands that are told apart. length: of the rows that come out. dataset: (N,) of each row.
      say: told how many stars are set aside, and of the first of them why.

    Returns:
      The same, (M, length), without `reference_mjd`; `band` is (M, length) int32, 0 where there is no point.

    Raises:
      DataError: no star is left.
    """
    stars: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(dataset.tolist(), windows["object_id"].tolist(), strict=True)):
        stars.setdefault((str(key[0]), str(key[1])), []).append(row)
    kept, series, aside = [], [], []
    for (_, name), rows in stars.items():
        try:
            found = _star(windows, rows, slots, length, zlib.crc32(name.encode()))
        except DataError as error:
            aside.append(f"{name}: {error}")
            continue
        kept.append(rows[0])
        series.append(found)
    if not series:
        raise DataError(f"no star of several bands can be used; the first: {aside[0] if aside else 'there is none'}")
    if aside:
        say(f"{len(aside):,} of {len(stars):,} stars set aside; the first: {aside[0]}")
    of_rows = {name: value[kept] for name, value in windows.items() if value.ndim == 1 and name != "reference_mjd"}
    return {**of_rows, **{name: np.stack([star[name] for star in series]) for name in series[0]}}


def _star(windows: Windows, rows: list[int], slots: int, length: int, seed: int) -> Windows:
    """Series of one star, (length,) each."""
    names = [str(band) for band in windows["band"][rows]]
    slot = band_slots(names, slots)
    mask = windows["mask"][rows]
    mjd = (windows["time"][rows].astype(np.float64) + windows["reference_mjd"][rows, None])[mask]
    band = np.broadcast_to(np.array([slot[name] for name in names], np.int32)[:, None], mask.shape)[mask]
    chosen = np.arange(len(mjd))
    if len(chosen) > length:
        chosen = np.random.default_rng(seed).choice(len(chosen), length, replace=False)
    chosen = chosen[np.argsort(mjd[chosen], kind="stable")]
    mjd = mjd[chosen]
    middle = 0.5 * (mjd[0] + mjd[-1]) if len(mjd) else 0.0
    values = {name: windows[name][rows][mask][chosen] for name in ("magnitude", "magnitude_error")}
    values |= {"time": (mjd - middle).astype(np.float32), "band": band[chosen], "mask": np.ones(len(mjd), bool)}
    found = {name: np.pad(value, (0, length - len(value))) for name, value in values.items()}
    if "length" in windows:
        found["length"] = np.int32(len(mjd))
    return found
