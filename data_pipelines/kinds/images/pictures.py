"""Pixels of single files: PNG, JPEG and FITS images; and of PNG and JPEG that lie in tables as bytes."""

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.sources.whole_fits import FitsSource, check_sums, image_shape
from lcjax.errors import ConfigError, DataError, MissingExtraError, first_line

MAX_PIXELS = 64 << 20
"""Larger images are refused."""
PICTURES = (".png", ".jpg", ".jpeg")
FITS = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz", ".fit.gz")
_RGB = ("red", "green", "blue")
_OPAQUE = 255


def read_picture(data: Path | bytes) -> tuple[np.ndarray, tuple[str, ...]]:
    """Pixels (H, W, C) uint8 or uint16 of a PNG, JPEG or GIF, and the names of the channels: `grey`, or `red`, `green`, `blue`.

    Raises:
      DataError: no such picture, damaged, too large, or partly transparent.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(
                io.BytesIO(data) if isinstance(data, bytes) else data, formats=("PNG", "JPEG", "GIF")
            ) as image:
                if getattr(image, "n_frames", 1) > 1:
                    raise DataError("several pictures: the file holds a film, or pages")
                if image.width * image.height > MAX_PIXELS:
                    raise DataError(f"image too large: {image.width} x {image.height} pixels")
                return _pixels(image)
    except DataError:
        raise
    except Exception as error:  # Pillow reports damage through many classes
        said = first_line(error, 120)
        raise DataError(f"damaged picture: {said}") from error


def _pixels(image: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    if image.mode in ("L", "1"):
        return np.asarray(image.convert("L"))[..., None], ("grey",)
    if image.mode in ("I;16", "I;16B", "I;16L", "I"):
        return np.asarray(image).astype(np.uint16)[..., None], ("grey",)
    if image.mode in ("LA", "RGBA", "PA") or "transparency" in image.info:
        whole = np.asarray(image.convert("RGBA"))
        if (whole[..., 3] != _OPAQUE).any():
            raise DataError("transparent picture: it has pixels that are not opaque, whose colour is open")
        return (whole[..., :1], ("grey",)) if image.mode == "LA" else (whole[..., :3], _RGB)
    if image.mode not in ("RGB", "P"):
        raise DataError(f"picture of another kind: its colours are {image.mode}, not grey or RGB")
    return np.asarray(image.convert("RGB")), _RGB


BAND_CARDS = ("FILTER", "FILTER1", "FILTER2", "BAND")
_NO_FILTER = ("CLEAR", "NONE", "UNKNOWN", "N/A", "MIRVIS")
"""Beginnings of what a wheel without a filter is called."""


def header_band(header: Mapping[str, Any]) -> str:
    """The one filter that a FITS header names; "" where it names none or several.

    >>> header_band({"FILTER1": "CLEAR1L", "FILTER2": "F814W "}), header_band({"FILTER1": "F606W", "FILTER2": "F814W"})
    ('F814W', '')
    """
    said = {str(header.get(card, "")).strip() for card in BAND_CARDS}
    found = {text for text in said if text and not text.upper().startswith(_NO_FILTER)}
    return found.pop() if len(found) == 1 else ""


def fits_band(path: Path, extensions: Sequence[str]) -> str:
    """What the header of the image that `read_fits` takes, or the first header of the file, says of its band."""
    from astropy.io import fits

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(FitsSource(path).opened(), memmap=False) as file:
            unit = _extension(file, extensions[0]) if extensions else _only_image(file, path)
            return header_band(unit.header) or header_band(file[0].header)


def read_fits(path: Path, extensions: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Pixels (H, W), (a, b, c) or, of several extensions, (H, W, C); and names where extensions are the channels.

    Args:
      extensions: names or numbers of extensions; none: the only image that the file has.

    Raises:
      DataError: no image, damaged, too large, or extensions of different shapes. ConfigError: several images and none named.
      MissingExtraError: astropy is not installed.
    """
    try:
        from astropy.io import fits
    except ImportError as error:
        raise MissingExtraError("astropy", "data", "reading FITS images") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(FitsSource(path).opened(), memmap=False) as file:
                chosen = [_extension(file, name) for name in extensions] or [_only_image(file, path)]
                check_sums(chosen)
                arrays = [np.asarray(unit.data) for unit in chosen]
    except (DataError, ConfigError):
        raise
    except Exception as error:  # astropy reports damage through many classes
        said = first_line(error, 120)
        raise DataError(f"damaged FITS file: {said}") from error
    arrays = [array.astype(array.dtype.newbyteorder("=")) for array in arrays]
    if len(arrays) == 1:
        return arrays[0], ()
    if len({a.shape for a in arrays}) > 1 or arrays[0].ndim != 2:
        raise DataError(f"extensions of different shapes: {', '.join(str(a.shape) for a in arrays)}")
    return np.stack(arrays, -1), tuple(name.lower() for name in extensions)


def _is_image(unit: Any) -> bool:
    return len(image_shape(unit)) in (2, 3)


def _only_image(file: Any, path: Path) -> Any:
    found = [(number, unit) for number, unit in enumerate(file) if _is_image(unit)]
    if not found:
        raise DataError("no image: the file has none of two or three axes")
    if len(found) > 1:
        names = " ".join(unit.name or str(number) for number, unit in found)
        raise ConfigError(
            f"'{path}' has several images: name one, or all that are channels, with --images.image {names}"
        )
    return _small(found[0][1])


def _extension(file: Any, name: str) -> Any:
    wanted: str | int = int(name) if name.isdigit() else name
    try:
        unit = file[wanted]
    except (KeyError, IndexError) as error:
        raise DataError(f"no extension: '{name}' is not in the file") from error
    if not _is_image(unit):
        raise DataError(f"no image: extension '{name}' has none of two or three axes")
    return _small(unit)


def _small(unit: Any) -> Any:
    if int(np.prod(unit.shape)) > MAX_PIXELS:
        raise DataError(f"image too large: its shape is {tuple(unit.shape)}")
    return unit
