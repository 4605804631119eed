"""FITS cutouts from bytes: a minimal decoder for the simple case, astropy for the rest, bounds for everything.

An alert's cutout is a primary HDU with a two-dimensional image, gzipped (ZTF) or not (Rubin). Reading exactly that takes a
few microseconds beside the inflating; anything else that FITS allows (images in extensions, tile compression) goes to astropy once its claimed
sizes have been found reasonable. Standard: FITS 4.0 (Pence et al. 2010, A&A 524, A42).
"""

import contextlib
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_pipelines.sources.alerts.checksums import wrong_checksum
from data_pipelines.sources.alerts.compression import zlib
from data_pipelines.sources.alerts.world import World, pixel_scale, read_matrix, read_world, real_of, words
from lcjax.errors import MissingExtraError

MAX_BYTES = 8 << 20
"""Largest decompressed cutout: 1000 x 1000 float64, five hundred times a ZTF cutout."""
MAX_SIDE = 4096
MAX_HEADER_BLOCKS = 64
MAX_HDUS = 32
_MAX_AXES, _MAX_FIELDS = 16, 999
_MAX_TILES = 8192
_BLOCK, _CARD, _END = 2880, 80, b"END     "
_TILE_COMPRESSIONS = ("RICE_1", "GZIP_1", "GZIP_2", "NOCOMPRESS")
"""The decoders of HCOMPRESS_1 and PLIO_1 take sizes from the data they decode; no survey sends them in alerts."""
_GZIP_TILE = b"\x1f\x8b\x08"
_TILE_SETTINGS = {"BYTEPIX": (1, 2, 4, 8), "BLOCKSIZE": (16, 32)}
_NO_NUMBER = "damaged FITS: a size, BSCALE, BZERO or BLANK is missing or no such number"
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
    summed: bool  #: whether it has checksums
    pixel_scale: float | None  #: arcsec
    world: World | None


def decode_stamp(data: bytes) -> tuple[np.ndarray, float | None, World | None]:
    """Pixels, pixel scale and sky coordinates of a FITS cutout, gzipped or not.

    Args:
      data: the bytes in the packet.

    Returns:
      pixels: (H, W) float32 in native units, first row at the bottom as in FITS; missing ones NaN, infinities kept.
      pixel_scale: arcsec per pixel from the WCS (square root of the pixel's area), None without one.
      world: where the pixels are on the sky, None where the header does not say or says it in a way not read here.

    Raises:
      StampError: not gzip or FITS, cut off, damaged (a checksum in the header is wrong), larger than the bounds, or without a
        two-dimensional image.
    """
    data = gunzip(data) if data[:2] == _GZIP else bytes(data)
    header = _simple_header(data)
    if header is None:
        return _decode_with_astropy(data)
    if header.summed:
        size = math.prod(header.shape) * int(header.format[2])
        _check_sums(_cards(data[: header.size]), data[: header.size], data[header.size :][:size])
    return _pixels(data, header), header.pixel_scale, header.world


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
    return _parse_header(_header(data, 0))


def _header(data: bytes, begin: int) -> bytes:
    """The blocks of a header, the one with its END included."""
    for end in range(begin + _BLOCK, begin + (MAX_HEADER_BLOCKS + 1) * _BLOCK, _BLOCK):
        if end > len(data):
            raise StampError("damaged FITS: the header has no END")
        at = data.find(_END, end - _BLOCK, end)
        while at >= 0 and (at - begin) % _CARD:
            at = data.find(_END, at + 1, end)
        if at >= 0:
            return data[begin:end]
    raise StampError(f"damaged FITS: the header has no END in {MAX_HEADER_BLOCKS} blocks")


def check_hdus(data: bytes) -> None:
    """Looks at what in all headers would keep a generic reader busy for hours, or crash it, before it gets the file.

    Raises:
      StampError: numbers that are out of range, a compression whose decoder does not survive damage, a wrong checksum, or no END.
    """
    begin = 0
    for _ in range(MAX_HDUS):
        header = _header(data, begin)
        cards = _cards(header)
        try:
            size = _data_size(cards)
            if "ZIMAGE" in cards:
                _check_tiles(cards, data[begin + len(header) :][:size])
            if _is_summed(cards):
                _check_sums(cards, header, data[begin + len(header) :][: -(-size // _BLOCK) * _BLOCK])
        except (KeyError, ValueError) as error:
            raise error if isinstance(error, StampError) else StampError(_NO_NUMBER) from None
        begin += len(header) + -(-size // _BLOCK) * _BLOCK
        if data[begin : begin + 8] != b"XTENSION":
            return
    raise StampError(f"damaged FITS: it has more than {MAX_HDUS} parts")


def _is_summed(cards: Mapping[str, str]) -> bool:
    return "DATASUM" in cards or "CHECKSUM" in cards


def _check_sums(cards: Mapping[str, str], header: bytes, data: bytes) -> None:
    if reason := wrong_checksum(cards, header, data):
        raise StampError(f"damaged FITS: {reason}")


def _data_size(cards: Mapping[str, str]) -> int:
    """Bytes behind a header."""
    axes, fields = int(cards.get("NAXIS", "0")), int(cards.get("TFIELDS", "0"))
    if not (0 <= axes <= _MAX_AXES and 0 <= fields <= _MAX_FIELDS):
        raise StampError(f"damaged FITS: a header claims {axes:,} axes and {fields:,} columns")
    shape = [int(cards[f"NAXIS{i}"]) for i in range(1, axes + 1)]
    extra, groups, bits = (int(cards.get(k, v)) for k, v in (("PCOUNT", "0"), ("GCOUNT", "1"), ("BITPIX", "8")))
    if min(*shape, extra, groups, 0) < 0:
        raise StampError("damaged FITS: a header claims a negative size")
    return abs(bits) // 8 * groups * (extra + math.prod(shape)) if shape else 0


def _check_tiles(cards: Mapping[str, str], data: bytes) -> None:
    """Of a compressed image: how many tiles, how they are compressed, the numbers that steer the decoder, gzip bombs."""
    kind = words(cards.get("ZCMPTYPE", ""))
    if kind not in _TILE_COMPRESSIONS:
        raise StampError(f"unsupported compression: '{kind}' tiles; use {', '.join(_TILE_COMPRESSIONS)}")
    sides = [(int(cards[f"ZNAXIS{i}"]), int(cards.get(f"ZTILE{i}", "1"))) for i in (1, 2) if f"ZNAXIS{i}" in cards]
    tiles = math.prod(-(-side // max(tile, 1)) for side, tile in sides)
    if any(tile < 1 for _, tile in sides) or tiles > _MAX_TILES:
        raise StampError("damaged FITS: the tiles of a compressed image are too many or too small")
    for name, allowed in _TILE_SETTINGS.items():
        numbers = [key[5:] for key, value in cards.items() if key.startswith("ZNAME") and words(value) == name]
        if any(int(cards[f"ZVAL{number}"]) not in allowed for number in numbers):
            raise StampError(f"damaged FITS: {name} of a compressed image is out of range")
    limit, at = 8 * math.prod(min(side, tile) for side, tile in sides), data.find(_GZIP_TILE)
    for _ in range(tiles + 16):  # chance finds are rare; the generic reader unpacks each tile whatever its size
        if at < 0:
            return
        with contextlib.suppress(zlib.error):
            if len(zlib.decompressobj(31).decompress(data[at:], limit + 1)) > limit:
                raise StampError(f"gzip too large: a tile of more than {limit:,} bytes unpacked")
        at = data.find(_GZIP_TILE, at + 1)
    if at >= 0:
        raise StampError("damaged FITS: more gzip members than tiles")


def _cards(header: bytes) -> dict[str, str]:
    """Keyword -> text of its value, up to END."""
    cards: dict[str, str] = {}
    for at in range(0, len(header), _CARD):
        keyword = header[at : at + 8]
        if keyword == _END:
            break
        if header[at + 8 : at + 10] == b"= ":
            text = header[at + 10 : at + _CARD].decode("latin-1")
            value = text if text.lstrip()[:1] == "'" else text.split("/", 1)[0]
            cards.setdefault(keyword.decode("latin-1").rstrip(), value.strip())
    return cards


@functools.lru_cache(maxsize=512)
def _parse_header(header: bytes) -> StampHeader | None:
    """Cached: every ZTF cutout of one size has the same header."""
    cards = _cards(header)
    if cards.get("NAXIS") != "2":
        return None
    try:
        bits, width, height = (int(cards[name]) for name in ("BITPIX", "NAXIS1", "NAXIS2"))
        scale, zero = (real_of(cards.get(name, default)) for name, default in (("BSCALE", "1"), ("BZERO", "0")))
        blank = int(cards["BLANK"]) if bits > 0 and "BLANK" in cards else None
    except (KeyError, ValueError):
        raise StampError(_NO_NUMBER) from None
    if bits not in _FORMATS:
        raise StampError(f"damaged FITS: BITPIX is {bits}")
    _check_shape(height, width)
    return StampHeader(
        len(header), (height, width), _FORMATS[bits], scale, zero, blank, _is_summed(cards), *_sky(cards)
    )


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
        if (
            header.format == ">i8" and header.scale == 1 and header.zero == 2**63
        ):  # unsigned: float64 would round it away
            values = (raw.astype(np.int64).view(np.uint64) ^ np.uint64(1 << 63)).astype(np.float32)
        else:
            values = (raw.astype(np.float64) * header.scale + header.zero).astype(np.float32)
    if header.blank is not None:
        values[raw == header.blank] = np.nan
    return values


def _sky(cards: Mapping[str, str]) -> tuple[float | None, World | None]:
    matrix = read_matrix(cards)
    return (pixel_scale(matrix) if matrix else None), read_world(cards, matrix)


def _decode_with_astropy(data: bytes) -> tuple[np.ndarray, float | None, World | None]:
    """The first two-dimensional image of any HDU."""
    import io
    import warnings

    try:
        from astropy.io import fits
    except ImportError:
        raise MissingExtraError("astropy", "data", "reading this FITS cutout") from None
    check_hdus(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(io.BytesIO(data), memmap=False, lazy_load_hdus=True) as hdus:
                for hdu in hdus:
                    if hdu.is_image and hdu.header.get("ZNAXIS", hdu.header.get("NAXIS")) == 2:
                        return image_of(hdu)
    except StampError:
        raise
    except Exception as error:  # astropy raises many kinds on damaged files
        raise StampError(
            f"damaged FITS: {type(error).__name__} {str(error).splitlines()[0] if str(error) else ''}".rstrip()
        ) from None
    raise StampError("no image: the FITS cutout has no two-dimensional image")


def image_of(hdu: Any) -> tuple[np.ndarray, float | None, World | None]:
    """As `decode_stamp`, of an astropy HDU with an image (or a cube of such); pixels are read only if they are few enough.

    Raises:
      StampError: they are not.
    """
    width, height = (int(hdu.header.get(f"ZNAXIS{i}", hdu.header.get(f"NAXIS{i}"))) for i in (1, 2))
    _check_shape(height, width)
    if 8 * height * width > MAX_BYTES:
        raise StampError(f"stamp size: {height}x{width} pixels are more than {MAX_BYTES:,} bytes")
    cards = {card.keyword: str(card.value) for card in hdu.header.cards if card.keyword}  # as `_cards`, without quotes
    pixels = np.asarray(hdu.data)
    if pixels.shape[-2:] != (height, width):  # a compressed image without tiles has no pixels at all
        raise StampError(f"damaged FITS: it has no pixels where {height}x{width} are due")
    with np.errstate(over="ignore"):
        return pixels.astype(np.float32), *_sky(cards)
