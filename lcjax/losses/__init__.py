"""Losses as pure functions. Sums that cross rows go through `global_sum`, so they also cross the devices of a pmap."""

from lcjax.losses.reconstruction import (
    error_weights,
    gaussian_nll,
    huber_errors,
    r2_score,
    r2_sums,
    reconstruction_loss,
    window_errors,
)
from lcjax.losses.reduce import DATA_AXIS, global_mean, global_sum

__all__ = [
    "DATA_AXIS",
    "error_weights",
    "gaussian_nll",
    "global_mean",
    "global_sum",
    "huber_errors",
    "r2_score",
    "r2_sums",
    "reconstruction_loss",
    "window_errors",
]
