"""Losses as pure functions. Those that sum over rows take `axis`, as the functions of `lcjax.global_batch`."""

from lcjax.global_batch import (
    global_any,
    global_gather,
    global_mean,
    global_mean_of_rows,
    global_sum,
    row_numbers,
)
from lcjax.losses.classification import cross_entropy, entropy, entropy_regularised, focal_factor, label_weight
from lcjax.losses.contrastive import contrastive_loss, effective_rank, pair_logits, partner_found, unit_length
from lcjax.losses.distillation import distillation_loss, moved_teacher
from lcjax.losses.recognition import recognition_loss
from lcjax.losses.reconstruction import (
    error_weights,
    gaussian_nll,
    huber_errors,
    r2_score,
    r2_sums,
    reconstruction_loss,
    student_nll,
    window_errors,
)

__all__ = [
    "contrastive_loss",
    "cross_entropy",
    "distillation_loss",
    "effective_rank",
    "entropy",
    "entropy_regularised",
    "error_weights",
    "focal_factor",
    "gaussian_nll",
    "global_any",
    "global_gather",
    "global_mean",
    "global_mean_of_rows",
    "global_sum",
    "huber_errors",
    "label_weight",
    "moved_teacher",
    "pair_logits",
    "partner_found",
    "r2_score",
    "r2_sums",
    "recognition_loss",
    "reconstruction_loss",
    "row_numbers",
    "student_nll",
    "unit_length",
    "window_errors",
]
