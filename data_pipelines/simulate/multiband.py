"""Surveys in several bands, measured as fluxes: Rubin and ZTF, variable stars with colours and supernovae at a distance.

    for curve in simulate_multiband(200, seed=0, surveys=("rubin",)): ...

Every object is one `RawLightCurve` a band under one id. Fluxes are what forced photometry gives at every visit: of a
supernova before it goes off, and of anything too faint, they scatter about what is there, below 0 as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_pipelines.kinds.light_curves.fluxes import (
    COMMON_UNIT,
    COMMON_ZERO_POINT,
    TOTAL,
    FluxSeries,
    magnitude_of_flux,
)
from data_pipelines.simulate import band_cadence
from data_pipelines.simulate.colours import COLOURS
from data_pipelines.simulate.dirt import mislabel
from data_pipelines.simulate.fourier_statistics import FOURIER, shape_of
from data_pipelines.simulate.supernovae import EXPLOSIONS, draw_explosion
from data_pipelines.simulate.variables import LONG_PERIOD, VARIABLES
from data_pipelines.sources.light_curve import RawLightCurve
from lcjax.errors import ConfigError

MULTIBAND_METADATA = ("period", "amplitude", "long_period", "mislabelled", "r21", "phi21", "redshift", "host_dust")
"""Truth of every object: days, mag in that band, two flags, shape as `shape_of` gives it; of supernovae z and E(B - V)."""
GAMMA = 0.039
"""Of the noise of a visit (Ivezic et al. 2019, eq. 5)."""


@dataclass(frozen=True)
class MultibandSurvey:
    """One survey."""

    name: str
    depth: Mapping[str, float]
    """Magnitude of five standard deviations in one visit, by band."""
    cadence: band_cadence.BandCadence
    systematic: float
    """Least relative error, mag."""
    saturation: float
    """mag."""
    magnitudes: tuple[float, float]
    """Of stars in r: numbers grow as 10^(0.2 m) between these."""
    classes: Mapping[str, float]
    """Relative numbers of objects: what the survey's alerts and variables are, roughly."""

    def noise(self, flux: np.ndarray, band: str) -> np.ndarray:
        """Standard deviation of fluxes (N,) of true values `flux`, uJy: sky, photons and calibration."""
        faintest = 10 ** (-0.4 * (self.depth[band] - COMMON_ZERO_POINT))
        light = np.maximum(flux, 0.0)
        random = (0.04 - GAMMA) * light * faintest + GAMMA * faintest**2
        return np.sqrt(random / 1.0857**2 + (self.systematic / 1.0857 * light) ** 2)


STARS = {
    "EW": 0.2, "EA": 0.07, "EB": 0.05, "RRab": 0.1, "RRc": 0.05, "DSCT": 0.05, "CEP": 0.02, "T2CEP": 0.01, "SR": 0.03, "MIRA": 0.01,
    "ROT": 0.08, "QSO": 0.1, "BLZ": 0.02, "CV": 0.02, "TTS": 0.02, "BE": 0.01, "ML": 0.01, "CONST": 0.03,
}  # fmt: skip
RUBIN = MultibandSurvey(
    "rubin",
    {"u": 23.8, "g": 24.8, "r": 24.4, "i": 23.9, "z": 23.3, "y": 22.4},
    band_cadence.rubin,
    systematic=0.005,
    saturation=16.0,
    magnitudes=(17.0, 23.5),
    classes={**STARS, "SNIa": 0.08, "SNII": 0.06, "SNIbc": 0.02, "SLSN": 0.005, "TDE": 0.005},
)
ZTF_MULTIBAND = MultibandSurvey(
    "ztf_gri",
    {"g": 20.8, "r": 20.6, "i": 19.9},
    band_cadence.ztf_gri,
    systematic=0.012,
    saturation=12.5,
    magnitudes=(13.5, 19.5),
    classes={**STARS, "SNIa": 0.15, "SNII": 0.04, "SNIbc": 0.01, "TDE": 0.003},
)
MULTIBAND: dict[str, MultibandSurvey] = {survey.name: survey for survey in (RUBIN, ZTF_MULTIBAND)}
"""Every survey by name."""


def _variable(
    rng: np.random.Generator, survey: MultibandSurvey, name: str, visits: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], float]:
    """True magnitudes in each band, and the period, of a star: one variation seen in every band."""
    every = np.sort(np.concatenate(list(visits.values())))
    delta, period = VARIABLES[name](rng, every)
    if name in FOURIER:
        delta = np.ptp(delta) * FOURIER[name].curve(rng, (every / period + rng.random()) % 1.0)
    delta = delta - np.median(delta)
    colours, ratios = COLOURS[name].draw(rng, tuple(visits))
    low, high = (10 ** (0.2 * m) for m in survey.magnitudes)
    middle = 5.0 * np.log10(rng.uniform(low, high))
    at = {band: np.searchsorted(every, times) for band, times in visits.items()}
    return {band: middle + colours[band] + ratios[band] * delta[at[band]] for band in visits}, float(period)


def _explosion(
    rng: np.random.Generator, survey: MultibandSurvey, name: str, visits: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], float, float]:
    """True magnitudes in each band, redshift and E(B - V) of the host, of a transient at its brightest while it is watched."""
    seen = draw_explosion(rng, name, survey.depth["r"] - 0.7)
    peak = rng.choice(np.concatenate(list(visits.values()))) + rng.uniform(-8, 8)
    return {band: seen.magnitude(times - peak, band) for band, times in visits.items()}, seen.redshift, seen.dust


def simulate_object(index: int, seed: int, mix: Mapping[str, float], label_noise: float = 0.0) -> list[RawLightCurve]:
    """Object `index` of the survey `seed`, one light curve a band; it depends on these settings alone."""
    rng = np.random.default_rng([seed, index, 6])
    weights = np.array(list(mix.values()), float)
    survey = MULTIBAND[list(mix)[int(rng.choice(len(weights), p=weights / weights.sum()))]]
    names, shares = list(survey.classes), np.array(list(survey.classes.values()))
    name = names[int(rng.choice(len(names), p=shares / shares.sum()))]
    visits = survey.cadence(rng)
    period, redshift, dust = np.nan, np.nan, np.nan
    if name in EXPLOSIONS:
        magnitudes, redshift, dust = _explosion(rng, survey, name, visits)
    else:
        magnitudes, period = _variable(rng, survey, name, visits)
    label = mislabel(rng, name, label_noise, frozenset(names))
    found = []
    for band, mjd in visits.items():
        # Saturated visits are not delivered.
        keep = magnitudes[band] > survey.saturation
        mjd, true = mjd[keep], magnitudes[band][keep]
        r21, phi21 = shape_of(mjd, true, period)
        truth = (period, np.ptp(true) if len(true) and name not in EXPLOSIONS else np.nan, name in LONG_PERIOD)
        truth = (*truth, label != name, r21, phi21, redshift, dust)
        flux = 10 ** (-0.4 * (true - COMMON_ZERO_POINT))
        sigma = survey.noise(flux, band)
        measured = flux + sigma * rng.normal(size=len(flux))
        series = FluxSeries(mjd, measured, sigma, np.zeros(len(mjd)), TOTAL, COMMON_ZERO_POINT, COMMON_UNIT)
        magnitude, error = magnitude_of_flux(measured, sigma, COMMON_ZERO_POINT)
        good = measured > 0
        curve = RawLightCurve(
            object_id=f"{survey.name}-{seed}-{index:07d}",
            band=band,
            mjd=mjd[good],
            magnitude=magnitude[good],
            magnitude_error=error[good],
            label=label,
            metadata=dict(zip(MULTIBAND_METADATA, map(float, truth), strict=True)),
            origin=f"simulated survey {survey.name}, seed {seed}, object {index}, band {band}",
            fluxes=series,
        )
        if len(mjd):
            found.append(curve)
    return found


def simulate_multiband(
    n_objects: int, seed: int, surveys: Sequence[str] | Mapping[str, float] = ("rubin",), label_noise: float = 0.0
) -> Iterator[RawLightCurve]:
    """Objects 0 to n_objects - 1, every band of each in turn.

    Args:
      n_objects: objects, not light curves. seed: of the survey. surveys: names, or name -> relative number of objects.
      label_noise: share of labels that name another class.

    Raises:
      ConfigError: a survey that is not known, or a number out of range.

    >>> curves = list(simulate_multiband(1, seed=0))
    >>> {c.object_id for c in curves}, "".join(c.band for c in curves)
    ({'rubin-0-0000000'}, 'ugrizy')
    """
    mix = dict(surveys) if isinstance(surveys, Mapping) else dict.fromkeys(surveys, 1.0)
    unknown = sorted(set(mix) - set(MULTIBAND))
    if unknown or not mix:
        named = ", ".join(map(repr, unknown)) if unknown else "an empty list"
        raise ConfigError(
            f"No simulated survey in several bands is called {named}: choose from {', '.join(MULTIBAND)}."
        )
    if n_objects < 0 or not 0 <= label_noise <= 1 or min(mix.values()) < 0 or sum(mix.values()) <= 0:
        raise ConfigError(
            f"A simulated survey needs n_objects >= 0, label_noise in [0, 1] and positive survey weights, not "
            f"n_objects={n_objects}, label_noise={label_noise}, weights={mix}."
        )
    return (curve for index in range(n_objects) for curve in simulate_object(index, seed, mix, label_noise))
