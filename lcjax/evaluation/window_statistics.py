"""What a survey looks like, window by window: counts, cadence, magnitudes, errors. The values behind the histograms."""

import numpy as np

QUANTITIES = (
    "points in window",
    "median step (d)",
    "longest gap (d)",
    "median magnitude",
    "median error (mag)",
    "scatter over error",
)


def window_statistics(batch: dict) -> dict[str, np.ndarray]:
    """Statistics of the windows of a batch, by the names of `QUANTITIES`.

    Args:
      batch: host arrays `time` (ascending, days), `magnitude`, `magnitude_error` (B, L), `length` (B,) and optionally
        `weight` (B,); rows of weight 0 and rows without points are left out.

    Returns:
      name -> (rows,) float64; steps are NaN for windows of one point.

    >>> one = {"time": np.array([[0.0, 1.0, 4.0]]), "magnitude": np.full((1, 3), 12.0),
    ...        "magnitude_error": np.full((1, 3), 0.1), "length": np.array([3])}
    >>> {name: float(value[0]) for name, value in window_statistics(one).items()}["longest gap (d)"]
    3.0
    """
    rows = []
    real = np.asarray(batch["length"]) > 0
    if "weight" in batch:
        real &= np.asarray(batch["weight"]) > 0
    for i in np.flatnonzero(real):
        n = int(batch["length"][i])
        steps = np.diff(np.asarray(batch["time"][i, :n], np.float64))
        magnitude, error = batch["magnitude"][i, :n], float(np.median(batch["magnitude_error"][i, :n]))
        middle, longest = (np.median(steps), steps.max()) if n > 1 else (np.nan, np.nan)
        scatter = float(np.std(magnitude)) / error if error > 0 else np.nan
        rows.append((n, middle, longest, np.median(magnitude), error, scatter))
    columns = np.array(rows, np.float64).reshape(-1, len(QUANTITIES)).T
    return dict(zip(QUANTITIES, columns, strict=True))


def join(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The statistics of several batches, in order."""
    return {name: np.concatenate([part[name] for part in parts]) if parts else np.zeros(0) for name in QUANTITIES}
