"""Flux-conserving multi-scale stamps: 2 x 2 sums, of which only the rings are stored (after arXiv 2304.13080).

Level k is the central S x S of the image summed k times over 2 x 2 pixels. Its own central S/2 x S/2 are the 2 x 2 sums of
level k - 1, so that they need not be stored: all of level 0 and the ring of each further level are S^2 + (L - 1) 3/4 S^2
values a channel, 208 for four levels of 8 x 8 instead of 256, and of the 3969 pixels of a ZTF stamp. Decoding adds in the
same order as encoding and gives the same float32 numbers, bit for bit.

Missing pixels (not finite, or fill values beyond 1e10) add nothing to the sums. Where a stamp has some, the code also holds how many pixels every value is the sum
of (`coverage`), which follows the same rule, so that means are exact and NaN comes back as NaN. What lies beyond the edge of
the stamp is neither flux nor missing pixel.

Bytes: `pack` writes a little-endian header of 12 bytes (magic, version, flags, L, S, C, height and width of the stamp),
then the values as float32 (value after value, its C channels together), then, if flagged, coverage as uint16.
"""

import struct
from typing import NamedTuple

import chex
import jax.numpy as jnp
import numpy as np

from lcjax.errors import DataError
from lcjax.transforms.multiscale import HUGE, central, scaled, value_range
from lcjax.typing import Array

_HEADER = struct.Struct("<4sBBBBHH")
_MAGIC = b"LCFR"
_VERSION = 1
_COVERAGE = 1
MAX_LEVELS, MAX_SIZE, MAX_CHANNELS = 8, 128, 16


class Rings(NamedTuple):
    """Stored values of stamps, N = S^2 + (L - 1) 3/4 S^2 each."""

    flux: Array  #: (..., N, C) float32, sums in native units: level 0 row by row, then the rings of levels 1, 2, ...
    coverage: Array  #: (..., N, C) float32, pixels in each sum that are there (whole numbers)


class Levels(NamedTuple):
    """Decoded levels."""

    flux: Array  #: (..., L, S, S, C) float32
    coverage: Array  #: (..., L, S, S, C) float32


def ring_cells(size: int) -> np.ndarray:
    """Flat indices of the cells of an S x S level outside its central S/2 x S/2, row by row: (3/4 S^2,).

    >>> ring_cells(4).tolist()
    [0, 1, 2, 3, 4, 7, 8, 11, 12, 13, 14, 15]
    """
    inner = np.zeros((size, size), bool)
    inner[size // 4 : size - size // 4, size // 4 : size - size // 4] = True
    return np.flatnonzero(~inner)


def stored_values(size: int = 8, levels: int = 4) -> int:
    """Values stored for a channel.

    >>> stored_values()
    208
    """
    return size * size + (levels - 1) * (size * size * 3 // 4)


def packed_bytes(size: int = 8, levels: int = 4, channels: int = 3, coverage: bool = False) -> int:
    """Bytes of a packed alert.

    >>> packed_bytes()
    2508
    """
    return _HEADER.size + stored_values(size, levels) * channels * (4 + 2 * coverage)


def _sum_pairs(x: Array) -> Array:
    """2 x 2 sums of (..., S, S, C) in one fixed order, which decoding repeats."""
    return (x[..., ::2, ::2, :] + x[..., ::2, 1::2, :]) + (x[..., 1::2, ::2, :] + x[..., 1::2, 1::2, :])


def _check(size: int, levels: int) -> None:
    if size < 4 or size % 4 or levels < 1:
        raise DataError(
            f"rings need levels whose side is a multiple of 4, and one level or more: not {levels} of {size}"
        )


def _framed(stamps: Array, side: int) -> Array:
    """Cuts or zero-pads (..., H, W, C) to side x side about the centre that `central` keeps."""
    pads = []
    for have in stamps.shape[-3:-1]:
        lacking = max(side - have, 0)
        pads.append((lacking // 2, lacking - lacking // 2))
    stamps = jnp.pad(stamps, [(0, 0)] * (stamps.ndim - 3) + [*pads, (0, 0)])
    return central(stamps, side)


def flux_levels(stamps: Array, size: int = 8, levels: int = 4) -> Levels:
    """The levels of raw stamps (..., H, W, C), missing pixels not finite.

    The outermost level reaches `size * 2^(levels - 1)` pixels; smaller stamps are surrounded by nothing (coverage 0).

    Raises:
      DataError: `size` is no multiple of 4.
    """
    _check(size, levels)
    stamps = jnp.asarray(stamps, jnp.float32)
    chex.assert_axis_dimension_gt(stamps, -3, 0)
    there = jnp.abs(stamps) <= HUGE
    side = size << (levels - 1)
    flux, coverage = (_framed(x, side) for x in (jnp.where(there, stamps, 0.0), there.astype(jnp.float32)))
    fluxes, coverages = [], []
    for _ in range(levels):
        fluxes.append(central(flux, size))
        coverages.append(central(coverage, size))
        flux, coverage = _sum_pairs(flux), _sum_pairs(coverage)
    return Levels(jnp.stack(fluxes, -4), jnp.stack(coverages, -4))


def encode(stamps: Array, size: int = 8, levels: int = 4) -> Rings:
    """Raw stamps (..., H, W, C) -> what has to be stored of their levels."""
    cells = ring_cells(size)

    def store(x: Array) -> Array:
        flat = x.reshape(*x.shape[:-3], size * size, x.shape[-1])
        parts = [flat[..., 0, :, :]] + [flat[..., k, cells, :] for k in range(1, levels)]
        return jnp.concatenate(parts, axis=-2)

    return Rings(*(store(x) for x in flux_levels(stamps, size, levels)))


def decode(rings: Rings, size: int = 8, levels: int = 4) -> Levels:
    """Stored values -> all levels, bit for bit those of `flux_levels`.

    Raises:
      DataError: the number of values is not that of such levels.
    """
    _check(size, levels)
    chex.assert_equal_shape(list(rings))
    cells = ring_cells(size)
    if rings.flux.shape[-2] != stored_values(size, levels):
        raise DataError(f"{rings.flux.shape[-2]} values a channel are no rings of {levels} levels of {size} x {size}")

    def restore(values: Array) -> Array:
        values = jnp.asarray(values, jnp.float32)
        shape = (*values.shape[:-2], size, size, values.shape[-1])
        level = values[..., : size * size, :].reshape(shape)
        out, quarter = [level], size // 4
        for k in range(1, levels):
            start = size * size + (k - 1) * len(cells)
            inner = _sum_pairs(level)
            flat = jnp.zeros((*shape[:-3], size * size, shape[-1]), jnp.float32)
            level = flat.at[..., cells, :].set(values[..., start : start + len(cells), :]).reshape(shape)
            level = level.at[..., quarter : size - quarter, quarter : size - quarter, :].set(inner)
            out.append(level)
        return jnp.stack(out, axis=-4)

    return Levels(*(restore(x) for x in rings))


def normalize_rings(rings: Rings, size: int = 8, levels: int = 4) -> Array:
    """Stored values -> network input (..., L, S, S, 2 C): mean flux a pixel, normalised, and the missing share of each cell.

    As `normalize_stamps`, but the range is that of the stored values, since a reader of rings has nothing else. Whole
    pixels beyond the stamp's edge count as missing.
    """
    mean = lambda x: jnp.where(x.coverage > 0, x.flux / jnp.maximum(x.coverage, 1.0), jnp.nan)
    stored, whole = mean(rings), decode(rings, size, levels)
    low, high = value_range(jnp.moveaxis(stored, -1, -2), jnp.moveaxis(~jnp.isnan(stored), -1, -2))
    pixels = scaled(mean(whole), low[..., None, None, None, :], high[..., None, None, None, :])
    cell = jnp.asarray(4.0 ** np.arange(levels), jnp.float32)[:, None, None, None]
    return jnp.concatenate([pixels, 1.0 - whole.coverage / cell], axis=-1)


def pack(stamps: np.ndarray, size: int = 8, levels: int = 4) -> bytes:
    """One alert's raw stamps (H, W, C) as the bytes that need to be stored.

    Coverage is written only where a pixel of the stamp is missing.

    Raises:
      DataError: sizes that the header cannot hold.
    """
    chex.assert_rank(stamps, 3)
    height, width, channels = np.shape(stamps)
    if levels > MAX_LEVELS or size > MAX_SIZE or channels > MAX_CHANNELS or max(height, width) > 0xFFFF:
        raise DataError(f"{levels} levels of {size} x {size} x {channels} are too many to pack")
    rings = encode(np.asarray(stamps, np.float32), size, levels)
    flags = 0 if (np.abs(stamps) <= HUGE).all() else _COVERAGE
    # The side of a level travels in units of 4 pixels.
    header = _HEADER.pack(_MAGIC, _VERSION << 4 | flags, levels, size // 4, channels, height, width)
    parts = [header, np.asarray(rings.flux).astype("<f4").tobytes()]
    if flags:
        parts.append(np.asarray(rings.coverage).astype("<u2").tobytes())
    return b"".join(parts)


def unpack(data: bytes) -> tuple[Rings, int, int]:
    """What `pack` wrote: (rings of one alert, size, levels).

    Raises:
      DataError: these bytes are damaged, cut off, or something else.
    """
    if len(data) < _HEADER.size or data[:4] != _MAGIC or data[4] >> 4 != _VERSION:
        raise DataError("these bytes are not packed rings of a stamp")
    _, version, levels, quarter, channels, height, width = _HEADER.unpack_from(data)
    size, flags = 4 * quarter, version & 0xF
    if not (1 <= levels <= MAX_LEVELS and 4 <= size <= MAX_SIZE and 1 <= channels <= MAX_CHANNELS):
        raise DataError("the header of packed rings is damaged")
    expected = packed_bytes(size, levels, channels, bool(flags & _COVERAGE))
    if len(data) != expected or flags & ~_COVERAGE:
        raise DataError(f"packed rings have {len(data)} bytes where their header promises {expected}: they are damaged")
    shape, count = (stored_values(size, levels), channels), stored_values(size, levels) * channels
    flux = np.frombuffer(data, "<f4", count, _HEADER.size).reshape(shape)
    if flags & _COVERAGE:
        coverage = np.frombuffer(data, "<u2", count, _HEADER.size + 4 * count).reshape(shape)
    else:
        coverage = encode(np.zeros((height, width, channels), np.float32), size, levels).coverage
    return Rings(flux.astype(np.float32), np.asarray(coverage, np.float32)), size, levels
