"""Jitted preprocessing: windows, masking, scaling, time encodings, periods, stamps. Arrays in, arrays out."""

from lcjax.transforms.asinh_magnitudes import asinh_magnitudes
from lcjax.transforms.delight import block_median_pyramid, delight_stack, network_input, recentre
from lcjax.transforms.dihedral import copies, copies_as_rows
from lcjax.transforms.folding import FoldedCurves, fold
from lcjax.transforms.frequency_grid import Frequency, FrequencyGrid, split_time
from lcjax.transforms.masking import MaskDraw, apply_masks, draw_masks, mask_for_pretraining
from lcjax.transforms.multiscale import (
    fourier_amplitude,
    mean_levels,
    normalize_stamps,
    sky_vector,
    stack_levels,
    stamp_view,
)
from lcjax.transforms.peaks import Candidates, PeakSearch
from lcjax.transforms.periodogram import Periodogram, lomb_scargle, normalize_power
from lcjax.transforms.positional import encode_time, log_period_frequencies, published_frequencies
from lcjax.transforms.scaling import masked_mean, scale_window, standardize
from lcjax.transforms.stamp_features import clip_features, ecliptic, galactic, network_features, raw_features
from lcjax.transforms.stamps import crop_center, minmax, prepare_stamps
from lcjax.transforms.views import Views, light_curve_views
from lcjax.transforms.windows import published_starts, published_windows, sequential_edges

__all__ = [
    "Candidates",
    "FoldedCurves",
    "Frequency",
    "FrequencyGrid",
    "MaskDraw",
    "PeakSearch",
    "Periodogram",
    "Views",
    "apply_masks",
    "asinh_magnitudes",
    "block_median_pyramid",
    "clip_features",
    "copies",
    "copies_as_rows",
    "crop_center",
    "delight_stack",
    "draw_masks",
    "ecliptic",
    "encode_time",
    "fold",
    "fourier_amplitude",
    "galactic",
    "light_curve_views",
    "log_period_frequencies",
    "lomb_scargle",
    "mask_for_pretraining",
    "masked_mean",
    "mean_levels",
    "minmax",
    "network_features",
    "network_input",
    "normalize_power",
    "normalize_stamps",
    "prepare_stamps",
    "published_frequencies",
    "published_starts",
    "published_windows",
    "raw_features",
    "recentre",
    "scale_window",
    "sequential_edges",
    "sky_vector",
    "split_time",
    "stack_levels",
    "stamp_view",
    "standardize",
]
