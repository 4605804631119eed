"""Checksums in the headers of FITS cutouts: FITS 4.0 (Pence et al. 2010, A&A 524, A42), section 4.4.2.7 and appendix J.

DATASUM is the 32-bit ones' complement sum of the data of an HDU; CHECKSUM makes that of the whole HDU come out as -0.

A header that was copied from a tile-compressed image to the cutout (all of ATLAS's) holds the sums of that image, and says so by
ZEXTEND, ZSIMPLE, ZTENSION or ZBITPIX in what is no compressed image: those sums say nothing of the cutout.
"""

from collections.abc import Mapping

import numpy as np

_OF_A_PARENT = ("ZEXTEND", "ZSIMPLE", "ZTENSION", "ZBITPIX")


def ones_complement_sum(data: bytes) -> int:
    """Of big-endian 32-bit words, the last one filled up with zeros.

    >>> ones_complement_sum(bytes([255] * 4 + [0, 0, 0, 2]))
    2
    """
    words = np.frombuffer(data + bytes(-len(data) % 4), ">u4")
    total = int(words.sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def wrong_checksum(cards: Mapping[str, str], header: bytes, data: bytes) -> str:
    """Why the checksums of an HDU do not fit it; empty: they do, or it has none.

    Args:
      cards: keyword -> text of its value, quotes and all. header: its blocks. data: what follows, the filling to a block optional.
    """
    said = {name: _text(cards.get(name, "")) for name in ("DATASUM", "CHECKSUM")}
    if not any(said.values()) or ("ZIMAGE" not in cards and any(name in cards for name in _OF_A_PARENT)):
        return ""
    found = ones_complement_sum(data)
    if said["DATASUM"] and not (said["DATASUM"].isdigit() and int(said["DATASUM"]) == found):
        return f"wrong checksum: the pixels sum to {found}, DATASUM says {said['DATASUM'][:20]}"
    if said["CHECKSUM"] and _added(ones_complement_sum(header), found) not in (0, 0xFFFFFFFF):
        return "wrong checksum: header and pixels do not fit CHECKSUM"
    return ""


def _text(value: str) -> str:
    """What stands between quotes."""
    return value.split("'")[1].strip() if value.count("'") >= 2 else value.strip()


def _added(first: int, second: int) -> int:
    total = first + second
    return (total & 0xFFFFFFFF) + (total >> 32)
