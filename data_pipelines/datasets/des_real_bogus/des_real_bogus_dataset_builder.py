"""Stamps of the DES supernova search: one FITS file a plane, and a table of object types."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipelines.datasets.record_builder import RecordBuilder
from data_pipelines.kinds.images.options import NOTHING, ImageSettings
from data_pipelines.kinds.images.pictures import FITS, PICTURES, read_fits, read_picture
from data_pipelines.kinds.images.records import encode_image
from data_pipelines.kinds.images.stamps import StampClasses, cut_stamp
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import Record
from data_pipelines.sources.folders import check_there, files_below
from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.files import printable

PREFIXES = {"temp": "template", "srch": "science", "diff": "difference"}
_ENDINGS = (*FITS, *PICTURES, ".gif")
_TYPE, _MEANING = "OBJECT_TYPE", ("real", "bogus")
"""Of the release's table, and what its 0 and 1 are."""


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
        if asked.label == _TYPE and asked.classes == _MEANING[::-1]:
            raise ConfigError(
                f"{_TYPE} 0 is real and 1 is bogus in the release: say --images.classes {' '.join(_MEANING)}"
            )
        classes = StampClasses(asked)
        for object_id, files in _groups(self.settings.sources, report).items():
            where = printable(files[0])
            try:
                label = classes.of(object_id)
                pixels = cut_stamp(_stack(files), tuple(PREFIXES.values()), asked.size)
            except DataError as error:
                yield Rejection(object_id, str(error), where)
                continue
            yield encode_image(object_id, pixels, tuple(PREFIXES.values()), label, "des", asked.pixel_scale or 0.263)
        classes.check()


def _groups(sources: tuple[Path, ...], report: Report) -> dict[str, list[Path]]:
    """Object -> its files; of objects that have FITS files those alone, since pictures are scaled to be looked at.

    Raises:
      DataError: a path is missing, or there are no stamps.
    """
    found: dict[str, list[Path]] = {}
    for top in sources:
        check_there(top)
        for file in sorted(files_below(top)) if top.is_dir() else [top]:
            if file.name[:4].lower() in PREFIXES and (ending := _ending(file)):
                found.setdefault(file.name[4 : len(file.name) - len(ending)], []).append(file)
            else:
                report.other_files[printable(file)] = None
    if not found:
        raise DataError(
            f"there are no files temp<ID>, srch<ID>, diff<ID> ({', '.join(_ENDINGS)}) in "
            f"{', '.join(map(str, sources)) or 'no --source'}"
        )
    for object_id, files in found.items():
        whole = [file for file in files if _ending(file) in FITS]
        if whole:
            report.other_files.update(dict.fromkeys(printable(file) for file in files if file not in whole))
            found[object_id] = whole
    return found


def _ending(file: Path) -> str:
    """Of the files that are read; empty of others."""
    return max((ending for ending in _ENDINGS if file.name.lower().endswith(ending)), key=len, default="")


def _stack(files: list[Path]) -> np.ndarray:
    """(H, W, 3).

    Raises:
      DataError: a stamp that is missing or given twice, cannot be read, is no single plane, or has another shape.
    """
    own = {prefix: [file for file in files if file.name[:4].lower() == prefix] for prefix in PREFIXES}
    if missing := [prefix for prefix, some in own.items() if not some]:
        raise DataError(f"missing stamp: {missing[0]}")
    if twice := [some for some in own.values() if len(some) > 1]:
        raise DataError(f"stamp given twice: {printable(twice[0][0])} and {printable(twice[0][1])}")
    planes = [_plane(some[0]) for some in own.values()]
    if len({plane.shape for plane in planes}) > 1 or planes[0].ndim != 2:
        raise DataError(f"stamps of different shapes: {', '.join(str(plane.shape) for plane in planes)}")
    return np.stack(planes, -1)


def _plane(file: Path) -> np.ndarray:
    """(H, W) of a file; of a picture in three equal colours one of them."""
    if _ending(file) in FITS:
        return read_fits(file, ())[0].squeeze().astype(np.float32)
    pixels = read_picture(file)[0].astype(np.float32)
    return pixels[..., 0] if (pixels == pixels[..., :1]).all() else pixels
