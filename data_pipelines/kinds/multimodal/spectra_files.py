"""Spectra of a catalogue's objects: a file each, or one Parquet table with a row a spectrum."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_pipelines.kinds.multimodal.catalogue import IDS, ids_of, name_of_file, text_of
from data_pipelines.kinds.multimodal.file_names import NearNames
from data_pipelines.sources.spectra import AS_FILES_SAY, is_spectrum, read_spectrum
from data_pipelines.sources.wavelengths import (
    Columns,
    SpectrumReading,
    columns_of,
    in_vacuum_angstrom,
    inverse_variance,
    kept_samples,
)
from lcjax.errors import ConfigError, DataError, Rejection, first_line

UNITS = ("u_wave", "wave_unit", "wavelength_unit", "u_wavelength")
"""Columns that give the unit of each spectrum's wavelengths."""
FOLDERS = ("spectra", "spec", "original_fits")


class Spectra:
    """Finds the spectrum of an object."""

    def __init__(self, files: Sequence[Path], catalogue: Path, reading: SpectrumReading = AS_FILES_SAY) -> None:
        """Looks what there is; files are read when they are asked for.

        Raises:
          ConfigError: two files for one object, or several tables, or one without the columns. DataError: it cannot be read.
        """
        self.used: set[Path] = set()
        self.faults: list[Rejection] = []
        """Spectra of the table that are not used."""
        self._reading = reading
        self._files: dict[str, Path] = {}
        below = [f for f in files if f != catalogue and {part.lower() for part in f.parts[:-1]} & set(FOLDERS)]
        for file in filter(is_spectrum, below):
            if (other := self._files.setdefault(name_of_file(file.name), file)) != file:
                raise ConfigError(f"'{other}' and '{file}' could both be one spectrum: leave one out")
        tables = [f for f in files if f.name.lower().startswith("spectra") and f.suffix.lower() == ".parquet"]
        if len(tables) > 1:
            raise ConfigError(
                f"'{tables[0].name}' and '{tables[1].name}' could both be the table of spectra: leave one out"
            )
        self._rows = self._table(tables[0]) if tables else {}
        self.used |= set(tables[:1])
        self._near = NearNames({}, (), "")

    def expect(self, ids: Sequence[str], names: Sequence[str]) -> None:
        """Says which objects there are and which files the catalogue names.

        Raises:
          DataError: no spectrum is of any of them.
        """
        known = {*ids, *map(name_of_file, filter(None, names))}
        rows = dict.fromkeys(self._rows, Path("spectra.parquet"))
        self._near = NearNames({**rows, **self._files}, known, "spectra")

    def of(self, name: str, object_id: str) -> np.ndarray | None:
        """(M, 3) as `read_spectrum` of the spectrum that the catalogue names, else of that called like the object; None where there is none.

        Of several spectra of an object in a table the one with most samples is taken, and `faults` tells of the others.

        Raises:
          DataError: it is named and not there, or cannot be read.
        """
        path = self._files.get(name_of_file(name) if name else object_id)
        if object_id in self._rows and not name:
            if path is not None:
                raise DataError(f"it is in the table of spectra and in '{path}': leave one out")
            return self._rows[object_id]
        if path is None:
            if name:
                raise DataError(f"there is no file '{name}'")
            self._near.check(object_id)
            return None
        self.used.add(path)
        return read_spectrum(path, self._reading)

    def _table(self, path: Path) -> dict[str, np.ndarray]:
        """Spectra of a table by object, the one with most samples of each."""
        try:
            table = pq.read_table(path)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"'{path}' cannot be read as Parquet ({first_line(error)})") from error
        names = {name.lower(): name for name in table.column_names}
        lists = [f.name for f in table.schema if pa.types.is_list(f.type) or pa.types.is_large_list(f.type)]
        ids = next((names[n] for n in IDS if n in names), None)
        if ids is None:
            raise ConfigError(
                f"the table of spectra '{path}' has no id ({', '.join(IDS)}): it has {', '.join(table.column_names[:12])}"
            )
        try:
            which = columns_of(lists, f"the table of spectra '{path}'")
        except DataError as error:
            raise ConfigError(f"{error}; as lists, one a spectrum") from error
        unit = next((names[n] for n in UNITS if n in names), "")
        wanted = [ids, which.wavelength, which.flux, which.ivar, which.error, which.mask, unit]
        counts: Counter[str] = Counter()
        found: dict[str, np.ndarray] = {}
        for object_id, row in zip(
            ids_of(table[ids], f"'{path}'"),
            table.select([c for c in dict.fromkeys(wanted) if c]).to_pylist(),
            strict=True,
        ):
            try:
                rows = _spectrum(row, which, which.unit or text_of(row[unit] if unit else None), self._reading)
            except DataError as error:
                self.faults.append(Rejection(object_id, f"spectrum left out: {error}", str(path), partial=True))
                continue
            counts[object_id] += 1
            if len(rows) > len(found.get(object_id, ())):
                found[object_id] = rows
        more = {name: count for name, count in counts.items() if count > 1}
        self.faults += [
            Rejection(n, f"more spectra: {c - 1} shorter ones are not used", str(path), partial=True)
            for n, c in more.items()
        ]
        return found


def _spectrum(row: Mapping[str, Any], which: Columns, unit: str, reading: SpectrumReading) -> np.ndarray:
    """(M, 3) as `read_spectrum` of one row of a table.

    Raises:
      DataError: lists of different lengths, or a unit that is not known.
    """
    column = lambda name: np.array([np.nan if x is None else x for x in row[name] or []], float) if name else None
    wavelength, flux, ivar, error, mask = map(
        column, (which.wavelength, which.flux, which.ivar, which.error, which.mask)
    )
    lengths = {len(x) for x in (wavelength, flux, ivar, error, mask) if x is not None}
    if len(lengths) > 1:
        raise DataError(f"lists of different lengths ({', '.join(map(str, sorted(lengths)))})")
    if which.logarithmic:
        wavelength, unit = 10.0**wavelength, "angstrom"
    wavelength = in_vacuum_angstrom(wavelength, reading, unit, which.air)
    return kept_samples(np.stack([wavelength, flux, inverse_variance(ivar, error, len(flux))], axis=1), mask, reading)
