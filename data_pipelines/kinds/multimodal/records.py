"""Records of objects with several modalities: a light curve, a spectrum, catalogue numbers, stamps and an image of the host, any of
which may be missing.

A light curve that is not there has no points, a spectrum no samples, numbers are NaN. `standardised` says that the numbers are
standardised already, as those of the published processed dataset. `flux_mean` is NaN where only normalised fluxes are known, and
`spectrum_start` and `spectrum_step` (Angstrom) where nobody tells the grid. Images are in the numbers of their files, (H, W, C), missing
pixels NaN; `<image>_full_scale` is the largest number that the file could hold, NaN of fluxes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from data_pipelines.kinds.images.records import full_scale
from data_pipelines.kinds.multimodal.images import IMAGES, ObjectImage
from data_pipelines.kinds.multimodal.preprocessing import GRID, grid_points, normalised_curve, normalised_spectrum
from data_pipelines.shards.layout import Record, RecordLayout
from lcjax.errors import DataError, Rejection

_SIDES = ("height", "width", "channels")


class MultimodalLayout(RecordLayout):
    """Reads records from before there were images, too."""

    def decode(self, features: Mapping[str, Any], class_names: Sequence[str] | None = None) -> Record:
        """As `RecordLayout.decode`."""
        absent: dict[str, Any] = {name: b"" for name in self.series if name in IMAGES}
        absent |= {side: 0 for name in absent for side in self.series[name]}
        absent |= {f"{name}_full_scale": np.nan for name in IMAGES}
        return super().decode({**absent, **features}, class_names)


def layout_with(images: Sequence[str]) -> MultimodalLayout:
    """The records with these images."""
    return MultimodalLayout(
        "multimodal",
        series={
            **dict.fromkeys(("time", "flux", "flux_error"), ("length",)),
            **dict.fromkeys(("spectrum", "spectrum_error"), ("spectrum_length",)),
            **{name: tuple(f"{name}_{side}" for side in _SIDES) for name in images},
        },
        exact=("ra", "dec", "reference_time"),
        floats=(
            *("log_spread", "flux_mean", "years", "spectrum_log_spread", "spectrum_start", "spectrum_step"),
            *(f"{name}_full_scale" for name in images),
        ),
        integers=("standardised",),
        metadata=True,
        texts=tuple(f"{name}_channel_names" for name in images),
    )


MULTIMODAL = layout_with(IMAGES)
"""Series as `preprocessing` makes them."""
NO_CURVE = np.zeros((0, 3))


def encode_object(
    object_id: str,
    curve: np.ndarray | None,
    spectrum: np.ndarray | None,
    numbers: Mapping[str, float],
    label: str | None = None,
    grid: tuple[float, float, float] = GRID,
    origin: str = "",
    images: Mapping[str, ObjectImage] | None = None,
    **values: object,
) -> tuple[Record | None, list[Rejection]]:
    """The record of an object, and what of it is left out and why; None where nothing is left.

    Args:
      curve: (M, 3) time (days), flux, flux error. spectrum: (M, 3) wavelength, flux, third column.
      numbers: columns of the catalogue, NaN where missing. images: of `IMAGES`, those that there are. values: `ra`, `dec`, `band`.
    """
    ready: dict[str, object] = {"standardised": 0, "log_spread": 0.0, "years": 0.0, "spectrum_log_spread": 0.0}
    ready |= dict.fromkeys(("time", "flux", "flux_error"), np.zeros(0))
    faults: list[Rejection] = []
    if curve is not None and len(curve):
        try:
            found = normalised_curve(curve)
            ready |= {"time": found.time, "flux": found.flux, "flux_error": found.flux_error, "years": found.years}
            ready |= {"log_spread": found.log_spread, "flux_mean": found.mean, "reference_time": found.first_time}
        except DataError as error:
            faults.append(Rejection(object_id, f"light curve left out: {error}", origin, partial=True))
    if spectrum is not None and len(spectrum):
        try:
            seen = normalised_spectrum(spectrum, grid)
            ready |= {"spectrum": seen.flux, "spectrum_error": seen.error, "spectrum_log_spread": seen.log_spread}
            ready |= {"spectrum_start": grid[0], "spectrum_step": grid[2]}
        except DataError as error:
            faults.append(Rejection(object_id, f"spectrum left out: {error}", origin, partial=True))
    for name, image in (images or {}).items():
        ready |= {name: image.pixels, f"{name}_full_scale": full_scale(image.pixels)}
        ready[f"{name}_channel_names"] = ",".join(image.channel_names)
    some = len(ready["time"]) or "spectrum" in ready or images  # type: ignore[arg-type]
    if not some and not np.isfinite(list(numbers.values())).any():
        reason = "no modality: no light curve, no spectrum, no image and no number"
        return None, [*faults, Rejection(object_id, reason, origin)]
    return MULTIMODAL.encode(object_id, label=label, metadata=dict(numbers), **ready, **values), faults


def encode_processed(
    object_id: str,
    photometry: np.ndarray,
    spectra: np.ndarray,
    metadata: np.ndarray,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    label: str | None,
) -> Record:
    """The record of an object of the published processed dataset.

    Args:
      photometry: (M, 9) time, flux, error, four standardised numbers, log10 of the spread, years. spectra: (3, X).
      metadata: (34,) standardised. names: of the four, of the others.

    Raises:
      DataError: arrays of other forms, or numbers that differ from point to point.
    """
    four, others = names
    if photometry.ndim != 2 or photometry.shape[1] != 5 + len(four) or not len(photometry):
        raise DataError(f"photometry of the shape {photometry.shape}, not (points, {5 + len(four)})")
    if spectra.ndim != 2 or spectra.shape[0] != 3 or metadata.shape != (len(others),):
        raise DataError(
            f"spectra of the shape {spectra.shape} and metadata of {metadata.shape}, not (3, ...) and ({len(others)},)"
        )
    if np.ptp(photometry[:, 3:], axis=0).any() or np.ptp(spectra[2]).any():
        raise DataError("numbers of the object that differ from point to point")
    if not all(np.isfinite(x).all() for x in (photometry, spectra, metadata)):
        raise DataError("values that are not finite")
    return MULTIMODAL.encode(
        object_id,
        label=label,
        **dict(zip(("time", "flux", "flux_error"), photometry[:, :3].T, strict=True)),
        log_spread=photometry[0, -2],
        years=photometry[0, -1],
        spectrum=spectra[0],
        spectrum_error=spectra[1],
        spectrum_log_spread=spectra[2, 0],
        **({"spectrum_start": GRID[0], "spectrum_step": GRID[2]} if spectra.shape[1] == len(grid_points()) else {}),
        standardised=1,
        metadata=dict(zip((*four, *others), (*photometry[0, 3:-2], *metadata), strict=True)),
    )
