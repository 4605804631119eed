"""Glint trains: tumbling satellites and debris flash while they cross a stamp, and leave points along a line.

A flat face throws sunlight towards us once or a few times a turn. The flash lasts milliseconds, so that a body which crosses
the exposure at tens to hundreds of arcsec a second leaves point-like sources, evenly spaced, of brightness that repeats with
the turn. The survey makes each flash an alert: one of them is at the centre of the stamp, the others are where a small
stamp does not reach. (Karpov and Peloton 2022, arXiv 2202.05719; arXiv 2304.13080.)
"""

from dataclasses import dataclass

import numpy as np

from data_pipelines.simulate.point_sources import PointSource, peak_flux, render, shot_noise


@dataclass(frozen=True)
class GlintSettings:
    """What trains are like; lengths in pixels of 1 arcsec."""

    spacing: tuple[float, float] = (3.5, 26.0)
    """Distance between flashes, log-uniform."""
    faces: int = 3
    """A turn has one to so many flashes, each with its own brightness."""
    face_spread: float = 0.7
    """Standard deviation of the log brightness of faces."""
    flash_spread: float = 0.25
    """Likewise from turn to turn."""
    phase_spread: float = 0.12
    """Faces are not evenly spaced in angle: standard deviation of their place, in spacings."""
    jitter: float = 0.15
    """Pixels that a flash may lie off the track."""
    smear: float = 0.12
    """Longest length of a flash along the track, in spacings."""
    signal_to_noise: tuple[float, float] = (7.0, 70.0)
    """Of the central flash in the difference image, log-uniform."""
    ends: float = 0.15
    """Chance at each further flash, on either side, that the train ends there."""


def glint_train(
    rng: np.random.Generator, shape: tuple[int, int], flux: float, settings: GlintSettings = GlintSettings()
) -> list[PointSource]:
    """The flashes of a train through the centre of a stamp, the central one first.

    Args:
      shape: (H, W). flux: of the central flash.

    Returns:
      two flashes or more; those beyond the stamp's edge are left out, unless none but the centre would remain.
    """
    spacing = float(np.exp(rng.uniform(*np.log(settings.spacing))))
    angle = rng.uniform(0, 2 * np.pi)
    faces = int(rng.integers(1, settings.faces + 1))
    bright = np.exp(rng.normal(0, settings.face_spread, faces))
    phase = rng.normal(0, settings.phase_spread, faces)
    smear = rng.uniform(0, settings.smear) * spacing
    centre = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    reach = int(np.hypot(*shape) / spacing) + 1

    def flash(k: int) -> PointSource:
        face = k % faces
        at = centre + along * spacing * (k + phase[face] - phase[0])
        if k:
            at = at + across * rng.normal(0, settings.jitter)
        own = flux * bright[face] / bright[0] * (np.exp(rng.normal(0, settings.flash_spread)) if k else 1.0)
        return PointSource(float(at[0]), float(at[1]), float(own), smear, angle)

    train = [flash(0)]
    for direction in (1, -1):
        for step in range(1, reach + 1):
            if rng.random() < settings.ends and (step > 1 or direction < 0):
                break
            train.append(flash(direction * step))
    inside = [p for p in train if -1 < p.x < shape[1] and -1 < p.y < shape[0]]
    return inside if len(inside) > 1 else train[:2]


def inject_glints(
    rng: np.random.Generator,
    stamps: np.ndarray,
    fwhm: float,
    noise: float,
    settings: GlintSettings = GlintSettings(),
) -> tuple[np.ndarray, list[PointSource]]:
    """Puts a train into a triplet, science and difference alike; the template never saw the satellite.

    Args:
      stamps: (H, W, 3) science, template, difference, counts; missing pixels stay missing.
      fwhm: of the stamp's stars, pixels (`measure_fwhm`). noise: standard deviation of the difference's sky, counts.

    Returns:
      new stamps, float32, and the flashes put in.
    """
    signal_to_noise = float(np.exp(rng.uniform(*np.log(settings.signal_to_noise))))
    train = glint_train(rng, stamps.shape[:2], peak_flux(signal_to_noise, noise, fwhm), settings)
    light = render(stamps.shape[:2], train, fwhm)
    light = light + shot_noise(light, rng)
    out = np.array(stamps, np.float32)
    out[..., 0] += light
    out[..., 2] += light
    return out, train
