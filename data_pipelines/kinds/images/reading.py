"""Records of files and folders of images: pixels, the class that each has, and the numbers that are to be learned."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from data_pipelines.kinds.images.annotations import Annotation, bare, read_annotations
from data_pipelines.kinds.images.arrays import ARRAYS, read_arrays
from data_pipelines.kinds.images.channels import as_channels_last, names_of_channels
from data_pipelines.kinds.images.labels import class_name
from data_pipelines.kinds.images.options import FOLDER, HEADER, NOTHING, ImageSettings
from data_pipelines.kinds.images.pictures import FITS, PICTURES, fits_band, read_fits, read_picture
from data_pipelines.kinds.images.records import RawImage, encode_image
from data_pipelines.kinds.images.repeats import RepeatedPixels
from data_pipelines.kinds.images.tables import PARQUET, read_rows
from data_pipelines.kinds.report import RecordReport
from data_pipelines.shards.layout import Record
from data_pipelines.sources.folders import check_there, each_once, files_below, names_of
from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.files import printable

_READ = (*ARRAYS, *PARQUET, *PICTURES, *FITS)


def read_images(
    paths: Sequence[Path], settings: ImageSettings, report: RecordReport, said: dict[str, str] | None = None
) -> Iterator[Record | Rejection]:
    """Records of all files, in order; what cannot be used is set aside.

    Args:
      said: filled with what was taken for what.

    Raises:
      ConfigError: something can mean two things. DataError: a path is missing, or a table of classes is of no use.
    """
    said = {} if said is None else said
    files = _files(paths, settings, report)
    table = read_annotations(settings.table, settings, said) if settings.table else None
    seen, repeats = dict[str, str](), RepeatedPixels()
    names = names_of([file for file, _ in files if file.name.lower().endswith((*ARRAYS, *PARQUET))])
    for file, top in files:
        try:
            for found in _raw(file, top, settings, said, names.get(file, "")):
                record = found if isinstance(found, Rejection) else _record(found, settings, table, seen)
                if not isinstance(record, Rejection):
                    repeats.note(record, report)
                yield record
        except DataError as error:
            report.bad_files[printable(file)] = str(error)
            yield Rejection("", f"file: {error}", printable(file))


def _files(paths: Sequence[Path], settings: ImageSettings, report: RecordReport) -> list[tuple[Path, Path]]:
    """Every file of images with the path it was found by."""
    found: list[tuple[Path, Path]] = []
    own = settings.table.resolve() if settings.table else None
    for top in paths:
        check_there(top)
        for file in sorted(files_below(top)) if top.is_dir() else [top]:
            if own is not None and file.resolve() == own:
                continue
            if file.name.lower().endswith(_READ):
                found.append((file, top))
            else:
                report.other_files[printable(file)] = None
    once = set(each_once([file for file, _ in found]))
    found = list({file: (file, top) for file, top in reversed(found) if file in once}.values())[::-1]
    if not found:
        raise DataError(
            f"there are no images in {', '.join(map(str, paths))}: .npz, .npy, Parquet, FITS, PNG and JPEG are read"
        )
    single = [
        file
        for file, top in found
        if top.is_dir() and file.parent != top and file.name.lower().endswith((*PICTURES, *FITS))
    ]
    if single and settings.label is None and settings.table is None:
        folders = ", ".join(sorted({printable(file.parent.name) for file in single})[:4])
        raise ConfigError(
            f"the images lie in the folders {folders}: say --images.label {FOLDER} where these are their classes, else "
            f"--images.label {NOTHING} or --images.table"
        )
    return found


def _raw(
    file: Path, top: Path, settings: ImageSettings, said: dict[str, str], called: str
) -> Iterator[RawImage | Rejection]:
    name = file.name.lower()
    folder = printable(file.parent.name) if settings.label == FOLDER and top.is_dir() and file.parent != top else None
    if name.endswith(ARRAYS):
        found: Iterator[RawImage | Rejection] = read_arrays(file, settings, said, called)
    elif name.endswith(PARQUET):
        found = read_rows(file, settings, said, called)
    else:
        found = _single(file, settings)
    for image in found:
        yield image if isinstance(image, Rejection) or folder is None else replace(image, label=folder)


def _single(file: Path, settings: ImageSettings) -> Iterator[RawImage | Rejection]:
    where, object_id = printable(file), bare(printable(file.name))
    try:
        if file.name.lower().endswith(PICTURES):
            pixels, usual = read_picture(file)
        else:
            pixels, usual = read_fits(file, settings.image)
            pixels = pixels if usual else as_channels_last(pixels, settings, f"'{file}'")
            if settings.channel_names == (HEADER,) and not usual and (band := fits_band(file, settings.image)):
                usual = (band.replace(",", " "),)
    except DataError as error:
        yield Rejection(object_id, str(error), where)
        return
    yield RawImage(pixels, object_id, where, names_of_channels(pixels.shape[-1], settings, f"'{file}'", usual))


def _record(
    image: RawImage, settings: ImageSettings, table: dict[str, Annotation] | None, seen: dict[str, str]
) -> Record | Rejection:
    refused = lambda reason: Rejection(image.object_id, reason, image.origin)
    if (other := seen.setdefault(image.object_id, image.origin)) != image.origin and _one_a_file(image, other):
        return refused(f"name given twice: '{other}' has it as well")
    label, numbers = image.label, dict(image.targets)
    place = {"ra": image.ra, "dec": image.dec}
    if table is not None:
        entry = table.get(bare(image.object_id), Annotation())
        if len(entry.labels) > 1:
            return refused(f"several classes: the table says {', '.join(map(str, entry.labels[:4]))}")
        if clash := [name for name, values in entry.numbers.items() if len(values) > 1]:
            return refused(f"several values: the table has {len(entry.numbers[clash[0]])} of {clash[0]}")
        label = entry.labels[0] if entry.labels else label
        values = {name: next(iter(found)) for name, found in entry.numbers.items()}
        place |= {name: values.pop(name) for name in ("ra", "dec") if name in values}
        numbers |= dict.fromkeys(settings.target_names or settings.targets, np.nan) | values
    try:
        named = None if settings.label == NOTHING else class_name(label, settings, f"'{image.origin}'")
        pixels = central_square(image.pixels, settings.size)
    except DataError as error:
        return refused(str(error))
    if not pixels.size or (pixels.dtype.kind == "f" and not np.isfinite(pixels).any()):
        return refused("no pixels: none is finite")
    if any(np.isinf(v) for v in numbers.values()):
        return refused("infinite target")
    return encode_image(
        image.object_id,
        pixels,
        image.channel_names,
        named,
        settings.survey,
        settings.pixel_scale or np.nan,
        numbers,
        **place,
    )


def _one_a_file(image: RawImage, other: str) -> bool:
    """Whether a name that comes again is an accident: files side by side, not rows of one object."""
    return "#" not in image.origin and "#" not in other


def central_square(pixels: np.ndarray, size: int | None) -> np.ndarray:
    """The square of `size` pixels in the middle.

    Raises:
      DataError: the image is smaller.
    """
    if size is None:
        return pixels
    height, width = pixels.shape[:2]
    if min(height, width) < size:
        raise DataError(f"image size: {height} x {width} is smaller than --images.size {size}")
    top, left = (height - size) // 2, (width - size) // 2
    return pixels[top : top + size, left : left + size]
