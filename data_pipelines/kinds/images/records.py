"""The on-disk record of an image: one tf Example, in tfds layout.

| feature | form |
| --- | --- |
| object_id, survey | bytes, utf-8 |
| band | names of the channels in order, with commas between: `template,science,difference`, `g,r,z`, `grey` |
| label | int64, index into the class names of the dataset, -1 unlabelled |
| image | H*W*C little-endian float32 in one bytes feature, the numbers of the file, missing pixels NaN |
| height, width, channels | int64 |
| full_scale | float32: the largest number that the file could hold (255 of 8 bit, 65535 of 16 bit); NaN of fluxes |
| pixel_scale | float32, arcsec, NaN where unknown |
| ra, dec | float64 as 8 little-endian bytes each: degrees, NaN where unknown |
| metadata/<name> | float32 target numbers by name, NaN where unknown |
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data_pipelines.shards.layout import Record, RecordLayout

IMAGES = RecordLayout(
    "images",
    {"image": ("height", "width", "channels")},
    exact=("ra", "dec"),
    floats=("full_scale", "pixel_scale"),
    metadata=True,
    texts=("survey",),
)


@dataclass(frozen=True)
class RawImage:
    """One image as a file has it, before its label is a name."""

    pixels: np.ndarray  #: (H, W, C) numbers
    object_id: str
    origin: str
    channel_names: tuple[str, ...]
    label: Any = None
    """As the file has it: text, number, None."""
    targets: dict[str, float] = field(default_factory=dict)
    ra: float = float("nan")
    dec: float = float("nan")


def full_scale(pixels: np.ndarray) -> float:
    """The largest number that pixels of this type can be; NaN of floating-point and signed numbers.

    >>> full_scale(np.zeros(1, np.uint8)), full_scale(np.zeros(1, np.float32))
    (255.0, nan)
    """
    return float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" and pixels.dtype.itemsize < 4 else np.nan


def encode_image(
    object_id: str,
    pixels: np.ndarray,
    channel_names: Sequence[str],
    label: int | str | None = -1,
    survey: str = "",
    pixel_scale: float = np.nan,
    targets: dict[str, float] | None = None,
    ra: float = np.nan,
    dec: float = np.nan,
) -> Record:
    """One record as a tfds builder's `_generate_examples` yields it.

    Args:
      pixels: (H, W, C) float32 or unsigned, C in the order of `channel_names`. label: class index or name, -1 or None unlabelled.
      pixel_scale: arcsec. targets: numbers to be learned, by name. ra, dec: degrees.

    Raises:
      DataError: no array of three axes. ValueError: names of another number than the channels.
    """
    pixels = np.asarray(pixels)
    if pixels.ndim == 3 and pixels.shape[-1] != len(channel_names):
        raise ValueError(f"{len(channel_names)} names of {pixels.shape[-1]} channels")
    return IMAGES.encode(
        object_id,
        band=",".join(channel_names),
        label=label,
        survey=survey,
        ra=ra,
        dec=dec,
        full_scale=full_scale(pixels),
        pixel_scale=pixel_scale,
        image=pixels,
        metadata=dict(targets) if targets else None,
    )
