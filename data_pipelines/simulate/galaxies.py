"""Galaxies in the bands of CANDELS or CLASH with the votes of experts on their morphology: simple, but with what makes votes hard.

A galaxy is a spheroid (Sersic), a disk (exponential, with spiral arms and a bulge), an irregular (clumps) or a point source. Each part has a
colour: bulges are red, arms and clumps blue, so that a band may show another morphology than the next. Bands differ in seeing and
depth. Voters see the stamp: what noise and seeing hide, they vote as spheroid or unclassifiable.
"""

from dataclasses import dataclass

import numpy as np

VOTES = ("spheroid", "disk", "irregular", "point_source", "unclassifiable")
BANDS: dict[str, tuple[float, float, float]] = {
    "F225W": (0.235, 0.09, 0.30), "F275W": (0.27, 0.09, 0.35), "F336W": (0.335, 0.09, 0.45), "F390W": (0.39, 0.09, 0.7),
    "F435W": (0.43, 0.09, 0.8), "F475W": (0.475, 0.09, 1.0), "F606W": (0.59, 0.09, 1.3), "F625W": (0.63, 0.09, 1.1),
    "F775W": (0.77, 0.09, 1.1), "F814W": (0.81, 0.10, 1.5), "F850LP": (0.90, 0.10, 0.9), "F105W": (1.05, 0.14, 1.4),
    "F110W": (1.15, 0.15, 1.7), "F125W": (1.25, 0.15, 1.4), "F140W": (1.39, 0.16, 1.6), "F160W": (1.54, 0.17, 1.6),
}  # fmt: skip
"""Name -> wavelength (micron), seeing (full width at half maximum, arcsec), depth (signal to noise against 1)."""
SURVEYS = {"candels": ("F160W",), "clash": tuple(BANDS)}
PETROSIAN_RADII = 4
"""Side of a stamp, as published."""
_LEAST_VOTERS = {"candels": 3, "clash": 5}
_DEPTH = {"candels": 1.4, "clash": 0.8}
_PIXEL = 0.065
"""arcsec of the detector."""


@dataclass(frozen=True)
class SimulatedGalaxy:
    """One galaxy, whatever the band."""

    kind: int
    """Of `VOTES`, without the last."""
    radius: float
    """Petrosian, arcsec."""
    brightness: float
    """Signal to noise of the whole galaxy in a band of depth 1 at 1 micron."""
    slope: float
    """Of the colour: exponent of the wavelength."""
    seed: tuple[int, ...]
    """Of its shape, the same in all bands."""


def simulate_galaxy(seed: int, number: int) -> SimulatedGalaxy:
    """The galaxy `number` of a seed: the same alone and among others."""
    rng = np.random.default_rng([seed, number])
    kind = int(rng.choice(4, p=[0.35, 0.37, 0.18, 0.10]))
    radius = 0.2 if kind == 3 else float(np.clip(rng.lognormal(-0.25, 0.5), 0.25, 3.0))
    slope = (1.8, 0.4, -0.4, 0.5)[kind] + 0.4 * rng.normal()
    return SimulatedGalaxy(kind, radius, float(rng.lognormal(4.6, 0.8)), slope, (seed, number, 1))


def simulate_stamp(
    galaxy: SimulatedGalaxy, band: str, survey: str = "clash", side: int = 80, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """(side, side) float32 counts of four Petrosian radii in a band, and the (5,) fractions of votes on it."""
    wavelength, seeing, depth = BANDS[band]
    pixel = PETROSIAN_RADII * galaxy.radius / side
    width = seeing / 2.355 / pixel
    light = _seen(_shape(galaxy, wavelength, side), width)
    rng = np.random.default_rng([*galaxy.seed, list(BANDS).index(band), seed])
    signal = galaxy.brightness * depth * _DEPTH[survey] * wavelength**galaxy.slope
    grain = max(_PIXEL / pixel, 1.0)  # pixels of the detector, of which each holds several of the stamp
    noise = _seen(rng.normal(size=light.shape), grain / 2.355)
    noise /= noise.std()
    across = max(galaxy.radius / _PIXEL, 2.0)
    stamp = light / light.sum() * signal * side**2 / across**2 + noise * 3
    voters = _LEAST_VOTERS[survey] + int(rng.poisson(2))
    votes = rng.multinomial(voters, vote_chances(galaxy, signal, seeing)) / voters
    return (100 + 10 * stamp).astype(np.float32), votes.astype(np.float32)


def vote_chances(galaxy: SimulatedGalaxy, signal: float, seeing: float) -> np.ndarray:
    """(5,) chances of a voter's answer: faint ones are unclassifiable, small ones hide arms and clumps, small spheroids look like points."""
    hidden = 1 / (1 + (signal / 30) ** 2)
    resolved = 1 / (1 + (1.6 * seeing / galaxy.radius) ** 2)
    chances = np.full(5, 0.02)
    if galaxy.kind == 3:
        chances[[3, 0]] += (0.9, 0.1)
    elif galaxy.kind == 0:
        chances[[0, 3]] += (resolved + 0.3, 1 - resolved)
    else:
        faint = 1 / (1 + (signal / 60) ** 2)
        clear = resolved * (1 - faint)
        chances[galaxy.kind] += clear + 0.15
        chances[0] += 1 - clear
    chances[:4] *= (1 - hidden) / chances[:4].sum()
    chances[4] = hidden
    return 0.98 * chances + 0.004


def _shape(galaxy: SimulatedGalaxy, wavelength: float, side: int) -> np.ndarray:
    """(side, side) light before seeing; radii in units of the Petrosian one."""
    rng = np.random.default_rng(galaxy.seed)
    axis = (np.arange(side) - (side - 1) / 2) * PETROSIAN_RADII / side
    x, y = np.meshgrid(axis + 0.03 * rng.normal(), axis + 0.03 * rng.normal())
    angle, flat = rng.uniform(0, np.pi), rng.uniform(0.3, 1.0)
    u = x * np.cos(angle) + y * np.sin(angle)
    v = (-x * np.sin(angle) + y * np.cos(angle)) / (flat if galaxy.kind in (1, 2) else max(flat, 0.55))
    radius = np.hypot(u, v)
    if galaxy.kind == 3:
        point = np.zeros((side, side))
        point[side // 2 - 1 : side // 2 + 1, side // 2 - 1 : side // 2 + 1] = 1.0
        return point
    if galaxy.kind == 0:
        return _sersic(radius, 0.45, rng.uniform(2.0, 4.5))
    red, blue = wavelength**1.2, wavelength**-0.8
    if galaxy.kind == 1:
        pitch, arms, start = rng.uniform(2.5, 5.0), rng.integers(2, 4), rng.uniform(0, 2 * np.pi)
        turn = np.cos(arms * (np.arctan2(v, u) + pitch * np.log(radius + 0.08)) + start)
        disk = _sersic(radius, 0.6, 1.0)
        contrast = 0.75 * min(blue, 1.3) / 1.3
        bulge = _sersic(np.hypot(u, v * flat), 0.15, 3.0)
        share = 0.25 * rng.uniform(0.2, 1.2) * red
        return disk / disk.sum() * (1 + contrast * turn) + share * bulge / bulge.sum()
    light = 0.5 * _sersic(radius, 0.6, 1.0)
    light = light / light.sum() * 0.4 * red
    for _ in range(int(rng.integers(3, 9))):
        cx, cy = rng.normal(0, 0.45, 2)
        size = rng.uniform(0.06, 0.2)
        clump = np.exp(-0.5 * ((x - cx) ** 2 + (y - cy) ** 2) / size**2)
        light = light + rng.uniform(0.05, 0.25) * blue * clump / clump.sum()
    return light


def _sersic(radius: np.ndarray, half: float, index: float) -> np.ndarray:
    b = 2 * index - 1 / 3 + 0.009876 / index
    return np.exp(-b * ((np.maximum(radius, 0.015) / half) ** (1 / index) - 1))


def _seen(light: np.ndarray, sigma: float) -> np.ndarray:
    """Convolved with a Gaussian of `sigma` pixels; the edges go on."""
    reach = min(max(int(4 * sigma), 1), light.shape[0] - 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-3)) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        padded = np.pad(light, [(reach, reach) if i == axis else (0, 0) for i in (0, 1)], mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis)
        light = windows @ kernel
    return light
