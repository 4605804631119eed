"""Labelled stamps made from a few real ones: known sources put where a real alert was taken out.

A real triplet (science, template, difference) is first made quiet: the centre of the difference is replaced by another
piece of the same difference image, and the same change is made to the science image, so that sky, neighbours, noise,
artefacts and missing pixels are real and the alert is gone. Then the field is moved by up to 18 pixels so that a place
without a source comes to the centre (what moves in at the edge is mirrored), and a source of a known class is put there:

| class | template | science and difference |
| --- | --- | --- |
| agn | a point in a galaxy's centre | the point changed, up or down |
| vs | a point | it changed, up or down |
| sn | a galaxy aside | a new point (some without a galaxy) |
| asteroid | as it was | a new point, some with a short trail |
| satellite | as it was | a train of glints |
| bogus | as it was, or a star | cosmic ray, hot pixel, bad column, misaligned or badly subtracted star, noise bump |

All classes share one distribution of signal-to-noise, and stars and galaxies of chance lie in the field of any class, so
that neither says what it is. Galaxies are Sersic profiles convolved by the stamp's own sharpness.
"""

from dataclasses import dataclass, field

import numpy as np

from data_pipelines.simulate.glints import GlintSettings, inject_glints
from data_pipelines.simulate.point_sources import PointSource, measure_fwhm, noise_of, peak_flux, render, shot_noise
from lcjax.errors import DataError

CLASS_NAMES = ("agn", "asteroid", "bogus", "satellite", "sn", "vs")
_BLANK = 7
"""Radius of what is taken out of the centre, pixels."""
_REACH = 18
"""How far a field is moved at most, pixels."""
_EMPTY = 5
"""Radius that must be free of sources around the new centre, pixels."""


@dataclass(frozen=True)
class ClassSettings:
    """What injected sources are like."""

    signal_to_noise: tuple[float, float] = (7.0, 70.0)
    """Of the change at the centre, log-uniform."""
    hostless: float = 0.1
    """Share of supernovae without a visible galaxy."""
    trailed: float = 0.2
    """Share of asteroids with a trail."""
    chance: float = 0.3
    """Chance of one more star, and of one more galaxy, anywhere in the field."""
    glints: GlintSettings = field(default_factory=GlintSettings)


@dataclass(frozen=True)
class Background:
    """A real triplet without its alert."""

    stamps: np.ndarray  #: (H, W, 3) float32, counts
    fwhm: float  #: pixels
    noise: float  #: standard deviation of the difference's sky, counts


def quiet(stamps: np.ndarray, rng: np.random.Generator) -> Background:
    """Takes the alert out of a real triplet and brings an empty place to the centre, a different one at each call.

    Args:
      stamps: (H, W, 3) science, template, difference in counts, missing pixels NaN; 63 x 63 or more.

    Raises:
      DataError: the stamps are too small to be moved.
    """
    if min(stamps.shape[:2]) < 2 * (_REACH + _EMPTY) + 1:
        raise DataError(f"stamps of {stamps.shape[0]} x {stamps.shape[1]} pixels are too small for simulated sources")
    out = np.array(stamps, np.float32)
    noise = noise_of(out[..., 2])
    _blank_centre(out, noise, rng)
    return Background(_moved(out, *_empty_place(out, rng)), measure_fwhm(out[..., 0]), noise)


def _blank_centre(stamps: np.ndarray, noise: float, rng: np.random.Generator) -> None:
    """Replaces the centre of the difference by a quiet piece of it, in science and difference, in place."""
    difference = stamps[..., 2]
    height, width = difference.shape
    rows, columns = np.mgrid[-_BLANK : _BLANK + 1, -_BLANK : _BLANK + 1]
    # A soft edge: 1 inside, falling to 0 over the last two pixels.
    blend = np.clip((_BLANK - np.hypot(rows, columns)) / 2, 0, 1)
    cy, cx = height // 2, width // 2
    window = lambda y, x: np.s_[y - _BLANK : y + _BLANK + 1, x - _BLANK : x + _BLANK + 1]
    there = np.where(np.isfinite(difference), difference, 0.0)
    best, quietest = rng.normal(0, noise, blend.shape), np.inf
    for _ in range(20):
        y, x = (int(rng.integers(_BLANK, side - _BLANK)) for side in (height, width))
        if max(abs(y - cy), abs(x - cx)) <= 2 * _BLANK:
            continue
        piece = there[window(y, x)]
        if (loudness := float(np.abs(piece).max())) < quietest:
            best, quietest = piece, loudness
        if quietest < 5 * noise:
            break
    change = (best - there[window(cy, cx)]) * blend
    for channel in (0, 2):
        stamps[..., channel][window(cy, cx)] += change


def _empty_place(stamps: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Shift (rows, columns) from the centre to a place without sources in template and science."""
    loud = np.zeros(stamps.shape[:2])
    for channel in (0, 1):
        image = stamps[..., channel]
        good = np.isfinite(image) & (np.abs(image) < 1e10)
        level = np.median(image[good]) if good.any() else 0.0
        loud = np.maximum(loud, np.where(good, np.abs(np.where(good, image, 0) - level) / noise_of(image), np.inf))
    width = 2 * _EMPTY + 1
    cy, cx = (side // 2 for side in loud.shape)
    near = loud[cy - _REACH - _EMPTY : cy + _REACH + _EMPTY + 1, cx - _REACH - _EMPTY : cx + _REACH + _EMPTY + 1]
    rows = np.lib.stride_tricks.sliding_window_view(near, width, axis=0).max(axis=-1)
    worst = np.lib.stride_tricks.sliding_window_view(rows, width, axis=1).max(axis=-1)
    # Sky alone reaches about four times its spread among a hundred pixels.
    limit = max(5.0, float(np.percentile(worst, 5)))
    places = np.argwhere(worst <= limit)
    row, column = places[int(rng.integers(len(places)))] if len(places) else (_REACH, _REACH)
    return int(row) - _REACH, int(column) - _REACH


def _moved(stamps: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The stamp around a place that far from the centre; what is beyond the edge is mirrored."""
    padded = np.pad(stamps, ((_REACH, _REACH), (_REACH, _REACH), (0, 0)), mode="symmetric")
    top, left = _REACH + rows, _REACH + columns
    return padded[top : top + stamps.shape[0], left : left + stamps.shape[1]].copy()


def sersic(
    shape: tuple[int, int],
    x: float,
    y: float,
    flux: float,
    radius: float,
    index: float,
    ratio: float,
    angle: float,
    fwhm: float,
) -> np.ndarray:
    """A galaxy of half-light `radius` pixels and Sersic `index`, softened to the sharpness of the stamp, (H, W)."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    dx, dy = columns - x, rows - y
    u = dx * np.cos(angle) + dy * np.sin(angle)
    v = (dy * np.cos(angle) - dx * np.sin(angle)) / ratio
    b = 2 * index - 1 / 3 + 0.01 / index
    # Seeing keeps the core from being sharper than a star: radii are added in quadrature.
    seen = np.sqrt(u**2 + v**2 + (fwhm / 2.5) ** 2) / radius
    light = np.exp(-b * (seen ** (1 / index) - 1))
    return flux * light / light.sum()


class StampSimulator:
    """Puts classes into backgrounds; a sample is a function of (settings, generator) alone."""

    def __init__(self, settings: ClassSettings | None = None) -> None:
        """`settings`: of what is put in; None: the usual ones."""
        self.settings = settings or ClassSettings()
        kinds = (self._agn, self._asteroid, self._bogus, self._satellite, self._sn, self._vs)
        self._kinds = dict(zip(CLASS_NAMES, kinds, strict=True))

    def make(self, rng: np.random.Generator, background: Background, name: str) -> np.ndarray:
        """A triplet (H, W, 3) float32 of one class of `CLASS_NAMES`, turned and flipped at random.

        Raises:
          KeyError: there is no such class.
        """
        scene = _Scene(rng, background, self.settings)
        scene.field()
        self._kinds[name](scene)
        copy = np.rot90(scene.stamps, int(rng.integers(4)))
        return np.ascontiguousarray(copy[::-1] if rng.random() < 0.5 else copy, np.float32)

    def _asteroid(self, scene: "_Scene") -> None:
        rng = scene.rng
        trail = rng.uniform(1.0, 5.0) if rng.random() < self.settings.trailed else 0.0
        scene.change([scene.centre(scene.flux, trail, rng.uniform(0, np.pi))])

    def _satellite(self, scene: "_Scene") -> None:
        scene.stamps, _ = inject_glints(scene.rng, scene.stamps, scene.fwhm, scene.noise, self.settings.glints)

    def _sn(self, scene: "_Scene") -> None:
        rng = scene.rng
        if rng.random() > self.settings.hostless:
            radius = float(np.exp(rng.uniform(np.log(1.5), np.log(8.0))))
            away = radius * abs(rng.normal(0, 1.0))
            angle = rng.uniform(0, 2 * np.pi)
            scene.galaxy(scene.cx + away * np.cos(angle), scene.cy + away * np.sin(angle), radius)
        scene.change([scene.centre(scene.flux)])

    def _vs(self, scene: "_Scene") -> None:
        scene.variable()

    def _agn(self, scene: "_Scene") -> None:
        radius = float(np.exp(scene.rng.uniform(np.log(1.5), np.log(5.0))))
        scene.galaxy(scene.cx, scene.cy, radius)
        scene.variable()

    def _bogus(self, scene: "_Scene") -> None:
        kinds = (scene.cosmic_ray, scene.hot_pixels, scene.bad_column, scene.misaligned, scene.ringed, scene.bump)
        kinds[int(scene.rng.integers(len(kinds)))]()


class _Scene:
    """One triplet in the making."""

    def __init__(self, rng: np.random.Generator, background: Background, settings: ClassSettings) -> None:
        self.rng, self.settings = rng, settings
        self.stamps = np.array(background.stamps, np.float32)
        self.fwhm, self.noise = background.fwhm, background.noise
        self.shape = self.stamps.shape[:2]
        # The peak of an alert lies within a pixel of the centre.
        self.cy, self.cx = (side // 2 + rng.uniform(-0.5, 0.5) for side in self.shape)
        self.flux = peak_flux(float(np.exp(rng.uniform(*np.log(settings.signal_to_noise)))), self.noise, self.fwhm)
        # Templates are taken in other seeing and on another scale.
        self.template_fwhm = self.fwhm * rng.uniform(0.85, 1.1)
        self.template_scale = self._template_scale()

    def _template_scale(self) -> float:
        """Counts in the template for a count in the science image, from pixels bright in both; 1 if there are few."""
        science, template = self.stamps[..., 0], self.stamps[..., 1]
        good = np.isfinite(science) & np.isfinite(template) & (np.abs(science) < 1e10) & (np.abs(template) < 1e10)
        if good.sum() < 100:
            return 1.0
        s, t = science - np.median(science[good]), template - np.median(template[good])
        bright = good & (s > 20 * self.noise)
        return float(np.clip(np.median(t[bright] / s[bright]), 0.05, 20)) if bright.sum() > 8 else 1.0

    def centre(self, flux: float, trail: float = 0.0, angle: float = 0.0) -> PointSource:
        return PointSource(self.cx, self.cy, flux, trail, angle)

    def static(self, light: np.ndarray, template_light: np.ndarray | None = None) -> None:
        """Adds light that was always there; the difference keeps its noise only."""
        noisy = light + shot_noise(light, self.rng)
        self.stamps[..., 0] += noisy
        self.stamps[..., 1] += (light if template_light is None else template_light) * self.template_scale
        self.stamps[..., 2] += noisy - light

    def change(self, sources: list[PointSource]) -> None:
        """Adds light that is new (or gone, with negative flux) to science and difference."""
        light = render(self.shape, sources, self.fwhm)
        self.add(light + shot_noise(np.abs(light), self.rng))

    def add(self, light: np.ndarray) -> None:
        """Adds to science and difference as it is."""
        self.stamps[..., 0] += light
        self.stamps[..., 2] += light

    def star(self, x: float, y: float, flux: float) -> None:
        """A star that was always there."""
        source = [PointSource(x, y, flux)]
        self.static(render(self.shape, source, self.fwhm), render(self.shape, source, self.template_fwhm))

    def galaxy(self, x: float, y: float, radius: float) -> None:
        """A galaxy that was always there."""
        rng = self.rng
        flux = self.flux * float(np.exp(rng.uniform(np.log(2.0), np.log(30.0))))
        shape = (radius, float(rng.uniform(0.6, 4.0)), float(rng.uniform(0.3, 1.0)), float(rng.uniform(0, np.pi)))
        draw = lambda fwhm: sersic(self.shape, x, y, flux, *shape, fwhm)
        self.static(draw(self.fwhm), draw(self.template_fwhm))

    def field(self) -> None:
        """Stars and galaxies of chance, anywhere."""
        rng, anywhere = self.rng, lambda: (rng.uniform(0, self.shape[1]), rng.uniform(0, self.shape[0]))
        if rng.random() < self.settings.chance:
            self.star(*anywhere(), self.flux * float(np.exp(rng.uniform(-1, 3))))
        if rng.random() < self.settings.chance:
            self.galaxy(*anywhere(), float(np.exp(rng.uniform(np.log(1.5), np.log(6.0)))))

    def variable(self) -> None:
        """A point that was there already, brighter or fainter than in the template."""
        rng = self.rng
        ratio = float(np.exp(rng.uniform(np.log(0.1), np.log(1.2))))
        sign = 1.0 if rng.random() < 0.6 else -1.0
        self.star(self.cx, self.cy, self.flux / (min(ratio, 0.9) if sign < 0 else ratio))
        self.change([self.centre(sign * self.flux)])

    def cosmic_ray(self) -> None:
        """A track thinner than any star."""
        source = self.centre(self.flux, self.rng.uniform(1.0, 9.0), self.rng.uniform(0, np.pi))
        self.add(render(self.shape, [source], 0.45 * min(self.fwhm, 2.2)))

    def hot_pixels(self) -> None:
        """One to three pixels, up or down."""
        rng, light = self.rng, np.zeros(self.shape)
        for _ in range(int(rng.integers(1, 4))):
            y, x = (round(c) + int(rng.integers(-1, 2)) for c in (self.cy, self.cx))
            light[y, x] += self.flux * rng.uniform(0.2, 0.8)
        self.add(light * (1 if rng.random() < 0.8 else -1))

    def bad_column(self) -> None:
        """A column or row, part or whole, of one or two pixels' width."""
        rng, light = self.rng, np.zeros(self.shape)
        begin, end = int(rng.integers(0, round(self.cy) - 2)), int(rng.integers(round(self.cy) + 3, self.shape[0] + 1))
        at, width = round(self.cx), int(rng.integers(1, 3))
        level = self.flux * rng.uniform(0.05, 0.25) * rng.normal(1, 0.15, (end - begin, 1))
        light[begin:end, at : at + width] = level * (1 if rng.random() < 0.6 else -1)
        self.add(light)

    def misaligned(self) -> None:
        """A bright star whose template lies a fraction of a pixel off: a dipole."""
        rng = self.rng
        flux = self.flux * rng.uniform(4, 12)
        shift, angle = rng.uniform(0.15, 0.6), rng.uniform(0, 2 * np.pi)
        moved = PointSource(self.cx + shift * np.cos(angle), self.cy + shift * np.sin(angle), -flux)
        self.star(self.cx, self.cy, flux)
        self.stamps[..., 2] += render(self.shape, [self.centre(flux), moved], self.fwhm)

    def ringed(self) -> None:
        """A bright star subtracted with the wrong sharpness: a core and a ring of opposite signs."""
        flux = self.flux * self.rng.uniform(3, 10)
        wrong = self.fwhm * self.rng.choice([0.75, 0.85, 1.2, 1.35])
        source = [self.centre(flux)]
        self.star(self.cx, self.cy, flux)
        self.stamps[..., 2] += render(self.shape, source, self.fwhm) - render(self.shape, source, float(wrong))

    def bump(self) -> None:
        """A wide, uneven bump: scattered light, a ghost's edge."""
        rng = self.rng
        rows, columns = np.mgrid[: self.shape[0], : self.shape[1]]
        angle, wide = rng.uniform(0, 2 * np.pi), rng.uniform(3, 14)
        along = (columns - self.cx) * np.cos(angle) + (rows - self.cy) * np.sin(angle)
        radius = np.hypot(rows - self.cy, columns - self.cx)
        self.add(self.noise * rng.uniform(3, 12) * np.exp(-0.5 * (radius / wide) ** 2) / (1 + np.exp(along)))
