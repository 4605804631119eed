"""Arrays of shapes that do not go together are refused where they come in, before anything is computed from them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.models.activity import live_units
from lcjax.models.astrom3_config import PhotometryConfig
from lcjax.models.avda import Avda
from lcjax.models.avda_config import AvdaConfig
from lcjax.models.band_part import BandPart
from lcjax.models.batch_norm import BatchNorm
from lcjax.models.dense_photometry import DensePhotometry
from lcjax.models.domain_classifier import DomainClassifier
from lcjax.models.encoder_module import CurveModule
from lcjax.models.image_networks import ImageNetwork
from lcjax.models.image_networks_config import ImageNetworkConfig
from lcjax.models.light_curve_head_config import HeadConfig
from lcjax.models.light_curve_heads import gaps_and_spreads, head_inputs, standardised_over_time
from lcjax.models.multimodal import fused
from lcjax.models.recognition import Recognition
from lcjax.models.recurrence import gated_recurrence
from lcjax.transforms import bands, feature_scaling, flux_rings, log_bins, stamps, windows
from lcjax.transforms.aliases import aliases
from lcjax.transforms.band_views import BAND_NUMBERS, BandViews, band_numbers
from lcjax.transforms.catalogue import catalogue_features
from lcjax.transforms.folding import FoldedCurves, fold
from lcjax.transforms.frequency_grid import Frequency, FrequencyGrid
from lcjax.transforms.peaks import PeakSearch, scores
from lcjax.transforms.periodogram import prepare

B, L, D, S = 3, 8, 4, 2
GRID = FrequencyGrid(highest=1.0, span=100.0, bins=4)
VECTORS = ImageNetworkConfig(vector_widths=(4,), head=(D,), dropout_before=())
AVDA = Avda(VECTORS, AvdaConfig(dimensions=D, decoder=(), discriminator=()), 2, (6,))
PHOTOMETRY = DensePhotometry(PhotometryConfig(channels=2, width=8, num_heads=2, layers=1, hidden=8))
TWO = Frequency(np.array([1, 2], np.int32), np.zeros(2, np.float32))
HEAD = HeadConfig("avg_mlp")


def x(*shape):
    return np.ones(shape, np.float32)


def yes(*shape):
    return np.ones(shape, bool)


def band(*shape):
    return np.zeros(shape, np.int32)


def curves(rows=B):
    return {"time": x(rows, L), "magnitude": x(rows, L), "magnitude_error": x(rows, L), "mask": yes(rows, L)}


def star():
    """One star as periodograms have it."""
    batch = curves(1) | {"time": np.arange(L, dtype=np.float32)[None]}
    return jax.tree.map(lambda leaf: leaf[0], prepare(batch, GRID))


def in_bands(batch, waves):
    return band_numbers(batch, prepare(batch, GRID, bands=S), waves)


def initial(module, method="__call__"):
    return lambda *arrays: module.init(jax.random.key(0), *arrays, method=method)


def encoded(variables, batch, key, axis):
    return {"layers": (batch["time"][..., None],), "mask": batch["mask"]}


def of_bands(numbers):
    folded = FoldedCurves(*[x(B, 2, 2, S, 5)] * 3)
    return BandViews(folded, x(B, S, numbers))


CURVE = CurveModule(encoded, lambda key, batch: {"params": {}})
ROWS_OF_BANDS = curves() | {"band": band(B, L)}
CASES = {
    "aliases": (aliases, (TWO, TWO), (Frequency(x(2, 1), x(2, 1)), TWO)),
    "band_means": (lambda *a: bands.band_means(*a, S), (x(B, L), x(B, L), band(B, L)), (x(B, L), x(B, L), band(L))),
    "band_centres": (lambda *a: bands.band_centres(*a, S), (x(B, L), yes(B, L), band(B, L)), (x(L), yes(L), band(L))),
    "within_slots": (
        lambda a, b: bands.within_slots({"mask": a, "band": b}, S),
        (yes(B, L), band(B, L)),
        (yes(B, L), band(B)),
    ),
    "fitted_amplitudes": (
        lambda wave: bands.fitted_amplitudes(star()._replace(band=band(L), amplitude=x(S)), wave, S),
        (x(L),),
        (x(1, L),),
    ),
    "band_numbers": (in_bands, (ROWS_OF_BANDS, x(B, S, 3)), (ROWS_OF_BANDS, x(B, S, 2))),
    "catalogue_features": (lambda a: catalogue_features(a, ("l", "b")), (x(B, 2),), (x(B, 3),)),
    "fit_quantiles": (feature_scaling.fit_quantiles, (x(B, D),), (x(D),)),
    "rank_scaled": (feature_scaling.rank_scaled, (x(B, D), x(5, D)), (x(B, D), x(5, 1))),
    "range_scaled": (feature_scaling.range_scaled, (x(B, D), x(4, D)), (x(B, D), x(D, 5))),
    "range_scaled_as_published": (
        lambda a: feature_scaling.range_scaled_as_published(a, ("A",), {"A": feature_scaling.FeatureRange(0, 1)}),
        (x(B, 1),),
        (x(B, 2),),
    ),
    "flux_levels": (flux_rings.flux_levels, (x(B, 9, 9, 3),), (x(9, 9),)),
    "decode": (
        flux_rings.decode,
        (flux_rings.Rings(x(208, 3), x(208, 3)),),
        (flux_rings.Rings(x(208, 3), x(208, 1)),),
    ),
    "pack": (lambda a: flux_rings.pack(a, 4, 1), (x(9, 9, 3),), (x(1, 9, 9, 3),)),
    "fold": (lambda f: fold(star(), f), (TWO,), (Frequency(x(2, 1), x(2, 1)),)),
    "turns": (GRID.turns, (x(B, L), yes(B, L)), (x(B, L), yes(L))),
    "full_power": (log_bins.full_power, [x(5)] * 6, [x(5)] * 5 + [x(1)]),
    "quick_power": (
        lambda a: log_bins.quick_power(a, GRID),
        (star(),),
        (jax.tree.map(lambda leaf: leaf[None], star()),),
    ),
    "highest": (lambda a: log_bins.highest(jnp.asarray(a), np.array([0]), np.array([2])), (x(5),), (x(5, 2),)),
    "scores": (lambda f: scores(star(), f, PeakSearch()), (TWO,), (Frequency(x(2, 1), x(2, 1)),)),
    "crop_center": (lambda a: stamps.crop_center(a, 5), (x(9, 9, 3),), (x(9, 9),)),
    "minmax": (stamps.minmax, (x(9, 9, 3),), (x(9, 9),)),
    "published_windows": (lambda a: windows.published_windows(a, 4), (x(L, 3),), (x(L),)),
    "window_edges": (lambda a: windows.window_edges(a, L, 4, "sequential"), (band(B),), (band(B, 1),)),
    "live_units": (lambda w: live_units({"conv_1_out": (x(B, 5),)}, w), (x(B),), (x(B, 1),)),
    "decode of AVDA": (initial(AVDA, lambda m, z: m.decode(z, True)), (x(B, D),), (x(B, D + 1),)),
    "discriminate": (initial(AVDA, "discriminate"), (x(B, D),), (x(B, 1, D),)),
    "BandPart": (
        initial(BandPart(4, 4)),
        (of_bands(len(BAND_NUMBERS)), x(B)),
        (of_bands(len(BAND_NUMBERS)), x(B, 1)),
    ),
    "BandPart, numbers": (initial(BandPart(4, 4)), (of_bands(len(BAND_NUMBERS)), x(B)), (of_bands(3), x(B))),
    "BatchNorm": (
        lambda a, w: initial(BatchNorm())(a, False, None, w),
        (x(B, 5, D), x(B)),
        (x(B, 5, D), x(5)),
    ),
    "DensePhotometry": (
        initial(PHOTOMETRY),
        ({"values": x(B, L, 2), "mask": yes(B, L), "time": x(B, L)},),
        ({"values": x(B, L, 2), "mask": yes(B, L), "time": x(B, 1)},),
    ),
    "DensePhotometry, mask": (
        initial(PHOTOMETRY),
        ({"values": x(B, L, 2), "mask": yes(B, L), "time": x(B, L)},),
        ({"values": x(B, L, 2), "mask": x(B, L), "time": x(B, L)},),
    ),
    "DomainClassifier": (initial(DomainClassifier(VECTORS, 2), "classify"), (x(B, D),), (x(B, 1, D),)),
    "ImageNetwork": (initial(ImageNetwork(VECTORS)), ({"image": x(B, 6)},), ({"image": x(B, 6, 6)},)),
    "CurveModule": (
        initial(CURVE),
        ({"windows": curves(), "scalars": x(B, 2)},),
        ({"windows": curves(), "scalars": x(B)},),
    ),
    "head_inputs": (lambda *a: head_inputs(HEAD, *a), ([x(B, L, D)], yes(B, L)), ([x(B, L, D)], yes(B, 1))),
    "head_inputs, mask": (lambda *a: head_inputs(HEAD, *a), ([x(B, L, D)], yes(B, L)), ([x(B, L, D)], x(B, L))),
    "gaps_and_spreads": (gaps_and_spreads, (curves(),), (curves() | {"magnitude_error": x(B, 1)},)),
    "standardised_over_time": (standardised_over_time, (x(B, L, D), yes(B, L)), (x(B, L, D), yes(B, L, 1))),
    "fused": (
        lambda a, b: fused({"p": x(B, D), "s": a}, {"p": yes(B), "s": b}, "avg"),
        (x(B, D), yes(B)),
        (x(B, 1), yes(B)),
    ),
    "Recognition": (initial(Recognition(2)), (x(B, D),), (x(B, 1, D),)),
    "gated_recurrence": (
        gated_recurrence,
        (x(B, L, D), yes(B, L), x(D, 6), x(2, 6), x(2, 6)),
        (x(B, L, D), yes(B, L), x(D, 6), x(2, 6), x(6)),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_goes_together_passes_and_what_does_not_is_refused(case):
    function, good, bad = CASES[case]
    on_the_host = case == "pack"  # which computes; the others are traced at most
    run = lambda given: function(*given) if on_the_host else jax.eval_shape(lambda: (function(*given), None)[1])
    run(good)
    with pytest.raises(AssertionError, match="Chex"):
        run(bad)
