"""The multi-resolution stack of DELIGHT in numpy, for writing shards: images come in once, 18 kB stacks are kept.

The same numbers, bit for bit, as the jitted `lcjax.transforms.delight_stack` (specification of DELIGHT, sections 3 and 4).
"""

import numpy as np

from lcjax.errors import DataError


def masked_stack(image: np.ndarray, mask: np.ndarray, levels: int = 5) -> np.ndarray:
    """Medians over blocks of 2^k pixels around the centre of a masked image scaled to [0, 1].

    Args:
      image: (H, H) float32, H a multiple of 2^levels; pixels that are not finite count as 0.
      mask: (H, H) bool, pixels of sources.

    Returns:
      (levels, S, S) float32, S = 2 H / 2^levels, axes (level, y, x).

    Raises:
      DataError: an image that is not square or cannot be halved so often.
    """
    size = len(image)
    if image.ndim != 2 or image.shape[1] != size or size % 2**levels or mask.shape != image.shape:
        raise DataError(
            f"a stack of {levels} levels needs a square image of a multiple of {2**levels} pixels and a mask"
        )
    side = 2 * (size // 2**levels)
    pixels = np.where(np.isfinite(image), image, 0).astype(np.float32)
    use = pixels[mask] if mask.any() else pixels
    low, high = use.min(), use.max()
    scaled = np.where(mask, (pixels - low) / (high - low if high > low else np.float32(1)), np.float32(0))
    planes = []
    for level in range(levels):
        block = 2**level
        begin = size // 2 - side // 2 * block
        inner = scaled[begin : begin + side * block, begin : begin + side * block]
        blocks = inner.reshape(side, block, side, block).transpose(0, 2, 1, 3).reshape(side, side, block**2)
        middle = block**2 // 2
        # Sorting short rows is faster than np.median, whose partition is not vectorised.
        ordered = np.sort(blocks, axis=-1)
        planes.append((ordered[..., (block**2 - 1) // 2] + ordered[..., middle]) / np.float32(2))
    return np.stack(planes)
