"""Spectra in files: LAMOST FITS of both layouts, and tables of text -> wavelength (Angstrom, vacuum), flux, inverse variance.

What the columns are, and in which unit, is told by their names, the units of FITS columns, or `SpectrumReading`. FITS needs
`astropy` (extra `data`).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data_pipelines.sources.alerts.unpacking import UnpackError, open_unpacked, read_all
from data_pipelines.sources.wavelengths import (
    ANGSTROM,
    SpectrumReading,
    columns_of,
    in_vacuum_angstrom,
    inverse_variance,
    kept_samples,
    speak_of_spectra,
)
from data_pipelines.sources.whole_fits import FitsSource, check_sums
from lcjax.errors import DataError, MissingExtraError, first_line

FITS = (".fits", ".fit", ".fits.gz", ".fit.gz")
TEXT = (".txt", ".dat", ".csv", ".ascii")
AS_FILES_SAY = SpectrumReading()
_MAX_SAMPLES = 1 << 20
_MAX_FITS_BYTES = 1 << 28
_COMMENTS = ("#", "\\", "|")
_EMPTY_CELL = re.compile(r"^\s*,|,\s*,")
_AND_MASK = 3
"""Row of the image of LAMOST DR1."""


class TextTable(NamedTuple):
    """A text file of numbers."""

    names: tuple[str, ...]
    """Of the columns; () where no line names all."""
    rows: np.ndarray
    """(M, C)"""
    said: frozenset[str]
    """Words above the numbers, in lower case."""
    commented: bool
    """Whether the line of names is a comment, which may be prose of as many words."""


def is_spectrum(path: Path) -> bool:
    """Whether a file can be a spectrum, by its name.

    >>> is_spectrum(Path("spec-1.fits.gz")), is_spectrum(Path("readme.md"))
    (True, False)
    """
    return path.name.lower().endswith((*FITS, *TEXT))


def read_spectrum(path: Path, reading: SpectrumReading = AS_FILES_SAY) -> np.ndarray:
    """(M, 3) float64: wavelength (Angstrom, vacuum where anybody says which), flux, inverse variance; 0 where it is not known.

    Raises:
      DataError: it cannot be read, is laid out otherwise, or could mean two things. MissingExtraError: astropy is not there.
    """
    rows = _fits(path, reading) if path.name.lower().endswith(FITS) else _text(path, reading)
    if not 2 <= len(rows) <= _MAX_SAMPLES:
        raise DataError(f"'{path}' holds {len(rows):,} samples, which is no spectrum")
    return rows


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Gives the errors of functions that see no file the name of it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"'{path}': {error}") from error


def _text(path: Path, reading: SpectrumReading) -> np.ndarray:
    table = read_text_table(path, 2)
    count, column = table.rows.shape[1], dict(zip(table.names, table.rows.T, strict=False))
    if not table.names or (table.commented and not speak_of_spectra(table.names)):
        return _unnamed(path, table, reading)
    which = columns_of(table.names, f"'{path}'")
    wavelength = 10.0 ** column[which.wavelength] if which.logarithmic else column[which.wavelength]
    if which.air is None or not which.unit:
        _check_words(path, table.said, reading, which.unit, which.air)
    with _named(path):
        wavelength = in_vacuum_angstrom(wavelength, reading, which.unit, which.air)
    ivar = inverse_variance(column.get(which.ivar), column.get(which.error), len(wavelength))
    known = (which.wavelength, which.flux, which.mask)
    if count > 2 and not which.ivar and not which.error and reading.third is not None and table.names[2] not in known:
        ivar = (
            table.rows[:, 2] if reading.third == "ivar" else inverse_variance(None, table.rows[:, 2], len(wavelength))
        )
    rows = np.stack([wavelength, column[which.flux], ivar], axis=1)
    return kept_samples(rows, column.get(which.mask), reading)


def _unnamed(path: Path, table: TextTable, reading: SpectrumReading) -> np.ndarray:
    count = table.rows.shape[1]
    if count > 3 or (count == 3 and reading.third is None and len(table.rows)):
        said = (
            "what the third is with --multimodal.third ivar or error"
            if count == 3
            else "their names in a line above them"
        )
        raise DataError(f"'{path}' has {count} columns without names: say {said}")
    _check_words(path, table.said, reading, "", None)
    wavelength, flux = table.rows[:, 0], table.rows[:, 1]
    third = table.rows[:, 2] if count == 3 else None
    ivar, error = (third, None) if reading.third == "ivar" else (None, third)
    with _named(path):
        found = [in_vacuum_angstrom(wavelength, reading), flux, inverse_variance(ivar, error, len(flux))]
    return kept_samples(np.stack(found, axis=1), None, reading)


def _check_words(path: Path, said: frozenset[str], reading: SpectrumReading, unit: str, air: bool | None) -> None:
    """Refuses what the text above the numbers says and nobody has told otherwise."""
    other = sorted(word for word in said if ANGSTROM.get(word, 1.0) != 1.0 and word != "m")
    if other and not unit and reading.unit is None:
        raise DataError(
            f"'{path}' speaks of '{other[0]}' above its numbers: say the unit with --multimodal.wavelength-unit angstrom, nm or micron"
        )
    if "air" in said and air is None and reading.medium is None:
        raise DataError(
            f"'{path}' speaks of air above its numbers: say with --multimodal.wavelength-medium air or vacuum"
        )


def read_columns(path: Path, count: int) -> np.ndarray:
    """Numbers of a text file with at least `count` columns, separated by commas or spaces, headers and comments left out.

    Raises:
      DataError: a line that is neither numbers nor a header at the top.
    """
    return read_text_table(path, count).rows


def read_text_table(path: Path, count: int) -> TextTable:
    """Numbers, and their names: those of the last line above the numbers, comment or not, that names every column; else none.

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
    prose: list[bool] = []
    above = ""
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.replace(",", " ").replace("\t", " ").split()
        if not cells or cells[0].startswith(_COMMENTS):
            if not rows:
                headers.append(_header_cells(line.lstrip("# \t\\|")))
                prose.append(True)
            continue
        try:
            row = [float(cell) for cell in cells]
        except ValueError:
            if rows:
                raise DataError(f"line {number} of '{path}' is no row of numbers: {line.strip()[:60]!r}") from None
            headers.append(_header_cells(line))
            prose.append(False)
            above = line
            continue
        if _EMPTY_CELL.search(line) or _lacks_a_cell(line, above):
            raise DataError(f"line {number} of '{path}' has an empty cell: write nan where there is no number")
        if len(row) < count or (rows and len(row) != len(rows[0])):
            raise DataError(
                f"line {number} of '{path}' has {len(row)} numbers, where {max(count, len(rows[0]) if rows else 0)} are expected"
            )
        rows.append(row)
    if not rows:
        if any(headers):
            raise DataError(f"no line of '{path}' is a row of numbers: columns of text (dates, names) must go")
        return TextTable((), np.zeros((0, count)), frozenset(), False)
    naming = [i for i, header in enumerate(headers) if len(header) == len(rows[0]) and len(set(header)) == len(header)]
    names = tuple(headers[naming[-1]]) if naming else ()
    said = frozenset(w for h in headers for cell in h for w in re.split(r"[^\wåµμ.]+", cell.lower()) if w)
    return TextTable(names, np.array(rows), said, bool(naming) and prose[naming[-1]])


def _lacks_a_cell(line: str, names: str) -> bool:
    """Whether a row has the separators of the line of names, and nothing where there is a name."""
    pairs = [
        zip(line.split(mark), names.split(mark), strict=True)
        for mark in ",\t"
        if 0 < line.count(mark) == names.count(mark)
    ]
    return any(name.strip() and not cell.strip() for pair in pairs for cell, name in pair)


def _header_cells(line: str) -> list[str]:
    """Cells of a line of names: `wave [nm]` is one."""
    return re.sub(r"\s+(?=[\[(])", "", line.replace(",", " ").replace("|", " ")).split()


def _fits(path: Path, reading: SpectrumReading) -> np.ndarray:
    try:
        from astropy.io import fits
    except ImportError:
        raise MissingExtraError("astropy", "data", f"reading '{path.name}'") from None
    try:
        with _named(path):
            source = FitsSource(path, _MAX_FITS_BYTES)
        with fits.open(source.opened(), memmap=False) as units:
            with _named(path):
                check_sums(units)
            return _lamost(units, path, reading)
    except DataError:
        raise
    except Exception as error:  # astropy reports damage through many classes
        text = first_line(error)
        raise DataError(f"'{path}' cannot be read as a spectrum ({text})") from error


def _lamost(units: Any, path: Path, reading: SpectrumReading) -> np.ndarray:
    header, image = units[0].header, units[0].data
    if image is not None and image.ndim == 2 and {"COEFF0", "COEFF1"} <= set(header):
        if len(image) < 2:
            raise DataError(f"'{path}' has {len(image)} rows where flux and inverse variance are wanted")
        wavelength = 10.0 ** (float(header["COEFF0"]) + float(header["COEFF1"]) * np.arange(image.shape[1]))
        said = str(header.get("CUNIT1", "")).strip().lower()
        with _named(path):
            wavelength = in_vacuum_angstrom(
                wavelength, reading, said if said in ANGSTROM else "angstrom", _is_air(header)
            )
        rows = np.stack([wavelength, np.asarray(image[0], float), np.asarray(image[1], float)], axis=1)
        return kept_samples(rows, image[_AND_MASK] if len(image) > _AND_MASK else None, reading)
    tables = [u for u in units[1:] if {"flux", "ivar"} <= {n.lower() for n in _names_of(u)}]
    if len(tables) > 1:
        raise DataError(f"'{path}' has {len(tables)} tables of spectra: keep one")
    if tables:
        with _named(path):
            air = [_is_air(header), _is_air(tables[0].header)]
        return _of_table(tables[0], path, reading, air)
    lacking = (
        f", as {', '.join(n for n in ('COEFF0', 'COEFF1') if n not in header)} is missing" if image is not None else ""
    )
    raise DataError(
        f"'{path}' is no spectrum that is known: neither an image with COEFF0 and COEFF1{lacking} nor a table of wavelength, flux and ivar"
    )


def _names_of(unit: Any) -> list[str]:
    """Of the columns of a table; none where it is no table."""
    from astropy.io.fits import BinTableHDU, TableHDU

    return unit.columns.names if isinstance(unit, BinTableHDU | TableHDU) else []


def _of_table(unit: Any, path: Path, reading: SpectrumReading, air: Sequence[bool | None]) -> np.ndarray:
    """A row a sample, or one row that holds the whole spectrum.

    Args:
      air: what the headers say.

    Raises:
      DataError: names and headers contradict each other, several spectra, or columns of different lengths.
    """
    which = columns_of(_names_of(unit), f"'{path}'")

    def column(name: str) -> np.ndarray:
        values = np.asarray(np.ma.filled(np.ma.asarray(unit.data[name], float), np.nan))
        if values.ndim > 1 and len(values) > 1:
            raise DataError(f"'{path}' has {len(values)} spectra in one table: give each a file of its own")
        return values.ravel()

    wavelength, flux, ivar = (column(name) for name in (which.wavelength, which.flux, which.ivar))
    if len({len(wavelength), len(flux), len(ivar)}) > 1:
        raise DataError(f"'{path}' has columns of different lengths")
    wavelength = 10.0**wavelength if which.logarithmic else wavelength
    units = [said for said in (which.unit, str(unit.columns[which.wavelength].unit or "").strip()) if said]
    units = [] if which.logarithmic else units
    if len({ANGSTROM.get(said.lower()) for said in units}) > 1:
        raise DataError(
            f"'{path}' has the unit '{units[0]}' in the name of its wavelengths and '{units[1]}' in its header"
        )
    told = {said for said in (which.air, *air) if said is not None}
    if len(told) > 1:
        raise DataError(
            f"'{path}' says of its wavelengths that they are in air, and that they are in vacuum: mend its header"
        )
    with _named(path):
        wavelength = in_vacuum_angstrom(wavelength, reading, units[0] if units else "", told.pop() if told else None)
    mask = column(which.mask) if which.mask else None
    return kept_samples(np.stack([wavelength, flux, ivar], axis=1), mask, reading)


def _is_air(header: Any) -> bool | None:
    """What a header says of the wavelengths: `VACUUM`, `AIRORVAC` (IRAF, DESI), or the axis type `AWAV` or `WAVE` (also `-LOG`, `-TAB`).

    Raises:
      DataError: both.
    """
    found = set()
    for name in ("VACUUM", "AIRORVAC", "CTYPE1"):
        said = str(header.get(name, "")).strip().upper().removesuffix("-LOG").removesuffix("-TAB")
        if said in ("F", "FALSE", "0", "AIR", "AWAV"):
            found.add(True)
        if said in ("T", "TRUE", "1", "VAC", "VACUUM", "WAVE"):
            found.add(False)
    if len(found) > 1:
        raise DataError("a header says both air and vacuum of the wavelengths (VACUUM, AIRORVAC, CTYPE1): mend it")
    return found.pop() if found else None
