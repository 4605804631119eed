"""Eclipsing binaries from their geometry: Algol, Beta Lyrae and W UMa curves, in any band.

Two limb-darkened discs on a Keplerian orbit, tides and mutual heating: what light-curve programs called EBOP do (Popper & Etzel
1981, AJ 86, 102), with tidal terms of Morris & Naftilan 1993 (ApJ 419, 344, eqs. 1-3). Radii of stars that fill their Roche
lobes follow Eggleton 1983 (ApJ 268, 368, eq. 2). Depths differ from band to band as the two black bodies do.
"""

from dataclasses import dataclass, replace

import numpy as np

from data_pipelines.simulate.passbands import black_body

BINARIES = ("EA", "EB", "EW")
SHALLOWEST = 0.08
"""Depth in r, mag, of a binary that a survey finds."""
RINGS = np.sqrt(np.linspace(0.2, 1.0, 5))
"""Radii of the discs that a limb-darkened one is piled up of."""
ALBEDO = 0.6


def roche_radius(mass_ratio: float) -> float:
    """Of a star's Roche lobe over the separation; `mass_ratio`: its own mass over the other's.

    >>> round(roche_radius(1.0), 3), round(roche_radius(0.2), 3)
    (0.379, 0.252)
    """
    root = mass_ratio ** (1 / 3)
    return float(0.49 * root**2 / (0.6 * root**2 + np.log1p(root)))


def overlap(one: np.ndarray, other: float, apart: np.ndarray) -> np.ndarray:
    """Area common to two discs of radii `one` and `other` whose centres are `apart`; shapes broadcast."""
    one, apart = np.broadcast_arrays(one, np.maximum(apart, 1e-9))
    cosine = lambda a, b: np.clip((apart**2 + a**2 - b**2) / (2 * apart * a), -1.0, 1.0)
    first, second = np.arccos(cosine(one, other)), np.arccos(cosine(other, one))
    sides = (one + other - apart) * (apart + one - other) * (apart - one + other) * (apart + one + other)
    lens = one**2 * first + other**2 * second - 0.5 * np.sqrt(np.maximum(sides, 0.0))
    inside = np.pi * np.minimum(one, other) ** 2
    return np.where(apart >= one + other, 0.0, np.where(apart <= np.abs(one - other), inside, lens))


@dataclass(frozen=True)
class Binary:
    """Two stars; the first is eclipsed at phase 0."""

    period: float
    """Days."""
    radii: tuple[float, float]
    """Over the separation."""
    inclination: float
    """rad."""
    mass_ratio: float
    """Second over first."""
    temperatures: tuple[float, float]
    """K."""
    eccentricity: float = 0.0
    periastron: float = 0.0
    """rad."""
    third_light: float = 0.0
    """Share of the light that is of neither."""
    spot: float = 0.0
    """Of the light: unequal maxima (O'Connell effect)."""

    def _orbit(self, phase: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Angle from conjunction (rad) and distance over the semi-major axis, at phases from the first eclipse."""
        e = self.eccentricity
        if e == 0:
            return 2 * np.pi * phase, np.ones_like(phase)
        conjunction = 0.5 * np.pi - self.periastron
        eccentric = 2 * np.arctan(np.sqrt((1 - e) / (1 + e)) * np.tan(0.5 * conjunction))
        mean = 2 * np.pi * phase + eccentric - e * np.sin(eccentric)
        anomaly = mean + e * np.sin(mean)
        for _ in range(6):
            anomaly = anomaly - (anomaly - e * np.sin(anomaly) - mean) / (1 - e * np.cos(anomaly))
        true = 2 * np.arctan2(np.sqrt(1 + e) * np.sin(anomaly / 2), np.sqrt(1 - e) * np.cos(anomaly / 2))
        return true - conjunction, 1 - e * np.cos(anomaly)

    def magnitude(self, phase: np.ndarray, wavelength: float) -> np.ndarray:
        """Magnitudes at phases (N,) in cycles, `wavelength` in nm; 0 outside of eclipses without tides."""
        angle, distance = self._orbit(np.asarray(phase, float) % 1.0)
        sine = np.sin(self.inclination)
        apart = distance * np.sqrt(np.maximum(1 - (sine * np.cos(angle)) ** 2, 0.0))
        dark = float(np.clip(0.95 - 0.0006 * wavelength, 0.25, 0.8))
        bright = [
            10 ** (-0.4 * float(black_body(wavelength, t) - black_body(wavelength, self.temperatures[0])))
            for t in self.temperatures
        ]
        light = [b * np.pi * r**2 * (1 - dark / 3) for b, r in zip(bright, self.radii, strict=True)]
        masses = (self.mass_ratio, 1 / self.mass_ratio)
        total = np.zeros_like(angle)
        tides = 0.15 * (15 + dark) * 1.32 / (3 - dark)
        for star, facing in ((0, 1.0), (1, -1.0)):
            radius, other = self.radii[star], self.radii[1 - star]
            tide = tides * masses[star] * (radius / distance) ** 3 * sine**2
            own = light[star] * (1 - tide * np.cos(2 * angle))
            heated = ALBEDO * light[1 - star] * (radius / distance) ** 2 * 0.5 * (1 + facing * sine * np.cos(angle))
            behind = np.flatnonzero((facing * np.cos(angle) > 0) & (apart < radius + other))
            own[behind] *= 1 - self._hidden(radius, other, apart[behind], dark)
            heated[behind] *= 1 - overlap(np.array(radius), other, apart[behind]) / (np.pi * radius**2)
            total += own + heated
        steady = light[0] + light[1]
        total = total / steady * (1 - self.third_light) + self.third_light + self.spot * np.sin(angle)
        return -2.5 * np.log10(np.maximum(total, 1e-3))

    @staticmethod
    def _hidden(radius: float, other: float, apart: np.ndarray, dark: float) -> np.ndarray:
        """Share of a limb-darkened disc's light behind another disc."""
        middle = np.sqrt(0.5 * (RINGS**2 + np.concatenate([[0.0], RINGS[:-1] ** 2])))
        intensity = 1 - dark * (1 - np.sqrt(1 - middle**2))
        steps = intensity - np.append(intensity[1:], 0.0)
        areas = overlap(radius * RINGS[:, None], other, apart)
        return (steps @ areas) / (np.pi * radius**2 * np.sum(steps * RINGS**2))

    def depth(self, wavelength: float = 622.2) -> float:
        """Peak to peak, mag."""
        return float(np.ptp(self.magnitude(np.linspace(0, 1, 101), wavelength)))


def draw_binary(rng: np.random.Generator, name: str, temperature: float) -> Binary:
    """A binary of class `name` that is deep enough to be found; `temperature` (K) of its brighter star."""
    drawn = _DRAWS[name](rng, temperature)
    for _ in range(40):
        if drawn.depth() >= SHALLOWEST:
            break
        # Seen closer to the edge: inclinations are isotropic, and only those that eclipse are in catalogues.
        drawn = replace(drawn, inclination=0.5 * np.pi - 0.8 * (0.5 * np.pi - drawn.inclination))
    return drawn


def _inclination(rng: np.random.Generator, reach: float) -> float:
    """Isotropic, |cos i| below `reach`."""
    return float(np.arccos(rng.uniform(0, min(reach, 1.0))))


def _light(rng: np.random.Generator) -> float:
    return float(rng.exponential(0.15)) % 0.5 if rng.random() < 0.25 else 0.0


def _detached(rng: np.random.Generator, hot: float) -> Binary:
    """EA: most with similar stars, some Algols whose cool star fills its lobe; a few on eccentric orbits."""
    period = float(np.clip(rng.lognormal(np.log(1.6), 0.75), 0.35, 60))
    if rng.random() < 0.4:
        ratio = rng.uniform(0.15, 0.4)
        second = roche_radius(ratio)
        first = rng.uniform(0.08, 0.25)
        cool = hot * rng.uniform(0.45, 0.7)
    else:
        ratio = rng.uniform(0.6, 1.0)
        first = float(np.clip(0.22 * period**-0.5 * rng.lognormal(0, 0.3), 0.02, 0.28))
        second = first * rng.uniform(0.6, 1.0)
        cool = hot * ratio ** rng.uniform(0.3, 0.8)
    orbit = (rng.beta(1.2, 5), rng.uniform(0, 2 * np.pi)) if period > 2.5 and rng.random() < 0.4 else (0.0, 0.0)
    reach = 0.85 * (first + second)
    return Binary(period, (first, second), _inclination(rng, reach), ratio, (hot, cool), *orbit, _light(rng))


def _semi_detached(rng: np.random.Generator, hot: float) -> Binary:
    """EB: both near their lobes, of unequal temperatures."""
    period = float(np.clip(rng.lognormal(np.log(0.75), 0.6), 0.28, 12))
    ratio = rng.uniform(0.25, 0.9)
    first = roche_radius(1 / ratio) * rng.uniform(0.75, 1.0)
    second = roche_radius(ratio) * rng.uniform(0.9, 1.0)
    cool = hot * rng.uniform(0.6, 0.85)
    return Binary(period, (first, second), _inclination(rng, 0.45), ratio, (hot, cool), third_light=_light(rng))


def _contact(rng: np.random.Generator, hot: float) -> Binary:
    """EW: common envelope, nearly one temperature; the smaller star is as often the hotter."""
    period = float(np.clip(rng.lognormal(np.log(0.345), 0.24), 0.215, 1.0))
    ratio = float(np.exp(rng.uniform(np.log(0.15), 0.0)))
    ratio = ratio if rng.random() < 0.5 else 1 / ratio
    fill = 1 + rng.uniform(0.0, 0.08)
    radii = (fill * roche_radius(1 / ratio), fill * roche_radius(ratio))
    cool = hot * rng.uniform(0.93, 1.0)
    spot = rng.normal(0, 0.012)
    return Binary(period, radii, _inclination(rng, 0.55), ratio, (hot, cool), third_light=_light(rng), spot=spot)


_DRAWS = {"EA": _detached, "EB": _semi_detached, "EW": _contact}
