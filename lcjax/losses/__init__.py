"""Losses as pure functions. Sums that cross rows go through `global_sum`, so they also cross the devices of a pmap."""

from lcjax.losses.classification import cross_entropy, entropy, entropy_regularised, focal_factor, label_weight
from lcjax.losses.reconstruction import (
    error_weights,
    gaussian_nll,
    huber_errors,
    r2_score,
    r2_sums,
    reconstruction_loss,
    window_errors,
)
from lcjax.losses.reduce import DATA_AXIS, global_any, global_mean, global_mean_of_rows, global_sum

__all__ = [
    "DATA_AXIS",
    "cross_entropy",
    "entropy",
    "entropy_regularised",
    "error_weights",
    "focal_factor",
    "gaussian_nll",
    "global_any",
    "global_mean",
    "global_mean_of_rows",
    "global_sum",
    "huber_errors",
    "label_weight",
    "r2_score",
    "r2_sums",
    "reconstruction_loss",
    "window_errors",
]
