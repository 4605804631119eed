"""What a model must beat: predictions of hidden points by rules that need no training.

Each baseline maps a batch (time, magnitude, magnitude_error (B, L); visible, mask (B, L) bool) to predicted magnitudes
(B, L), from the visible points alone.
"""

from collections.abc import Callable

import numpy as np

LENGTH_SCALES = (0.02, 0.2, 2.0, 20.0, 200.0)
"""Days."""
SIGNAL_SHARES = (0.5, 0.8, 0.97)
"""Share of the visible variance that the process explains; the rest is noise beyond the quoted errors."""


def window_mean(batch: dict) -> np.ndarray:
    """The mean of the visible points."""
    weight = np.asarray(batch["visible"], np.float64)
    mean = (batch["magnitude"] * weight).sum(-1) / np.maximum(weight.sum(-1), 1)
    return np.broadcast_to(mean[:, None], batch["magnitude"].shape)


def linear_interpolation(batch: dict) -> np.ndarray:
    """Between the visible neighbours in time; constant beyond the first and last."""
    out = np.zeros(batch["magnitude"].shape)
    for i, visible in enumerate(np.asarray(batch["visible"])):
        if visible.any():
            time, magnitude = batch["time"][i], batch["magnitude"][i]
            out[i] = np.interp(time, time[visible], magnitude[visible])
    return out


def gaussian_process(batch: dict, rows_at_once: int = 64) -> np.ndarray:
    """Ornstein-Uhlenbeck process, its length scale and signal share chosen per window by marginal likelihood.

    Covariance f s^2 exp(-|dt|/l) plus noise (1 - f) s^2 + error^2, s^2 the variance of the visible points.
    """
    pieces = []
    for start in range(0, len(batch["time"]), rows_at_once):
        part = {k: np.asarray(batch[k])[start : start + rows_at_once] for k in ("time", "magnitude", "magnitude_error", "visible")}
        pieces.append(_gaussian_process(part))
    return np.concatenate(pieces)


def _gaussian_process(batch: dict) -> np.ndarray:
    visible = batch["visible"].astype(bool)
    time = batch["time"].astype(np.float64)
    mean = window_mean(batch)
    y = np.where(visible, batch["magnitude"] - mean, 0.0)
    count = np.maximum(visible.sum(-1), 1)
    variance = np.maximum((y**2).sum(-1) / count, 1e-6)[:, None, None]
    separation = np.abs(time[:, :, None] - time[:, None, :])
    both = visible[:, :, None] & visible[:, None, :]
    diagonal = np.eye(time.shape[1])
    errors = np.where(visible, batch["magnitude_error"], 0.0).astype(np.float64)
    best = np.full(len(time), -np.inf)
    out = mean.copy()
    for scale in LENGTH_SCALES:
        shape = np.exp(-separation / scale)
        for share in SIGNAL_SHARES:
            kernel = share * variance * shape
            noise = (1 - share) * variance[:, 0] + errors**2
            # Hidden and padded points become independent unit variables, which add nothing.
            matrix = np.where(both, kernel, 0.0) + diagonal * np.where(visible, noise, 1.0)[:, None, :]
            factor = np.linalg.cholesky(matrix)
            half = np.linalg.solve(factor, y[..., None])[..., 0]
            weights = np.linalg.solve(np.swapaxes(factor, 1, 2), half[..., None])[..., 0]
            logdet = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(-1)
            likelihood = -0.5 * (half**2).sum(-1) - logdet
            predicted = mean + np.einsum("bij,bj->bi", kernel * visible[:, None, :], weights)
            better = likelihood > best
            out[better], best[better] = predicted[better], likelihood[better]
    return out


BASELINES: dict[str, Callable[[dict], np.ndarray]] = {
    "window mean": window_mean,
    "linear interpolation": linear_interpolation,
    "Gaussian process": gaussian_process,
}
