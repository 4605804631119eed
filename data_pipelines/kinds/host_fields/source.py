"""Fields of transients with known hosts, on disk and in batches: what DELIGHT trains on.

A record is a stamp record (`stamp_records`) whose stamp is the multi-resolution stack of the field (S, S, levels), axes (y, x,
level), as `sources.host_stack` makes it. Its label is 0 where there is a host and 1 where there is none, and its metadata are
the truth: `host_dx`, `host_dy`, pixels of `pixel_scale` arcsec from the transient to the host, and `host_radius`, arcsec;
missing without a host.
"""

from typing import Any

import numpy as np

from data_pipelines.kinds.alerts.source import StampSource
from data_pipelines.kinds.host_fields.source_mask import detect_sources
from data_pipelines.kinds.host_fields.stack import masked_stack
from data_pipelines.simulate.host_fields import HostField
from lcjax.errors import DataError

CLASS_NAMES = ("host", "hostless")
TRUTH = ("host_dx", "host_dy", "host_radius")


def encode_host_field(field: HostField, levels: int = 5, number: int = 0) -> dict[str, Any]:
    """One record as a tfds builder's `_generate_examples` yields it; finds the sources and makes the stack.

    Raises:
      DataError: no source in the image, or an image that cannot be halved `levels` times.
    """
    found = detect_sources(field.image)
    if not len(found):
        raise DataError(f"field '{field.field_id}' has no source at all")
    stack = np.ascontiguousarray(np.moveaxis(masked_stack(field.image, found.mask, levels), 0, -1))
    truth = (*field.offset, field.host_radius)
    return {
        "object_id": field.field_id,
        "survey": "",
        "band": "r",
        "alert_id": int(number),
        "label": int(field.hostless),
        **dict.fromkeys(("mjd", "ra", "dec"), np.float64(0.0)),
        "stamps": stack,
        **dict(zip(("height", "width", "channels"), stack.shape, strict=True)),
        "pixel_scale": np.float32(field.pixel_scale),
        "metadata": {name: np.float32(value) for name, value in zip(TRUTH, truth, strict=True)},
    }


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

    def _shaped(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        batch = super()._shaped(batch)
        truth = batch.pop("metadata")
        without = ~np.isfinite(truth[:, :2]).all(axis=1)
        truth = np.where(without[:, None] | ~np.isfinite(truth), np.float32(0), truth)
        known = {"offset": truth[:, :2], "hostless": without.astype(np.float32), "host_radius": truth[:, 2]}
        return {name: value for name, value in batch.items() if name not in ("ra", "dec")} | known
