"""Surveys in several bands, measured as fluxes: Rubin, ZTF and SDSS Stripe 82, stars with colours and supernovae at a distance.

    for curve in simulate_multiband(200, seed=0, surveys=("rubin",)): ...

Every object is one `RawLightCurve` a band under one id. Fluxes are what forced photometry gives at every visit: of a
supernova before it goes off, and of anything too faint, they scatter about what is there, below 0 as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np

from data_pipelines.kinds.light_curves.fluxes import (
    COMMON_UNIT,
    COMMON_ZERO_POINT,
    DIFFERENCE,
    TOTAL,
    FluxSeries,
    magnitude_of_flux,
)
from data_pipelines.simulate.band_cadence import visit_depth
from data_pipelines.simulate.band_surveys import MULTIBAND, MultibandSurvey
from data_pipelines.simulate.dirt import mislabel
from data_pipelines.simulate.fourier_statistics import shape_of
from data_pipelines.simulate.real_shapes import RealShapes
from data_pipelines.simulate.sed_templates import SedTemplate
from data_pipelines.simulate.supernovae import EXPLOSIONS, draw_explosion
from data_pipelines.simulate.survey import CLASS_NAMES, METADATA_NAMES, shares_of
from data_pipelines.simulate.variables import LONG_PERIOD
from data_pipelines.simulate.variation import draw_variation
from data_pipelines.sources.light_curve import RawLightCurve
from lcjax.errors import ConfigError

MULTIBAND_METADATA = (*METADATA_NAMES, "redshift", "host_dust", "mean")
"""Truth of every object: that of one band, amplitude and shape in that band; of supernovae z and E(B - V); mean magnitude."""
REFERENCE_VISITS = 12
"""Whose mean a difference is taken from."""


@dataclass(frozen=True)
class Sky:
    """What is simulated, and how it is given."""

    label_noise: float = 0.0
    """Share of labels that name another class."""
    classes: Mapping[str, float] = field(default_factory=dict)
    """Relative numbers; none: those of each survey."""
    shapes: RealShapes | None = None
    """Of real stars."""
    templates: Mapping[str, SedTemplate] = field(default_factory=dict)
    """Of supernovae, by class."""
    fluxes: Literal["total", "difference"] = "total"
    """Of the object, or less a reference: the mean of some visits, of transients an image before them."""


class Truth(NamedTuple):
    """What an object is."""

    magnitudes: dict[str, np.ndarray]
    """Of each band, at its visits."""
    period: float
    redshift: float
    host_dust: float


def _variable(
    rng: np.random.Generator, survey: MultibandSurvey, name: str, visits: Mapping[str, np.ndarray], sky: Sky
) -> Truth:
    """A star: one variation seen in every band."""
    delta, period, look = draw_variation(rng, name, visits, sky.shapes)
    low, high = (10 ** (0.2 * m) for m in survey.magnitudes)
    middle = 5.0 * np.log10(rng.uniform(low, high))
    return Truth({band: middle + look.colours[band] + delta[band] for band in visits}, period, np.nan, np.nan)


def _explosion(
    rng: np.random.Generator, survey: MultibandSurvey, name: str, visits: Mapping[str, np.ndarray], sky: Sky
) -> Truth:
    """A transient at its brightest while it is watched."""
    seen = draw_explosion(rng, name, survey.depth["r"] - 0.7, sky.templates.get(name))
    peak = rng.choice(np.concatenate(list(visits.values()))) + rng.uniform(-8, 8)
    magnitudes = {band: seen.magnitude(times - peak, band) for band, times in visits.items()}
    return Truth(magnitudes, np.nan, seen.redshift, seen.dust)


def measured(
    rng: np.random.Generator, survey: MultibandSurvey, band: str, mjd: np.ndarray, true: np.ndarray
) -> FluxSeries:
    """Forced photometry of true magnitudes (N,) in a band, every visit as deep as its sky lets it."""
    flux = 10 ** (-0.4 * (true - COMMON_ZERO_POINT))
    sigma = survey.noise(flux, band, visit_depth(rng, band, mjd))
    value = flux + sigma * rng.normal(size=len(flux))
    return FluxSeries(mjd, value, sigma, np.zeros(len(mjd)), TOTAL, COMMON_ZERO_POINT, COMMON_UNIT)


def differenced(
    rng: np.random.Generator, survey: MultibandSurvey, band: str, fluxes: FluxSeries, true: np.ndarray, star: bool
) -> FluxSeries:
    """Total fluxes less a reference image, which holds a `star` at the mean of some visits, and no transient.

    Its noise is the same for every point, and is in the quoted errors, as surveys do it.
    """
    some = rng.permutation(len(true))[:REFERENCE_VISITS]
    light = float(np.mean(10 ** (-0.4 * (true[some] - COMMON_ZERO_POINT)))) if star else 0.0
    noise = float(survey.noise(np.array([light]), band)[0] / np.sqrt(REFERENCE_VISITS))
    value = fluxes.flux - light - noise * rng.normal()
    return replace(fluxes, flux=value, flux_error=np.hypot(fluxes.flux_error, noise), kind=DIFFERENCE)


def simulate_object(index: int, seed: int, mix: Mapping[str, float], sky: Sky = Sky()) -> list[RawLightCurve]:
    """Object `index` of the survey `seed`, one light curve a band; it depends on these settings alone."""
    rng = np.random.default_rng([seed, index, 6])
    weights = np.array(list(mix.values()), float)
    survey = MULTIBAND[list(mix)[int(rng.choice(len(weights), p=weights / weights.sum()))]]
    classes = sky.classes or survey.classes
    names, shares = list(classes), np.array(list(classes.values()))
    name = names[int(rng.choice(len(names), p=shares / shares.sum()))]
    visits = survey.cadence(rng)
    star = name not in EXPLOSIONS
    true = (_variable if star else _explosion)(rng, survey, name, visits, sky)
    label = mislabel(rng, name, sky.label_noise, frozenset(names))
    # The same object, whichever way its light is given.
    reference = np.random.default_rng([seed, index, 12])
    found = []
    for band, times in visits.items():
        # Saturated visits are not delivered.
        keep = true.magnitudes[band] > survey.saturation
        mjd, magnitudes = times[keep], true.magnitudes[band][keep]
        fluxes = measured(rng, survey, band, mjd, magnitudes)
        if not len(mjd):
            continue
        if sky.fluxes == "difference":
            fluxes = differenced(reference, survey, band, fluxes, magnitudes, star)
        truth = {
            "period": true.period,
            "amplitude": np.ptp(magnitudes) if star else np.nan,
            "long_period": name in LONG_PERIOD,
            "mislabelled": label != name,
            "true_class": CLASS_NAMES.index(name),
            **shape_of(mjd, magnitudes, true.period)._asdict(),
            "redshift": true.redshift,
            "host_dust": true.host_dust,
            "mean": np.mean(magnitudes) if star else np.nan,
        }
        found.append(_curve(f"{survey.name}-{seed}-{index:07d}", band, fluxes, label, truth))
    return found


def _curve(name: str, band: str, fluxes: FluxSeries, label: str, truth: Mapping[str, float]) -> RawLightCurve:
    magnitude, error = magnitude_of_flux(fluxes.flux, fluxes.flux_error, COMMON_ZERO_POINT)
    good = fluxes.flux > 0
    return RawLightCurve(
        object_id=name,
        band=band,
        mjd=fluxes.mjd[good],
        magnitude=magnitude[good],
        magnitude_error=error[good],
        label=label,
        metadata={key: float(truth[key]) for key in MULTIBAND_METADATA},
        origin=f"simulated object {name}, band {band}",
        fluxes=fluxes,
    )


def simulate_multiband(
    n_objects: int,
    seed: int,
    surveys: Sequence[str] | Mapping[str, float] = ("rubin",),
    sky: Sky = Sky(),
) -> Iterator[RawLightCurve]:
    """Objects 0 to n_objects - 1, every band of each in turn.

    Args:
      n_objects: objects, not light curves. seed: of the survey. surveys: names, or name -> relative number of objects.
      sky: classes, shapes, templates and what is measured.

    Raises:
      ConfigError: a survey or class that is not known, or a number out of range.

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
    if n_objects < 0 or not 0 <= sky.label_noise <= 1 or min(mix.values()) < 0 or sum(mix.values()) <= 0:
        raise ConfigError(
            f"A simulated survey needs n_objects >= 0, label_noise in [0, 1] and positive survey weights, not "
            f"n_objects={n_objects}, label_noise={sky.label_noise}, weights={mix}."
        )
    known = {name for survey in mix for name in MULTIBAND[survey].known_classes()}
    if sky.classes:
        shares_of(sky.classes, known)
    if strange := sorted(set(sky.templates) - set(EXPLOSIONS)):
        raise ConfigError(
            f"No simulated supernova is called {strange[0]!r}: templates are for {', '.join(EXPLOSIONS)}."
        )
    return (curve for index in range(n_objects) for curve in simulate_object(index, seed, mix, sky))
