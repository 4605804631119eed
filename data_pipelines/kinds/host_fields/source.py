"""Fields of transients with known hosts, on disk and in batches: what DELIGHT trains on.

A record is that of an alert (`alerts.records`) whose stamp is the multi-resolution stack of the field (S, S, levels), axes (y, x,
level), as `stack` makes it. Its label is 0 where there is a host and 1 where there is none, and its metadata are
the truth: `host_dx`, `host_dy`, pixels of `pixel_scale` arcsec from the transient to the host, and `host_radius`, arcsec;
missing without a host.
"""

import math
from typing import Any

import numpy as np

from data_pipelines.kinds.alerts.records import STAMPS
from data_pipelines.kinds.alerts.source import StampSource
from data_pipelines.kinds.host_fields.source_mask import detect_sources
from data_pipelines.kinds.host_fields.stack import masked_stack
from data_pipelines.shards.batches import Batch
from data_pipelines.shards.layout import Record
from data_pipelines.simulate.host_fields import HostField
from lcjax.errors import DataError

CLASS_NAMES = ("host", "hostless")
TRUTH = ("host_dx", "host_dy", "host_radius")


def encode_host_field(field: HostField, levels: int = 5, number: int = 0) -> Record:
    """One record as a tfds builder's `_generate_examples` yields it; finds the sources and makes the stack.

    Raises:
      DataError: no source in the image, or an image that cannot be halved `levels` times.
    """
    found = detect_sources(field.image)
    if not len(found):
        raise DataError(f"field '{field.field_id}' has no source at all")
    stack = np.ascontiguousarray(np.moveaxis(masked_stack(field.image, found.mask, levels), 0, -1))
    truth = (*field.offset, field.host_radius)
    return STAMPS.encode(
        field.field_id,
        band="r",
        label=int(field.hostless),
        alert_id=number,
        **dict.fromkeys(("mjd", "ra", "dec"), math.nan),
        stamps=stack,
        pixel_scale=field.pixel_scale,
        metadata=dict(zip(TRUTH, truth, strict=True)),
    )


class HostFieldSource(StampSource):
    """Training and evaluation batches of fields.

    A batch holds `stamps` (B, S, S, levels) float32; `offset` (B, 2) float32 pixels, 0 without a host; `hostless` (B,)
    float32, 1 or 0; `host_radius` (B,) float32 arcsec, 0 without a host; `pixel_scale`, `weight` (B,) float32; `label` (B,)
    int32; and, for the host, `object_id`, `band`, `alert_id`, `record`, `mjd`.
    """

    unit = "fields with known hosts"

    def __init__(self, *args: Any, **settings: Any) -> None:
        """As `StampSource`, without balance; the metadata are the truth.

        Raises:
          DataError: no data, or data without the places of hosts.
        """
        super().__init__(*args, **settings, metadata_names=TRUTH)

    def finished(self, batch: Batch) -> Batch:
        """The truth in words of its own, in place of metadata."""
        truth = batch["metadata"]
        without = ~np.isfinite(truth[:, :2]).all(axis=1)
        truth = np.where(without[:, None] | ~np.isfinite(truth), np.float32(0), truth)
        known = {"offset": truth[:, :2], "hostless": without.astype(np.float32), "host_radius": truth[:, 2]}
        return {name: value for name, value in batch.items() if name not in ("ra", "dec", "metadata")} | known
