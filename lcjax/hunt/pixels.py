"""Cutouts as the database keeps them. Whatever a packet brings, what is stored is small, finite where it can be, and cheap to draw."""

import sys
import zlib

import numpy as np

from lcjax.errors import DataError
from lcjax.hunt.candidates import Cutout
from lcjax.hunt.facts import finite

MOST_SIDE = 256
"""Pixels; the middle of a larger stamp is kept."""
_HUGE = np.float32(1e30)
"""Beyond this a pixel is a fill value (-3.4e38 in some templates) and counts as missing."""
_BYTES = 4 * MOST_SIDE * MOST_SIDE


def packed(cutout: Cutout) -> dict[str, object]:
    """Columns of the table `stamps`.

    Raises:
      DataError: it is no image.
    """
    pixels = np.asarray(cutout.pixels)
    if pixels.ndim != 2 or not pixels.size or pixels.dtype.kind not in "fiub":
        raise DataError(f"a stamp of shape {pixels.shape} and type {pixels.dtype} is no image")
    top, left = ((side - MOST_SIDE) // 2 if side > MOST_SIDE else 0 for side in pixels.shape)
    pixels = pixels[top : top + MOST_SIDE, left : left + MOST_SIDE]
    with np.errstate(over="ignore", invalid="ignore"):
        pixels = pixels.astype("<f4")
        pixels = np.where(np.abs(pixels) < _HUGE, pixels, np.float32(np.nan)).astype("<f4")
    scale = finite(cutout.pixel_scale)
    world = cutout.world
    if world is not None:
        world = (world[0] - left, world[1] - top, *world[2:]) if np.isfinite(world).all() else None
    return {
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "pixel_scale": scale if scale and scale > 0 else 1.0,
        "world": list(world) if world else None,
        "pixels": zlib.compress(pixels.tobytes(), 1),
    }


def unpacked(height: int, width: int, data: bytes) -> np.ndarray:
    """(H, W) float32.

    Raises:
      DataError: the bytes are not those of such an image.
    """
    if not 0 < height * width * 4 <= _BYTES:
        raise DataError(f"a stored stamp claims {height} x {width} pixels")
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(data, _BYTES + 1)
    except zlib.error as error:
        raise DataError(f"a stored stamp is damaged: {error}") from error
    if len(raw) != 4 * height * width or not stream.eof:
        raise DataError("a stored stamp is damaged: it has too few or too many pixels")
    pixels = np.frombuffer(raw, "<f4").reshape(height, width)
    return pixels if sys.byteorder == "little" else pixels.astype(np.float32)
