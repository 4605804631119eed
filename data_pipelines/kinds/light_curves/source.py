"""Batches of light-curve windows from prepared shards, of magnitudes or of fluxes; how rows are read is `shards.source`'s."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from data_pipelines.kinds.light_curves.flux_batches import (
    FluxChoice,
    choose_fluxes,
    flux_batch,
)
from data_pipelines.kinds.light_curves.meaning import brightness_of
from data_pipelines.kinds.light_curves.records import AS_FLUXES, LIGHT_CURVES, index_as_fluxes
from data_pipelines.shards.batches import Batch
from data_pipelines.shards.index import ShardIndex
from data_pipelines.shards.manifest import Manifest
from data_pipelines.shards.opening import open_manifests
from data_pipelines.shards.source import ShardSource
from data_pipelines.shards.streams import CHUNK
from lcjax.errors import ConfigError


class LightCurveSource(ShardSource):
    """Training and evaluation batches of light-curve windows.

    A batch holds `time`, `magnitude`, `magnitude_error` (B, L) float32, zero in the padding; `mask` (B, L) bool; `length`,
    `label` (B,) int32; `weight` (B,) float32; and, for the host, `object_id`, `band` (B,) str, `reference_mjd` (B,)
    float64, `record` (B,) int64.

    With `brightness="flux"` it holds `flux`, `flux_error` in place of the magnitudes, all of one zero point (`zero_point`, mag of
    a flux of 1, NaN where none is known), and for upper limits `flux_limit` (B, L) float32 and `limit_mask` (B, L) bool. `mask` is
    True at fluxes that were measured, of any sign; at limits flux and error are 0.
    """

    layout = LIGHT_CURVES
    unit = "light curves"
    chunk = CHUNK

    def __init__(
        self,
        paths: Sequence[Path | str] | Path | str,
        *args: Any,
        brightness: Literal["magnitude", "flux"] = "magnitude",
        zero_point: float | None = None,
        **settings: Any,
    ) -> None:
        """Opens the data.

        Args:
          paths, args, settings: as in `ShardSource`. brightness: what batches hold.
          zero_point: of the fluxes, mag of a flux of 1; None: that of the data. Magnitudes become fluxes of it.

        Raises:
          ConfigError: no such brightness, or a zero point that does not go with the data. DataError: as in `ShardSource`, or data
            whose fluxes are not of one kind.
        """
        if brightness not in ("magnitude", "flux"):
            raise ConfigError(f"there is no brightness '{brightness}': use magnitude or flux")
        if brightness == "magnitude" and zero_point is not None:
            raise ConfigError("a zero point is for fluxes: ask for brightness='flux', or for no zero point")
        paths = [paths] if isinstance(paths, str | Path) else list(paths)
        manifests = open_manifests(paths, LIGHT_CURVES)
        self._chosen: FluxChoice | None = None
        if brightness == "flux":
            self._chosen = choose_fluxes(manifests, zero_point)
            settings["layout"] = AS_FLUXES
        self._brightness = [brightness_of(manifest) for manifest in manifests]
        super().__init__(paths, *args, **settings)

    @property
    def zero_point(self) -> float:
        """Of the batches, the magnitude of a flux of 1; NaN where it is not known, and of magnitudes."""
        return np.nan if self._chosen is None else self._chosen.zero_point

    def adapted(self, manifest: Manifest, index: ShardIndex) -> ShardIndex:
        """By fluxes, where these are wanted."""
        return index if self._chosen is None else index_as_fluxes(index, brightness_of(manifest).has_fluxes)

    def find_unusable(self) -> np.ndarray:
        """Of datasets of fluxes the light curves that have too few magnitudes, where magnitudes are wanted."""
        if self._chosen is not None:
            return self.index.length == 0
        return self.index.length < self._per_record([one.min_points * one.has_fluxes for one in self._brightness])

    def _per_record(self, values: Sequence[Any]) -> np.ndarray:
        """(R,) what is known of each dataset."""
        counts = [sum(shard.records for shard in manifest.split(self.split)) for manifest in self.manifests]
        return np.repeat(np.asarray(values), counts)

    def without_magnitudes(self) -> tuple[int, int, int, int]:
        """Of datasets of fluxes, in this split: points that have no magnitude, all points; light curves that have too few, all."""
        known = zip(self.manifests, self._brightness, strict=True)
        parts = [(m.index(self.split), b) for m, b in known if b.has_fluxes and m.split(self.split)]
        points, without, curves, few = 0, 0, 0, 0
        for index, brightness in parts:
            enough = index.length >= brightness.min_points
            points += int(index["flux_length"].sum())
            without += int(index["flux_length"].sum() - index.length[enough].sum())
            curves += len(index)
            few += int(np.count_nonzero(~enough))
        return without, points, few, curves

    def remarks(self) -> list[str]:
        """What magnitudes do without in datasets of fluxes, and fluxes in datasets of magnitudes; kinds that are side by side."""
        if self._chosen is not None:
            known = zip(self.manifests, self._chosen.of_magnitudes, strict=True)
            of_flux = [m for m, made in known if made and "of flux" in m.facts.get("brightness", "")]
            return [
                f"'{m.folder}' was prepared without its negative fluxes: prepare it again to have them" for m in of_flux
            ]
        said = []
        kinds = dict.fromkeys(brightness.kind.replace("_", " ") for brightness in self._brightness)
        if len(kinds) > 1:
            said = [f"datasets of {' and of '.join(kinds)} side by side: their magnitudes are not of one brightness"]
        without, points, few, curves = self.without_magnitudes()
        if not without:
            return said
        most = "most of its data: " if 2 * without > points else ""
        return [
            *said,
            f"magnitudes of fluxes, split '{self.split}': {most}{without:,} of {points:,} points ({without / points:.0%}: negative fluxes, "
            f"upper limits, large errors) and {few:,} of {curves:,} light curves have none that can be used",
        ]

    def describe(self) -> dict[str, Any]:
        """What there is, and what the brightness in the batches is."""
        chosen, kinds = self._chosen, list(dict.fromkeys(brightness.kind for brightness in self._brightness))
        brightness: dict[str, Any] = {"series": "magnitude", "kinds": kinds}
        if chosen is not None:
            zero_point = None if np.isnan(chosen.zero_point) else chosen.zero_point
            brightness = {"series": "flux", "kinds": [chosen.kind], "zero_point": zero_point, "unit": chosen.unit}
        return super().describe() | {"brightness": brightness}

    def _settings(self) -> list[Any]:
        settings = super()._settings()
        if self._chosen is None:
            return settings
        zero_point = None if np.isnan(self.zero_point) else self.zero_point
        return [*settings, {"brightness": "flux", "zero_point": zero_point, "scales": self._chosen.scales}]

    def finished(self, batch: Batch) -> Batch:
        """Fluxes under their names, of one zero point."""
        if self._chosen is None:
            return batch
        scale, made = self._of_rows
        record = batch["record"]
        return flux_batch(batch, scale[record], made[record], self._chosen.zero_point)

    def simulated_stars(self, count: int, classes: Sequence[str], length: int, seed: int) -> dict[str, np.ndarray]:
        """Stars of known class and period at the epochs and errors of this split's own; see `simulated_like`.

        Raises:
          ConfigError: the batches hold fluxes, or a class is not known. DataError: no light curve of enough points.
        """
        from data_pipelines.kinds.light_curves.simulated_like import simulated_like

        if self._chosen is not None:
            raise ConfigError("simulated stars have magnitudes: give the data of magnitudes, or simulate none")
        return simulated_like(self.evaluation_batches(), self.dataset_of_record, count, classes, length, seed)

    @cached_property
    def _of_rows(self) -> tuple[np.ndarray, np.ndarray]:
        """(R + 1,) what the fluxes of each record are multiplied by, and whether they are magnitudes; the last is of rows that fill."""
        assert self._chosen is not None
        with_last = lambda values, last: np.append(self._per_record(values), last)
        return with_last(self._chosen.scales, 1.0), with_last(self._chosen.of_magnitudes, False).astype(bool)
