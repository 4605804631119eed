"""How one variable star varies in several bands: real shapes, geometry of binaries, or the simple models, with lags."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from data_pipelines.simulate.binaries import BINARIES, draw_binary
from data_pipelines.simulate.colours import COLOURS, Look
from data_pipelines.simulate.fourier_statistics import FOURIER
from data_pipelines.simulate.real_shapes import RealShapes
from data_pipelines.simulate.variables import VARIABLES
from lcjax.passbands import wavelength_of


class Variation(NamedTuple):
    """Of one star."""

    delta: dict[str, np.ndarray]
    """Of each band, (N,) magnitudes about the median of its epochs, positive is fainter."""
    period: float
    """Days; NaN where there is none."""
    look: Look


def draw_variation(
    rng: np.random.Generator, name: str, visits: Mapping[str, np.ndarray], shapes: RealShapes | None = None
) -> Variation:
    """One star of class `name` at the epochs of each band, MJD.

    Its shape is that of a real star where `shapes` has some of the class; else binaries follow their geometry, pulsators the
    Fourier statistics of real ones and all others the models of `variables`, in each band as strong and as late as its class is.
    """
    look = COLOURS[name].draw(rng, tuple(visits))
    if shapes is not None and name in shapes:
        drawn = shapes.draw(rng, name)
        delta, period = {band: drawn.delta(mjd, band) for band, mjd in visits.items()}, drawn.period
    elif name in BINARIES:
        binary, zero = draw_binary(rng, name, look.temperature), rng.random()
        period = binary.period
        waves = {band: wavelength_of(band) or np.nan for band in visits}
        delta = {band: binary.magnitude(mjd / period + zero, waves[band]) for band, mjd in visits.items()}
    else:
        delta, period = _modelled(rng, name, visits, look)
    return Variation({band: _centred(values) for band, values in delta.items()}, float(period), look)


def _centred(values: np.ndarray) -> np.ndarray:
    return values - np.median(values) if len(values) else values


def _modelled(
    rng: np.random.Generator, name: str, visits: Mapping[str, np.ndarray], look: Look
) -> tuple[dict[str, np.ndarray], float]:
    """By the model of one band, seen later and weaker in the others."""
    every = np.concatenate(list(visits.values()))
    of = np.concatenate([np.full(len(mjd), i) for i, mjd in enumerate(visits.values())])
    lags = np.array(list(look.lags.values()))
    order = np.argsort(every, kind="stable")
    every, of = every[order], of[order]
    # The same star twice: the second time at epochs that are earlier by each band's lag.
    seed = rng.integers(2**31)
    delta, period = VARIABLES[name](np.random.default_rng(seed), every)
    if np.isfinite(period) and np.any(lags):
        late = lags[of] * period
        # A modulated pulsator is more than one shape.
        if name in FOURIER and name != "RRab_BL":
            phase = ((every - late) / period + rng.random()) % 1.0
            delta = np.ptp(delta) * FOURIER[name].curve(rng, phase)
        else:
            delta, _ = VARIABLES[name](np.random.default_rng(seed), every - late)
    return {band: look.ratios[band] * delta[of == i] for i, band in enumerate(visits)}, period


def models_of_band(band: str, shapes: RealShapes | None = None) -> dict[str, Callable[..., tuple[np.ndarray, float]]]:
    """The models of `draw_variation` for surveys of one band: by class, as `variables.VARIABLES` has them.

    Args:
      band: its name, whose wavelength is known (see `lcjax.passbands`).
    """
    return {name: partial(_in_one_band, name=name, band=band, shapes=shapes) for name in VARIABLES}


def _in_one_band(
    rng: np.random.Generator, mjd: np.ndarray, name: str, band: str, shapes: RealShapes | None
) -> tuple[np.ndarray, float]:
    found = draw_variation(rng, name, {band: mjd}, shapes)
    return found.delta[band], found.period
