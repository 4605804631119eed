"""Images in Parquet: one row an image, as nested lists, as flat lists with a shape, or as PNG and JPEG bytes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data_pipelines.kinds.images.annotations import number
from data_pipelines.kinds.images.channels import as_channels_last, names_of_channels
from data_pipelines.kinds.images.fields import LABELS, NAMES, PIXELS, choose
from data_pipelines.kinds.images.options import FOLDER, NOTHING, ImageSettings
from data_pipelines.kinds.images.pictures import read_picture
from data_pipelines.kinds.images.records import RawImage
from data_pipelines.sources.arrow_batches import PARQUET, file_batches, is_list
from data_pipelines.sources.cells import text_of
from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.files import printable

__all__ = ["PARQUET", "read_rows"]
_SHAPE = ("height", "width", "channels")
_DTYPES = {pa.uint8(): np.uint8, pa.uint16(): np.uint16}


def read_rows(
    path: Path, settings: ImageSettings, said: dict[str, str], name: str = ""
) -> Iterator[RawImage | Rejection]:
    """The images of one file, in order; a row that is none is set aside.

    Args:
      said: filled with what was taken for what. name: of the file, for rows without one; its own if "".

    Raises:
      DataError: the file cannot be read or has no column of images. ConfigError: what a column is, is open.
    """
    at, keys, pixels = 0, None, ()
    for batch in file_batches(path):
        if keys is None:
            pixels = _pixel_columns(batch.schema, settings, path)
            keys = _columns(batch.schema.names, pixels, settings, path)
            said |= {
                "pixels": " ".join(pixels),
                "classes": keys["label"] or NOTHING,
                "objects": keys["object"] or "file and row",
            }
        columns = {name: batch.column(name) for name in {*pixels, *(k for k in keys.values() if k)}}
        columns |= {name: batch.column(name) for name in _SHAPE if name in batch.schema.names}
        for row in range(batch.num_rows):
            cell = lambda name, columns=columns, row=row: columns[name][row].as_py() if name else None
            if not settings.survey_column or text_of(cell(settings.survey_column)) == settings.survey:
                yield _image(path, name or path.stem, at + row, keys, pixels, columns, cell, settings)
        at += batch.num_rows


def _image(
    path: Path,
    name: str,
    row: int,
    keys: dict[str, str | None],
    pixels: Sequence[str],
    columns: Any,
    cell: Any,
    settings: ImageSettings,
) -> RawImage | Rejection:
    where = f"{printable(path)}#{row}"
    object_id = text_of(cell(keys["object"])) if keys["object"] else f"{printable(name)}-{row}"
    if not object_id:
        return Rejection("", "no name of the object", where)
    try:
        found = [
            _array(columns[name].type, cell(name), [cell(n) for n in _SHAPE if n in columns], bool(settings.image))
            for name in pixels
        ]
        usual: Sequence[str] = found[0][1]
        array = found[0][0]
        if len(found) > 1:
            if any(a.squeeze().shape != array.squeeze().shape or a.squeeze().ndim != 2 for a, _ in found):
                raise DataError(f"channels of different shapes: {', '.join(str(a.shape) for a, _ in found)}")
            array, usual = np.stack([a.squeeze() for a, _ in found], -1), pixels
    except DataError as error:
        return Rejection(object_id, str(error), where)
    if not usual or len(found) > 1:
        array = array if len(found) > 1 else as_channels_last(array, settings, f"'{path}'")
    names = names_of_channels(array.shape[-1], settings, f"'{path}'", usual)
    targets = {k.removeprefix("target "): number(cell(v)) for k, v in keys.items() if k.startswith("target ")}
    place = {k: number(cell(keys[k])) for k in ("ra", "dec") if keys[k]}
    return RawImage(array, object_id, where, names, cell(keys["label"]), targets, **place)


def _array(kind: pa.DataType, value: Any, shape: list[Any], vector: bool = False) -> tuple[np.ndarray, tuple[str, ...]]:
    """Pixels and, of a picture, the names of its channels."""
    if value is None:
        raise DataError("no image: the cell is empty")
    if isinstance(value, bytes):
        return read_picture(value)
    while is_list(kind):
        kind = kind.value_type
    try:
        array = np.asarray(value, _DTYPES.get(kind, np.float32))
        if array.ndim == 1:
            if vector and not shape:
                return array[None, :, None], ("feature",)
            if None in shape or len(shape) < 2:
                raise DataError("flat image: columns height, width (and channels) must say its shape")
            array = array.reshape([int(n) for n in shape])
    except (TypeError, ValueError) as error:
        raise DataError(f"no image: {str(error)[:100]}") from error
    return array, ()


def _pixel_columns(schema: pa.Schema, settings: ImageSettings, path: Path) -> tuple[str, ...]:
    possible = [
        f.name for f in schema if is_list(f.type) or pa.types.is_binary(f.type) or pa.types.is_large_binary(f.type)
    ]
    possible = [name for name in possible if name not in settings.targets]
    if settings.image:
        chosen = tuple(f"{name}.bytes" if f"{name}.bytes" in possible else name for name in settings.image)
        if missing := [name for name in chosen if name not in possible]:
            raise DataError(f"'{path}' has no column '{missing[0]}' of images: it has {', '.join(possible) or 'none'}")
        return chosen
    if not possible:
        raise DataError(f"'{path}' holds no images: no column has lists or bytes")
    if len(possible) == 1:
        return (possible[0],)
    found = choose(None, (*PIXELS, *(f"{name}.bytes" for name in PIXELS)), possible, f"'{path}'", "image")
    if found is None:
        raise ConfigError(
            f"'{path}' has several columns of images: name one, or all channels, with --images.image {' '.join(possible)}"
        )
    return (found,)


def _columns(names: list[str], pixels: Sequence[str], settings: ImageSettings, path: Path) -> dict[str, str | None]:
    own = {*pixels, *(name.removesuffix(".bytes") + ".path" for name in pixels)}
    rest = [name for name in names if name not in own]
    where = f"'{path}'"
    label = None
    if settings.label not in (NOTHING, FOLDER) and not (settings.label and settings.table):
        label = choose(settings.label, LABELS, [n for n in rest if n not in settings.targets], where, "label")
    if label is None and settings.label is None and not settings.table:
        raise ConfigError(
            f"no column of {where} has a usual name of classes: say --images.label, one of {', '.join(rest) or 'none'}, or {NOTHING}"
        )
    targets = () if settings.table else settings.targets
    renamed = settings.target_names or targets
    if len(renamed) != len(targets) and not settings.table:
        raise ConfigError(f"--images.target-names names {len(renamed)} numbers, --images.targets {len(targets)}")
    keys = {"object": choose(settings.object_id, NAMES, rest, where, "object-id"), "label": label}
    keys |= {
        role: choose(said, (role,), rest, where, role) for role, said in (("ra", settings.ra), ("dec", settings.dec))
    }
    keys |= {
        f"target {new}": choose(old, (), rest, where, "targets") for new, old in zip(renamed, targets, strict=False)
    }
    return keys | {"survey": choose(settings.survey_column, (), rest, where, "survey-column")}
