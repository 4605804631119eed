"""Generalised Lomb-Scargle periodograms of many light curves: errors, floating mean, several harmonics, in `jit`.

At each frequency the constant plus H harmonics that fit best in weighted least squares; the power is the share of the
weighted variance they explain, 1 - chi2 / chi2_0 (Zechmeister & Kuerster 2009, eqs. 4-20, for one harmonic; Palmer 2009
for several). The normal equations need nothing but Fourier sums of weights and of weights times magnitudes.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np

from lcjax.transforms.bands import amplitudes_of_spreads, band_means, members, scaled_to, within_slots
from lcjax.transforms.frequency_grid import Frequency, FrequencyGrid
from lcjax.transforms.nufft import sums_at, sums_on_grid
from lcjax.typing import Array

RIDGE = 1e-6
"""Penalty of squared amplitudes, of a normal matrix whose diagonal is about 1/2: keeps what the points cannot tell, such
as a sine through points a whole period apart, from being rounding errors divided by one another."""
Normalization = Literal["standard", "model", "log", "psd"]


class Points(NamedTuple):
    """What a periodogram needs of the points of each star, (...,) and (..., L)."""

    turns: Array  #: (..., L) uint32, see `FrequencyGrid.turns`
    weight: Array  #: (..., L) float32, adds up to 1; 0 where there is no point
    value: Array  #: (..., L) float32, mag, weighted mean removed; 0 where there is no point
    mean: Array  #: (...,) weighted mean, mag
    variance: Array  #: (...,) weighted, mag^2; 0 for a constant star
    count: Array  #: (...,) int32, points
    span: Array  #: (...,) days between first and last point
    error: Array  #: (..., L) mag, of one point, without jitter
    chi2: Array  #: (...,) of the constant
    band: Array | None = None  #: (..., L) int32, of several bands: which, -1 where there is no point
    amplitude: Array | None = None  #: (..., S) of each band, over their mean: `value` is in these units (see `bands`)

    @property
    def bands(self) -> int:
        """Bands that are told apart; 0: all points are of one."""
        return 0 if self.amplitude is None else self.amplitude.shape[-1]


class Periodogram(NamedTuple):
    """Of B stars on the F frequencies of a grid."""

    power: Array  #: (B, F) share of the variance explained, in [0, 1]
    window: Array  #: (B, F) spectral window, |sum of weights exp(2 pi i f t)|^2, in [0, 1]


def usable_error(error: Array, mask: Array) -> Array:
    """Errors with those that are no positive number replaced by the median of the others (1 where there are none)."""
    good = mask & (error > 0) & jnp.isfinite(error)
    middle = masked_quantile(error, good, jnp.array([0.5]))[..., 0:1]
    return jnp.where(good, error, jnp.where(middle > 0, middle, 1.0))


def masked_quantile(values: Array, mask: Array, shares: Array) -> Array:
    """Quantiles (..., Q) of values (..., L) where `mask`, linear between order statistics; 0 where nothing is."""
    ordered = jnp.sort(jnp.where(mask, values, jnp.inf), axis=-1)
    last = jnp.maximum(jnp.sum(mask, axis=-1, keepdims=True) - 1, 0)
    place = last * shares
    low = jnp.floor(place).astype(jnp.int32)
    below, above = (jnp.take_along_axis(ordered, jnp.minimum(i, last), axis=-1) for i in (low, low + 1))
    part = place - low
    found = jnp.where(part > 0, below + part * (above - below), below)
    return jnp.where(jnp.isfinite(found), found, 0.0)


def usable(batch: dict) -> Array:
    """(B, L) bool: the points that may be looked at: `visible` where a batch has it, finite, none of the padding."""
    shown = batch["mask"] & batch["visible"] if "visible" in batch else batch["mask"]
    return shown & jnp.isfinite(batch["time"]) & jnp.isfinite(batch["magnitude"])


def prepare(batch: dict, grid: FrequencyGrid, jitter: float = 0.0, bands: int = 1) -> Points:
    """The visible points of each star, weighted by their errors.

    Args:
      batch: LightCurveBatch; `visible`, where there, says what may be looked at; `time_low` (B, L), where there, is what
        float32 lost of the times (see `split_time`).
      jitter: added to the errors in quadrature, in units of the star's median error: 0 trusts the errors, 1 limits what
        the best points weigh to twice what the median one does.
      bands: above 1, of several bands: `band` (B, L) int in [0, bands) says which. All vary with one frequency and one shape, each
        about a mean and with an amplitude of its own (see `lcjax.transforms.bands`); points of no such band are left out.
    """
    mask = usable(within_slots(batch, bands))
    chex.assert_rank(mask, 2)
    chex.assert_equal_shape([batch["time"], batch["magnitude"], batch["magnitude_error"], mask])
    time, magnitude = jnp.where(mask, batch["time"], 0.0), jnp.where(mask, batch["magnitude"], 0.0)
    error = usable_error(batch["magnitude_error"], mask)
    middle = masked_quantile(error, mask, jnp.array([0.5]))
    chi2_weight = jnp.where(mask, 1.0 / (error**2 + (jitter * middle) ** 2), 0.0)
    total = jnp.sum(chi2_weight, axis=-1, keepdims=True)
    weight = chi2_weight / jnp.where(total > 0, total, 1.0)
    # Twice, for magnitudes far from 0 in float32.
    rough = jnp.sum(weight * magnitude, axis=-1, keepdims=True)
    rest = jnp.sum(weight * (magnitude - rough), axis=-1, keepdims=True)
    value = jnp.where(mask, magnitude - rough - rest, 0.0)
    band = jnp.where(mask, batch["band"], -1).astype(jnp.int32) if bands > 1 else None
    if band is not None:
        value = value - band_means(value, weight, band, bands)
    variance = jnp.sum(weight * value**2, axis=-1)
    # What rounding alone makes of a constant star is no variation.
    rounding = 4 * jnp.finfo(jnp.float32).eps * jnp.max(jnp.abs(magnitude), axis=-1)
    variance = jnp.where(variance > rounding**2, variance, 0.0)
    low = jnp.min(jnp.where(mask, time, jnp.inf), axis=-1)
    high = jnp.max(jnp.where(mask, time, -jnp.inf), axis=-1)
    span = jnp.where(high > low, high - low, 0.0)
    # Ticks of a star too long for the grid wrap around: rather no periodogram than a wrong one.
    variance = jnp.where(span < grid.longest, variance, 0.0)
    turns = grid.turns(time, mask, batch.get("time_low"))
    count = jnp.sum(mask, axis=-1)
    found = Points(turns, weight, value, (rough + rest)[..., 0], variance, count, span, error, variance * total[..., 0])
    if band is None:
        return found
    flat = Points(*found[:9], band, jnp.ones((*band.shape[:-1], bands), jnp.float32))
    return scaled_to(flat, jax.lax.stop_gradient(amplitudes_of_spreads(flat)))


class Sums(NamedTuple):
    """Cosine and sine sums over the points at multiples 1, 2, ... of frequencies of any shape."""

    cosine: list[Array]
    sine: list[Array]


class StarSums(NamedTuple):
    """Of one star."""

    weights: Sums  #: at multiples 1 ... 2 H
    values: Sums  #: of weights times centred values, 1 ... H
    of_bands: Sums | None = None  #: of the weights of each of several bands, (S, ...) each, 1 ... H


def explained(sums: StarSums, points: Points, harmonics: int) -> tuple[list[Array], Callable[[], list[Array]]]:
    """Share of the variance that a constant and 1, 2, ... H harmonics explain, in [0, 1]; one array for each number.

    Also what gives the coefficients of the fit with H: cosine and sine of the first harmonic, of the second, ... Of several bands
    every one has a constant of its own, fitted with the harmonics (VanderPlas & Ivezic 2015, section 4, N_base = H, N_band = 0).

    Args:
      points: of one star. harmonics: H.
    """
    weights, values, of_bands = sums
    zero = jnp.zeros_like(weights.cosine[0])
    cosine, sine = [zero + 1.0, *weights.cosine], [zero, *weights.sine]
    right = [part for pair in zip(values.cosine, values.sine, strict=True) for part in pair]
    means = [part for pair in zip(weights.cosine, weights.sine, strict=True) for part in pair]
    if of_bands is not None:
        share = members(points.band, points.bands) @ points.weight
        scale = jax.lax.rsqrt(jnp.where(share > 0, share, 1.0)).reshape(-1, *(1,) * zero.ndim)
        means = [part * scale for pair in zip(of_bands.cosine, of_bands.sine, strict=True) for part in pair]

    def normal(i: int, j: int) -> Array:
        """Of the functions i >= j: cosine and sine of the first harmonic, of the second, ...; means removed."""
        p, q = i // 2 + 1, j // 2 + 1
        if i % 2 == j % 2:
            product = cosine[p - q] + (cosine[p + q] if i % 2 == 0 else -cosine[p + q])
        else:
            product = sine[p + q] + (sine[p - q] if i % 2 else -sine[p - q])
        shared = means[i] * means[j]
        return 0.5 * product - (shared if of_bands is None else jnp.sum(shared, axis=0))

    # Cholesky, written out: a few hundred multiplications for all frequencies at once. The factor for H harmonics
    # begins with those for fewer.
    variance = jnp.where(points.variance > 0, points.variance, 1.0)
    lower: dict[tuple[int, int], Array] = {}
    solved: list[Array] = []
    shares = []
    share = zero
    for i in range(2 * harmonics):
        for j in range(i):
            lower[i, j] = (normal(i, j) - sum(lower[i, k] * lower[j, k] for k in range(j))) * lower[j, j]
        pivot = normal(i, i) + RIDGE - sum(lower[i, k] ** 2 for k in range(i))
        lower[i, i] = jax.lax.rsqrt(jnp.maximum(pivot, RIDGE))
        solved.append((right[i] - sum(lower[i, k] * solved[k] for k in range(i))) * lower[i, i])
        share = share + solved[i] ** 2 / variance
        if i % 2:
            there = (points.variance > 0) & (points.count > i + 2)
            shares.append(jnp.where(there, jnp.clip(share, 0.0, 1.0), 0.0))

    def coefficients() -> list[Array]:
        found: dict[int, Array] = {}
        for i in reversed(range(2 * harmonics)):
            known = sum(lower[k, i] * found[k] for k in range(i + 1, 2 * harmonics))
            found[i] = (solved[i] - known) * lower[i, i]
        return [found[i] for i in range(2 * harmonics)]

    return shares, coefficients


def _strengths(points: Points) -> Array:
    """(sets, L): weights times values, then the weights, of several bands those of each."""
    weights = points.weight[None]
    if points.band is not None:
        weights = members(points.band, points.bands) * weights
    return jnp.concatenate([(points.weight * points.value)[None], weights])


def _told_apart(cosine: Sequence[Array], sine: Sequence[Array], points: Points, harmonics: int) -> StarSums:
    """Sums of the sets of `_strengths` at multiples 1 ... H and on, which may hold the weights of all bands as the only set."""
    together = lambda part: part[0] if len(part) == 1 else jnp.sum(part[1:], axis=0)
    pick = lambda which: Sums([which(c) for c in cosine[:harmonics]], [which(s) for s in sine[:harmonics]])
    weights = Sums([together(c) for c in cosine], [together(s) for s in sine])
    of_bands = None if points.band is None else pick(lambda part: part[1:])
    return StarSums(weights, pick(lambda part: part[0]), of_bands)


def star_power(points: Points, grid: FrequencyGrid, harmonics: int = 1) -> tuple[Array, Array]:
    """Power and spectral window of one star at all frequencies of the grid, (F,) each."""
    sets = _strengths(points)
    parts = []
    for multiple in range(1, 2 * harmonics + 1):
        wanted = sets if multiple <= harmonics else points.weight[None]
        parts.append(sums_on_grid(wanted, points.turns, grid.count, multiple))
    sums = _told_apart(*zip(*parts, strict=True), points, harmonics)
    power = explained(sums, points, harmonics)[0][-1]
    return power, sums.weights.cosine[0] ** 2 + sums.weights.sine[0] ** 2


def _sums_at(points: Points, frequency: Frequency, harmonics: int) -> StarSums:
    cosine, sine = sums_at(_strengths(points), points.turns, frequency, 2 * harmonics)
    by_multiple = lambda part: list(jnp.moveaxis(part, 1, 0))
    return _told_apart(by_multiple(cosine), by_multiple(sine), points, harmonics)


def star_power_at(points: Points, frequency: Frequency, harmonics: int) -> Array:
    """Power of one star at a few frequencies (F,), with 1 ... H harmonics: (H, F)."""
    return jnp.stack(explained(_sums_at(points, frequency, harmonics), points, harmonics)[0])


def harmonics_at(points: Points, frequency: Frequency, harmonics: int) -> Array:
    """Complex amplitudes of the H harmonics fitted at a few frequencies, (H, F): value = Re sum A_h exp(-2 pi i h phase)."""
    found = explained(_sums_at(points, frequency, harmonics), points, harmonics)[1]()
    return jnp.stack([cosine + 1j * sine for cosine, sine in zip(found[::2], found[1::2], strict=True)])


def power_and_window_at(points: Points, frequency: Frequency) -> tuple[Array, Array]:
    """Power of one harmonic and spectral window of one star at a few frequencies (F,)."""
    sums = _sums_at(points, frequency, 1)
    return explained(sums, points, 1)[0][0], sums.weights.cosine[0] ** 2 + sums.weights.sine[0] ** 2


def star_window_at(points: Points, frequency: Frequency) -> Array:
    """Spectral window of one star at a few frequencies (F,)."""
    cosine, sine = sums_at(points.weight[None], points.turns, frequency, 1)
    return cosine[0, 0] ** 2 + sine[0, 0] ** 2


def lomb_scargle(
    batch: dict, grid: FrequencyGrid, harmonics: int = 1, jitter: float = 0.0, at_once: int = 1, bands: int = 1
) -> Periodogram:
    """Power and spectral window of each star at all frequencies of the grid.

    Args:
      batch, bands: as in `prepare`. harmonics: 1 to 5 or so; the cost grows with their square.
      at_once: stars worked on at the same time: one is best for the caches of a CPU, more fill an accelerator.
    """
    points = prepare(batch, grid, jitter, bands)
    power, window = jax.lax.map(lambda star: star_power(star, grid, harmonics), points, batch_size=at_once)
    return Periodogram(power, window)


def normalize_power(power: Array, chi2: Array, how: Normalization = "standard") -> Array:
    """The share of the variance in other normalisations (VanderPlas 2018, section 6; as in astropy).

    Args:
      power: share explained. chi2: of the constant, broadcast against `power`.
      how: `standard` P; `model` P / (1 - P); `log` -ln(1 - P); `psd` chi2 P / 2.
    """
    rest = jnp.maximum(1.0 - power, jnp.finfo(jnp.float32).tiny)
    return {"standard": power, "model": power / rest, "log": -jnp.log(rest), "psd": 0.5 * chi2 * power}[how]


def log_false_alarm(power: Array, points: Points, grid: FrequencyGrid) -> Array:
    """log10 of an upper bound of the chance that noise alone peaks so high, one harmonic (Baluev 2008, eqs. 6, 12).

    Args:
      power: (...,) share explained at the highest peak, of stars `points` (...,).
    """
    count = points.count.astype(jnp.float32)
    near = jax.lax.bitcast_convert_type(points.turns, jnp.int32).astype(jnp.float32)
    near = jnp.where(near < 0, near + 2.0**32, near) * jnp.float32(2.0**-32 / grid.spacing)
    time = near - jnp.sum(points.weight * near, axis=-1, keepdims=True)
    bandwidth = grid.highest * jnp.sqrt(4 * np.pi * jnp.sum(points.weight * time**2, axis=-1))
    rest = jnp.log(jnp.maximum(1.0 - power, 1e-30))
    enough = count > 4
    count = jnp.where(enough, count, 5.0)
    gamma = 0.5 * jnp.log(2 / (count - 1)) + jax.lax.lgamma((count - 1) / 2) - jax.lax.lgamma((count - 2) / 2)
    single = 0.5 * (count - 3) * rest
    height = jnp.maximum(0.5 * (count - 1) * power, 1e-30)
    log_tau = gamma + jnp.log(jnp.maximum(bandwidth, 1e-30)) + 0.5 * (count - 4) * rest + 0.5 * jnp.log(height)
    # 1 - (1 - exp(single)) exp(-tau), of numbers that may be as small as e^-1000.
    small = log_tau < -10.0
    tau = jnp.exp(jnp.clip(log_tau, -10.0, 5.0))
    log_some = jnp.where(small, log_tau, jnp.log(-jnp.expm1(-tau)))
    bound = jnp.minimum(jnp.logaddexp(single, log_some + jnp.log1p(-jnp.minimum(jnp.exp(single), 0.999999))), 0.0)
    return jnp.where(enough, bound / np.log(10.0), 0.0)
