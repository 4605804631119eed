"""Jitted preprocessing: windows, masking, scaling and time encodings. Arrays in, arrays out."""

from lcjax.transforms.masking import MaskDraw, apply_masks, draw_masks, mask_for_pretraining
from lcjax.transforms.positional import encode_time, log_period_frequencies, published_frequencies
from lcjax.transforms.scaling import masked_mean, scale_window, standardize
from lcjax.transforms.windows import published_starts, published_windows, sequential_edges

__all__ = [
    "MaskDraw",
    "apply_masks",
    "draw_masks",
    "encode_time",
    "log_period_frequencies",
    "mask_for_pretraining",
    "masked_mean",
    "published_frequencies",
    "published_starts",
    "published_windows",
    "scale_window",
    "sequential_edges",
    "standardize",
]
