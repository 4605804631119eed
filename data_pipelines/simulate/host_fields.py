"""Fields of transients with known hosts: Sersic galaxies, spiral arms, clumps, neighbours, stars, noise.

The transient is at the centre of the image ((size - 1) / 2 in both axes); its place in the host is drawn from the host's own
light, in spirals often inside a bright clump, with a few far out in the halo. Sizes and offsets follow the hosts of bright supernovae (arXiv 2208.04310): most hosts
reach to less than 10 arcsec, a third to 10 to 60. Some fields hold a second galaxy of like size beside the host, so that
two answers are plausible, and some hold no host at all. Brightness: r magnitudes at the depth of the Pan-STARRS stacks.
A field is a function of (settings, seed, number) alone.
"""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lcjax.errors import ConfigError

_DETECTED = 23.0
"""Magnitude of a star at five times the noise."""
_EDGE = 24.5
"""Surface brightness (mag per square arcsec) where a host ends: half of the noise of a pixel."""
_RADII = np.concatenate([[0.0], np.geomspace(1e-3, 60.0, 1200)])


@dataclass(frozen=True)
class FieldSettings:
    """What the fields are like."""

    image_size: int = 480
    """Pixels along a side."""
    pixel_scale: float = 0.25
    """Arcsec."""
    seeing: float = 1.1
    """Full width at half maximum of a star, arcsec."""
    noise: float = 3.0
    """Standard deviation of a pixel of 0.25 arcsec, counts."""
    hostless: float = 0.1
    """Share of fields without a host."""
    paired: float = 0.15
    """Share of hosts with a neighbour of like size and brightness."""
    halo: float = 0.04
    """Share of transients in the halo, at two to five half-light radii."""
    young: float = 0.3
    """Share of transients in spirals that sit in a bright clump, a star-forming region, which looks like a small source."""
    max_offset: float = 50.0
    """Farthest host in either axis, arcsec."""


@dataclass(frozen=True)
class HostField:
    """One image and the truth about it."""

    field_id: str
    image: np.ndarray  #: (H, H) float32, counts
    pixel_scale: float  #: arcsec
    offset: np.ndarray  #: (2,) float64, (dx, dy) from the transient to the host, pixels; NaN without a host
    host_radius: float  #: semi-major axis of the host's isophote of 24.5 mag per square arcsec; NaN without a host
    hostless: bool
    paired: bool


@dataclass(frozen=True)
class Galaxy:
    """A Sersic galaxy; lengths in arcsec from the transient."""

    x: float
    y: float
    half_light: float  #: semi-major half-light radius
    axis_ratio: float
    angle: float  #: of the major axis, radians from x to y
    index: float  #: Sersic index
    magnitude: float
    arms: float = 0.0  #: contrast of the spiral arms
    clumps: int = 0
    birthplace: float = 0.0  #: share of the light in a clump around the transient

    def plane(self, dx: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates in half-light radii along the major and, stretched, the minor axis."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        return (c * dx + s * dy) / self.half_light, (c * dy - s * dx) / (self.half_light * self.axis_ratio)

    def sky(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The inverse of `plane`."""
        major, minor = u * self.half_light, v * self.half_light * self.axis_ratio
        c, s = math.cos(self.angle), math.sin(self.angle)
        return c * major - s * minor, s * major + c * minor

    def isophote(self, brightness: float) -> float:
        """Semi-major axis (arcsec) where the profile falls to a surface brightness, mag per square arcsec."""
        b = sersic_b(self.index)
        area = 2 * math.pi * _light_integral(self.index) * self.axis_ratio * self.half_light**2
        drop = 0.4 * math.log(10) * (brightness - self.magnitude) - math.log(area)
        return self.half_light * max(1 + drop / b, 0.0) ** self.index

    def radius_of_light(self, share: np.ndarray | float) -> np.ndarray:
        """Radius, in half-light radii, inside which a share of the light is."""
        return np.interp(share, _light_within(self.index), _RADII)


def sersic_b(index: float) -> float:
    """The factor that puts half of the light inside radius 1 (Ciotti and Bertin 1999).

    >>> round(sersic_b(4.0), 2)
    7.67
    """
    return 2 * index - 1 / 3 + 4 / (405 * index) + 46 / (25515 * index**2)


def _light_integral(index: float) -> float:
    """Light of a round galaxy over 2 pi, for brightness 1 at radius 1."""
    return float(np.trapezoid(np.exp(-sersic_b(index) * (_RADII ** (1 / index) - 1)) * _RADII, _RADII))


def _light_within(index: float) -> np.ndarray:
    """Share of the light inside `_RADII`."""
    b = sersic_b(index)
    light = np.exp(-b * (_RADII ** (1 / index) - 1)) * _RADII
    total = np.concatenate([[0.0], np.cumsum(0.5 * (light[1:] + light[:-1]) * np.diff(_RADII))])
    return total / total[-1]


def simulate_host_fields(
    number: int, seed: int = 0, settings: FieldSettings | None = None, first: int = 0
) -> Iterator[HostField]:
    """Fields `first` to `first + number - 1` of a seed.

    Raises:
      ConfigError: settings that make no sense.
    """
    settings = settings or FieldSettings()
    if settings.image_size < 8 or settings.pixel_scale <= 0 or not 0 <= settings.hostless <= 1:
        raise ConfigError(f"fields of {settings.image_size} pixels of {settings.pixel_scale} arcsec make no sense")
    for index in range(first, first + number):
        yield simulate_host_field(index, seed, settings)


def simulate_host_field(index: int, seed: int, settings: FieldSettings) -> HostField:
    """Field number `index`."""
    rng = np.random.default_rng((seed, index))
    hostless = bool(rng.random() < settings.hostless)
    galaxies, paired = [], False
    if not hostless:
        host = _host(rng, settings)
        galaxies.append(host)
        paired = bool(rng.random() < settings.paired)
        if paired:
            galaxies.append(_companion(rng, host))
    galaxies += _background_galaxies(rng, settings, hostless)
    image = _render(rng, galaxies, settings)
    scale = settings.pixel_scale
    return HostField(
        field_id=f"field-{seed}-{index:06d}",
        image=image,
        pixel_scale=scale,
        offset=np.full(2, np.nan) if hostless else np.array([host.x, host.y]) / scale,
        host_radius=math.nan if hostless else host.isophote(_EDGE),
        hostless=hostless,
        paired=paired,
    )


def _shape(rng: np.random.Generator, half_light: float, magnitude: float, x: float, y: float) -> Galaxy:
    early = rng.random() < 0.25
    index = float(rng.uniform(2.5, 5.0) if early else rng.uniform(0.7, 1.8))
    spiral = not early and half_light > 1.5
    return Galaxy(
        x=x,
        y=y,
        half_light=half_light,
        axis_ratio=float(rng.uniform(0.6, 1.0) if early else rng.uniform(0.25, 1.0)),
        angle=float(rng.uniform(0, math.pi)),
        index=index,
        magnitude=magnitude,
        arms=float(rng.uniform(0.2, 0.9)) if spiral else 0.0,
        clumps=int(rng.poisson(6.0 * half_light)) if spiral else 0,
    )


def _magnitude(half_light: float, brightness: float) -> float:
    """Magnitude of a galaxy with a mean surface brightness (mag per square arcsec) inside its half-light radius."""
    return brightness - 2.5 * math.log10(2 * math.pi * 0.6 * half_light**2)


def _host(rng: np.random.Generator, settings: FieldSettings) -> Galaxy:
    for _ in range(1000):
        half_light = float(np.clip(rng.lognormal(math.log(2.8), 0.85), 0.6, 20.0))
        galaxy = _shape(rng, half_light, _magnitude(half_light, rng.normal(21.6, 0.8)), 0.0, 0.0)
        if rng.random() < settings.halo:
            radius = rng.uniform(2.0, 5.0)
        else:
            radius = float(galaxy.radius_of_light(0.95 * rng.random()))
            if galaxy.clumps and rng.random() < settings.young:
                galaxy = dataclasses.replace(galaxy, birthplace=float(rng.uniform(0.005, 0.03)))
        turn = rng.uniform(0, 2 * math.pi)
        dx, dy = galaxy.sky(radius * math.cos(turn), radius * math.sin(turn))
        if max(abs(dx), abs(dy)) < min(settings.max_offset, 0.45 * settings.image_size * settings.pixel_scale):
            return dataclasses.replace(galaxy, x=-float(dx), y=-float(dy))
    raise ConfigError(f"no host fits into a field of {settings.image_size} pixels of {settings.pixel_scale} arcsec")


def _companion(rng: np.random.Generator, host: Galaxy) -> Galaxy:
    """A galaxy like the host, not far from it."""
    half_light = host.half_light * float(rng.uniform(0.7, 1.4))
    distance = float(rng.uniform(2.0, 5.0)) * host.half_light + 1.5
    turn = rng.uniform(0, 2 * math.pi)
    magnitude = host.magnitude + float(rng.normal(0.0, 0.6))
    return _shape(rng, half_light, magnitude, host.x + distance * math.cos(turn), host.y + distance * math.sin(turn))


def _background_galaxies(rng: np.random.Generator, settings: FieldSettings, hostless: bool) -> list[Galaxy]:
    """Galaxies that have nothing to do with the transient: many small and faint, now and then one like a host."""
    side = settings.image_size * settings.pixel_scale
    area = (side / 60.0) ** 2
    found = []
    for _ in range(rng.poisson(9.0 * area)):
        half_light = float(np.clip(rng.lognormal(math.log(0.6), 0.4), 0.2, 3.0))
        x, y = rng.uniform(-side / 2, side / 2, 2)
        magnitude = 22.7 - float(rng.exponential(1.0))
        found.append(_shape(rng, half_light, magnitude, float(x), float(y)))
    for _ in range(rng.poisson(0.2 * area)):
        half_light = float(np.clip(rng.lognormal(math.log(2.5), 0.6), 0.6, 12.0))
        x, y = rng.uniform(-side / 2, side / 2, 2)
        galaxy = _shape(rng, half_light, _magnitude(half_light, rng.normal(21.6, 0.8)), float(x), float(y))
        # A transient inside such a galaxy would count as its own.
        if not hostless or math.hypot(*galaxy.plane(-galaxy.x, -galaxy.y)) > 5.0:
            found.append(galaxy)
    return found


def _counts(magnitude: float, noise: float, seeing: float) -> float:
    """Total counts of a source, from the depth for stars."""
    area = 4 * math.pi * (seeing / 2.3548 / 0.25) ** 2
    return 5 * noise * math.sqrt(area) * 10 ** (-0.4 * (magnitude - _DETECTED))


def _render(rng: np.random.Generator, galaxies: list[Galaxy], settings: FieldSettings) -> np.ndarray:
    size, scale = settings.image_size, settings.pixel_scale
    light = np.zeros((size, size), np.float32)
    for galaxy in galaxies:
        _add_galaxy(rng, light, galaxy, settings)
    _add_stars(rng, light, settings)
    sharp = _seeing(light, settings.seeing / scale)
    y, x = np.mgrid[:size, :size].astype(np.float32) / size - 0.5
    slope = rng.normal(0, settings.noise, 3)
    sky = abs(slope[0]) + 0.5 * (slope[1] * x + slope[2] * y)
    # The noise of a pixel goes with its side; photon noise of bright sources adds to it.
    sigma = np.sqrt((settings.noise * scale / 0.25) ** 2 + 0.2 * np.maximum(sharp, 0))
    return (sharp + sky + sigma * rng.standard_normal((size, size), np.float32)).astype(np.float32)


def _add_galaxy(rng: np.random.Generator, light: np.ndarray, galaxy: Galaxy, settings: FieldSettings) -> None:
    size, scale = settings.image_size, settings.pixel_scale
    total = _counts(galaxy.magnitude, settings.noise, settings.seeing)
    reach = galaxy.half_light * min(float(galaxy.radius_of_light(0.995)), 12.0)
    centre = (size - 1) / 2
    low, high = [], []
    for at in (galaxy.x, galaxy.y):
        low.append(max(0, int(centre + (at - reach) / scale)))
        high.append(min(size, int(centre + (at + reach) / scale) + 2))
    if low[0] >= high[0] or low[1] >= high[1]:
        return
    dx = (np.arange(low[0], high[0], dtype=np.float32) - centre) * scale - galaxy.x
    dy = (np.arange(low[1], high[1], dtype=np.float32) - centre) * scale - galaxy.y
    u, v = galaxy.plane(dx[None, :], dy[:, None])
    # Half a pixel of softening stands for the mean over the pixel that holds the cusp.
    radius = np.sqrt(u * u + v * v + np.float32((0.5 * scale / galaxy.half_light) ** 2))
    profile = np.exp(-sersic_b(galaxy.index) * (radius ** np.float32(1 / galaxy.index) - 1))
    if galaxy.arms:
        phase = 2 * np.arctan2(v, u) - 2 * np.log(radius) / math.tan(rng.uniform(0.25, 0.5)) + rng.uniform(0, 6.3)
        profile *= 1 + galaxy.arms * np.cos(phase) * np.minimum(radius, 1)
    share = 0.7 if galaxy.clumps else 1.0
    # The profile's light over the whole plane, so that what lies outside the image is lost and not squeezed in.
    area = 2 * math.pi * _light_integral(galaxy.index) * galaxy.axis_ratio * (galaxy.half_light / scale) ** 2
    light[low[1] : high[1], low[0] : high[0]] += np.float32(share * total / area) * profile
    if galaxy.clumps:
        distance = galaxy.radius_of_light(0.95 * rng.random(galaxy.clumps))
        turn = rng.uniform(0, 2 * math.pi, galaxy.clumps)
        x, y = galaxy.sky(distance * np.cos(turn), distance * np.sin(turn))
        parts = rng.pareto(1.5, galaxy.clumps) + 0.2
        counts = (1 - share) * total * parts / parts.sum()
        _add_points(light, centre + (galaxy.x + x) / scale, centre + (galaxy.y + y) / scale, counts)
    if galaxy.birthplace:
        x, y = centre + rng.normal(0, 0.4, (2, 1)) / scale
        _add_points(light, x, y, np.array([galaxy.birthplace * total]))


def _add_stars(rng: np.random.Generator, light: np.ndarray, settings: FieldSettings) -> None:
    """Foreground stars, few at the galactic poles and many near the plane."""
    size = settings.image_size
    area = (size * settings.pixel_scale / 60.0) ** 2
    number = rng.poisson(area * math.exp(rng.uniform(math.log(0.7), math.log(25.0))))
    magnitudes = 23.0 - rng.exponential(1 / 0.6, number)
    counts = [_counts(float(max(m, 13.0)), settings.noise, settings.seeing) for m in magnitudes]
    _add_points(light, *rng.uniform(0, size - 1, (2, number)), np.array(counts))


def _add_points(light: np.ndarray, x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> None:
    """Adds point sources, each shared by the four pixels around it."""
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    inside = (column >= 0) & (row >= 0) & (column < light.shape[1] - 1) & (row < light.shape[0] - 1)
    column, row, x, y, counts = (v[inside] for v in (column, row, x, y, counts))
    right, down = x - column, y - row
    for step_x, step_y in ((0, 0), (1, 0), (0, 1), (1, 1)):
        share = (right if step_x else 1 - right) * (down if step_y else 1 - down)
        np.add.at(light, (row + step_y, column + step_x), (counts * share).astype(np.float32))


def _seeing(light: np.ndarray, width: float) -> np.ndarray:
    """Blurs with a star's image: a Gaussian of that full width (pixels) and a wing of 15 % of the light."""
    size = len(light)
    padded = 2 ** math.ceil(math.log2(size + 4 * width))
    fx = np.fft.rfftfreq(padded)[None, :]
    fy = np.fft.fftfreq(padded)[:, None]
    exponent = -2 * (math.pi * width / 2.3548) ** 2 * (fx * fx + fy * fy)
    transfer = 0.85 * np.exp(exponent) + 0.15 * np.exp(6.0 * exponent)
    return np.fft.irfft2(np.fft.rfft2(light, (padded, padded)) * transfer, (padded, padded))[:size, :size]
