"""Batches of objects of several modalities."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.kinds.multimodal.records import MULTIMODAL
from data_pipelines.shards.batches import Batch
from data_pipelines.shards.source import ShardSource
from lcjax.errors import DataError


class MultimodalSource(ShardSource):
    """Training and evaluation batches: `time`, `flux`, `flux_error`, `mask` (B, L), `spectrum`, `spectrum_error`, `spectrum_mask`
    (B, X), `metadata` (B, F), `log_spread`, `years`, `spectrum_log_spread` (B,), `standardised` (B,) int32, besides what all
    batches hold. `weight` is 1 for every object, whatever it has.
    """

    layout = MULTIMODAL
    unit = "objects"

    def __init__(self, paths: Sequence[Path | str] | Path | str, split: str, batch_size: int, **settings: Any) -> None:
        """As `ShardSource`.

        Raises:
          DataError: also where some records are standardised and others are not.
        """
        super().__init__(paths, split, batch_size, **settings)
        if len(np.unique(self.index["standardised"])) > 1:
            raise DataError(
                f"split '{split}' mixes objects with standardised catalogue numbers and others: train on one dataset of a kind"
            )

    @property
    def standardised(self) -> bool:
        """Whether the catalogue numbers are standardised already."""
        return bool((self.index["standardised"] > 0).any())

    @property
    def longest(self) -> dict[str, int]:
        """Most points of a light curve; samples of the spectra, each number that occurs once."""
        samples = self.index["spectrum_length"]
        return {"points": int(self.index.length.max(initial=0)), "samples": int(samples.max(initial=0))}

    @property
    def spectrum_lengths(self) -> tuple[int, ...]:
        """Different numbers of samples of spectra that are there."""
        found = np.unique(self.index["spectrum_length"])
        return tuple(int(n) for n in found if n)

    @property
    def spectrum_grids(self) -> tuple[tuple[float, float], ...]:
        """Different grids of spectra that are there, first wavelength and step, Angstrom; those that nobody tells left out."""
        known = self.index["spectrum_length"] > 0
        found = np.unique(np.stack([self.index[n][known] for n in ("spectrum_start", "spectrum_step")], axis=1), axis=0)
        return tuple((float(start), float(step)) for start, step in found if np.isfinite(start + step))

    def finished(self, batch: Batch) -> Batch:
        """Objects without series count as well: their catalogue numbers are a modality."""
        standardised = batch["standardised"].astype(np.int32)  # 64-bit numbers stay on the host
        return batch | {"weight": (batch["record"] >= 0).astype(np.float32), "standardised": standardised}
