"""Stamps of HiTS: chunks of flat arrays, one a plane."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipelines.datasets.record_builder import RecordBuilder
from data_pipelines.kinds.images.labels import class_name
from data_pipelines.kinds.images.options import NOTHING, ImageSettings
from data_pipelines.kinds.images.records import encode_image
from data_pipelines.kinds.images.stamps import cut_stamp
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import Record
from data_pipelines.sources.folders import check_there, each_once, files_below, names_of
from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.files import printable

PLANES = {
    "template": "temp_images",
    "science": "sci_images",
    "difference": "diff_images",
    "difference_to_noise": "SNR_images",
}
_USUAL = ("template", "science", "difference")
_LABELS = "labels"
_PIXELS = 441
"""Of a stamp of the release."""


class Builder(RecordBuilder):
    """HiTS candidates (Cabrera-Vives et al. 2017): .npz chunks with temp_images, sci_images, diff_images, SNR_images (N, 441), labels (N,)."""

    name = "hits_real_bogus"
    kind = "images"
    homepage = "https://github.com/guille-c/Deep-HiTS"
    citation = "Cabrera-Vives et al. 2017, ApJ 836, 97"

    def _read(self, report: Report) -> Iterator[Record | Rejection]:
        asked: ImageSettings = self.settings.options["images"]
        names = asked.channel_names or _USUAL
        if strange := [name for name in names if name not in PLANES]:
            raise ConfigError(f"chunks of HiTS have no plane '{strange[0]}': they have {', '.join(PLANES)}")
        chunks = _chunks(self.settings.sources, report)
        called = names_of(chunks)
        for path in chunks:
            try:
                stack, labels = _chunk(path, names)
            except DataError as error:
                report.bad_files[printable(path)] = str(error)
                yield Rejection("", f"file: {error}", printable(path))
                continue
            for row, image in enumerate(stack):
                object_id, where = f"{printable(called[path])}-{row}", f"{printable(path)}#{row}"
                try:
                    known = labels is not None and asked.label != NOTHING
                    label = class_name(labels[row].item(), asked, f"'{path}'") if known else None
                    pixels = cut_stamp(image, names, asked.size)
                except DataError as error:
                    yield Rejection(object_id, str(error), where)
                    continue
                yield encode_image(object_id, pixels, names, label, "hits", asked.pixel_scale or 0.27)


def _chunks(sources: tuple[Path, ...], report: Report) -> list[Path]:
    found = []
    for top in sources:
        check_there(top)
        for file in sorted(files_below(top)) if top.is_dir() else [top]:
            if file.suffix.lower() == ".npz":
                found.append(file)
            else:
                report.other_files[printable(file)] = None
    if not found:
        raise DataError(
            f"there are no .npz chunks in {', '.join(map(str, sources)) or 'no --source'}; pickled chunks are not read, since they could "
            "run anything: save their arrays with numpy.savez"
        )
    return each_once(found)


def _chunk(path: Path, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray | None]:
    """(N, S, S, C) and labels.

    Raises:
      DataError: the file cannot be read, or lacks a plane, or planes that are no squares.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # zip, header and decompression errors have no common class
        raise DataError(f"'{path}' cannot be read as arrays: {str(error)[:100]}") from error
    if missing := [PLANES[name] for name in names if PLANES[name] not in arrays]:
        raise DataError(f"'{path}' has no array '{missing[0]}': it has {', '.join(arrays)}")
    planes = [arrays[PLANES[name]] for name in names]
    if strange := [plane for plane in planes if plane.dtype.kind not in "buif" or plane.ndim not in (2, 3)]:
        raise DataError(
            f"'{path}' has a plane of {strange[0].dtype} and shape {strange[0].shape}: (N, 441) or (N, 21, 21) numbers are read"
        )
    rows = len(planes[0])
    if rows == _PIXELS != planes[0][0].size:
        raise DataError(
            f"'{path}' has planes of shape {planes[0].shape}: candidates must be on the first axis, pixels behind"
        )
    side = round(float(np.sqrt(planes[0].size / max(rows, 1))))
    shapes = (rows, side * side), (rows, side, side)
    if any(plane.shape not in shapes for plane in planes):
        raise DataError(
            f"'{path}' has planes of shapes {', '.join(str(p.shape) for p in planes)}: they are no squares of one size"
        )
    labels = arrays.get(_LABELS)
    if labels is not None and labels.reshape(-1).shape != (rows,):
        raise DataError(f"'{path}' has {labels.size} labels of {rows} candidates")
    return np.stack([p.reshape(rows, side, side) for p in planes], -1), None if labels is None else labels.reshape(-1)
