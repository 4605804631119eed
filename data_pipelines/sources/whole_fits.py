"""FITS files as astropy can be trusted with them: unpacked beforehand, and their own sums checked."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from data_pipelines.sources.alerts.unpacking import UnpackError, compression_of, open_unpacked, read_all
from lcjax.errors import DataError

MAX_UNPACKED_BYTES = 4 << 30
"""Of a compressed file, which is unpacked into memory."""
_FAILED = 0
_SQUARE = 1.05
"""Largest ratio of the sides of a pixel."""
_MAGIC_BYTES = 6


class FitsSource:
    """What `fits.open` is given, as often as wanted: the path, or what is packed in it.

    Astropy takes the size of a compressed file for that of its content, so that it reads some damaged ones without end, and
    it does not look at the checksum behind what it reads.
    """

    def __init__(self, path: Path, limit: int = MAX_UNPACKED_BYTES) -> None:
        """Unpacks a compressed file.

        Raises:
          DataError: it is damaged, or unpacks to more than `limit` bytes. OSError: it cannot be read.
        """
        self._path, self._content = path, None
        with open(path, "rb") as file:
            if compression_of(file.read(_MAGIC_BYTES)) is None:
                return
            try:
                self._content = read_all(open_unpacked(file), limit)
            except UnpackError as error:
                raise DataError(str(error)) from error

    def opened(self) -> Path | io.BytesIO:
        """From its beginning."""
        return self._path if self._content is None else io.BytesIO(self._content)


def check_sums(units: Iterable[Any]) -> None:
    """Compares the units of a file with their DATASUM and CHECKSUM cards (FITS standard 4.0, section 4.4.2.7), where they have them.

    Raises:
      DataError: data or a header have changed since they were written.
    """
    from astropy.io.fits import CompImageHDU

    for unit in units:
        if isinstance(unit, CompImageHDU) or not {"DATASUM", "CHECKSUM"} & set(unit.header):
            continue
        if unit.verify_datasum() == _FAILED:
            raise DataError("the data have changed since DATASUM was written in their header: restore a copy")
        if unit.verify_checksum() == _FAILED:
            raise DataError(
                "a header has changed since its CHECKSUM was written: restore a copy, or take that card out where the header "
                "was edited on purpose"
            )


def square_pixels(scales: Sequence[float]) -> float:
    """Side of a pixel, of its two sides.

    Raises:
      DataError: they differ, so that what is cut out of the image would be stretched.
    """
    if not max(scales) <= _SQUARE * min(scales):
        raise DataError(f"pixels are not square: {scales[0]:.4g} by {scales[1]:.4g} arcsec; resample the image first")
    return sum(scales) / len(scales)


def image_shape(unit: Any) -> tuple[int, ...]:
    """Shape of the image of a unit of a file; empty where it has none, such as a table or a random group."""
    from astropy.io.fits import CompImageHDU, GroupsHDU, ImageHDU, PrimaryHDU

    image = isinstance(unit, CompImageHDU | ImageHDU | PrimaryHDU) and not isinstance(unit, GroupsHDU)
    return tuple(unit.shape) if image else ()
