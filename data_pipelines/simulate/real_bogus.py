"""Stamps of real and bogus candidates of four imaginary surveys that differ as HiTS, DES, ATLAS and ZTF do.

A stamp has three planes: template, science and difference, in counts. What shifts between surveys: pixel scale, seeing, depth, size of
the stamps, the kinds of artefacts and the share of bogus candidates. A stamp is a function of (survey, seed, number) alone.
"""

from dataclasses import dataclass

import numpy as np

CHANNELS = ("template", "science", "difference")
CLASS_NAMES = ("bogus", "real")


@dataclass(frozen=True)
class Survey:
    """What makes a survey's stamps what they are."""

    side: int
    """Pixels."""
    pixel_scale: float
    """Arcsec."""
    seeing: float
    """Full width at half maximum of the template, arcsec; of science images 0.9 to 1.4 times that."""
    sky: float
    """Noise of a pixel of the science image, counts; the template has 0.4 of it."""
    faintest: float
    """Peak of the faintest transient over the noise."""
    bogus: float
    """Share of bogus candidates."""
    artefacts: dict[str, float]
    """Kind -> weight."""


SURVEYS = {
    "hits": Survey(21, 0.27, 1.1, 12.0, 5.0, 0.5, {"cosmic_ray": 3, "misaligned": 4, "noise": 2, "saturated": 1}),
    "des": Survey(51, 0.26, 1.2, 8.0, 5.0, 0.5, {"misaligned": 5, "saturated": 2, "bad_column": 1, "cosmic_ray": 1}),
    "atlas": Survey(61, 1.86, 3.8, 25.0, 6.0, 0.8, {"bad_column": 2, "cosmic_ray": 3, "ghost": 3, "misaligned": 2}),
    "ztf": Survey(63, 1.01, 2.0, 18.0, 5.0, 0.7, {"misaligned": 3, "ghost": 1, "saturated": 3, "edge": 2, "noise": 1}),
}
_LARGEST_SIGMA = 6.0


def simulate_stamp(survey: str, seed: int, number: int) -> tuple[np.ndarray, str]:
    """(side, side, 3) float32, missing pixels NaN, and the class.

    >>> simulate_stamp("hits", 0, 3)[0].shape
    (21, 21, 3)
    """
    of, rng = SURVEYS[survey], np.random.default_rng([seed, number, sorted(SURVEYS).index(survey)])
    bogus = rng.random() < of.bogus
    sigma = of.seeing / of.pixel_scale / 2.3548
    worse = sigma * rng.uniform(0.9, 1.4)
    sources = _sources(of, rng)
    shift = rng.normal(0, 0.05, 2)
    template = _scene(of.side, sources, sigma, (0.0, 0.0))
    science = _scene(of.side, sources, worse, shift)
    kind = str(rng.choice(list(of.artefacts), p=_shares(of))) if bogus else ""
    new = np.zeros_like(science)
    if not bogus:
        peak = of.sky * of.faintest * rng.pareto(1.5) + of.sky * of.faintest
        new = _spot(of.side, rng.normal(0, 0.4, 2), worse, min(peak, 300 * of.sky))
    elif kind == "misaligned":
        bright = [(*rng.normal(0, 1, 2), of.sky * rng.uniform(40, 400), 0.0)]
        template = template + _scene(of.side, bright, sigma, (0.0, 0.0))
        science = science + _scene(of.side, bright, worse, rng.normal(0, 0.45, 2))
    science = science + new
    planes = [template + rng.normal(0, 0.4 * of.sky, template.shape), science + rng.normal(0, of.sky, science.shape)]
    matched = _scene(of.side, sources, worse, shift) if kind != "misaligned" else _blurred(template, sigma, worse)
    noise = rng.normal(0, 0.4 * of.sky, template.shape)
    planes.append(planes[1] - matched - noise)
    stamp = np.stack(planes, -1)
    return _spoilt(stamp, kind, of, rng).astype(np.float32), CLASS_NAMES[int(not bogus)]


def _shares(of: Survey) -> np.ndarray:
    weights = np.array(list(of.artefacts.values()), float)
    return weights / weights.sum()


def _sources(of: Survey, rng: np.random.Generator) -> list[tuple[float, float, float, float]]:
    """(y, x, flux peak, extent in pixels) of stars and galaxies; often one near the middle, the host."""
    area = (of.side * of.pixel_scale) ** 2
    count = rng.poisson(0.004 * area) + 1
    half = of.side / 2
    found = [
        (*rng.uniform(-half, half, 2), of.sky * 3 * (1 + rng.pareto(1.1)), rng.choice([0.0, 0.8]) / of.pixel_scale)
        for _ in range(min(count, 12))
    ]
    if rng.random() < 0.6:
        found.append((*rng.normal(0, 1.5 / of.pixel_scale, 2), of.sky * rng.uniform(3, 40), 1.2 / of.pixel_scale))
    return [(y, x, min(peak, 500 * of.sky), extent) for y, x, peak, extent in found]


def _spot(side: int, at: np.ndarray | tuple[float, float], sigma: float, peak: float) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return peak * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * sigma**2))


def _scene(side: int, sources: list, sigma: float, shift: np.ndarray | tuple[float, float]) -> np.ndarray:
    """Sources of a fixed flux seen with a blur."""
    image = np.zeros((side, side))
    for y, x, peak, extent in sources:
        wide = float(np.hypot(sigma, min(extent, _LARGEST_SIGMA)))
        image += _spot(side, (y + shift[0], x + shift[1]), wide, peak / wide**2 * 2)
    return image


def _blurred(image: np.ndarray, sigma: float, wanted: float) -> np.ndarray:
    """The template blurred to the science image's seeing."""
    extra = np.sqrt(max(wanted**2 - sigma**2, 0.0))
    if extra < 0.1:  # nothing to do
        return image
    steps = np.arange(-6, 7)
    kernel = np.exp(-0.5 * (steps / extra) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        image = np.apply_along_axis(lambda row: np.convolve(np.pad(row, 6, "edge"), kernel, "valid"), axis, image)
    return image


def _spoilt(stamp: np.ndarray, kind: str, of: Survey, rng: np.random.Generator) -> np.ndarray:
    """The stamp with an artefact in science and difference."""
    side, middle = of.side, of.side // 2
    extra = np.zeros((side, side))
    if kind == "cosmic_ray":
        length, angle = rng.uniform(1, side / 4), rng.uniform(0, np.pi)
        for t in np.arange(-length, length, 0.5):
            y, x = round(middle + t * np.sin(angle)), round(middle + t * np.cos(angle))
            if 0 <= y < side and 0 <= x < side:
                extra[y, x] = of.sky * rng.uniform(10, 60)
    elif kind == "bad_column":
        column = int(np.clip(middle + rng.integers(-1, 2), 0, side - 1))
        extra[:, column] = of.sky * rng.uniform(5, 30) * rng.choice([-1, 1])
        extra[middle, column] += of.sky * 10
    elif kind == "saturated":
        wide = _spot(side, rng.normal(0, 1, 2), of.seeing / of.pixel_scale, of.sky * 900)
        full = of.sky * 250
        stamp[..., 0] = np.minimum(stamp[..., 0] + wide, full)
        stamp[..., 1] = np.minimum(stamp[..., 1] + wide * rng.uniform(0.9, 1.1), full)
        stamp[..., 2] += np.where(wide > full, rng.normal(0, of.sky * 20, wide.shape), 0.08 * np.minimum(wide, full))
    elif kind == "ghost":
        y, x = np.mgrid[:side, :side] - middle
        radius = np.hypot(y - rng.normal(0, 3), x - rng.normal(0, 3))
        extra = of.sky * rng.uniform(3, 8) * ((radius < side / 4) & (radius > side / 10))
    elif kind == "edge":
        stamp[:, middle + int(rng.integers(2, 6)) :, 1:] = np.nan
        extra[:, middle : middle + 2] = of.sky * rng.uniform(5, 20)
    elif kind == "noise":
        extra[middle, middle] = of.sky * rng.uniform(5, 9)
    stamp[..., 1] += extra
    stamp[..., 2] += extra
    return stamp
