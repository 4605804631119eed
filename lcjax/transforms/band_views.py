"""What tells the bands of a star apart: folded curves, colours, amplitudes, lags; from visible points alone."""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp

from lcjax.transforms.bands import at_points, exact_sum, fitted_amplitudes, members, scaled_to
from lcjax.transforms.folding import FoldedCurves
from lcjax.transforms.frequency_grid import Frequency, cosine_sine, phase
from lcjax.transforms.peaks import Candidates, PeakSearch, scores, take
from lcjax.transforms.periodogram import Points, harmonics_at, masked_quantile, usable
from lcjax.typing import Array

BAND_NUMBERS = (
    "whether it has points",
    "share of the points",
    "colour: mean less the mean of all bands (mag)",
    "log10 amplitude, over the mean amplitude of the bands",
    "log10 standard deviation over median error",
    "log10 median error (mag)",
    "first harmonic over the common one, in phase",
    "first harmonic over the common one, a quarter of a cycle late",
)
"""What each number of a band is; 0 of bands without points. None changes with a constant offset of all magnitudes."""
FEW = 5.0
"""Points that the common curve counts as, where the first harmonic of a band is fitted."""


LARGEST = 5.0
"""Ratio of first harmonics that is told."""


class BandViews(NamedTuple):
    """Of B stars in S bands."""

    folded: FoldedCurves  #: (B, K, 2, S, phase bins) each, mag less the band's mean, all bands turned alike
    numbers: Array  #: (B, S, len(BAND_NUMBERS))


def with_fitted_amplitudes(points: Points, candidates: Candidates, search: PeakSearch) -> tuple[Points, Candidates]:
    """One star with the amplitudes of its bands fitted at the best candidate, and what candidates are worth with these."""
    best = take(candidates.frequency, jnp.zeros(1, jnp.int32))
    wave = _wave(points, best, min(search.harmonics, 2))
    amplitude = fitted_amplitudes(points, wave, points.bands)
    there = candidates.valid[0]
    amplitude = jax.lax.stop_gradient(jnp.where(there, amplitude, points.amplitude))
    points = scaled_to(points, amplitude)
    power, harmonics, score = scores(jax.lax.stop_gradient(points), candidates.frequency, search)
    kept = lambda new, old: jnp.where(candidates.valid, new, old)
    return points, candidates._replace(
        power=kept(power, candidates.power),
        harmonics=kept(harmonics, candidates.harmonics),
        score=kept(score, candidates.score),
    )


def _turned(points: Points, frequency: Frequency) -> tuple[Array, Array]:
    """Cosine and sine of the points' phases at one frequency (1,), (L,) each."""
    cosine, sine = cosine_sine(phase(points.turns[None], Frequency(*(part[:, None] for part in frequency))))
    return cosine[0], sine[0]


def _wave(points: Points, frequency: Frequency, harmonics: int) -> Array:
    """The common curve at the points (L,), fitted at one frequency (1,)."""
    amplitudes = harmonics_at(points, frequency, harmonics)[:, 0]
    cosine, sine = _turned(points, frequency)
    once = cosine - 1j * sine
    turned, total = once, jnp.zeros_like(cosine)
    for amplitude in amplitudes:
        total = total + jnp.real(amplitude * turned)
        turned = turned * once
    return total


def band_waves(points: Points, candidates: Candidates) -> Array:
    """(S, 2) of one star: the first harmonic of each band at the best candidate over that of all, real and imaginary part.

    Each band is fitted by itself, with the common harmonic as a few points more: 1 and 0 where it says nothing else.
    """
    frequency = take(candidates.frequency, jnp.zeros(1, jnp.int32))
    common = harmonics_at(points, frequency, 1)[0, 0]
    cosine, sine = _turned(points, frequency)
    scale = at_points(points.amplitude, points.band)
    weight = points.weight / scale**2
    in_band = members(points.band, points.bands)
    total = in_band @ weight
    safe = jnp.where(total > 0, total, 1.0)
    mean = lambda values: (in_band @ (weight * values)) / safe
    c, s, value = mean(cosine), mean(sine), points.value * scale
    cc, ss, cs = mean(cosine**2) - c**2, mean(sine**2) - s**2, mean(cosine * sine) - c * s
    count = jnp.maximum(in_band @ (points.weight > 0).astype(jnp.float32), 1.0)
    expected = common * points.amplitude
    ridge = 0.5 * FEW / count
    right_c = mean(value * cosine) - c * mean(value) + ridge * jnp.real(expected)
    right_s = mean(value * sine) - s * mean(value) + ridge * jnp.imag(expected)
    cc, ss = cc + ridge, ss + ridge
    determinant = jnp.maximum(cc * ss - cs**2, 1e-9)
    own = ((right_c * ss - right_s * cs) + 1j * (right_s * cc - right_c * cs)) / determinant
    # Squares: the modulus of a complex 0 has no gradient.
    square = lambda z: jnp.real(z) ** 2 + jnp.imag(z) ** 2
    strong = square(common) > 1e-12
    ratio = own * jnp.conj(common) / jnp.where(strong, square(common), 1.0)
    there = (total > 0) & strong & candidates.valid[0]
    ratio = jnp.where(there, ratio / jnp.sqrt(jnp.maximum(1.0, square(ratio) / LARGEST**2)), 0.0)
    return jnp.stack([jnp.real(ratio), jnp.imag(ratio), points.amplitude], axis=-1)


def band_numbers(batch: dict, points: Points, waves: Array) -> Array:
    """(B, S, len(BAND_NUMBERS)) of magnitudes; `waves` (B, S, 3) as `band_waves` gives them."""
    many = points.bands
    chex.assert_rank(waves, 3)
    chex.assert_axis_dimension(waves, 1, many)
    chex.assert_axis_dimension(waves, 2, 3)
    mask = usable(batch) & (points.band >= 0)
    inside = members(points.band, many) * mask[:, None]
    count = jnp.sum(inside, axis=-1)
    there = count > 0
    safe = jnp.maximum(count, 1.0)
    magnitude = jnp.where(mask, batch["magnitude"], 0.0)
    of = lambda values: exact_sum("bl,bsl->bs", values, inside) / safe
    centre = jnp.sum(magnitude, axis=-1, keepdims=True) / jnp.maximum(jnp.sum(mask, axis=-1, keepdims=True), 1)
    magnitude = jnp.where(mask, magnitude - centre, 0.0)
    mean = of(magnitude)
    bands = jnp.maximum(jnp.sum(there, axis=-1, keepdims=True), 1)
    middle = jnp.sum(jnp.where(there, mean, 0.0), axis=-1, keepdims=True) / bands
    variance = jnp.maximum(of(magnitude**2) - mean**2, 0.0)
    quoted = points.error * at_points(points.amplitude, points.band)
    error = masked_quantile(jnp.broadcast_to(quoted[:, None], inside.shape), inside > 0, jnp.array([0.5]))[..., 0]
    logarithm = lambda x: jnp.log10(jnp.maximum(x, 1e-4))
    columns = [
        jnp.ones_like(mean),
        count / jnp.maximum(jnp.sum(count, axis=-1, keepdims=True), 1.0),
        mean - middle,
        logarithm(waves[..., 2]),
        jnp.clip(logarithm(jnp.sqrt(jnp.where(variance > 0, variance, 1e-8)) / jnp.maximum(error, 1e-4)), -2.0, 4.0),
        logarithm(error),
        waves[..., 0],
        waves[..., 1],
    ]
    return jnp.where(there[..., None], jnp.stack(columns, axis=-1), 0.0)
