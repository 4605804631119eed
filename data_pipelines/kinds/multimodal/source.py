"""Batches of objects of several modalities."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.kinds.multimodal.images import IMAGES
from data_pipelines.kinds.multimodal.records import MULTIMODAL, layout_with
from data_pipelines.shards.batches import Batch
from data_pipelines.shards.index import ShardIndex
from data_pipelines.shards.manifest import Manifest
from data_pipelines.shards.opening import open_manifests
from data_pipelines.shards.source import ShardSource
from lcjax.errors import DataError

Shape = tuple[int, int, int]


class MultimodalSource(ShardSource):
    """Training and evaluation batches: `time`, `flux`, `flux_error`, `mask` (B, L), `spectrum`, `spectrum_error`, `spectrum_mask`
    (B, X), `metadata` (B, F), `log_spread`, `years`, `spectrum_log_spread` (B,), `standardised` (B,) int32, besides what all
    batches hold. `weight` is 1 for every object, whatever it has. Of every image of `IMAGES` that the data has, or that is asked for:
    `<image>` (B, H, W, C), `<image>_mask` (B,) bool, `<image>_full_scale` (B,).
    """

    layout = MULTIMODAL
    unit = "objects"
    one_shape_advice = "prepare the data with one --stamp-images.size and --host-images.size"

    def __init__(
        self,
        paths: Sequence[Path | str] | Path | str,
        split: str,
        batch_size: int,
        images: Mapping[str, Shape] | None = None,
        **settings: Any,
    ) -> None:
        """As `ShardSource`.

        Args:
          images: modality -> (H, W, C) of images that batches hold in any case, empty where the data has none.

        Raises:
          DataError: also where some records are standardised and others are not.
        """
        self._asked = dict(images or {})
        listed = [paths] if isinstance(paths, str | Path) else list(paths)
        # Images that no record has are no part of what is read: runs on data without any go on as they began.
        manifests = open_manifests(listed, MULTIMODAL)
        there = [name for name in IMAGES if any(_has(manifest, name) for manifest in manifests)]
        super().__init__(paths, split, batch_size, layout=layout_with(there), **settings)
        if len(np.unique(self.index["standardised"])) > 1:
            raise DataError(
                f"split '{split}' mixes objects with standardised catalogue numbers and others: train on one dataset of a kind"
            )

    def adapted(self, manifest: Manifest, index: ShardIndex) -> ShardIndex:
        """The index, with no images in data from before there were any."""
        absent = {
            name: kind
            for name, kind in self.layout.columns.items()
            if name.startswith(IMAGES) and name not in index.columns
        }
        for name, kind in absent.items():
            index.columns[name] = np.full(len(index), np.nan if kind is np.float64 else 0, kind)
        return super().adapted(manifest, index)

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

    @cached_property
    def image_shapes(self) -> dict[str, Shape]:
        """Modality -> (H, W, C) of the images that this split has."""
        shapes = {
            whole.group.name: whole.shape for whole in self._whole if whole.group.name in IMAGES and whole.counts.any()
        }
        return {name: tuple(shape) for name, shape in shapes.items()}  # type: ignore[misc]

    @cached_property
    def image_scales(self) -> dict[str, float]:
        """Modality -> largest number that the files of its images could hold, NaN of fluxes.

        Raises:
          DataError: datasets whose images are of several sorts.
        """
        found = {}
        for name in self.image_shapes:
            there = self.index[f"{name}_height"] > 0
            tops = np.unique(np.nan_to_num(self.index[f"{name}_full_scale"][there], nan=-1.0))
            if len(tops) > 1:
                raise DataError(
                    f"the {name} images of this data are of several sorts (largest numbers {tops.tolist()}): use those of one"
                )
            found[name] = float(tops[0]) if tops[0] > 0 else float("nan")
        return found

    @cached_property
    def image_channels(self) -> dict[str, tuple[str, ...]]:
        """Modality -> names of the channels of its images, those that the data tells.

        Raises:
          DataError: datasets whose channels differ in name or order.
        """
        found: dict[str, tuple[str, ...]] = {}
        for manifest in self.manifests:
            for name, names in manifest.meaning.get("image_channels", {}).items():
                if found.setdefault(name, tuple(names)) != tuple(names):
                    raise DataError(
                        f"the {name} images of this data have different channels ({' '.join(found[name])} and {' '.join(names)}): prepare all with "
                        "the same channels in one order"
                    )
        return found

    def finished(self, batch: Batch) -> Batch:
        """Objects without series count as well: their catalogue numbers are a modality."""
        rows = len(batch["record"])
        for name, shape in self._asked.items():
            if not batch.get(f"{name}_mask", np.zeros(0)).any():
                batch[name] = np.zeros((rows, *shape), np.float32)
                batch |= {f"{name}_mask": np.zeros(rows, bool), f"{name}_full_scale": np.full(rows, np.nan, np.float32)}
        standardised = batch["standardised"].astype(np.int32)  # 64-bit numbers stay on the host
        return batch | {"weight": (batch["record"] >= 0).astype(np.float32), "standardised": standardised}


def _has(manifest: Manifest, image: str) -> bool:
    indexes = [manifest.index(split) for split in dict.fromkeys(shard.split for shard in manifest.shards)]
    return any((index.columns.get(f"{image}_height", np.zeros(1)) > 0).any() for index in indexes)
