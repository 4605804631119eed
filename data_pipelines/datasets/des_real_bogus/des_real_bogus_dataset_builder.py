"""Stamps of the DES supernova search: one FITS file a plane, and a table of object types."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipelines.datasets.record_builder import RecordBuilder
from data_pipelines.kinds.images.annotations import read_annotations
from data_pipelines.kinds.images.labels import class_name
from data_pipelines.kinds.images.options import NOTHING, ImageSettings
from data_pipelines.kinds.images.pictures import FITS, PICTURES, read_fits, read_picture
from data_pipelines.kinds.images.reading import central_square
from data_pipelines.kinds.images.records import encode_image
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import Record
from data_pipelines.sources.folders import check_there, files_below
from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.files import printable

PREFIXES = {"temp": "template", "srch": "science", "diff": "difference"}


class Builder(RecordBuilder):
    """DES candidates (Goldstein et al. 2015): files temp<ID>, srch<ID>, diff<ID> of 51 x 51 pixels, and a table of ID and OBJECT_TYPE."""

    name = "des_real_bogus"
    kind = "images"
    homepage = "https://portal.nersc.gov/project/dessn/autoscan/"
    citation = "Goldstein et al. 2015, AJ 150, 82"

    def _read(self, report: Report) -> Iterator[Record | Rejection]:
        asked: ImageSettings = self.settings.options["images"]
        if asked.table is None and asked.label != NOTHING:
            raise ConfigError(
                "stamps do not say which are real: give the table of features with --images.table T --images.label OBJECT_TYPE and "
                "say which number is what with --images.classes, or --images.label none"
            )
        table = read_annotations(asked.table, asked, {}) if asked.table else {}
        for object_id, files in _groups(self.settings.sources, report).items():
            where = printable(next(iter(files.values())))
            if missing := [prefix for prefix in PREFIXES if prefix not in files]:
                yield Rejection(object_id, f"missing stamp: {missing[0]}", where)
                continue
            labels = table[object_id].labels if object_id in table else []
            if len(labels) > 1:
                yield Rejection(object_id, f"several classes: the table says {', '.join(map(str, labels))}", where)
                continue
            try:
                label = class_name(labels[0], asked, f"'{asked.table}'") if labels else None
                pixels = central_square(_stack(files), asked.size)
            except DataError as error:
                yield Rejection(object_id, str(error), where)
                continue
            yield encode_image(object_id, pixels, tuple(PREFIXES.values()), label, "des", asked.pixel_scale or 0.263)


def _groups(sources: tuple[Path, ...], report: Report) -> dict[str, dict[str, Path]]:
    """Object -> prefix -> file.

    Raises:
      DataError: a path is missing, or there are no stamps.
    """
    found: dict[str, dict[str, Path]] = {}
    for top in sources:
        check_there(top)
        for file in sorted(files_below(top)) if top.is_dir() else [top]:
            name = file.name.lower()
            ending = next((e for e in sorted((*FITS, *PICTURES), key=len, reverse=True) if name.endswith(e)), "")
            if name[:4] in PREFIXES and ending:
                found.setdefault(file.name[4 : len(name) - len(ending)], {}).setdefault(name[:4], file)
            else:
                report.other_files[printable(file)] = None
    if not found:
        raise DataError(
            f"there are no files temp<ID>, srch<ID>, diff<ID> in {', '.join(map(str, sources)) or 'no --source'}"
        )
    return found


def _stack(files: dict[str, Path]) -> np.ndarray:
    """(H, W, 3).

    Raises:
      DataError: a stamp that cannot be read, is no single plane, or has another shape.
    """
    read = lambda file: read_picture(file)[0] if file.name.lower().endswith(PICTURES) else read_fits(file, ())[0]
    planes = [read(files[prefix]).squeeze().astype(np.float32) for prefix in PREFIXES]
    if len({plane.shape for plane in planes}) > 1 or planes[0].ndim != 2:
        raise DataError(f"stamps of different shapes: {', '.join(str(plane.shape) for plane in planes)}")
    return np.stack(planes, -1)
