"""Batches of images with classes and target numbers from prepared shards."""

from functools import cached_property

import numpy as np

from data_pipelines.kinds.images.records import IMAGES
from data_pipelines.shards.batches import Batch
from data_pipelines.shards.source import ShardSource
from lcjax.errors import DataError


class ImageSource(ShardSource):
    """Training and evaluation batches of images.

    A batch holds `image` (B, H, W, C) float32 in the numbers of the files, missing pixels NaN; `target` (B, T) float32 in the order
    of `target_names`, NaN where unknown; `full_scale` (B,) float32, the largest number pixels can be, NaN of fluxes; `pixel_scale`
    (B,) float32 arcsec, NaN where unknown; `label` (B,) int32; `weight` (B,) float32; and, for the host, `object_id`, `band` (B,)
    str, `record` (B,) int64, `ra`, `dec` (B,) float64. `metadata_names` of the constructor chooses among the target numbers.
    """

    layout = IMAGES
    unit = "images"
    one_shape_advice = "prepare the data with one --images.size"

    @property
    def target_names(self) -> tuple[str, ...]:
        """Of the numbers in `target`."""
        return self.metadata_names

    @cached_property
    def channel_names(self) -> tuple[str, ...]:
        """Of the channels, in order; none where there are no images.

        Raises:
          DataError: datasets whose channels differ in name or order.
        """
        found = sorted({self.index.band_names[number] for number in np.unique(self.index.band)})
        if len(found) > 1:
            raise DataError(
                f"these images have different channels ({' and '.join(found[:3])}): prepare all with the same channels in one order"
            )
        return tuple(str(found[0]).split(",")) if found else ()

    def finished(self, batch: Batch) -> Batch:
        """The target numbers under their own name."""
        return {name: value for name, value in batch.items() if name != "metadata"} | {"target": batch["metadata"]}


def same_channels(source: ImageSource, target: ImageSource) -> None:
    """Makes sure that one network can look at both.

    Raises:
      DataError: their channels differ.
    """
    if source.channel_names != target.channel_names:
        raise DataError(
            f"the source has the channels {', '.join(source.channel_names)}, the target {', '.join(target.channel_names)}: prepare both with "
            "the same channels in one order"
        )
