"""When surveys look: nested cadences (seasons > nights > exposures), MJD in days, sorted float64.

Every function takes a `numpy.random.Generator` and returns the epochs of one object. The numbers are measured on the
public light curves of each survey (points, nights, span, point step, visit gap and longest gap per object).
"""

from collections.abc import Callable

import numpy as np

Cadence = Callable[[np.random.Generator], np.ndarray]

YEAR = 365.25


def seasons_of(rng: np.random.Generator, start: float, span: float, length: float) -> list[tuple[float, float]]:
    """Observing seasons (first, last epoch) of one object, clipped to [start, start + span]."""
    centre = start + rng.uniform(0, YEAR) - YEAR / 2
    seasons = []
    for year in range(int(span / YEAR) + 3):
        middle = centre + year * YEAR + rng.normal(0, 6)
        half = 0.5 * length * rng.uniform(0.88, 1.12)
        first, last = max(middle - half, start), min(middle + half, start + span)
        if last > first:
            seasons.append((first, last))
    return seasons


def nights_of(rng: np.random.Generator, first: float, last: float, step: float, missed: float) -> np.ndarray:
    """Whole-night indices from `first` to `last`: every `step` nights, a share `missed` of them clouded out."""
    count = int((last - first) / step) + 1
    nights = np.floor(first + step * np.arange(count) + rng.uniform(-0.3, 0.3, count) * (step > 1.5))
    return np.unique(nights[rng.random(count) >= missed])


def hours_of(rng: np.random.Generator, nights: np.ndarray, width: float, midnight: float = 0.3) -> np.ndarray:
    """Epochs within nights: near meridian passage, which slips 4 minutes a night and is bounded by twilight."""
    slip = 0.5 * width * np.sin(2 * np.pi * nights / YEAR)
    return nights + midnight + slip + rng.normal(0, 0.25 * width, len(nights))


def crts(rng: np.random.Generator, exposure_step: float = 0.0109, start: float = 53_500.0) -> np.ndarray:
    """Catalina: visits of 4 exposures 0.011 d apart, every 20-30 d, seasonal gaps of 200-290 d, 8 years."""
    span = 2940 - rng.exponential(90)
    gap = rng.choice([19.0, 22.0, 26.0], p=[0.4, 0.4, 0.2]) * rng.lognormal(0, 0.12)
    visits = []
    for first, last in seasons_of(rng, start + rng.uniform(0, 30), span, rng.normal(193, 24)):
        steps = gap * rng.lognormal(0, 0.35, int((last - first) / gap * 2) + 2)
        epochs = first + np.cumsum(steps) - steps[0] * rng.random()
        visits.append(epochs[epochs < last])
    nights = np.floor(np.concatenate(visits))
    nights = np.unique(nights[rng.random(len(nights)) > rng.beta(1.2, 12)])
    exposures = np.where(rng.random(len(nights)) < 0.82, 4, rng.integers(1, 4, len(nights)))
    begin = hours_of(rng, nights, 0.2)
    step = exposure_step * rng.lognormal(0, 0.04) * rng.lognormal(0, 0.05, (len(nights), 4))
    epochs = begin[:, None] + np.cumsum(step, axis=1)
    return np.sort(epochs[np.arange(4) < exposures[:, None]])


def catalina_css(rng: np.random.Generator) -> np.ndarray:
    """Catalina Sky Survey (north): as `crts`, exposures 0.008 d apart."""
    return crts(rng, exposure_step=0.0080, start=53_470.0)


def asas3(rng: np.random.Generator) -> np.ndarray:
    """ASAS-3: one point per 1-3 d, seasonal gaps of 180-290 d, 7 years; fields overlap, so some nights hold two."""
    span = 2707 - rng.exponential(110) * (rng.random() < 0.5) - (rng.random() < 0.1) * rng.uniform(100, 900)
    step = rng.choice([1.0, 2.0, 3.0], p=[0.12, 0.5, 0.38])
    missed = rng.uniform(0.08, 0.4)
    seasons = seasons_of(rng, 51_870.0 + rng.uniform(0, 60), span, rng.normal(162, 22))
    if len(seasons) > 4 and rng.random() < 0.06:  # a field that was dropped for a year
        seasons.pop(int(rng.integers(1, len(seasons) - 1)))
    nights = np.concatenate([nights_of(rng, *season, step, missed) for season in seasons])
    epochs = hours_of(rng, nights, 0.2)
    again = epochs[rng.random(len(epochs)) < rng.beta(1, 9)]
    return np.sort(np.concatenate([epochs, again + rng.uniform(0.01, 0.2, len(again))]))


def hipparcos(rng: np.random.Generator) -> np.ndarray:
    """Hipparcos: both fields of view cross a star 0.014 and 0.075 d apart; bursts every 3-4 weeks, 3 years."""
    span = rng.normal(1126, 45) - (rng.random() < 0.1) * rng.uniform(100, 300)
    gap = rng.normal(28, 2.5)
    steps = gap * rng.lognormal(0, 0.35, int(2.5 * span / gap) + 5)
    skipped = rng.random(len(steps)) < 0.07  # the scanning law leaves a star alone for months
    steps = np.where(skipped, rng.uniform(90, 200, len(steps)), steps)
    bursts = 47_860.0 + rng.uniform(0, 30) + np.cumsum(steps)
    bursts = bursts[bursts < bursts[0] + span]
    transits = 2 + rng.poisson(rng.gamma(6, 1.2 / 6), len(bursts)) + 2 * (rng.random(len(bursts)) < 0.12)
    longest = int(transits.max())
    preceding = rng.random(len(bursts))[:, None] < 0.5
    pairs = np.where((np.arange(longest) % 2 == 0) ^ preceding, 0.0141, 0.0746)
    epochs = bursts[:, None] + np.cumsum(pairs, axis=1) + rng.normal(0, 1e-4, pairs.shape)
    return np.sort(epochs[np.arange(longest) < transits[:, None]])


def ogle2(rng: np.random.Generator) -> np.ndarray:
    """OGLE-II: a point every 1-2 nights, gaps of 90-110 d, 3-4 years."""
    span = 1240.0 if rng.random() < 0.75 else rng.uniform(600, 1240)
    step = rng.choice([1.0, 2.0], p=[0.3, 0.7])
    missed = rng.uniform(0.05, 0.4) + 0.2 * (step == 1)
    seasons = seasons_of(rng, 50_460.0, span, rng.normal(273, 6))
    nights = np.concatenate([nights_of(rng, *season, step, missed) for season in seasons])
    return np.sort(hours_of(rng, nights, 0.2))


def ogle4(rng: np.random.Generator) -> np.ndarray:
    """OGLE-IV: core fields every 0.05 d (thousands of points), the rest every 1-3 d; the 2020-2022 stop of 873 d."""
    core = rng.random() < 0.42
    start = 57_420.0 if rng.random() < 0.9 else 59_400.0
    seasons = seasons_of(rng, start, 60_592.0 - start, rng.normal(245, 8))
    step = 1.0 if core else rng.choice([1.0, 2.0, 3.0], p=[0.45, 0.35, 0.2])
    nights = np.concatenate([nights_of(rng, *season, step, rng.uniform(0.25, 0.55)) for season in seasons])
    if core:
        exposures = 1 + rng.poisson(rng.uniform(1.5, 4.5), len(nights))
        steps = rng.lognormal(np.log(0.048), 0.12, (len(nights), int(exposures.max())))
        begin = nights + 0.15 + rng.uniform(0, 0.1, len(nights))
        epochs = (begin[:, None] + np.cumsum(steps, axis=1))[np.arange(steps.shape[1]) < exposures[:, None]]
    else:
        epochs = hours_of(rng, nights, 0.2)
    stop = 58_925.0 + rng.normal(0, 1.0)
    epochs = np.sort(epochs)
    return epochs[(epochs < stop) | (epochs > stop + 872.0)]


def ztf(rng: np.random.Generator) -> np.ndarray:
    """ZTF public survey, one band: every 1-3 nights, gaps of 97-200 d, 3 years."""
    step = rng.choice([1.0, 2.0, 3.0], p=[0.3, 0.4, 0.3])
    seasons = seasons_of(rng, 58_200.0 + rng.uniform(0, 40), rng.uniform(920, 1180), rng.normal(232, 25))
    nights = np.concatenate([nights_of(rng, *season, step, rng.uniform(0.25, 0.5)) for season in seasons])
    epochs = hours_of(rng, nights, 0.3)
    again = epochs[rng.random(len(epochs)) < rng.beta(1, 8)]
    return np.sort(np.concatenate([epochs, again + rng.uniform(0.005, 0.1, len(again))]))


def sdss_s82(rng: np.random.Generator) -> np.ndarray:
    """SDSS Stripe 82: sparse autumns 1998-2004, then three autumns with a point every 5 d."""
    epochs = []
    for year in range(10):
        autumn = 51_070.0 + year * YEAR
        count = rng.poisson(14.5) if year >= 7 else rng.poisson(0.5 + 1.3 * (year > 1))
        if count == 0:
            continue
        steps = rng.gamma(3.0, 5.3 / 3.0, count) if year >= 7 else rng.uniform(1, 40, count)
        epochs.append(np.round(autumn + rng.uniform(0, 15) + np.cumsum(np.maximum(steps, 1.0))))
    return np.sort(hours_of(rng, np.unique(np.concatenate(epochs)), 0.15))


def macho(rng: np.random.Generator) -> np.ndarray:
    """MACHO: nightly in favoured fields, sparse elsewhere, 7.5 years with short gaps."""
    step = rng.choice([1.0, 2.0, 4.0], p=[0.5, 0.3, 0.2])
    missed = rng.uniform(0.35, 0.5)
    seasons = seasons_of(rng, 48_823.0, rng.uniform(2350, 2724), rng.normal(312, 5))
    nights = np.concatenate([nights_of(rng, *season, step, missed) for season in seasons])
    epochs = hours_of(rng, nights, 0.3)
    again = epochs[rng.random(len(epochs)) < rng.beta(2, 8)]
    return np.sort(np.concatenate([epochs, again + rng.uniform(0.02, 0.2, len(again))]))


def ztf_alerts(rng: np.random.Generator) -> np.ndarray:
    """ZTF alerts of transients: every 3-6 nights while the field is up (detection limits are applied later)."""
    step = rng.choice([2.0, 3.0, 5.0], p=[0.2, 0.45, 0.35])
    seasons = seasons_of(rng, 58_200.0, rng.uniform(900, 1800), rng.normal(240, 20))
    nights = np.concatenate([nights_of(rng, *season, step, rng.uniform(0.2, 0.6)) for season in seasons])
    return np.sort(hours_of(rng, nights, 0.3))
