"""What DELIGHT needs of the image of a field, on the host: its sources, its multi-resolution stack, and the sources of every
resolution, by which hosts are measured.

The stack has the same numbers, bit for bit, as the jitted `lcjax.transforms.delight_stack`. On a CPU it is the
faster of the two: most of a masked image is 0, and a block with fewer than half of its pixels lit has the median 0 without
sorting.
"""

from dataclasses import dataclass

import numpy as np

from data_pipelines.kinds.host_fields.source_mask import detect_sources, finite_pixels, no_sources
from lcjax.errors import DataError


@dataclass(frozen=True)
class ExaminedField:
    """What is in the image of a field; tables of sources as in `source_mask.Detections`."""

    sources: dict[str, np.ndarray]
    stack: np.ndarray  #: (levels, S, S) float32, see `masked_stack`
    plane_sources: tuple[dict[str, np.ndarray], ...]
    """Of every level, in pixels of its block medians, which are not masked; or empty."""


def examine_field(
    image: np.ndarray, levels: int, *, outside: np.ndarray | None = None, planes: bool = True
) -> ExaminedField:
    """Finds the sources of a field and makes its stack.

    Args:
      image: (H, H) float, H a multiple of 2^(levels - 1). outside: (H, H) bool, pixels without data.
      planes: also find the sources of every resolution.

    Raises:
      DataError: see `detect_sources` and `masked_stack`. MissingExtraError: `sep` is not installed.
    """
    found = detect_sources(image, outside=outside)
    stack = masked_stack(image, found.mask, levels)
    plane_sources: tuple[dict[str, np.ndarray], ...] = ()
    if planes and len(found):
        plane_sources = tuple(_sources_of(plane) for plane in block_median_planes(finite_pixels(image), levels))
    return ExaminedField(found.sources, stack, plane_sources)


def _sources_of(plane: np.ndarray) -> dict[str, np.ndarray]:
    """The sources of a plane; none where they cannot be told apart, as the full image counts first."""
    try:
        return detect_sources(plane).sources
    except DataError:
        return no_sources()


def masked_stack(image: np.ndarray, mask: np.ndarray, levels: int = 5) -> np.ndarray:
    """Medians over blocks of 2^k pixels around the centre of a masked image scaled to [0, 1].

    Args:
      image: (H, H) float, H a multiple of 2^(levels - 1); pixels that are not finite count as 0.
      mask: (H, H) bool, pixels of sources.

    Returns:
      (levels, S, S) float32, S = 2 floor(H / 2^levels), axes (level, y, x).

    Raises:
      DataError: an image that is not square or cannot be halved so often.
    """
    if mask.shape != image.shape:
        raise DataError(f"the mask of shape {mask.shape} is not that of an image of shape {image.shape}")
    pixels = finite_pixels(image)
    scaled = np.zeros(pixels.shape, np.float32)
    lit = pixels[mask]
    if lit.size:
        low, high = lit.min(), lit.max()
        scaled[mask] = (lit - low) / (high - low if high > low else np.float32(1))
    return block_median_planes(scaled, levels)


def block_median_planes(pixels: np.ndarray, levels: int) -> np.ndarray:
    """(H, H) finite float32 -> (levels, S, S): medians over blocks of 2^k pixels, the central S x S of them.

    Raises:
      DataError: an image that is not square or cannot be halved so often.
    """
    size = len(pixels)
    if pixels.ndim != 2 or pixels.shape[1] != size or levels < 1 or size < 2**levels or size % 2 ** (levels - 1):
        raise DataError(
            f"a stack of {levels} levels needs a square image of a multiple of {2 ** max(levels - 1, 0)} pixels, not one "
            f"of shape {pixels.shape}"
        )
    side = 2 * (size // 2**levels)
    planes = np.zeros((levels, side, side), np.float32)
    for level, plane in enumerate(planes):
        block = 2**level
        begin = (size // block // 2 - side // 2) * block
        inner = pixels[begin : begin + side * block, begin : begin + side * block]
        _block_medians(inner, block, out=plane)
    return planes


def _block_medians(pixels: np.ndarray, block: int, out: np.ndarray) -> None:
    if block == 1:
        out[:] = pixels
        return
    side, count = len(out), block**2
    # Counted in the narrowest type that holds a column of a block: four times as fast as in uint32.
    narrow = np.uint8 if block < 256 else np.uint32
    lit = np.add.reduce((pixels != 0).view(np.uint8).reshape(side, block, side * block), axis=1, dtype=narrow)
    rows, columns = np.nonzero(lit.reshape(side, side, block).sum(axis=2, dtype=np.uint32) >= count // 2)
    blocks = pixels.reshape(side, block, side, block).transpose(0, 2, 1, 3)[rows, columns].reshape(-1, count)
    # Sorting short rows is faster than np.median, whose partition is not vectorised.
    ordered = np.sort(blocks, axis=-1)
    with np.errstate(over="ignore"):
        out[rows, columns] = (ordered[:, count // 2 - 1] + ordered[:, count // 2]) / np.float32(2)
