"""Simulated surveys: light curves of known truth with the cadence, errors, imbalance and dirt of real ones.

    for raw in simulate_light_curves(2000, seed=0): ...

Object i depends on (seed, i) and the settings alone, so any range can be made anywhere, in any order.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from data_pipelines.simulate.dirt import mislabel, soil
from data_pipelines.simulate.fourier_statistics import Shape, shape_of
from data_pipelines.simulate.real_shapes import RealShapes
from data_pipelines.simulate.surveys import DEFAULT_MIX, SURVEYS, Survey
from data_pipelines.simulate.transients import TRANSIENTS
from data_pipelines.simulate.variables import LONG_PERIOD, VARIABLES
from data_pipelines.sources.light_curve import RawLightCurve
from lcjax.errors import ConfigError

CLASS_NAMES: tuple[str, ...] = (*VARIABLES, *TRANSIENTS)
"""Labels, in index order."""

METADATA_NAMES = ("period", "amplitude", "long_period", "mislabelled", "true_class", "r21", "phi21", "r31", "phi31")
"""Truth of every object: days (NaN if aperiodic), peak-to-peak mag of the noiseless points, two flags, the class as a number in
`CLASS_NAMES` (a label may name another), and the shape of the noiseless points as `shape_of` gives it (NaN if aperiodic)."""

LIMIT_WIDTH = 0.25
"""Magnitudes over which a survey goes from seeing nearly all to nearly nothing."""


def shares_of(classes: Mapping[str, float], known: Collection[str] = CLASS_NAMES) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and probabilities of relative numbers.

    Raises:
      ConfigError: a class that is not known, or numbers that are none.
    """
    names, shares = tuple(classes), np.array(list(classes.values()), float)
    if unknown := sorted(set(names) - set(known)):
        raise ConfigError(f"No simulated class is called {unknown[0]!r}: choose from {', '.join(known)}.")
    if not names or not np.all(shares >= 0) or not 0 < shares.sum() < np.inf:
        raise ConfigError(f"Classes need positive relative numbers, not {dict(classes)}.")
    return names, shares / shares.sum()


def _observe_variable(
    rng: np.random.Generator, survey: Survey, name: str, shapes: RealShapes | None
) -> tuple[np.ndarray, np.ndarray, float]:
    """(mjd, true magnitudes, period) of a star: bright enough for a survey to keep a quarter of its epochs."""
    mjd = survey.cadence(rng)
    if shapes is not None and name in shapes:
        drawn = shapes.draw(rng, name)
        delta, period = drawn.delta(mjd, survey.band), drawn.period
    else:
        delta, period = VARIABLES[name](rng, mjd)
    delta = delta - np.median(delta)
    magnitude = survey.draw_magnitude(rng)
    faintest = survey.limit - 2 * LIMIT_WIDTH - np.quantile(delta, 0.25)
    magnitude = max(min(magnitude, faintest), survey.bright - np.quantile(delta, 0.1))
    return mjd, magnitude + delta, period


def _observe_transient(
    rng: np.random.Generator, survey: Survey, name: str, shapes: RealShapes | None
) -> tuple[np.ndarray, np.ndarray, float]:
    """(mjd, true magnitudes, period NaN) of a transient that goes off while the survey looks, host light added."""
    mjd = survey.cadence(rng)
    nights = np.unique(np.floor(mjd))
    days = mjd - (rng.choice(nights) + rng.uniform(-8, 8) * (name != "FLARE"))
    if name == "FLARE":  # it lasts an hour: start it where exposures are
        days = mjd - rng.choice(mjd)
    peak = survey.draw_magnitude(rng)
    magnitude = peak + TRANSIENTS[name](rng, days)
    if name == "FLARE" or (survey.name == "catalina_css" and rng.random() < 0.3):
        host = peak + rng.uniform(1.0, 3.0)
        magnitude = -2.5 * np.log10(10 ** (-0.4 * magnitude) + 10 ** (-0.4 * host))
    return mjd, magnitude, np.nan


def _detected(rng: np.random.Generator, survey: Survey, magnitude: np.ndarray) -> np.ndarray:
    """Which points a survey of that depth reports, (N,) bool."""
    brighter = (survey.limit - magnitude) / LIMIT_WIDTH
    return (rng.random(len(magnitude)) < 1 / (1 + np.exp(-np.clip(3 * brighter, -50, 50)))) & (
        magnitude > survey.bright - 1
    )


def _clean_object(
    rng: np.random.Generator, survey: Survey, name: str, shapes: RealShapes | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float, Shape]:
    """Sorted (mjd, magnitude, quoted error), truth's (amplitude, period, shape); drawn anew until 3 points are detected."""
    observe = _observe_transient if name in TRANSIENTS else _observe_variable
    for _ in range(200):
        mjd, true, period = observe(rng, survey, name, shapes)
        seen = _detected(rng, survey, true)
        if seen.sum() >= 3:
            break
    mjd, true = mjd[seen], true[seen]
    quoted, noise = survey.errors.errors(rng, true)
    digits = survey.errors.digits
    measured = np.round(true + noise * rng.normal(size=len(true)), digits)
    return mjd, measured, quoted, float(np.ptp(true)), float(period), shape_of(mjd, true, period)


def simulate_one(
    index: int,
    seed: int,
    mix: Mapping[str, float] = DEFAULT_MIX,
    dirt: bool = True,
    label_noise: float = 0.1,
    classes: Mapping[str, float] | None = None,
    shapes: RealShapes | None = None,
) -> RawLightCurve:
    """Object `index` of the simulated survey `seed`.

    Args:
      index: number of the object, from 0.
      seed: of the whole survey.
      mix: survey name -> relative number of objects.
      dirt: put in the defects of survey files; without it times are sorted and everything is finite.
      label_noise: share of labels that name another, confusable class.
      classes: relative numbers by class; None: those of each survey. shapes: of real stars, for the classes they have.
    """
    rng = np.random.default_rng([seed, index])
    names = list(mix)
    weights = np.array([mix[name] for name in names], float)
    survey = SURVEYS[names[int(rng.choice(len(names), p=weights / weights.sum()))]]
    true_class = survey.draw_class(rng) if not classes else str(rng.choice(list(classes), p=shares_of(classes)[1]))
    mjd, magnitude, error, amplitude, period, shape = _clean_object(rng, survey, true_class, shapes)
    label = mislabel(rng, true_class, label_noise, frozenset(classes or survey.classes))
    metadata = {
        "period": float(period),
        "amplitude": float(amplitude),
        "long_period": float(true_class in LONG_PERIOD),
        "mislabelled": float(label != true_class),
        "true_class": float(CLASS_NAMES.index(true_class)),
        **shape._asdict(),
    }
    raw = RawLightCurve(
        object_id=f"{survey.name}-{seed}-{index:07d}",
        band=survey.band,
        mjd=mjd,
        magnitude=magnitude,
        magnitude_error=error,
        label=label,
        metadata=metadata,
        origin=f"simulated survey {survey.name}, seed {seed}, object {index}",
    )
    return soil(rng, raw, survey.dirt) if dirt else raw


def simulate_light_curves(
    n_objects: int,
    seed: int,
    surveys: Sequence[str] | Mapping[str, float] | None = None,
    dirt: bool = True,
    label_noise: float = 0.1,
    start: int = 0,
    classes: Mapping[str, float] | None = None,
    shapes: RealShapes | None = None,
) -> Iterator[RawLightCurve]:
    """Objects `start` to `start + n_objects - 1` of a simulated survey, one at a time.

    Args:
      n_objects: how many. seed: of the survey; object i depends on (seed, i) and the settings below alone.
      surveys: names (equal numbers) or name -> relative number; None: `DEFAULT_MIX`.
      dirt, label_noise, classes, shapes: see `simulate_one`.
      start: index of the first object, for making parts in parallel.

    Raises:
      ConfigError: a survey or class that is not known, or a number out of range.

    >>> star = next(simulate_light_curves(1, seed=0, surveys=["crts_sss"], dirt=False))
    >>> star.object_id, star.band, bool(len(star.mjd) == len(star.magnitude) > 20)
    ('crts_sss-0-0000000', 'V', True)
    """
    mix = DEFAULT_MIX if surveys is None else surveys
    mix = dict(mix) if isinstance(mix, Mapping) else dict.fromkeys(mix, 1.0)
    unknown = sorted(set(mix) - set(SURVEYS))
    if unknown or not mix:
        named = ", ".join(map(repr, unknown)) if unknown else "an empty list"
        raise ConfigError(f"No simulated survey is called {named}: choose from {', '.join(SURVEYS)}.")
    if n_objects < 0 or start < 0 or not 0 <= label_noise <= 1 or min(mix.values()) < 0 or sum(mix.values()) <= 0:
        raise ConfigError(
            f"A simulated survey needs n_objects and start >= 0, label_noise in [0, 1] and positive survey weights, "
            f"not n_objects={n_objects}, start={start}, label_noise={label_noise}, weights={mix}."
        )
    if classes:
        shares_of(classes)
    return (
        simulate_one(index, seed, mix, dirt, label_noise, classes, shapes) for index in range(start, start + n_objects)
    )
