"""Objects of files: a catalogue, with light curves and spectra joined to it by object id, or the published Parquet files.

The catalogue says which objects there are. A light curve is a file `<id>.*` below a folder `photometry` (or `light_curves`), or
rows of a table `photometry.*`; a spectrum likewise below `spectra`, by the name that the catalogue gives or by the id.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from data_pipelines.kinds.multimodal.catalogue import Catalogue, read_catalogue
from data_pipelines.kinds.multimodal.options import MultimodalOptions
from data_pipelines.kinds.multimodal.photometry_files import Photometry
from data_pipelines.kinds.multimodal.published import published_files, read_published
from data_pipelines.kinds.multimodal.records import encode_object
from data_pipelines.kinds.multimodal.spectra_files import Spectra
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import Record
from data_pipelines.sources.folders import check_there, files_below
from lcjax.errors import DataError, MissingExtraError, Rejection


def read_objects(paths: Sequence[Path], options: MultimodalOptions, report: Report) -> Iterator[Record | Rejection]:
    """Records and rejections, in the order of the catalogue.

    Raises:
      DataError: a path is missing, or there is no catalogue. ConfigError: what could mean several things.
    """
    for path in paths:
        check_there(path)
    if options.catalogue is None and _is_published(paths):
        yield from (found for _, found in read_published(published_files(paths, options)))
        return
    files = [file for path in paths for file in ([path] if path.is_file() else files_below(path))]
    catalogue = read_catalogue(files, options)
    photometry = Photometry(files, options, catalogue.path)
    spectra = Spectra(files, catalogue.path, options.spectrum_reading)
    yield from (*catalogue.faults, *spectra.faults)
    for row in range(len(catalogue)):
        yield from _object(catalogue, row, photometry, spectra, options)
    used = photometry.used | spectra.used | {catalogue.path}
    for file in files:
        if file not in used:
            report.other_files.setdefault(str(file))


def _is_published(paths: Sequence[Path]) -> bool:
    """Whether every file is a Parquet file of a split."""
    from data_pipelines.kinds.multimodal.published import split_of_file

    files = [f for path in paths for f in ([path] if path.is_file() else files_below(path)) if f.suffix == ".parquet"]
    return bool(files) and any(split_of_file(file) for file in files) and not any(_is_catalogue(f) for f in files)


def _is_catalogue(file: Path) -> bool:
    return file.name.lower().startswith("catalogue")


def _object(
    catalogue: Catalogue, row: int, photometry: Photometry, spectra: Spectra, options: MultimodalOptions
) -> Iterator[Record | Rejection]:
    object_id = catalogue.ids[row]
    curve = spectrum = None
    band = ""
    try:
        curve, band = photometry.of(object_id)
    except DataError as error:
        yield Rejection(object_id, f"light curve left out: {error}", str(catalogue.path), partial=True)
    try:
        spectrum = spectra.of(catalogue.spectrum_names[row], object_id)
    except MissingExtraError:
        raise
    except DataError as error:
        yield Rejection(object_id, f"spectrum left out: {error}", str(catalogue.path), partial=True)
    numbers = {name: float(column[row]) for name, column in catalogue.numbers.items()}
    ra, dec = (float(column[row]) if column is not None else np.nan for column in (catalogue.ra, catalogue.dec))
    record, faults = encode_object(
        object_id,
        curve,
        spectrum,
        numbers,
        catalogue.labels[row],
        options.spectrum_grid,
        str(catalogue.path),
        ra=ra,
        dec=dec,
        band=band,
    )
    yield from faults
    if record is not None:
        yield record
