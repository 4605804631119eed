"""Three views of a star beside its points in order: periodogram, folded curves and a few numbers, from the visible points.

What a period makes plain to the eye, a transformer has to work out of hundreds of points in disorder; here it is
given. Nothing of a hidden point enters: not its magnitude, error or time.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.transforms.asinh_magnitudes import with_magnitudes
from lcjax.transforms.band_views import BandViews, band_numbers, band_waves, with_fitted_amplitudes
from lcjax.transforms.bands import within_slots
from lcjax.transforms.folding import FoldedCurves, fold, fold_bands
from lcjax.transforms.frequency_grid import Frequency, FrequencyGrid
from lcjax.transforms.log_bins import star_bins
from lcjax.transforms.peaks import Candidates, PeakSearch, find_candidates, scaled
from lcjax.transforms.periodogram import Points, log_false_alarm, masked_quantile, prepare, usable
from lcjax.typing import Array

QUANTILES = (0.05, 0.1, 0.25, 0.75, 0.9, 0.95)
SCALARS = (
    "log10 standard deviation (mag)",
    "log10 median error (mag)",
    "log10 number of points",
    "log10 span (d)",
    "skewness",
    "excess kurtosis",
    *(f"quantile {q:.0%}, from the median, over the standard deviation" for q in QUANTILES),
    "log10 best frequency (1/d)",
    "power at the best frequency",
    "harmonics at the best frequency",
    "score of the best frequency per point",
    "highest power of one harmonic",
    "log10 false alarm probability over number of points",
    "highest spectral window above 1/2 per day",
    "oversampling",
    "median (mag)",
)
"""What each scalar is; the last alone changes with a constant offset of the magnitudes."""


class Views(NamedTuple):
    """Of B stars."""

    periodogram: Array  #: (B, 2, bins) highest power of one harmonic, and of the spectral window, in logarithmic bins
    folded: FoldedCurves  #: (B, K, 2, phase bins) each, at the candidates and at twice their periods
    scalars: Array  #: (B, len(SCALARS))
    frequency: Array  #: (B, K) of the candidates, 1/d
    candidates: Candidates  #: (B, K) each
    bands: BandViews | None = None  #: where several bands are told apart


def light_curve_views(
    batch: dict,
    grid: FrequencyGrid,
    search: PeakSearch,
    jitter: float = 1.0,
    phase_bins: int = 32,
    at_once: int = 8,
    bands: int = 1,
) -> Views:
    """Periodogram, folded curves and scalars of each star; to be jitted with all but `batch` bound.

    Args:
      batch: LightCurveBatch, raw (days, mag); `visible`, where there, is all that is looked at (see `prepare`).
      grid: frequencies. search: how candidates are found.
      jitter: added to the errors, in median errors: quoted errors tell little of how far real stars scatter.
      at_once: stars worked on at the same time: transforms of several go through a CPU's vectors together.
      bands: above 1, `band` (B, L) says which of so many a point is in (see `prepare` and `lcjax.passbands.band_slots`); `bands` of
        the views tells them apart, all else is of what they have in common, in units of their mean amplitude.

    A batch of `flux` and `flux_error` in place of magnitudes becomes one of `asinh_magnitudes`: no sign is lost.
    """
    batch = within_slots(with_magnitudes(batch), bands)
    one = functools.partial(_star_views, grid=grid, search=search, phase_bins=phase_bins)
    # Accelerators multiply float32 matrices with 10 bits otherwise.
    with jax.default_matmul_precision("highest"):
        points = prepare(batch, grid, jitter, bands)
        rows = points.turns.shape[0]
        if isinstance(rows, int):
            at_once = min(at_once, max(rows, 1))  # stars beyond a multiple of it are compiled apart
            found = jax.lax.map(one, points, batch_size=at_once)
        else:  # of an exported program, which takes any number: a symbol
            found = jax.vmap(one)(points)
        spectrum, folded, candidates, of_bands = found
    frequency = jnp.where(candidates.valid, grid.value(candidates.frequency), 0.0)
    scalars = _scalars(batch, points, spectrum, candidates, frequency, grid)
    if of_bands is not None:
        of_bands = BandViews(of_bands.folded, band_numbers(batch, points, of_bands.numbers))
    return Views(spectrum, folded, scalars, frequency, candidates, of_bands)


def _star_views(
    points: Points, grid: FrequencyGrid, search: PeakSearch, phase_bins: int
) -> tuple[Array, FoldedCurves, Candidates, BandViews | None]:
    power, window = star_bins(points, grid)
    blind = jax.lax.stop_gradient
    candidates = find_candidates(blind(points), jax.tree.map(blind, power), jax.tree.map(blind, window), grid, search)
    if points.band is not None:
        points, candidates = with_fitted_amplitudes(points, candidates, search)
    place = candidates.frequency
    both = Frequency(*(jnp.stack(pair, axis=1).reshape(-1) for pair in zip(place, scaled(place, 0.5), strict=True)))
    folded = fold(points, both, phase_bins)
    there = candidates.valid[:, None, None]
    shape = (search.candidates, 2, phase_bins)
    folded = FoldedCurves(*(jnp.where(there, part.reshape(shape), 0.0) for part in folded))
    found = None
    if points.band is not None:
        apart = fold_bands(points, both, phase_bins)
        shape = (search.candidates, 2, *apart.mean.shape[1:])
        apart = FoldedCurves(*(jnp.where(there[..., None], part.reshape(shape), 0.0) for part in apart))
        found = BandViews(apart, band_waves(points, candidates))
    return jnp.stack([power.power, window.power]), folded, candidates, found


def _scalars(
    batch: dict, points: Points, spectrum: Array, candidates: Candidates, frequency: Array, grid: FrequencyGrid
) -> Array:
    """(B, len(SCALARS)), finite whatever the points are."""
    mask = usable(batch)
    count = jnp.maximum(points.count, 1).astype(jnp.float32)
    values = points.value
    middle, *others = jnp.moveaxis(masked_quantile(values, mask, jnp.array((0.5, *QUANTILES))), -1, 0)
    centre = jnp.sum(values, axis=-1, keepdims=True) / count[:, None]
    moment = lambda power: jnp.sum(jnp.where(mask, (values - centre) ** power, 0.0), axis=-1) / count
    varies = points.variance > 0
    second = jnp.where(varies, moment(2), 1.0)
    spread = jnp.sqrt(second)
    logarithm = lambda x: jnp.log10(jnp.maximum(x, 1e-4))
    middle_error = masked_quantile(points.error, mask, jnp.array([0.5]))[..., 0]
    fast = grid.edges[:-1] > 0.5
    single = jnp.max(spectrum[:, 0], axis=-1)
    columns = [
        logarithm(jnp.where(varies, spread, 0.0)),
        logarithm(middle_error),
        jnp.log10(count),
        logarithm(points.span),
        jnp.where(varies, moment(3) / spread**3, 0.0),
        jnp.where(varies, moment(4) / second**2 - 3.0, 0.0),
        *(jnp.where(varies, (q - middle) / spread, 0.0) for q in others),
        logarithm(frequency[:, 0]),
        candidates.power[:, 0],
        candidates.harmonics[:, 0].astype(jnp.float32),
        candidates.score[:, 0] / count,
        single,
        log_false_alarm(single, points, grid) / count,
        jnp.max(spectrum[:, 1], axis=-1, where=jnp.asarray(fast), initial=0.0),
        jnp.log10(jnp.clip(grid.oversampling_of(points.span), 0.1, 1e3)),
        points.mean + middle,
    ]
    return jnp.stack(columns, axis=-1)


def longest_span(batch: dict) -> float:
    """Days between first and last point of the longest star of a batch on the host: what a grid must do for."""
    time, mask = np.asarray(batch["time"], np.float64), np.asarray(batch["mask"])
    if not mask.any():
        return 0.0
    rows = mask.any(axis=1)
    high, low = (np.where(mask, time, -np.inf).max(1), np.where(mask, time, np.inf).min(1))
    return float((high - low)[rows].max())
