"""What a model must beat: predictions of hidden points by rules that need no training.

Each baseline maps a batch (time, magnitude, magnitude_error (B, L); visible, mask (B, L) bool) to predicted magnitudes
(B, L), from the visible points alone.
"""

from collections.abc import Callable

import numpy as np

from lcjax.errors import ConfigError
from lcjax.evaluation.harmonic_fit import fit_windows

LENGTH_SCALES = (0.01, 0.05, 0.2, 1.0, 4.0, 15.0, 50.0, 150.0, 500.0, 2000.0)
"""Days."""
SIGNAL_SHARES = (0.1, 0.3, 0.6, 0.85, 0.97)
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


def gaussian_process(batch: dict) -> np.ndarray:
    """Ornstein-Uhlenbeck process, its length scale and signal share chosen per window by marginal likelihood.

    Covariance f s^2 exp(-|dt|/l) plus noise (1 - f) s^2 + error^2, s^2 the variance of the visible points. The process
    is Markov, so a Kalman filter and smoother over the points (ascending in time) give the exact posterior mean in
    O(L), for all windows and all hyperparameters at once (Foreman-Mackey et al. 2017 for the idea).
    """
    mask = np.asarray(batch["mask"], bool)
    visible = np.asarray(batch["visible"], bool) & mask
    mean = window_mean(batch).astype(np.float64)
    y = np.where(visible, batch["magnitude"] - mean, 0.0)
    variance = np.maximum((y**2).sum(-1) / np.maximum(visible.sum(-1), 1), 1e-6)
    squared_error = np.where(visible, batch["magnitude_error"], 0.0).astype(np.float64) ** 2
    time = np.asarray(batch["time"], np.float64)
    steps = np.where(mask[:, 1:], np.diff(time, axis=-1), 0.0)
    steps = np.concatenate([np.zeros((len(time), 1)), np.maximum(steps, 0.0)], axis=-1)
    best = np.full(len(time), -np.inf)
    out = mean.copy()
    shares = np.array(SIGNAL_SHARES)
    signal = shares * variance[:, None]
    for scale in LENGTH_SCALES:
        likelihood, smoothed = _smooth(
            np.exp(-steps / scale), y, visible, signal, variance[:, None] - signal, squared_error
        )
        share = likelihood.argmax(-1)
        rows = np.arange(len(time))
        better = likelihood[rows, share] > best
        best = np.where(better, likelihood[rows, share], best)
        out = np.where(better[:, None], mean + smoothed[rows, :, share], out)
    return out


def _smooth(
    decay: np.ndarray,
    y: np.ndarray,
    visible: np.ndarray,
    signal: np.ndarray,
    extra: np.ndarray,
    squared_error: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Kalman filter and Rauch-Tung-Striebel smoother of a stationary AR(1) state.

    Args:
      decay, y, visible, squared_error: (B, L). signal, extra: (B, G) variances of the state and of white noise.

    Returns:
      log likelihoods up to a constant (B, G) and smoothed states (B, L, G).
    """
    length = y.shape[1]
    state, spread = np.zeros_like(signal), signal.copy()
    likelihood = np.zeros_like(signal)
    filtered, spreads, ahead, ahead_spreads = [], [], [], []
    for i in range(length):
        a = decay[:, i, None]
        state, spread = a * state, a**2 * spread + (1 - a**2) * signal
        ahead.append(state)
        ahead_spreads.append(spread)
        seen = visible[:, i, None]
        total = spread + extra + squared_error[:, i, None] + 1e-10
        surprise = y[:, i, None] - state
        gain = np.where(seen, spread / total, 0.0)
        likelihood -= np.where(seen, 0.5 * (np.log(total) + surprise**2 / total), 0.0)
        state, spread = state + gain * surprise, (1 - gain) * spread
        filtered.append(state)
        spreads.append(spread)
    smoothed = [filtered[-1]]
    for i in range(length - 2, -1, -1):
        back = spreads[i] * decay[:, i + 1, None] / np.maximum(ahead_spreads[i + 1], 1e-12)
        smoothed.append(filtered[i] + back * (smoothed[-1] - ahead[i + 1]))
    return likelihood, np.stack(smoothed[::-1], axis=1)


def periodogram(batch: dict) -> np.ndarray:
    """A harmonic fit at the best period of the visible points (see `lcjax.evaluation.harmonic_fit`)."""
    visible = np.asarray(batch["visible"], bool) & np.asarray(batch["mask"], bool)
    columns = [np.asarray(batch[name]) for name in ("time", "magnitude", "magnitude_error")]
    fits = fit_windows([tuple(column[i][seen] for column in columns) for i, seen in enumerate(visible)])
    return np.stack([fit(time) for fit, time in zip(fits, columns[0], strict=True)])


BASELINES: dict[str, Callable[[dict], np.ndarray]] = {
    "window mean": window_mean,
    "linear interpolation": linear_interpolation,
    "Gaussian process": gaussian_process,
    "periodogram": periodogram,
}
"""Name in tables -> rule."""


def baseline(name: str, batch: dict) -> np.ndarray:
    """Predictions (B, L), mag, of the rule `name`, from the visible points of each window alone.

    Raises:
      ConfigError: no such rule.
    """
    if name not in BASELINES:
        raise ConfigError(f"No baseline is called '{name}': choose from {', '.join(BASELINES)}.")
    return BASELINES[name](batch)
