"""Fourier fits of real stars of known period: what their light curves look like, in each band, as a small file.

    fits, unused = fits_of_curves(read_light_curves(["stars.parquet"]))
    write_fits(fits, "shapes.parquet")

A fit is the mean magnitude and H complex amplitudes at the star's period; no photometry is kept. Simulations draw shapes from
them (`real_shapes`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.sources import read_light_curves
from data_pipelines.sources.light_curve import RawLightCurve
from lcjax.errors import ConfigError, DataError
from lcjax.files import new_file

HARMONICS = 6
POINTS_EACH = 4
"""Least points for each free parameter of a fit."""
RIDGE = 1e-3
"""Penalty of squared amplitudes, in the weight of all points, times the square of the order: gaps in phase stay calm."""
SIGNIFICANT = 10.0
"""Least first amplitude, in its standard errors, of a shape that is worth drawing from."""
FORMAT = b"lcjax fourier fits 1"


@dataclass(frozen=True, eq=False)
class BandFit:
    """One star in one band."""

    band: str
    mean: float
    """mag."""
    amplitudes: np.ndarray
    """(H,) complex, mag: mean + Re sum_h amplitudes[h - 1] exp(2 pi i h (mjd / period))."""
    error: float
    """Standard error of an amplitude, mag."""
    points: int

    def curve(self, phase: np.ndarray) -> np.ndarray:
        """Magnitudes less the mean at phases (N,) in cycles."""
        wave = np.exp(2j * np.pi * np.asarray(phase))
        total = np.zeros_like(wave)
        for amplitude in self.amplitudes[::-1]:
            total = (total + amplitude) * wave
        return total.real


@dataclass(frozen=True, eq=False)
class StarFit:
    """One star: its bands share period and zero of phase, so that lags between them are kept."""

    object_id: str
    label: str
    period: float
    """Days."""
    bands: tuple[BandFit, ...]


def fit_harmonics(
    time: np.ndarray, value: np.ndarray, weight: np.ndarray, period: np.ndarray, harmonics: int = HARMONICS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted least squares of a constant and H harmonics of many stars at once.

    Args:
      time: (N, L) days. value: (N, L) mag. weight: (N, L) inverse variances, 0 where there is no point.
      period: (N,) days.

    Returns:
      means (N,); complex amplitudes (N, H) as in `BandFit`; standard errors of an amplitude by the scatter about the fit (N,). NaN
      where period or points do not do (fewer than `POINTS_EACH` a parameter).
    """
    free = 2 * harmonics + 1
    counts = np.count_nonzero(weight > 0, axis=1)
    fine = np.isfinite(period) & (counts >= POINTS_EACH * free)
    total = np.where(fine, weight.sum(1), 1.0)
    share = np.where(fine[:, None], weight, 0.0) / total[:, None]
    turn = 2 * np.pi * ((time / np.where(fine, period, 1.0)[:, None]) % 1.0)
    order = np.arange(1, harmonics + 1)
    angle = turn[..., None] * order
    design = np.concatenate([np.ones((*turn.shape, 1)), np.cos(angle), np.sin(angle)], axis=-1)
    weighted = design * share[..., None]
    penalty = RIDGE * np.concatenate([[1e-6], np.tile(order**2, 2)])
    normal = np.swapaxes(weighted, 1, 2) @ design + np.diag(penalty)
    middle = np.sum(share * value, axis=1)
    right = np.einsum("nlf,nl->nf", weighted, value - middle[:, None])
    found = np.linalg.solve(normal, right[..., None])[..., 0]
    rest = value - middle[:, None] - np.einsum("nlf,nf->nl", design, found)
    variance = np.sum(share * rest**2, axis=1) * counts / np.maximum(counts - free, 1)
    error = np.sqrt(2 * variance * np.sum(share**2, axis=1))
    amplitudes = found[:, 1 : harmonics + 1] - 1j * found[:, harmonics + 1 :]
    missing = np.where(fine, 0.0, np.nan)
    return middle + found[:, 0] + missing, amplitudes + missing[:, None], error + missing


def fit_star(curves: Sequence[RawLightCurve], harmonics: int = HARMONICS) -> StarFit | str:
    """The fit of one star, a curve for each band; or why there is none."""
    first = curves[0]
    period = first.metadata.get("period", np.nan)
    if not first.label:
        return "no class"
    if not (np.isfinite(period) and period > 0):
        return "no period"
    fits = []
    for curve in curves:
        error = np.where(curve.magnitude_error > 0, curve.magnitude_error, np.nan)
        good = np.isfinite(curve.mjd) & (np.abs(curve.magnitude) < 50) & np.isfinite(error)
        if not good.any():
            continue
        time, value, error = (part[good].astype(float) for part in (curve.mjd, curve.magnitude, error))
        # A point far from the others is none of the shape.
        middle = np.median(value)
        spread = 1.4826 * np.median(np.abs(value - middle)) + np.median(error)
        near = np.abs(value - middle) < 8 * spread
        weight = near / (error**2 + np.median(error) ** 2)
        mean, amplitudes, sigma = fit_harmonics(time[None], value[None], weight[None], np.array([period]), harmonics)
        if np.isfinite(mean[0]) and np.abs(amplitudes[0]).max() > SIGNIFICANT * sigma[0]:
            fits.append(BandFit(curve.band, float(mean[0]), amplitudes[0], float(sigma[0]), int(near.sum())))
    if not fits:
        return f"no band with {POINTS_EACH * (2 * harmonics + 1)} points and an amplitude of {SIGNIFICANT:g} standard errors"
    return StarFit(first.object_id, first.label, float(period), tuple(fits))


def fits_of_curves(curves: Iterable[RawLightCurve], harmonics: int = HARMONICS) -> tuple[list[StarFit], Counter[str]]:
    """Fits of all stars whose class and period are known, and how many others there are by reason."""
    fits, unused = [], Counter()
    for star in _by_star(curves):
        found = fit_star(star, harmonics)
        if isinstance(found, StarFit):
            fits.append(found)
        else:
            unused[found] += 1
    return fits, unused


def fits_of_files(
    paths: Sequence[Path], columns: ColumnNames, harmonics: int = HARMONICS
) -> tuple[list[StarFit], list[str]]:
    """Fits of all stars in files, and a sentence about each file and reason that others are not used for.

    Raises:
      ConfigError: a fit has no such number of harmonics. DataError: files that cannot be read at all.
    """
    if not 1 <= harmonics <= 20:
        raise ConfigError(f"--harmonics is {harmonics}: a fit has 1 to 20")
    bad_files: dict[str, str] = {}
    curves = read_light_curves(paths, columns, on_bad_file=lambda path, why: bad_files.setdefault(str(path), why))
    fits, unused = fits_of_curves(curves, harmonics)
    sentences = [f"{path} not used: {reason}" for path, reason in bad_files.items()]
    return fits, sentences + [f"{count:,} stars not used: {reason}" for reason, count in unused.items()]


def _by_star(curves: Iterable[RawLightCurve]) -> Iterator[list[RawLightCurve]]:
    """Bands of one star, which readers give one after the other."""
    star: list[RawLightCurve] = []
    for curve in curves:
        if star and curve.object_id != star[0].object_id:
            yield star
            star = []
        star.append(curve)
    if star:
        yield star


def write_fits(fits: Sequence[StarFit], path: Path | str) -> Counter[str]:
    """A Parquet file, one row for each star and band; how many stars of each class it has.

    Raises:
      DataError: there are none.
    """
    if not fits:
        raise DataError("no star could be fitted: light curves need a class, a period (d) and enough points in a band")
    rows = [(star, band) for star in fits for band in star.bands]
    table = pa.table(
        {
            "object_id": [star.object_id for star, _ in rows],
            "label": [star.label for star, _ in rows],
            "period": [star.period for star, _ in rows],
            "band": [band.band for _, band in rows],
            "mean": [band.mean for _, band in rows],
            "cosine": pa.array([band.amplitudes.real.tolist() for _, band in rows], pa.list_(pa.float64())),
            "sine": pa.array([(-band.amplitudes.imag).tolist() for _, band in rows], pa.list_(pa.float64())),
            "error": [band.error for _, band in rows],
            "points": [band.points for _, band in rows],
        }
    )
    with new_file(Path(path)) as temporary:
        pq.write_table(table.replace_schema_metadata({b"format": FORMAT}), temporary)
    return Counter(star.label for star in fits)


def holds_fits(path: Path | str) -> bool:
    """Whether a file is one of fits."""
    path = Path(path)
    if not (path.is_file() and path.suffix == ".parquet"):
        return False
    try:
        return (pq.read_schema(path).metadata or {}).get(b"format") == FORMAT
    except (pa.ArrowInvalid, OSError):
        return False


def read_fits(path: Path | str) -> list[StarFit]:
    """What `write_fits` wrote.

    Raises:
      DataError: another file, or a damaged one.
    """
    if not holds_fits(path):
        raise DataError(
            f"'{path}' is no file of Fourier fits: make one with 'lcjax data shapes STARS --out FITS.parquet'"
        )
    try:
        rows = pq.read_table(path).to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"'{path}' is damaged ({error}): make it again with 'lcjax data shapes'") from error
    stars: dict[str, list[dict]] = {}
    for row in rows:
        stars.setdefault(row["object_id"], []).append(row)
    found = []
    for name, bands in stars.items():
        fits = []
        for row in bands:
            amplitudes = np.array(row["cosine"]) - 1j * np.array(row["sine"])
            if not (len(amplitudes) and np.all(np.isfinite(amplitudes)) and row["period"] > 0):
                raise DataError(
                    f"'{path}' holds no fit of star {name} in band '{row['band']}': make it again with 'lcjax data shapes'"
                )
            fits.append(BandFit(row["band"], row["mean"], amplitudes, row["error"], row["points"]))
        found.append(StarFit(name, bands[0]["label"], bands[0]["period"], tuple(fits)))
    return found
