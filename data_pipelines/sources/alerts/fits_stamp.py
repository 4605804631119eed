"""FITS cutouts from bytes: a minimal decoder for the simple case, astropy for the rest, bounds for everything.

An alert's cutout is a primary HDU with a two-dimensional image, gzipped (ZTF) or not (Rubin). Reading exactly that takes a
few microseconds beside the inflating; anything else that FITS allows (images in extensions, tile compression) goes to astropy once its claimed
sizes have been found reasonable. Standard: FITS 4.0 (Pence et al. 2010, A&A 524, A42).
"""

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_pipelines.sources.alerts.compression import zlib
from lcjax.errors import MissingExtraError

MAX_BYTES = 8 << 20
"""Largest decompressed cutout: 1000 x 1000 float64, five hundred times a ZTF cutout."""
MAX_SIDE = 4096
MAX_HEADER_BLOCKS = 64
_BLOCK, _CARD = 2880, 80
_GZIP = b"\x1f\x8b"
_FORMATS = {-32: ">f4", -64: ">f8", 8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8"}


class StampError(ValueError):
    """A cutout that cannot be used; the message is the reason."""


@dataclass(frozen=True)
class StampHeader:
    """What the minimal decoder needs of a primary header."""

    size: int  #: bytes of the header
    shape: tuple[int, int]  #: (H, W)
    format: str  #: numpy dtype of the pixels on disk
    scale: float
    zero: float
    blank: int | None
    pixel_scale: float | None  #: arcsec


def decode_stamp(data: bytes) -> tuple[np.ndarray, float | None]:
    """Pixels and pixel scale of a FITS cutout, gzipped or not.

    Args:
      data: the bytes in the packet.

    Returns:
      pixels: (H, W) float32 in native units, first row at the bottom as in FITS; missing ones NaN, infinities kept.
      pixel_scale: arcsec per pixel from the WCS (square root of the pixel's area), None without one.

    Raises:
      StampError: not gzip or FITS, cut off, damaged, larger than the bounds, or without a two-dimensional image.
    """
    data = gunzip(data) if data[:2] == _GZIP else bytes(data)
    header = _simple_header(data)
    if header is None:
        return _decode_with_astropy(data)
    return _pixels(data, header), header.pixel_scale


def gunzip(data: bytes, limit: int = MAX_BYTES) -> bytes:
    """Decompresses gzip bytes (also of several members), checksum included, and never more than `limit` bytes.

    Raises:
      StampError: damaged, cut off, or larger than `limit`.
    """
    out = b""
    while data:
        member = zlib.decompressobj(31)
        try:
            piece = member.decompress(data, limit + 1 - len(out))
        except zlib.error as error:
            raise StampError(f"corrupt gzip: {error}") from None
        out = out + piece if out else piece
        if len(out) > limit:
            raise StampError(f"gzip too large: more than {limit:,} bytes unpacked")
        if not member.eof:
            raise StampError("corrupt gzip: it is cut off")
        data = member.unused_data if member.unused_data[:2] == _GZIP else b""
    return out


def _simple_header(data: bytes) -> StampHeader | None:
    """The header of a primary two-dimensional image; None: a task for astropy."""
    if data[:9] != b"SIMPLE  =":
        raise StampError("not FITS: the cutout does not begin with SIMPLE")
    for blocks in range(1, MAX_HEADER_BLOCKS + 1):
        last = data[(blocks - 1) * _BLOCK : blocks * _BLOCK]
        if len(last) < _BLOCK:
            raise StampError("damaged FITS: the header has no END")
        if b"END     " in last:
            header = _parse_header(data[: blocks * _BLOCK])
            if header is not None or _cards(data[: blocks * _BLOCK]) is not None:
                return header
    raise StampError(f"damaged FITS: the header has no END in {MAX_HEADER_BLOCKS} blocks")


def _cards(header: bytes) -> dict[str, str] | None:
    """Keyword -> text of its value; None when no card is END."""
    cards: dict[str, str] = {}
    for at in range(0, len(header), _CARD):
        keyword = header[at : at + 8]
        if keyword == b"END     ":
            return cards
        if header[at + 8 : at + 10] == b"= ":
            text = header[at + 10 : at + _CARD].decode("latin-1")
            value = text if text.lstrip()[:1] == "'" else text.split("/", 1)[0]
            cards.setdefault(keyword.decode("latin-1").rstrip(), value.strip())
    return None


@functools.lru_cache(maxsize=512)
def _parse_header(header: bytes) -> StampHeader | None:
    """Cached: every ZTF cutout of one size has the same header."""
    cards = _cards(header)
    if cards is None or cards.get("NAXIS") != "2":
        return None
    try:
        bits, width, height = (int(cards[name]) for name in ("BITPIX", "NAXIS1", "NAXIS2"))
        scale, zero = (float(cards.get(name, default)) for name, default in (("BSCALE", "1"), ("BZERO", "0")))
        blank = int(cards["BLANK"]) if bits > 0 and "BLANK" in cards else None
    except (KeyError, ValueError):
        raise StampError("damaged FITS: BITPIX, NAXIS1, NAXIS2, BSCALE, BZERO or BLANK is not a number") from None
    if bits not in _FORMATS:
        raise StampError(f"damaged FITS: BITPIX is {bits}")
    _check_shape(height, width)
    return StampHeader(len(header), (height, width), _FORMATS[bits], scale, zero, blank, _pixel_scale(cards))


def _check_shape(height: int, width: int) -> None:
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE):
        raise StampError(f"stamp size: {height}x{width} pixels is not between 1x1 and {MAX_SIDE}x{MAX_SIDE}")


def _pixels(data: bytes, header: StampHeader) -> np.ndarray:
    height, width = header.shape
    needed = height * width * int(header.format[2])
    if len(data) - header.size < needed:
        raise StampError(f"damaged FITS: {max(len(data) - header.size, 0):,} bytes of pixels where {needed:,} are due")
    raw = np.frombuffer(data, header.format, height * width, header.size).reshape(header.shape)
    if header.scale == 1 and header.zero == 0 and header.blank is None:
        with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite, as astropy's values cast to float32
            return raw.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        values = (raw.astype(np.float64) * header.scale + header.zero).astype(np.float32)
    if header.blank is not None:
        values[raw == header.blank] = np.nan
    return values


def _pixel_scale(cards: dict[str, str]) -> float | None:
    """Arcsec per pixel: square root of the area that CD, PC with CDELT, or CDELT alone gives a pixel."""
    found = lambda names: any(name in cards for name in names)
    value = lambda name, default: float(cards.get(name, default).replace("D", "E"))
    matrix = ("1_1", "1_2", "2_1", "2_2")
    try:
        if found([f"CD{ij}" for ij in matrix]):
            a, b, c, d = (value(f"CD{ij}", "0") for ij in matrix)
            area = a * d - b * c
        elif found([f"PC{ij}" for ij in matrix]) or found(("CDELT1", "CDELT2")):
            a, b, c, d = (value(f"PC{ij}", unit) for ij, unit in zip(matrix, "1001", strict=True))
            area = (a * d - b * c) * value("CDELT1", "1") * value("CDELT2", "1")
        else:
            return None
    except ValueError:
        return None
    scale = 3600 * math.sqrt(abs(area))
    return scale if math.isfinite(scale) and scale > 0 else None


def _decode_with_astropy(data: bytes) -> tuple[np.ndarray, float | None]:
    """The first two-dimensional image of any HDU."""
    import io
    import warnings

    try:
        from astropy.io import fits
    except ImportError:
        raise MissingExtraError("astropy", "data", "reading this FITS cutout") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(io.BytesIO(data), memmap=False, lazy_load_hdus=True) as hdus:
                for hdu in hdus:
                    if hdu.is_image and hdu.header.get("ZNAXIS", hdu.header.get("NAXIS")) == 2:
                        return _image_of(hdu)
    except StampError:
        raise
    except Exception as error:  # astropy raises many kinds on damaged files
        raise StampError(
            f"damaged FITS: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from None
    raise StampError("no image: the FITS cutout has no two-dimensional image")


def _image_of(hdu: Any) -> tuple[np.ndarray, float | None]:
    width, height = (int(hdu.header.get(f"ZNAXIS{i}", hdu.header.get(f"NAXIS{i}"))) for i in (1, 2))
    _check_shape(height, width)
    if 8 * height * width > MAX_BYTES:
        raise StampError(f"stamp size: {height}x{width} pixels are more than {MAX_BYTES:,} bytes")
    cards = {card.keyword: str(card.value) for card in hdu.header.cards if card.keyword}
    with np.errstate(over="ignore"):
        return np.asarray(hdu.data).astype(np.float32), _pixel_scale(cards)
