"""Views of parts of stars: what the network is shown, from visible points alone."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from lcjax.global_batch import rows_of
from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.transforms.band_views import BandViews
from lcjax.transforms.folding import FoldedCurves
from lcjax.transforms.frequency_grid import Frequency, FrequencyGrid
from lcjax.transforms.peaks import Candidates, PeakSearch
from lcjax.transforms.views import Views, light_curve_views
from lcjax.typing import Array, Axis

SERIES = ("time", "magnitude", "magnitude_error", "mask")


def points_of(batch: Mapping[str, Any]) -> dict[str, Any]:
    """The series of a batch: `SERIES`, and the slots of bands (B, L) where there are several, not the names of bands (B,)."""
    bands = ("band",) if "band" in batch and batch["band"].ndim == 2 else ()
    return {name: batch[name] for name in (*SERIES, *bands)}


def grid_of(experiment: BaseEncoderExperiment) -> FrequencyGrid:
    """The frequencies of an experiment."""
    views, encoder = experiment.views, experiment.model.encoder
    return FrequencyGrid(views.highest, views.lowest, views.span, views.oversampling, encoder.periodogram_bins)


def views_of(experiment: BaseEncoderExperiment) -> Callable[[dict], Views]:
    """(raw windows, with `visible` where not all points are shown) -> views.

    Bands are told apart where the encoder does and points have a `band`; a curve without is of one.
    """
    settings, encoder = experiment.views, experiment.model.encoder
    search = PeakSearch(encoder.candidates, settings.peaks, settings.harmonics)
    one = functools.partial(
        light_curve_views,
        grid=grid_of(experiment),
        search=search,
        jitter=settings.jitter,
        phase_bins=encoder.phase_bins,
    )
    return lambda batch: one(batch, bands=encoder.bands if "band" in batch else 1, at_once=at_once())


def at_once() -> int:
    """Stars whose views are computed at the same time: what a CPU's vectors and caches like, or what fills an accelerator."""
    return 8 if jax.default_backend() == "cpu" else 512


def packed(views: Views) -> dict[str, Array]:
    """Views as named arrays, pictures in half precision: what is kept of parts that are prepared."""
    half = lambda values: jnp.clip(values, -6e4, 6e4).astype(jnp.float16)
    found = views.candidates
    bands = {}
    if views.bands is not None:
        bands = {f"bands_{name}": half(value) for name, value in views.bands.folded._asdict().items()}
        bands["bands_numbers"] = views.bands.numbers
    return {
        **bands,
        "periodogram": half(views.periodogram),
        **{name: half(value) for name, value in views.folded._asdict().items()},
        "scalars": views.scalars,
        "index": found.frequency.index,
        "offset": found.frequency.offset,
        **{name: getattr(found, name) for name in Candidates._fields[1:]},
    }


def unpacked(arrays: dict[str, Array], grid: FrequencyGrid) -> Views:
    """Named arrays as views again."""
    place = Frequency(arrays["index"], arrays["offset"])
    single = lambda name: arrays[name].astype(jnp.float32)
    bands = None
    if "bands_numbers" in arrays:
        folded = FoldedCurves(*(single(f"bands_{name}") for name in FoldedCurves._fields))
        bands = BandViews(folded, arrays["bands_numbers"])
    return Views(
        single("periodogram"),
        FoldedCurves(*(single(name) for name in FoldedCurves._fields)),
        arrays["scalars"],
        jnp.where(arrays["valid"], grid.value(place), 0.0),
        Candidates(place, *(arrays[name] for name in Candidates._fields[1:])),
        bands,
    )


def first_part(key: Array, batch: dict, shares: tuple[float, ...], axis: Axis = None) -> Array:
    """(B, L) bool, the points of each star's first part: a random share, one of `shares` drawn for each star.

    Args:
      key: typed; a row depends on it and on its number in the global batch alone.
    """
    mask = batch["mask"]
    keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(rows_of(batch, mask.shape[0], axis))

    def one(key: Array, mask: Array) -> Array:
        which, order = jax.random.split(key)
        share = jax.random.choice(which, jnp.array(shares))
        score = jnp.where(mask, jax.random.uniform(order, mask.shape), jnp.inf)
        rank = jnp.argsort(jnp.argsort(score))
        return mask & (rank < jnp.maximum(jnp.round(share * jnp.sum(mask)), 1))

    return jax.vmap(one)(keys, mask)
