"""When surveys of several bands look: epochs of one object by band, MJD in days, sorted float64."""

from collections.abc import Callable

import numpy as np

from data_pipelines.simulate import cadence
from data_pipelines.simulate.cadence import hours_of, nights_of, seasons_of

BandCadence = Callable[[np.random.Generator], dict[str, np.ndarray]]
"""Epochs of one object by band."""


MOON = {"u": 0.9, "g": 0.7, "r": 0.4, "i": 0.25, "z": 0.12, "y": 0.05}
"""Magnitudes that a full Moon costs, roughly as the sky brightens."""


def moonlight(mjd: np.ndarray) -> np.ndarray:
    """Phase of the Moon at times (N,): 0 new, 1 full."""
    return np.abs(((np.asarray(mjd) - 60_965.5) / 29.530589 + 0.5) % 1.0 - 0.5) * 2


def visit_depth(rng: np.random.Generator, band: str, mjd: np.ndarray) -> np.ndarray:
    """Magnitudes by which visits at times (N,) are deeper than the survey's median one.

    Seeing and airmass scatter it, thin clouds take some now and then, and the Moon's light does in the blue.
    """
    count = len(mjd)
    clouds = np.where(rng.random(count) < 0.15, rng.exponential(0.3, count), 0.0)
    # Half of a full Moon's light is that of a median night.
    return rng.normal(0.04, 0.15, count) - clouds - MOON[band] * (moonlight(mjd) ** 2 - 0.25)


def rubin(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Rubin, wide-fast-deep: 800 visits of ten years, in pairs 33 minutes apart in two bands (Ivezic et al. 2019, table 1).

    Seasons of half a year; u and g when the Moon is down, z and y when it is up.
    """
    bands = np.array(list("ugrizy"))
    share = {"u": 0.07, "g": 0.10, "r": 0.22, "i": 0.22, "z": 0.20, "y": 0.19}
    seasons = seasons_of(rng, 60_980.0 + rng.uniform(0, 60), 3_640.0, rng.normal(185, 15))
    step = rng.uniform(3.6, 4.8)
    nights = np.concatenate([nights_of(rng, *season, step, 0.12) for season in seasons])
    begin = hours_of(rng, nights, 0.25, midnight=0.2)
    moon = moonlight(nights)
    dark = np.array([2.0, 1.7, 1.1, 0.9, 0.7, 0.4])
    bright = np.array([0.1, 0.4, 0.9, 1.1, 1.3, 1.5])
    base = np.array([share[band] for band in bands])
    weights = base * (dark + (bright - dark) * moon[:, None])
    total = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    pick = lambda: np.minimum((rng.random((len(nights), 1)) > total).sum(axis=1), 5)
    first, second = pick(), pick()
    epochs = np.concatenate([begin, begin + 0.023 + rng.normal(0, 0.002, len(begin))])
    band = np.concatenate([first, second])
    return {name: np.sort(epochs[band == i]) for i, name in enumerate(bands.tolist())}


def ztf_gri(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """ZTF: g and r every 2-3 nights, often within one night, i every four nights in some fields; six years."""
    seasons = seasons_of(rng, 58_200.0 + rng.uniform(0, 40), rng.uniform(1_900, 2_300), rng.normal(225, 25))
    found = {}
    for band, step, missed in (("g", 2.5, 0.4), ("r", 2.0, 0.35), ("i", 4.0, 0.5)):
        nights = np.concatenate([nights_of(rng, *season, step, missed) for season in seasons])
        found[band] = np.sort(hours_of(rng, nights, 0.25))
    return found if rng.random() < 0.4 else {band: found[band] for band in "gr"}


def sdss_ugriz(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """SDSS Stripe 82: all five bands within five minutes, r first and g last, as the camera's columns cross a star."""
    epochs = cadence.sdss_s82(rng)
    return {band: epochs + 0.000832 * i for i, band in enumerate("riuzg")}
