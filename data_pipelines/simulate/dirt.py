"""Defects of survey files, put into clean light curves with the frequencies found in the public ones."""

from dataclasses import replace

import numpy as np

from data_pipelines.simulate.surveys import Dirt
from data_pipelines.sources.light_curve import RawLightCurve

JD_MINUS_MJD = 2_400_000.5
SENTINEL = 99.999

CONFUSED_WITH: dict[str, tuple[str, ...]] = {
    "EW": ("EB", "RRc", "ROT", "DSCT", "ELL"),
    "EB": ("EW", "EA"),
    "EA": ("EB", "EW"),
    "RRc": ("EW", "RRd", "RRab"),
    "RRab": ("RRc", "RRab_BL", "ACEP"),
    "RRab_BL": ("RRab",),
    "RRd": ("RRc",),
    "DSCT": ("EW", "BCEP", "RRc"),
    "BCEP": ("DSCT",),
    "ACV": ("ROT", "ELL"),
    "ROT": ("EW", "ELL", "SR"),
    "ELL": ("EW", "ROT"),
    "CEP": ("T2CEP", "ACEP"),
    "T2CEP": ("CEP", "ACEP"),
    "ACEP": ("RRab", "CEP"),
    "MIRA": ("SR",),
    "SR": ("MIRA", "ROT"),
    "QSO": ("BLZ", "CONST"),
    "BLZ": ("QSO", "CV"),
    "CV": ("BLZ", "NOVA", "FLARE"),
    "TTS": ("ROT", "QSO", "BE"),
    "BE": ("SR", "TTS"),
    "RCB": ("SR", "TTS"),
    "ML": ("BE", "CV", "CONST"),
    "CONST": ("ROT", "QSO"),
    "SNIa": ("SNIbc", "SNII"),
    "SNII": ("SNIa", "SLSN"),
    "SNIbc": ("SNIa", "SNII"),
    "SLSN": ("TDE", "SNII"),
    "TDE": ("SLSN",),
    "NOVA": ("CV",),
    "FLARE": ("CV",),
}
"""What a catalogue calls a class when it errs (DSCT are often EW at half the period, for one)."""


def mislabel(rng: np.random.Generator, label: str, rate: float, allowed: frozenset[str]) -> str:
    """The catalogue's label: with probability `rate` one of the classes that are confused with the true one.

    `allowed` are the classes a catalogue may use; a class with no confusable one among them keeps its label.
    """
    wrong = rng.random() < rate
    others = [name for name in CONFUSED_WITH.get(label, ()) if name in allowed]
    return others[int(rng.integers(len(others)))] if wrong and others else label


def _rows(rng: np.random.Generator, count: int, share: float) -> np.ndarray:
    """At least one of `count` rows, about a `share` of them."""
    return rng.choice(count, size=min(max(1, rng.binomial(count, share)), count), replace=False)


def soil(rng: np.random.Generator, clean: RawLightCurve, dirt: Dirt) -> RawLightCurve:
    """A copy of `clean` with the defects of `dirt`; which ones is drawn from `rng`."""
    mjd, magnitude = clean.mjd.copy(), clean.magnitude.copy()
    error, count = clean.magnitude_error.copy(), len(clean.mjd)
    happens = lambda rate: rng.random() < rate

    if happens(dirt.outliers):
        rows = _rows(rng, count, 0.01)
        magnitude[rows] += (
            rng.choice([-1, 1], len(rows)) * rng.uniform(5, 30, len(rows)) * np.maximum(error[rows], 0.02)
        )
    if happens(dirt.sentinel):
        rows = _rows(rng, count, 0.02)
        magnitude[rows], error[rows] = SENTINEL, SENTINEL
    if happens(dirt.not_a_number):
        magnitude[_rows(rng, count, 0.02)] = np.nan
    if happens(dirt.missing_error):
        error[_rows(rng, count, 0.05) if happens(0.7) else slice(None)] = np.nan
    if happens(dirt.corrupt_mjd):
        mjd[_rows(rng, count, 0.01)] -= JD_MINUS_MJD
    order = np.arange(count)
    if happens(dirt.duplicate_epochs):
        again = _rows(rng, count, 0.01)
        order = np.concatenate([order, again])
        mjd, magnitude, error = mjd[order], magnitude[order], error[order]
        changed = count + np.flatnonzero(rng.random(len(again)) < 0.5)
        magnitude[changed] += np.nan_to_num(error[changed], nan=0.05) * rng.normal(size=len(changed))
    order = np.arange(len(mjd))
    if happens(dirt.unsorted):
        # Files list whole nights out of order more often than single rows.
        order = np.argsort(np.floor(mjd) % 97, kind="stable") if happens(0.7) else rng.permutation(len(mjd))
    if happens(dirt.duplicate_table):
        order = np.concatenate([order, order])
    if happens(dirt.truncated):
        order = order[: rng.integers(1, 3)]
    if happens(dirt.time_offset):
        mjd = mjd + JD_MINUS_MJD - rng.choice([0.0, 2_400_000.0, 2_440_000.0, 2_450_000.0])
    return replace(clean, mjd=mjd[order], magnitude=magnitude[order], magnitude_error=error[order])
