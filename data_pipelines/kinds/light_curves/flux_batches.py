"""Batches of fluxes: which datasets can give them together, in which zero point, and how their arrays come about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from data_pipelines.kinds.light_curves.fluxes import COMMON_ZERO_POINT, MAGNITUDE, contradiction, flux_of_magnitude
from data_pipelines.kinds.light_curves.meaning import DatasetBrightness, brightness_of
from data_pipelines.shards.batches import Batch
from data_pipelines.shards.manifest import Manifest
from lcjax.errors import ConfigError, DataError


@dataclass(frozen=True)
class FluxChoice:
    """How the fluxes of some datasets are read."""

    zero_point: float
    """mag of a flux of 1 in the batches; NaN where none is known."""
    scales: tuple[float, ...]
    """Of each dataset: what its fluxes are multiplied by."""
    of_magnitudes: tuple[bool, ...]
    """Of each dataset: whether it has none, so that they are made of its magnitudes."""
    kind: str
    """As the manifests say it."""
    unit: str
    """Of the batches; empty where it has no name."""


def choose_fluxes(manifests: Sequence[Manifest], zero_point: float | None) -> FluxChoice:
    """How the fluxes of these datasets are read together.

    Args:
      zero_point: wanted; None: that of the first dataset that has one.

    Raises:
      DataError: fluxes of different kinds, or magnitudes that are none of a star. ConfigError: a zero point where there is none,
        or none where there must be one.
    """
    known = [_brightness(manifest) for manifest in manifests]
    first = manifests[0]
    for manifest, brightness in zip(manifests, known, strict=True):
        if why := contradiction((known[0].kind, known[0].zero_point), (brightness.kind, brightness.zero_point)):
            raise DataError(f"'{first.folder}' and '{manifest.folder}' hold {why}: read them apart")
    own = next((brightness.zero_point for brightness in known if brightness.has_fluxes), None)
    if own is None and zero_point is None:
        raise ConfigError(
            f"'{first.folder}' holds magnitudes, and their fluxes need a zero point, the magnitude of a flux of 1: say which, such as "
            "23.9 for microjansky"
        )
    if own is not None and np.isnan(own) and zero_point is not None:
        raise ConfigError(
            f"the fluxes of '{first.folder}' have no zero point, so that none of {zero_point:g} can be made: ask for none, or prepare the "
            "data with --columns.zero-point or --columns.unit"
        )
    chosen = float(own if zero_point is None else zero_point)  # type: ignore[arg-type]
    scales = tuple(1.0 if np.isnan(chosen) else float(10 ** (0.4 * (chosen - b.zero_point))) for b in known)
    kind = next((brightness.kind for brightness in known if brightness.kind != MAGNITUDE), MAGNITUDE)
    unit = next((b.unit for b in known if b.has_fluxes and np.array_equal(b.zero_point, chosen, True)), "")
    return FluxChoice(chosen, scales, tuple(not b.has_fluxes for b in known), kind, unit)


def _brightness(manifest: Manifest) -> DatasetBrightness:
    """Of a dataset; of magnitudes alone with the zero point that any flux may have.

    Raises:
      DataError: magnitudes alone of a difference, or relative ones: what they are a part of is not there.
    """
    brightness = brightness_of(manifest)
    if brightness.has_fluxes:
        return brightness
    said = manifest.facts.get("brightness", "")
    what = next((word for word in ("relative", "difference") if word in said), None)
    if what is not None or brightness.kind != MAGNITUDE:
        raise DataError(
            f"'{manifest.folder}' holds magnitudes alone ({said or brightness.kind}), of which no fluxes can be made: prepare it again, "
            "which keeps its fluxes"
        )
    return replace(brightness, zero_point=COMMON_ZERO_POINT)


def flux_batch(batch: Batch, scale: np.ndarray, of_magnitudes: np.ndarray, zero_point: float) -> Batch:
    """A batch of fluxes as models take it.

    Args:
      batch: `flux_time`, `flux`, `flux_error`, `flux_limit` (B, L), zero in the padding, `mask` True at all points; of rows that are
        `of_magnitudes`, (B,) bool, magnitudes and their errors in place of the fluxes, and no limits.
      scale: (B,), of the other rows. zero_point: of the batch.
    """
    batch = dict(batch)
    batch["time"] = batch.pop("flux_time")
    there, made = batch["mask"], of_magnitudes[:, None]
    limits = there & (batch["flux_limit"] > 0) & ~made
    values = {name: batch[name].astype(np.float64) * scale[:, None] for name in ("flux", "flux_error", "flux_limit")}
    if of_magnitudes.any():
        pogson = flux_of_magnitude(batch["flux"].astype(np.float64), batch["flux_error"], zero_point)
        for name, flux in zip(("flux", "flux_error"), pogson, strict=True):
            values[name] = np.where(made, flux, values[name])
    where = {"flux": there & ~limits, "flux_error": there & ~limits, "flux_limit": limits}
    batch |= {name: np.where(where[name], values[name], 0).astype(np.float32) for name in values}
    return batch | {"mask": there & ~limits, "limit_mask": limits}
