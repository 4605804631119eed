"""Point sources in real stamps: how sharp the stamp is, and light put into it with that sharpness.

Profiles are Moffat functions (beta 3) integrated over the pixel by 3 x 3 sub-samples. Positions are (x, y) in pixels, x along
columns, 0 at the centre of the first pixel. Fluxes are in the units of the stamp's pixels.
"""

from dataclasses import dataclass

import numpy as np

BETA = 3.0
GAIN = 6.2
"""Electrons per count of the ZTF camera: sets the shot noise of what is put in."""
_SHARPEST, _WIDEST, _USUAL = 1.4, 6.0, 2.1


@dataclass(frozen=True)
class PointSource:
    """A point, or a short trail of one: `trail` pixels long at `angle` radians from x to y."""

    x: float
    y: float
    flux: float
    trail: float = 0.0
    angle: float = 0.0


def profile(shape: tuple[int, int], x: float, y: float, fwhm: float) -> np.ndarray:
    """Light of a point source of flux 1 in each pixel of (H, W), float64."""
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / BETA) - 1))
    offsets = (-1 / 3, 0.0, 1 / 3)
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])[None]
    total = sum(
        (1 + ((columns + i - x) ** 2 + (rows + j - y) ** 2) / alpha**2) ** -BETA for i in offsets for j in offsets
    )
    return total / 9 * (BETA - 1) / (np.pi * alpha**2)


def render(shape: tuple[int, int], sources: list[PointSource], fwhm: float) -> np.ndarray:
    """Light of several sources, (H, W) float64, without noise."""
    image = np.zeros(shape)
    for source in sources:
        steps = max(1, int(np.ceil(source.trail / (0.4 * fwhm))))
        along = (np.arange(steps) - (steps - 1) / 2) * source.trail / steps
        for d in along:
            x, y = source.x + d * np.cos(source.angle), source.y + d * np.sin(source.angle)
            if -3 * fwhm < x < shape[1] + 3 * fwhm and -3 * fwhm < y < shape[0] + 3 * fwhm:
                image += source.flux / steps * profile(shape, x, y, fwhm)
    return image


def noise_of(image: np.ndarray) -> float:
    """Standard deviation of the sky of a difference image, from the median absolute deviation; 1 if there is none."""
    values = image[np.isfinite(image) & (np.abs(image) < 1e10)]
    if not values.size:
        return 1.0
    spread = 1.4826 * float(np.median(np.abs(values - np.median(values))))
    return spread if spread > 0 else 1.0


def shot_noise(light: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise of light that was added, (H, W)."""
    return rng.normal(size=light.shape) * np.sqrt(np.maximum(light, 0) / GAIN)


def peak_flux(signal_to_noise: float, noise: float, fwhm: float) -> float:
    """Flux of a point source with a signal-to-noise over its matched profile."""
    return signal_to_noise * noise / float(np.sqrt(np.sum(profile((31, 31), 15.0, 15.0, fwhm) ** 2)))


def measure_fwhm(science: np.ndarray, usual: float = _USUAL) -> float:
    """Full width at half maximum of the stars of a science stamp, pixels.

    Every bright isolated maximum gives a width through its second moments under a Gaussian window, iterated to the window
    that matches; the lower quartile is taken, since galaxies are only wider. `usual` where no maximum stands out.
    """
    good = np.isfinite(science) & (np.abs(science) < 1e10)
    if not good.any():
        return usual
    image = np.where(good, science - np.median(science[good]), 0.0)
    noise = noise_of(science)
    widths = []
    for y, x in _maxima(image, 15 * noise):
        patch = image[y - 5 : y + 6, x - 5 : x + 6]
        if good[y - 5 : y + 6, x - 5 : x + 6].all() and (width := _gaussian_width(patch)):
            widths.append(width)
    if not widths:
        return usual
    return float(np.clip(np.percentile(widths, 25), _SHARPEST, _WIDEST))


def _maxima(image: np.ndarray, above: float) -> list[tuple[int, int]]:
    """Up to twelve brightest pixels that top their 7 x 7 surroundings, away from the edge."""
    order = np.argsort(image, axis=None)[::-1][:400]
    found = []
    for y, x in zip(*np.unravel_index(order, image.shape), strict=True):
        if image[y, x] < above or len(found) == 12:
            break
        inside = 5 <= y < image.shape[0] - 5 and 5 <= x < image.shape[1] - 5
        if inside and image[y, x] >= image[y - 3 : y + 4, x - 3 : x + 4].max():
            found.append((int(y), int(x)))
    return found


def _gaussian_width(patch: np.ndarray) -> float | None:
    """FWHM of an 11 x 11 patch by adaptive moments; None if they do not settle."""
    rows, columns = np.mgrid[-5:6, -5:6]
    variance = 1.0
    for _ in range(12):
        weight = patch * np.exp(-(rows**2 + columns**2) / (2 * variance))
        total = weight.sum()
        if total <= 0:
            return None
        measured = float((weight * (rows**2 + columns**2)).sum() / total / 2)
        if not 0.1 < measured < 12:
            return None
        # Under a matched Gaussian window the second moment is half of the true one.
        variance = 2 * measured
    return 2.3548 * float(np.sqrt(variance))
