"""Images of objects of several modalities: stamps of the object, and an image of the galaxy that it lies in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_pipelines.kinds.images.stamps import cut_stamp
from lcjax.errors import DataError

IMAGES = ("stamps", "host")
"""Modalities that are images, as records and models call them."""


@dataclass(frozen=True)
class ObjectImage:
    """One image of one object."""

    pixels: np.ndarray
    """(H, W, C) in the numbers of its file, missing pixels NaN."""
    channel_names: tuple[str, ...]


def object_image(pixels: np.ndarray, names: Sequence[str], size: int | None) -> ObjectImage:
    """An image (H, W, C) that holds something, cut to the middle square of `size` pixels.

    Args:
      names: of its channels.

    Raises:
      DataError: it is smaller, a channel has no finite pixel, or all pixels are alike.
    """
    cut = cut_stamp(np.asarray(pixels), names, size)
    finite = cut[np.isfinite(cut)]
    if finite.min() == finite.max():
        raise DataError("no image: all of its pixels are alike")
    return ObjectImage(cut, tuple(names))
