"""Images of .npz and .npy files: stacks of arrays, one row an image."""

import contextlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, read_array_header_1_0, read_array_header_2_0, read_magic

from data_pipelines.kinds.images.channels import as_channels_last, names_of_channels
from data_pipelines.kinds.images.fields import LABELS, NAMES, choose
from data_pipelines.kinds.images.options import FOLDER, NOTHING, ImageSettings
from data_pipelines.kinds.images.records import RawImage
from lcjax.errors import ConfigError, DataError, first_line
from lcjax.files import printable

ARRAYS = (".npz", ".npy")
_MOST_BYTES = 16 << 30
_NUMBERS = "buif"
_PICKLE = b"\x80"
"""How pickles begin, since Python 2.3."""


def read_arrays(path: Path, settings: ImageSettings, said: dict[str, str], name: str = "") -> Iterator[RawImage]:
    """The images of one file, in order.

    Args:
      said: filled with what was taken for what. name: of the file, for rows without one; its own if "".

    Raises:
      DataError: the file cannot be read, or arrays of different lengths. ConfigError: what an array is, is open.
    """
    arrays = load_arrays(path)
    names, stack = _stack(arrays, settings, path)
    rows = len(stack)
    label = _label(arrays, settings, rows, path, names)
    ids = choose(settings.object_id, NAMES, _one_axis(arrays, rows), f"'{path}'", "object-id")
    columns = {k: _column(arrays, v, rows, path) for k, v in (("ra", settings.ra), ("dec", settings.dec)) if v}
    targets = _targets(arrays, settings, rows, path)
    said |= {"pixels": " ".join(names), "classes": label or NOTHING, "objects": ids or "file and row"}
    usual = names if len(names) > 1 else ()
    keep = _of_survey(arrays, settings, rows, path)
    for row in np.flatnonzero(keep):
        pixels = as_channels_last(stack[row], settings, f"'{path}'")
        yield RawImage(
            pixels,
            str(_plain(arrays[ids][row])) if ids else f"{printable(name or path.stem)}-{row}",
            f"{printable(path)}#{row}",
            names_of_channels(pixels.shape[-1], settings, f"'{path}'", usual),
            _plain(arrays[label][row]) if label else None,
            {name: float(column[row]) for name, column in targets.items()},
            **{name: float(column[row]) for name, column in columns.items()},
        )


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Every array of the file by name; that of an .npy is called `pixels`."""
    try:
        if path.suffix.lower() == ".npy":
            return {"pixels": np.load(path, allow_pickle=False, mmap_mode="r")}
        with zipfile.ZipFile(path) as packed:
            if sum(member.file_size for member in packed.infolist()) > _MOST_BYTES:
                raise DataError(f"'{path}' unpacks to more than {_MOST_BYTES >> 30} GiB: split it into several files")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except DataError:
        raise
    except Exception as error:  # zip, header and decompression errors have no common class
        raise DataError(f"'{path}' cannot be read as arrays: {_fault(path, error)}") from error


def _fault(path: Path, error: Exception) -> str:
    """What is wrong with a file that could not be read: numpy says of many that they hold pickled objects."""
    pickled = "it holds pickled objects, which are not read: they could run anything"
    with open(path, "rb") as file, contextlib.suppress(ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error):
        magic = file.read(len(MAGIC_PREFIX))
        file.seek(0)
        if magic == MAGIC_PREFIX:
            return pickled if _header_type(file).hasobject else first_line(error, 120)
        if not magic.startswith(b"PK"):
            return pickled if magic.startswith(_PICKLE) else "it is no file of numpy"
        with zipfile.ZipFile(file) as packed:
            for name in (name for name in packed.namelist() if name.endswith(".npy")):
                with packed.open(name) as member:
                    if _header_type(member).hasobject:
                        return pickled
    return first_line(error, 120)


def _header_type(file: IO[bytes]) -> np.dtype:
    read = read_array_header_1_0 if read_magic(file) == (1, 0) else read_array_header_2_0
    return read(file)[2]


def _stack(arrays: Mapping[str, np.ndarray], settings: ImageSettings, path: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the arrays of pixels, and the images (N, ...)."""
    possible = [name for name, array in arrays.items() if array.ndim >= 3 and array.dtype.kind in _NUMBERS]
    if len(settings.image) == 1 and (array := arrays.get(settings.image[0])) is not None and array.ndim == 2:
        return settings.image, array[:, None, :, None]  # feature vectors are images of one row
    names = settings.image or tuple(possible)
    if missing := [name for name in settings.image if name not in possible]:
        raise DataError(f"'{path}' has no array '{missing[0]}' of images: it has {', '.join(possible) or 'none'}")
    if len(names) != 1 and not settings.image:
        if not names:
            raise DataError(f"'{path}' holds no images: no array has three axes or more")
        raise ConfigError(f"'{path}' has several arrays of images: name one with --images.image {' | '.join(possible)}")
    chosen = [arrays[name] for name in names]
    if len({a.shape for a in chosen}) > 1 or (len(chosen) > 1 and chosen[0].ndim != 3):
        shapes = ", ".join(f"{n} {a.shape}" for n, a in zip(names, chosen, strict=True))
        raise DataError(f"the arrays of '{path}' cannot be channels of one another: {shapes}")
    stack = chosen[0] if len(chosen) == 1 else np.stack(chosen, -1)
    height, width, depth = (*stack.shape, 0, 0)[:3]
    if stack.ndim == 3 and len(arrays) == 1 and height == width != depth and depth <= 4:
        raise ConfigError(
            f"'{path}' has one array of shape {stack.shape}, which may be one image of {depth} channels or {height} images: give a stack "
            "with the images on the first axis and (height, width, channels) behind"
        )
    return names, stack


def _one_axis(arrays: Mapping[str, np.ndarray], rows: int) -> list[str]:
    return [name for name, array in arrays.items() if array.shape == (rows,)]


def _label(
    arrays: Mapping[str, np.ndarray], settings: ImageSettings, rows: int, path: Path, images: tuple[str, ...]
) -> str | None:
    if settings.label in (NOTHING, FOLDER) or (settings.label and settings.table):
        return None
    columns = _one_axis(arrays, rows)
    if path.suffix.lower() == ".npy" and not settings.table:
        raise ConfigError(
            f"'{path}' has no place for classes: give a table of them with --images.table (rows are called {printable(path.stem)}-0, "
            f"{printable(path.stem)}-1, ...), or say --images.label {NOTHING}"
        )
    found = choose(settings.label, LABELS, columns, f"'{path}'", "label")
    taken = {settings.object_id, settings.ra, settings.dec, settings.survey_column, *settings.targets, *NAMES, *images}
    others = [
        name
        for name in columns
        if name.lower() not in taken and name not in taken and arrays[name].dtype.kind in "biuUS"
    ]
    if not found and others and not settings.table:
        raise ConfigError(
            f"'{path}' has the arrays {', '.join(others)}, of one value an image: say which names the classes with "
            f"--images.label {others[0]}, or --images.label {NOTHING}"
        )
    return found


def _column(arrays: Mapping[str, np.ndarray], name: str, rows: int, path: Path) -> np.ndarray:
    array = arrays.get(name)
    if array is None or array.shape != (rows,):
        raise DataError(
            f"'{path}' has no array '{name}' of {rows} values: it has {', '.join(_one_axis(arrays, rows)) or 'none'}"
        )
    return array


def _targets(arrays: Mapping[str, np.ndarray], settings: ImageSettings, rows: int, path: Path) -> dict[str, np.ndarray]:
    if settings.table:
        return {}
    if len(settings.targets) == 1 and arrays.get(settings.targets[0], np.zeros(0)).ndim == 2:
        table = arrays[settings.targets[0]]
        names = settings.target_names
        if table.shape != (rows, len(names)):
            raise ConfigError(
                f"the array '{settings.targets[0]}' of '{path}' has the shape {table.shape}: name its {table.shape[-1]} columns with "
                "--images.target-names"
            )
        found = dict(zip(names, table.T, strict=True))
    else:
        names = settings.target_names or settings.targets
        if len(names) != len(settings.targets):
            raise ConfigError(
                f"--images.target-names names {len(names)} numbers, --images.targets {len(settings.targets)}"
            )
        found = {name: _column(arrays, key, rows, path) for name, key in zip(names, settings.targets, strict=True)}
    if words := [name for name, array in found.items() if array.dtype.kind not in _NUMBERS]:
        raise DataError(f"the target '{words[0]}' of '{path}' is no array of numbers")
    return found


def _of_survey(arrays: Mapping[str, np.ndarray], settings: ImageSettings, rows: int, path: Path) -> np.ndarray:
    if not settings.survey_column:
        return np.ones(rows, bool)
    return np.array(
        [str(_plain(v)) == settings.survey for v in _column(arrays, settings.survey_column, rows, path)], bool
    )


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
