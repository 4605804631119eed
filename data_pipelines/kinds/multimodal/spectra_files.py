"""Spectra of a catalogue's objects: a file each, or one Parquet table with a row a spectrum."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_pipelines.kinds.multimodal.catalogue import IDS
from data_pipelines.sources.spectra import is_spectrum, read_spectrum
from lcjax.errors import ConfigError, DataError, first_line

FOLDERS = ("spectra", "spec", "original_fits")


class Spectra:
    """Finds the spectrum of an object."""

    def __init__(self, files: Sequence[Path], catalogue: Path) -> None:
        """Looks what there is; files are read when they are asked for.

        Raises:
          ConfigError: two files for one object, or a table without the columns. DataError: it cannot be read.
        """
        self.used: set[Path] = set()
        self._files: dict[str, Path] = {}
        below = [f for f in files if f != catalogue and {part.lower() for part in f.parts[:-1]} & set(FOLDERS)]
        for file in filter(is_spectrum, below):
            if (other := self._files.setdefault(_bare(file.name), file)) != file:
                raise ConfigError(f"'{other}' and '{file}' could both be one spectrum: leave one out")
        tables = [f for f in files if f.name.lower().startswith("spectra") and f.suffix.lower() == ".parquet"]
        self._rows = _table(tables[0]) if tables else {}
        self.used |= set(tables[:1])

    def of(self, name: str, object_id: str) -> np.ndarray | None:
        """(M, 3) of the spectrum that the catalogue names, else of that called like the object; None where there is none.

        Of several spectra of an object in a table the one with most samples is taken.

        Raises:
          DataError: it is named and not there, or cannot be read.
        """
        if object_id in self._rows and not name:
            return self._rows[object_id]
        path = self._files.get(_bare(name or object_id))
        if path is None:
            if name:
                raise DataError(f"there is no file '{name}'")
            return None
        self.used.add(path)
        return read_spectrum(path)


def _bare(name: str) -> str:
    """A name of a spectrum without folders and endings.

    >>> _bare("a/spec-55862-B6212_sp06-003.fits.gz")
    'spec-55862-B6212_sp06-003'
    """
    bare = Path(name).name
    for ending in (".gz", ".fits", ".fit", ".txt", ".dat", ".csv", ".ascii"):
        bare = bare.removesuffix(ending)
    return bare


def _table(path: Path) -> dict[str, np.ndarray]:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"'{path}' cannot be read as Parquet ({first_line(error)})") from error
    names = {name.lower(): name for name in table.column_names}
    ids = next((names[n] for n in IDS if n in names), None)
    flux = names.get("flux") or names.get("flux_spec")
    if ids is None or "wavelength" not in names or flux is None:
        raise ConfigError(
            f"the table of spectra '{path}' must have an id, and lists wavelength and flux: it has {', '.join(table.column_names[:12])}"
        )
    third = next((names[n] for n in ("ivar", "flux_err", "error") if n in names), None)
    found: dict[str, np.ndarray] = {}
    for row in table.select([c for c in (ids, names["wavelength"], flux, third) if c]).to_pylist():
        wavelength, values = (np.asarray(row[c] or [], float) for c in (names["wavelength"], flux))
        errors = np.asarray(row[third] or [], float) if third else np.zeros(len(values))
        if not len(wavelength) == len(values) == len(errors):
            continue
        object_id = str(row[ids])
        if len(values) > len(found.get(object_id, ())):
            found[object_id] = np.stack([wavelength, values, errors], axis=1)
    return found
