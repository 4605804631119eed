"""Spectra in files: LAMOST FITS of both layouts, and tables of text. Columns are wavelength (Angstrom), flux, and a third one.

The third column of LAMOST is the inverse variance. FITS needs `astropy` (extra `data`).
"""

from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.sources.alerts.unpacking import UnpackError, open_unpacked, read_all
from data_pipelines.sources.whole_fits import FitsSource, check_sums
from lcjax.errors import DataError, MissingExtraError, first_line

FITS = (".fits", ".fit", ".fits.gz", ".fit.gz")
TEXT = (".txt", ".dat", ".csv", ".ascii")
_MAX_SAMPLES = 1 << 20
_MAX_FITS_BYTES = 1 << 28


def is_spectrum(path: Path) -> bool:
    """Whether a file can be a spectrum, by its name.

    >>> is_spectrum(Path("spec-1.fits.gz")), is_spectrum(Path("readme.md"))
    (True, False)
    """
    return path.name.lower().endswith((*FITS, *TEXT))


def read_spectrum(path: Path) -> np.ndarray:
    """(M, 3) float64: wavelength, flux, third column.

    Raises:
      DataError: it cannot be read, or is laid out otherwise. MissingExtraError: astropy is not there.
    """
    rows = _fits(path) if path.name.lower().endswith(FITS) else read_columns(path, 3)
    if not 2 <= len(rows) <= _MAX_SAMPLES:
        raise DataError(f"'{path}' holds {len(rows):,} samples, which is no spectrum")
    return rows


def read_columns(path: Path, count: int) -> np.ndarray:
    """Numbers of a text file with at least `count` columns, separated by commas or spaces, headers and comments left out.

    Raises:
      DataError: a line that is neither numbers nor a header at the top.
    """
    return read_named_columns(path, count)[1]


def read_named_columns(path: Path, count: int) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and numbers: those of the last line above the numbers, comment or not, that names every column; else none.

    Raises:
      DataError: as `read_columns`, or text without a row of numbers.
    """
    try:
        with open(path, "rb") as file:
            text = read_all(open_unpacked(file), _MAX_FITS_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, UnpackError) as error:
        raise DataError(f"'{path}' cannot be read as text: {error}") from error
    rows: list[list[float]] = []
    headers: list[list[str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.replace(",", " ").replace("\t", " ").split()
        if not cells or cells[0].startswith(("#", "\\", "|")):
            headers += [] if rows else [line.lstrip("# \t\\|").replace(",", " ").replace("|", " ").split()]
            continue
        try:
            row = [float(cell) for cell in cells]
        except ValueError:
            if rows:
                raise DataError(f"line {number} of '{path}' is no row of numbers: {line.strip()[:60]!r}") from None
            headers.append(cells)
            continue
        if len(row) < count or (rows and len(row) != len(rows[0])):
            raise DataError(
                f"line {number} of '{path}' has {len(row)} numbers, where {max(count, len(rows[0]) if rows else 0)} are expected"
            )
        rows.append(row)
    if not rows:
        if any(headers):
            raise DataError(f"no line of '{path}' is a row of numbers: columns of text (dates, names) must go")
        return (), np.zeros((0, count))
    names = [header for header in headers if len(header) == len(rows[0])]
    return tuple(names[-1]) if names else (), np.array(rows)


def _fits(path: Path) -> np.ndarray:
    try:
        from astropy.io import fits
    except ImportError:
        raise MissingExtraError("astropy", "data", f"reading '{path.name}'") from None
    try:
        source = FitsSource(path, _MAX_FITS_BYTES)
        with fits.open(source.opened(), memmap=False) as units:
            check_sums(units)
            return _lamost(units, path)
    except DataError:
        raise
    except Exception as error:  # astropy reports damage through many classes
        text = first_line(error)
        raise DataError(f"'{path}' cannot be read as a spectrum ({text})") from error


def _lamost(units: Any, path: Path) -> np.ndarray:
    from astropy.io.fits import BinTableHDU, TableHDU

    header, image = units[0].header, units[0].data
    if image is not None and image.ndim == 2 and {"COEFF0", "COEFF1"} <= set(header):
        if len(image) < 2:
            raise DataError(f"'{path}' has {len(image)} rows where flux and inverse variance are wanted")
        wavelength = 10.0 ** (float(header["COEFF0"]) + float(header["COEFF1"]) * np.arange(image.shape[1]))
        return np.stack([wavelength, np.asarray(image[0], float), np.asarray(image[1], float)], axis=1)
    for unit in units[1:]:
        names = {name.lower(): name for name in unit.columns.names} if isinstance(unit, BinTableHDU | TableHDU) else {}
        wavelength = names.get("wavelength") or names.get("loglam")
        if wavelength and {"flux", "ivar"} <= set(names):
            columns = [np.asarray(unit.data[n], float).ravel() for n in (wavelength, names["flux"], names["ivar"])]
            if "wavelength" not in names:
                columns[0] = 10.0 ** columns[0]
            if len({len(column) for column in columns}) > 1:
                raise DataError(f"'{path}' has columns of different lengths")
            return np.stack(columns, axis=1)
    raise DataError(
        f"'{path}' is no spectrum that is known: neither an image with COEFF0 and COEFF1 nor a table of wavelength, flux and ivar"
    )
