"""Stamps without a packet: plain FITS images and `.npy` arrays.

| file | alerts |
| --- | --- |
| FITS, one (H, W) image | one, its stamp named by the end of the file name (`_science`, `_sci`, `_template`, `_ref`, `_difference`, `_diff`, else science); files of one folder with one beginning are one alert |
| FITS, (3, H, W) cube, or images in extensions named science, template, difference | one |
| `.npy` (H, W), (H, W, 3), (3, H, W) | one |
| `.npy` (N, H, W), (N, H, W, 3), (N, 3, H, W) | N |

Channels are in the order science, template, difference. A `.csv` beside an `.npy` of the same name gives a row of metadata
to each of its stamps: `objectId`, `candid`, `jd` or `mjd`, `ra`, `dec`, `fid` or `band`, and any other number; `pixel_scale` in arcsec.
"""

import csv
import io
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from data_pipelines.sources.alerts.fits_stamp import (
    MAX_BYTES,
    MAX_SIDE,
    StampError,
    check_hdus,
    decode_stamp,
    gunzip,
    image_of,
)
from data_pipelines.sources.alerts.packets import PacketError, StampRules, identifier
from data_pipelines.sources.alerts.record import STAMP_NAMES, ZTF_BANDS, Alert, Stamp
from data_pipelines.sources.alerts.ztf import JD_MINUS_MJD
from data_pipelines.sources.csv_tables import named_rows
from lcjax.errors import DataError, Rejection, first_line

NPY_MAGIC = b"\x93NUMPY"
_MAX_SCALE = 3600.0
"""Arcsec: a degree."""
_NPY_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_WORDS = {
    "science": "science|sci|targ_sci|new",
    "template": "template|temp|reference|ref|scimref|targ_ref",
    "difference": "difference|diff|sub|scimrefdiffimg|targ_scimref",
}
_ENDINGS = {name: re.compile(rf"^(.*?)[._-]?(?:{words})$", re.IGNORECASE) for name, words in _WORDS.items()}
_SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz")


def stamp_group(name: str) -> tuple[str, str]:
    """Beginning that files of one alert share, and which stamp this file is.

    >>> stamp_group("sn2019abc_template.fits.gz"), stamp_group("galaxy.fits")
    (('sn2019abc', 'template'), ('galaxy', 'science'))
    """
    stem = next((name[: -len(s)] for s in sorted(_SUFFIXES, key=len, reverse=True) if name.lower().endswith(s)), name)
    for stamp in ("difference", "template", "science"):
        if (match := _ENDINGS[stamp].match(stem)) and match[1]:
            return match[1], stamp
    return stem, "science"


def read_fits_stamps(files: Mapping[str, bytes], object_id: str, rules: StampRules, origin: str) -> Alert | Rejection:
    """One alert from the bytes of its FITS files.

    Args:
      files: stamp name -> bytes of its file; a single file may hold all stamps. object_id: the alert's name.
    """
    try:
        images: dict[str, Stamp] = {}
        for name, data in files.items():
            images |= _fits_images(data, name)
        return _alert(images, object_id, 0, {}, rules, origin)
    except StampError as error:
        return Rejection(object_id, str(error), origin)


def _fits_images(data: bytes, name: str) -> dict[str, Stamp]:
    """Images of named extensions, planes of a cube of three, or the first image."""
    if data[:2] == b"\x1f\x8b":
        data = gunzip(data)
    first: dict[str, Stamp] = {}
    try:
        pixels, scale, world = decode_stamp(data)
        first = {name: Stamp(pixels, scale or 1.0, world)}
    except StampError:
        if b"XTENSION" not in data and b"NAXIS3" not in data:
            raise
    if first and b"XTENSION" not in data:
        return first
    found = _named_images(data, first[name].pixel_scale if first else 1.0) or first
    if not found:
        raise StampError("no image: the FITS file has no two-dimensional image and no cube of three")
    return found


def _named_images(data: bytes, scale: float) -> dict[str, Stamp]:
    from lcjax.errors import MissingExtraError

    try:
        from astropy.io import fits
    except ImportError:
        raise MissingExtraError("astropy", "data", "reading this FITS file") from None
    found: dict[str, Stamp] = {}
    check_hdus(data)
    try:
        with warnings.catch_warnings(), io.BytesIO(data) as stream:
            warnings.simplefilter("ignore")
            for hdu in fits.open(stream, memmap=False):
                shape = hdu.shape if hdu.is_image else ()
                if not shape or max(shape) > MAX_SIDE or 8 * int(np.prod(shape)) > MAX_BYTES:
                    continue
                kind = next((n for n in STAMP_NAMES if re.fullmatch(_WORDS[n], hdu.name, re.IGNORECASE)), None)
                if kind and len(shape) == 2:
                    pixels, own, world = image_of(hdu)
                    found[kind] = Stamp(pixels, own or scale, world)
                elif len(shape) == 3 and shape[0] == len(STAMP_NAMES) and not found:
                    planes, own, world = image_of(hdu)
                    found = {n: Stamp(p, own or scale, world) for n, p in zip(STAMP_NAMES, planes, strict=True)}
    except StampError:
        raise
    except Exception as error:  # astropy raises many kinds on damaged files
        raise StampError(f"damaged FITS: {type(error).__name__}") from None
    return found


def read_npy_stamps(source: Path | BinaryIO, rules: StampRules, origin: str, name: str) -> Iterator[Alert | Rejection]:
    """Alerts of an array file; a path is mapped into memory, so only the stamps in use are read.

    Args:
      source: a path, or a stream with the whole file. origin: what alerts are said to come from. name: of the object.
    """
    rows: Sequence[Mapping[str, str]] = ()
    try:
        stamps = _as_alerts(_load_array(source))
        if isinstance(source, Path) and (table := source.with_suffix(".csv")).is_file():
            with open(table, newline="", encoding="utf-8", errors="replace") as file:
                rows = [row for _, row in named_rows(table, file)[1]]
    except (OSError, StampError, csv.Error, DataError) as error:
        reason = str(error) if isinstance(error, StampError) else f"metadata: {error}"
        yield Rejection(name, reason, origin)
        return
    if rows and len(rows) != len(stamps):
        reason = f"metadata: {len(rows)} rows beside {len(stamps)} stamps"
        yield Rejection(name, reason, origin)
        return
    for number in range(len(stamps)):
        row = rows[number] if rows else {}
        object_id = str(row.get("objectId") or (name if len(stamps) == 1 else f"{name}:{number}"))
        alert_id = number
        try:
            alert_id = _alert_id(row, number)
            with np.errstate(over="ignore"):
                channels = np.asarray(stamps[number], np.float32)
            planes = np.moveaxis(channels, -1, 0)
            images = {n: Stamp(np.ascontiguousarray(plane), 1.0) for n, plane in zip(STAMP_NAMES, planes, strict=False)}
            yield _alert(images, object_id, alert_id, row, rules, f"{origin}#{number}")
        except (StampError, PacketError) as error:
            yield Rejection(object_id, str(error), f"{origin}#{number}", alert_id)


def _load_array(source: Path | BinaryIO) -> np.ndarray:
    """Of a path mapped into memory, of a stream as large as its bytes, not as its header claims.

    Raises:
      StampError: it cannot be read.
    """
    try:
        if isinstance(source, Path):
            with np.errstate(over="ignore"):
                return np.load(source, mmap_mode="r", allow_pickle=False)
        version = np.lib.format.read_magic(source)
        read_header = _NPY_HEADERS.get(version)
        if read_header is None:
            raise ValueError(f"version {version[0]}.{version[1]} of the format")
        shape, by_columns, dtype = read_header(source)
        count = math.prod(shape)
        if dtype.hasobject or count < 0:
            raise ValueError(f"shape {shape} of {dtype}")
        pixels = np.frombuffer(source.read(), dtype, count)
        return pixels.reshape(shape[::-1]).transpose() if by_columns else pixels.reshape(shape)
    except Exception as error:  # numpy and the tokenizer it reads headers with raise many kinds
        said = first_line(error, 200)
        raise StampError(f"damaged .npy: {said}") from None


def _alert_id(row: Mapping[str, str], number: int) -> int:
    """The row's candid; without one the number of the stamp.

    Raises:
      PacketError: it is no integer, or a floating-point number too large to say which.
    """
    text = str(row.get("candid") or "").strip()
    return identifier(text if text.isdigit() else _value(text), "candid") or number


def _as_alerts(array: np.ndarray) -> np.ndarray:
    """A view (N, H, W, C), C 1 or 3.

    Raises:
      StampError: of another shape, or not of numbers.
    """
    if array.dtype.kind not in "fiub":
        raise StampError(f"no image: the array is of {array.dtype}, not of numbers")
    shape, channels = array.shape, len(STAMP_NAMES)
    if array.ndim == 2:
        array = array[None, :, :, None]
    elif array.ndim == 3 and shape[-1] == channels:
        array = array[None]
    elif array.ndim == 3 and shape[0] == channels:
        array = np.moveaxis(array, 0, -1)[None]
    elif array.ndim == 3:
        array = array[..., None]
    elif array.ndim == 4 and shape[1] == channels and shape[-1] not in (1, channels):
        array = np.moveaxis(array, 1, -1)
    if array.ndim != 4 or array.shape[-1] not in (1, channels) or 0 in array.shape or max(array.shape[1:3]) > MAX_SIDE:
        raise StampError(f"stamp size: an array of shape {shape} is not (N, H, W), (N, H, W, 3) or (N, 3, H, W)")
    return array


def _alert(
    images: Mapping[str, Stamp], object_id: str, alert_id: int, row: Mapping[str, str], rules: StampRules, origin: str
) -> Alert:
    for name in rules.need:
        if name not in images:
            raise StampError(f"missing cutout: {name}")
    values: dict[str, Any] = {k: _value(v) for k, v in row.items() if k}
    scale = values.get("pixel_scale")
    stamps = {n: images[n] for n in STAMP_NAMES if n in (*rules.need, *rules.optional) and n in images}
    if isinstance(scale, float) and not math.isnan(scale):
        if not 0 < scale < _MAX_SCALE:
            raise StampError(f"metadata: a pixel scale of {scale:g} arcsec")
        stamps = {n: replace(s, pixel_scale=scale) for n, s in stamps.items()}
    survey = "ztf" if {"candid", "fid"} <= values.keys() else ""
    rules.check({n: s for n, s in stamps.items() if n in rules.need}, survey)
    number_of = lambda key: values[key] if isinstance(values.get(key), float) else float("nan")
    return Alert(
        survey=survey,
        object_id=object_id,
        alert_id=alert_id,
        mjd=number_of("mjd") if "mjd" in values else number_of("jd") - JD_MINUS_MJD,
        ra=number_of("ra"),
        dec=number_of("dec"),
        band=str(values.get("band") or ZTF_BANDS.get(values.get("fid"), "")),
        metadata=values,
        stamps=stamps,
        origin=origin,
    )


def _value(text: Any) -> float | str | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return text or None
