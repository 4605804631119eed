"""Labelling bias of variable stars: do the labels of eclipsing binaries depend on the signal to noise of their light curves?"""

from pathlib import Path

import jax
import numpy as np
import pyarrow.parquet as parquet

from lcjax.errors import DataError
from lcjax.evaluation.label_bias_catalogue import Bins, build_catalogue
from lcjax.evaluation.label_bias_draws import bootstrap_bias, permutation_test
from lcjax.evaluation.label_bias_scores import bias_scores
from lcjax.evaluation.scores import Scores
from lcjax.transforms.frequency_grid import FrequencyGrid
from lcjax.transforms.periodogram import lomb_scargle

BINARIES = ("EC", "ESD", "ED", "ECL_CLOSE")
"""Contact, semi-detached, detached, and close of unresolved type."""
COLUMNS = ("log_period", "amplitude", "signal_to_noise", "points")
POINTS = 512
"""Of a star, at most, that its period is searched with."""
BINS = Bins(4, 4, (False, False))
_GRID = FrequencyGrid(span=3000.0, lowest=0.05, highest=10.0, oversampling=1.0)


def catalogue_of(path: Path, classes: tuple[str, ...] = BINARIES, grid: FrequencyGrid = _GRID) -> dict[str, np.ndarray]:
    """`COLUMNS` and `label` of the stars of some classes.

    Amplitude: 5 to 95 % of the magnitudes, less what errors add to it in squares; its ratio to the mean error of a point is the
    signal to noise. Period: of the highest peak of the periodogram, which for binaries is half the orbit.

    Raises:
      DataError: there are no such stars.
    """
    table = parquet.read_table(path, columns=["label", "time", "mag", "err"])
    rows = [row for row in table.to_pylist() if row["label"] in classes]
    if not rows:
        raise DataError(f"'{path}' has no stars of {', '.join(classes)}")
    power = jax.jit(lambda batch: lomb_scargle(batch, grid).power.argmax(-1))
    out: dict[str, list] = {name: [] for name in ("label", *COLUMNS)}
    for begin in range(0, len(rows), 64):
        some = rows[begin : begin + 64]
        peak = np.asarray(power(_padded(some, 64)))[: len(some)]
        for row, place in zip(some, peak, strict=True):
            magnitude, error = np.asarray(row["mag"], float), np.asarray(row["err"], float)
            low, high = np.percentile(magnitude, [5, 95])
            noise = float(np.sqrt(np.mean(error**2)))
            amplitude = np.sqrt(max((high - low) ** 2 - (2 * 1.645 * noise) ** 2, 1e-4))
            out["label"].append(row["label"])
            values = (-np.log10(max(place, 1) * grid.spacing), amplitude, amplitude / noise, len(magnitude))
            for name, value in zip(COLUMNS, values, strict=True):
                out[name].append(value)
    return {name: np.array(values) for name, values in out.items()}


def _padded(rows: list[dict], size: int) -> dict[str, np.ndarray]:
    batch = {name: np.zeros((size, POINTS), np.float32) for name in ("time", "magnitude", "magnitude_error")}
    batch |= {"magnitude_error": np.ones((size, POINTS), np.float32), "mask": np.zeros((size, POINTS), bool)}
    for i, row in enumerate(rows):
        time = np.asarray(row["time"], float)
        keep = np.unique(np.linspace(0, len(time) - 1, min(len(time), POINTS)).round().astype(int))
        n = len(keep)
        batch["time"][i, :n] = (time - time[0])[keep]
        batch["magnitude"][i, :n] = np.asarray(row["mag"])[keep]
        batch["magnitude_error"][i, :n] = np.asarray(row["err"])[keep]
        batch["mask"][i, :n] = True
    return batch


def scores_of(table: dict[str, np.ndarray], bins: Bins = BINS) -> Scores:
    """Everything that `lcjax label-bias` says of the catalogue."""
    properties = np.stack([table[name] for name in COLUMNS], axis=1)
    catalogue = build_catalogue(properties[:, :2], properties[:, 2:], table["label"], names=COLUMNS)
    return bias_scores(catalogue, bins, bootstrap_bias(catalogue, bins), permutation_test(catalogue, bins), "stars")


def starlight(path: Path) -> list[dict]:
    """Rows of the benchmark: bias of all, of each observable, of each class."""
    found = scores_of(catalogue_of(path)).values["scores"]
    return [
        {
            "of": row["of"],
            "L": row["bias"]["value"],
            "floor": row["floor"],
            "above the floor": row["above_floor"]["value"],
            "its 95 %": f"{row['above_floor']['low']:.3f}-{row['above_floor']['high']:.3f}",
            "p": row["p_value"],
        }
        for row in found
    ]
