"""Batches of fluxes: which datasets can give them together, in which zero point, and how their arrays come about."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_pipelines.kinds.light_curves.fluxes import DIFFERENCE, RELATIVE, contradiction, flux_of_magnitude
from data_pipelines.kinds.light_curves.meaning import brightness_of
from data_pipelines.shards.batches import Batch
from data_pipelines.shards.manifest import Manifest
from lcjax.errors import ConfigError, DataError


@dataclass(frozen=True)
class FluxChoice:
    """How the fluxes of some datasets are read."""

    stored: bool
    """Whether they are in the records; else they are made of magnitudes."""
    zero_point: float
    """mag of a flux of 1 in the batches; NaN where none is known."""
    scales: tuple[float, ...]
    """Of each dataset: what its fluxes are multiplied by."""


def choose_fluxes(manifests: Sequence[Manifest], zero_point: float | None) -> FluxChoice:
    """How the fluxes of these datasets are read together.

    Args:
      zero_point: wanted; None: that of the first dataset.

    Raises:
      DataError: datasets with fluxes and without, or with fluxes of different kinds. ConfigError: a zero point where there is none,
        or none where there must be one.
    """
    known = [brightness_of(manifest) for manifest in manifests]
    first, stored = manifests[0], known[0].has_fluxes
    for manifest, brightness in zip(manifests, known, strict=True):
        if brightness.has_fluxes != stored:
            one, other = (first, manifest) if stored else (manifest, first)
            raise DataError(
                f"'{one.folder}' holds fluxes and '{other.folder}' magnitudes alone: read them apart, or prepare both from fluxes"
            )
        why = contradiction((known[0].kind, known[0].zero_point), (brightness.kind, brightness.zero_point))
        if stored and why:
            raise DataError(f"'{first.folder}' and '{manifest.folder}' hold {why}: read them apart")
    if not stored:
        return _of_magnitudes(manifests, [brightness.kind for brightness in known], zero_point)
    own = known[0].zero_point
    if zero_point is None or np.isnan(own):
        if zero_point is not None:
            raise ConfigError(
                f"the fluxes of '{first.folder}' have no zero point, so that none of {zero_point:g} can be made: ask for none, or prepare the "
                "data with --columns.zero-point or --columns.unit"
            )
        zero_point = own
    scales = tuple(float(10 ** (0.4 * (zero_point - b.zero_point))) if not np.isnan(own) else 1.0 for b in known)
    return FluxChoice(True, float(zero_point), scales)


def _of_magnitudes(manifests: Sequence[Manifest], kinds: Sequence[str], zero_point: float | None) -> FluxChoice:
    for manifest, kind in zip(manifests, kinds, strict=True):
        relative = "relative magnitudes" in manifest.facts.get("brightness", "")
        if relative or kind in (RELATIVE, DIFFERENCE):
            what = "relative magnitudes" if relative else f"magnitudes of a {kind.replace('_', ' ')}"
            raise DataError(
                f"'{manifest.folder}' holds {what} alone, of which no fluxes can be made: prepare it again, which keeps its fluxes"
            )
    if zero_point is None:
        raise ConfigError(
            f"'{manifests[0].folder}' holds magnitudes, and their fluxes need a zero point, the magnitude of a flux of 1: say which, such as "
            "23.9 for microjansky"
        )
    return FluxChoice(False, float(zero_point), (1.0,) * len(manifests))


def scaled_flux_batch(batch: Batch, scale: np.ndarray) -> Batch:
    """A batch of stored fluxes as models take it.

    Args:
      batch: `flux_time`, `flux`, `flux_error`, `flux_limit` (B, L), zero in the padding, `mask` True at all points. scale: (B,).
    """
    batch = dict(batch)
    batch["time"] = batch.pop("flux_time")
    limits = batch["mask"] & (batch["flux_limit"] > 0)
    measured = batch["mask"] & ~limits
    with_scale = lambda values, there: np.where(there, values * scale[:, None], 0).astype(np.float32)
    batch |= {name: with_scale(batch[name], measured) for name in ("flux", "flux_error")}
    batch["flux_limit"] = with_scale(batch["flux_limit"], limits)
    return batch | {"mask": measured, "limit_mask": limits}


def fluxes_of_magnitude_batch(batch: Batch, zero_point: float) -> Batch:
    """A batch of magnitudes as one of fluxes, by Pogson's formula; there are no limits."""
    batch = dict(batch)
    magnitude, error = (batch.pop(name).astype(np.float64) for name in ("magnitude", "magnitude_error"))
    made = flux_of_magnitude(magnitude, error, zero_point)
    fluxes = {
        name: np.where(batch["mask"], values, 0).astype(np.float32)
        for name, values in zip(("flux", "flux_error"), made, strict=True)
    }
    return batch | fluxes | {"flux_limit": np.zeros_like(fluxes["flux"]), "limit_mask": np.zeros_like(batch["mask"])}
