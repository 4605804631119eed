"""Transients at a distance, in several bands: rest-frame light curves, cooling black bodies, redshift, dust.

Simple and analytic, unless a template is given (`sed_templates`): the light curves of `transients` set the visual magnitude, a temperature that falls with time sets
the colours, metals take the ultraviolet of type Ia and of the later types away. Absolute magnitudes follow Richardson et al.
2014 (AJ 147, 118) for supernovae; dust in the host has an exponential distribution of E(B - V).
"""

from dataclasses import dataclass, replace

import numpy as np

from data_pipelines.simulate.passbands import black_body, distance_modulus, extinction
from data_pipelines.simulate.sed_templates import VISUAL, SedTemplate
from data_pipelines.simulate.transients import TRANSIENTS
from lcjax.passbands import WAVELENGTH

STRETCH = 0.1
"""Standard deviation of the logarithm by which templates are stretched in time."""
NEAREST = 0.003
"""Redshift."""


@dataclass(frozen=True)
class Explosion:
    """What a class of transients is like at maximum, and how it cools."""

    absolute: float
    """Visual magnitude at maximum."""
    spread: float
    hot: float
    """K, before maximum and at it."""
    cool: float
    """K, long after."""
    cooling: float
    """Days, rest frame."""
    blanketed: bool = True
    """Whether metals take the ultraviolet away."""
    host_dust: float = 0.1
    """Mean E(B - V), mag."""
    farthest: float = 1.0
    """Redshift."""


EXPLOSIONS: dict[str, Explosion] = {
    "SNIa": Explosion(-19.26, 0.3, 12_000, 4_700, 14, host_dust=0.06),
    "SNII": Explosion(-16.8, 0.9, 14_000, 5_800, 22),
    "SNIbc": Explosion(-17.4, 0.8, 9_500, 5_200, 14, host_dust=0.15),
    "SLSN": Explosion(-21.5, 0.5, 15_000, 7_000, 45, host_dust=0.03, farthest=2.0),
    "TDE": Explosion(-19.5, 0.8, 25_000, 20_000, 60, blanketed=False, host_dust=0.05),
}


@dataclass(frozen=True)
class Observed:
    """One transient: its parameters, and magnitudes in any band."""

    name: str
    redshift: float
    dust: float
    """E(B - V) of the host, mag."""
    galactic: float
    """E(B - V) of the Milky Way, mag."""
    peak: float
    """Absolute visual magnitude."""
    stretch_seed: int
    """Of what the class draws of its rest-frame light curve: the same in every band."""
    template: SedTemplate | None = None
    """Instead of the simple light curve and black bodies."""

    def magnitude(self, days: np.ndarray, band: str) -> np.ndarray:
        """AB magnitude at days (N,) from maximum, in the observer's frame."""
        kind = EXPLOSIONS[self.name]
        rest = days / (1 + self.redshift)
        wavelength = WAVELENGTH[band] / (1 + self.redshift)
        dust = 3.1 * (self.dust * extinction(max(wavelength, 125.0)) + self.galactic * extinction(WAVELENGTH[band]))
        # The band is narrower in the rest frame by 1 + z: magnitudes per frequency brighten.
        outside = dust + distance_modulus(self.redshift) - 2.5 * np.log10(1 + self.redshift)
        if self.template is not None:
            stretch = np.random.default_rng(self.stretch_seed).lognormal(0.0, STRETCH)
            return self.peak + self.template.magnitude(rest / stretch, wavelength) + outside
        visual = self.peak + TRANSIENTS[self.name](np.random.default_rng(self.stretch_seed), rest)
        temperature = kind.cool + (kind.hot - kind.cool) * np.exp(-np.maximum(rest, -5.0) / kind.cooling)
        temperature = np.clip(temperature, kind.cool, 1.3 * kind.hot)
        colour = black_body(wavelength, temperature) - black_body(VISUAL, temperature)
        if kind.blanketed and wavelength < 400.0:
            colour = colour + 2.5 * 3.0 * np.log10(400.0 / wavelength)
        return visual + colour + outside


def draw_explosion(
    rng: np.random.Generator, name: str, faintest: float, template: SedTemplate | None = None
) -> Observed:
    """A transient that is brighter than `faintest` (r, mag) at maximum.

    Where such a one can be seen it is anywhere in the volume, z^2 dz; and luminous ones, of a larger volume, are the more
    frequent (Malmquist). Of one that nowhere is bright enough the nearest is taken.
    """
    kind = EXPLOSIONS[name]
    drawn, farthest = [], []
    for _ in range(8):
        parts = rng.exponential(kind.host_dust), rng.exponential(0.04), kind.absolute + kind.spread * rng.normal()
        one = Observed(name, 0.0, *map(float, parts), int(rng.integers(2**31)), template)
        drawn.append(one)
        farthest.append(_horizon(one, faintest, kind.farthest))
    volume = np.array(farthest) ** 3
    which = int(rng.choice(len(drawn), p=volume / volume.sum()))
    return replace(drawn[which], redshift=float(max(farthest[which] * rng.random() ** (1 / 3), NEAREST)))


def _horizon(one: Observed, faintest: float, farthest: float) -> float:
    """Redshift to which it is brighter than `faintest` at maximum."""
    low, high = NEAREST, farthest
    for _ in range(8):
        middle = 0.5 * (low + high)
        seen = replace(one, redshift=middle).magnitude(np.zeros(1), "r")[0] < faintest
        low, high = (middle, high) if seen else (low, middle)
    return low
