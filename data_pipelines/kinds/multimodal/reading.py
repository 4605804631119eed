"""Objects of files: a catalogue, with light curves, spectra and images joined to it by object id; alerts; or the published Parquet files.

The catalogue says which objects there are. A light curve is a file `<id>.*` below a folder `photometry` (or `light_curves`), or
rows of a table `photometry.*`; a spectrum likewise below `spectra`, by the name that the catalogue gives or by the id; stamps and images
of hosts below `stamps` and `host`. Packets below `alerts` give stamps, light curve and numbers of their objects; where there is no
catalogue, they are the objects.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from data_pipelines.kinds.alerts.weak_labels import Labeler, LabelSettings
from data_pipelines.kinds.multimodal.alert_objects import AlertObject, AlertObjects
from data_pipelines.kinds.multimodal.catalogue import Catalogue, read_catalogue
from data_pipelines.kinds.multimodal.file_names import NearNames
from data_pipelines.kinds.multimodal.image_files import ImageFiles, group_of, is_packet
from data_pipelines.kinds.multimodal.images import IMAGES, ObjectImage
from data_pipelines.kinds.multimodal.options import ImageOptions, MultimodalOptions
from data_pipelines.kinds.multimodal.photometry_files import Photometry
from data_pipelines.kinds.multimodal.published import published_files, read_published
from data_pipelines.kinds.multimodal.records import encode_object
from data_pipelines.kinds.multimodal.spectra_files import Spectra
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import Record
from data_pipelines.sources.folders import check_there, files_below
from lcjax.errors import ConfigError, DataError, MissingExtraError, Rejection

_T = TypeVar("_T")
_CATALOGUES = ("catalogue", "catalog", "metadata")
_ALERTS = (".avro", ".parquet", ".tar", ".tar.gz", ".tgz")


def read_objects(
    paths: Sequence[Path], options: MultimodalOptions, report: Report, groups: Mapping[str, object] | None = None
) -> Iterator[Record | Rejection]:
    """Records and rejections, in the order of the catalogue, those with alerts first.

    Args:
      groups: option groups of images and `labels`, those that are given.

    Raises:
      DataError: a path is missing, or there is no catalogue. ConfigError: what could mean several things.
    """
    for path in paths:
        check_there(path)
    if options.catalogue is None and _is_published(paths):
        yield from (found for _, found in read_published(published_files(paths, options)))
        return
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(files_below(path)))]
    images: dict[str, ImageOptions] = {name: (groups or {}).get(group_of(name)) or ImageOptions() for name in IMAGES}  # type: ignore[misc]
    if options.catalogue is None and not any(map(_is_catalogue, files)) and _has_alerts(files):
        labels = (groups or {}).get("labels")
        labeler = Labeler(labels) if isinstance(labels, LabelSettings) else None
        yield from _alerts(AlertObjects(paths, images["stamps"], options.band, labeler), options)
        return
    yield from _Joined(files, options, images).records(report)


def _is_published(paths: Sequence[Path]) -> bool:
    """Whether every file is a Parquet file of a split."""
    from data_pipelines.kinds.multimodal.published import split_of_file

    files = [f for path in paths for f in ([path] if path.is_file() else files_below(path)) if f.suffix == ".parquet"]
    return bool(files) and any(split_of_file(file) for file in files) and not any(_is_catalogue(f) for f in files)


def _is_catalogue(file: Path) -> bool:
    return file.name.lower().startswith(_CATALOGUES)


def _has_alerts(files: Sequence[Path]) -> bool:
    return any(file.name.lower().endswith(_ALERTS) for file in files)


def _alerts(objects: AlertObjects, options: MultimodalOptions) -> Iterator[Record | Rejection]:
    if lacking := [name for name in options.columns if name not in objects.columns]:
        known = ", ".join(sorted(objects.columns)[:12])
        raise ConfigError(f"no alert has a number '{lacking[0]}' (--multimodal.columns): they have {known} and others")
    yield from objects.faults
    for one in objects:
        kept = {name: one.numbers.get(name, np.nan) for name in options.columns} if options.columns else one.numbers
        yield from _encoded(one.object_id, one.curve, None, kept, one.label, options, one.origin, _of_alert(one), one.faults,
                            ra=one.ra, dec=one.dec, band=one.band)  # fmt: skip


def _of_alert(one: AlertObject) -> dict[str, ObjectImage]:
    return {"stamps": one.stamps} if one.stamps is not None else {}


def _encoded(
    object_id: str,
    curve: np.ndarray | None,
    spectrum: np.ndarray | None,
    numbers: Mapping[str, float],
    label: str | None,
    options: MultimodalOptions,
    origin: str,
    images: Mapping[str, ObjectImage],
    faults: Sequence[Rejection],
    **values: object,
) -> Iterator[Record | Rejection]:
    record, more = encode_object(
        object_id, curve, spectrum, numbers, label, options.spectrum_grid, origin, images, **values
    )
    yield from (*faults, *more)
    if record is not None:
        yield record


class _Joined:
    """A catalogue and what belongs to its objects."""

    def __init__(self, files: Sequence[Path], options: MultimodalOptions, images: Mapping[str, ImageOptions]) -> None:
        """Reads the catalogue and tables; files of single objects are read when their object comes."""
        self._options, self._all = options, files
        packets, rest = [f for f in files if is_packet(f)], [f for f in files if not is_packet(f)]
        self._catalogue: Catalogue = read_catalogue(rest, options)
        self._rows = {object_id: row for row, object_id in enumerate(self._catalogue.ids)}
        path = self._catalogue.path
        self._photometry = Photometry(rest, options, path)
        self._spectra = Spectra(rest, path, options.spectrum_reading)
        self._images = {name: ImageFiles(name, rest, path, images[name]) for name in IMAGES}
        self._photometry.expect(self._catalogue.ids)
        self._spectra.expect(self._catalogue.ids, self._catalogue.spectrum_names)
        for name, found in self._images.items():
            found.expect(self._catalogue.ids, self._catalogue.image_names[name])
        if packets and self._images["stamps"].any:
            raise ConfigError("there are stamps in files and in alerts: leave the one or the other out of --source")
        self._alerts = AlertObjects(packets, images["stamps"], options.band) if packets else None
        self._packets, self._near = packets, NearNames({}, (), "")
        if self._alerts is not None and not self._rows.keys() & set(self._alerts.ids):
            raise DataError(
                f"none of the {len(self._alerts.ids):,} objects of the alerts is in '{path}': they are called such as "
                f"'{min(self._alerts.ids, default='none')}', its objects such as '{self._catalogue.ids[0]}'"
            )
        if self._alerts is not None:
            self._near = NearNames({name: Path(name) for name in self._alerts.ids}, self._catalogue.ids, "alerts")

    def records(self, report: Report) -> Iterator[Record | Rejection]:
        """Records and rejections."""
        found_images = self._images.values()
        yield from (
            *self._catalogue.faults,
            *self._spectra.faults,
            *(f for found in found_images for f in found.faults),
        )
        done: set[str] = set()
        if self._alerts is not None:
            yield from self._alerts.faults
            for one in self._alerts:
                if one.object_id in self._rows:
                    done.add(one.object_id)
                    yield from self._object(self._rows[one.object_id], one)
            if others := len(set(self._alerts.ids) - self._rows.keys()):
                report.other_files.setdefault(f"alerts of {others:,} objects that are not in the catalogue")
        for object_id, row in self._rows.items():
            if object_id not in done:
                yield from self._object(row, None)
        used = self._photometry.used | self._spectra.used | {self._catalogue.path, *self._packets}
        used = used.union(*(found.used for found in found_images))
        for file in self._all:
            if file not in used:
                report.other_files.setdefault(str(file))

    def _object(self, row: int, alert: AlertObject | None) -> Iterator[Record | Rejection]:
        catalogue = self._catalogue
        object_id, origin = catalogue.ids[row], str(catalogue.path)
        faults: list[Rejection] = list(alert.faults) if alert else []

        def attempt(what: str, read: Callable[[], _T], nothing: _T) -> _T:
            """What is read, or nothing of what cannot be used."""
            try:
                return read()
            except MissingExtraError:
                raise
            except DataError as error:
                faults.append(Rejection(object_id, f"{what} left out: {error}", origin, partial=True))
                return nothing

        curve, band = attempt("light curve", lambda: self._photometry.of(object_id), (None, ""))
        if alert is None:
            attempt("alerts", lambda: self._near.check(object_id), None)
        elif curve is None:
            curve, band = alert.curve, alert.band
        spectrum = attempt("spectrum", lambda: self._spectra.of(catalogue.spectrum_names[row], object_id), None)
        images = _of_alert(alert) if alert else {}
        for name, found in self._images.items():
            read = partial(found.of, catalogue.image_names[name][row], object_id)
            if (image := attempt(found.words, read, None)) is not None:
                images[name] = image
        numbers = dict(alert.numbers) if alert and not self._options.columns else {}
        numbers |= {name: float(column[row]) for name, column in catalogue.numbers.items()}
        ra, dec = (float(c[row]) if c is not None else np.nan for c in (catalogue.ra, catalogue.dec))
        if alert is not None and not np.isfinite(ra + dec):
            ra, dec = alert.ra, alert.dec
        yield from _encoded(object_id, curve, spectrum, numbers, catalogue.labels[row], self._options, origin, images, faults,
                            ra=ra, dec=dec, band=band)  # fmt: skip
