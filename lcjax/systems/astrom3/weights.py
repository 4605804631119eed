"""Published AstroM3 networks as experiments and variables of ours (arXiv 2411.08842; Hugging Face AstroMLCore).

A source is a folder with `config.json` and `model.safetensors`, or one file: `.safetensors`, or `.pth` with a state dictionary,
which is read without PyTorch. Shapes decide the sizes; what they do not tell (heads, factor, fusion) stands in `config.json`
beside the file, or is as published.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import safetensors
from safetensors.numpy import load as parse_safetensors

from lcjax.catalogue_columns import METADATA, PHOTOMETRIC
from lcjax.errors import WeightsError
from lcjax.models.astrom3_config import MultimodalConfig, PhotometryConfig, SpectraConfig, VectorConfig
from lcjax.models.multimodal import build_multimodal
from lcjax.pretrained.pytorch import read_state_dict
from lcjax.pretrained.weights_folder import ImportedWeights
from lcjax.systems.astrom3.config import CLASS_NAMES, AstroM3Experiment
from lcjax.systems.astrom3.network_inputs import example_inputs
from lcjax.systems.astrom3.weight_names import our_name, variables_from_torch
from lcjax.training.checkpoint_io import flatten
from lcjax.typing import PyTree

_MAX_BYTES = 2 << 30
_MAX_SETTINGS = 1 << 20
MODALITIES = ("photometry", "spectra", "metadata")


def config_from_settings(settings: Mapping[str, Any], modality: str | None = None) -> MultimodalConfig:
    """The network of a `config.json` of the reference.

    Args:
      settings: constructor arguments. modality: of a classifier of one modality.
    """
    base = MultimodalConfig()
    get = lambda name, default: settings.get(name, default)
    photometry = PhotometryConfig(
        encoder="informer",
        channels=get("p_enc_in", base.photometry.channels),
        width=get("p_d_model", base.photometry.width),
        num_heads=get("p_n_heads", base.photometry.num_heads),
        hidden=get("p_d_ff", base.photometry.hidden),
        layers=get("p_e_layers", base.photometry.layers),
        length=get("seq_len", base.photometry.length),
        factor=get("p_factor", base.photometry.factor),
        activation=get("p_activation", base.photometry.activation),
        dropout=get("p_dropout", base.photometry.dropout),
    )
    spectra = SpectraConfig(
        channels=tuple(get("s_conv_channels", base.spectra.channels)),
        kernel=get("s_kernel_size", base.spectra.kernel),
        pool=get("s_mp_kernel_size", base.spectra.pool),
        dropout=get("s_dropout", base.spectra.dropout),
    )
    metadata = VectorConfig(
        inputs=get("m_input_dim", base.metadata.inputs),
        hidden=get("m_hidden_dim", base.metadata.hidden),
        dropout=get("m_dropout", base.metadata.dropout),
    )
    return MultimodalConfig(
        modalities=(modality,) if modality else MODALITIES,
        photometry=photometry,
        spectra=spectra,
        metadata=metadata,
        dim=get("hidden_dim", base.dim),
        head="classifier" if get("classification", False) or modality else "contrastive",
        fusion=get("fusion", base.fusion),
        num_classes=get("num_classes", base.num_classes),
    )


def import_astrom3(source: Path | str) -> ImportedWeights:
    """Reads a published network.

    Raises:
      WeightsError: missing or damaged files, unknown or missing arrays, or shapes that disagree.
    """
    file = _weights_file(Path(source))
    arrays = _read(file)
    if odd := next((name for name, value in arrays.items() if value.dtype.kind != "f"), None):
        raise WeightsError(f"array '{odd}' in '{file}' holds no floating-point numbers: is it another model?")
    if bad := next((name for name, value in arrays.items() if not np.isfinite(value).all()), None):
        raise WeightsError(f"array '{bad}' in '{file}' holds values that are not finite: these weights are unusable")
    settings_file, notes = file.parent / "config.json", []
    settings = _settings(settings_file)
    if settings is None:
        notes.append("no config.json beside the weights: heads, factor, length and fusion taken as published")
    variables = variables_from_torch(arrays)
    config = sized(config_from_names(arrays, settings or {}), variables, settings or {})
    _check_whole(config, variables, file)
    base = AstroM3Experiment(model=config)
    inputs = dataclasses.replace(base.inputs, padding="release", statistics="none", **columns_of(config))
    if config.head == "classifier" and config.num_classes == len(CLASS_NAMES):
        notes.append("classes taken in alphabetical order, as the published code numbers them")
        inputs = dataclasses.replace(inputs, class_names=CLASS_NAMES)
    notes.append("these weights take catalogue numbers that are standardised already (the processed dataset)")
    return ImportedWeights(
        dataclasses.replace(base, inputs=inputs),
        variables,
        file,
        settings_file if settings else None,
        sorted(name for name in arrays if our_name(name) is None),
        notes,
        {"modalities": ", ".join(config.modalities), "head": config.head, "dimensions": str(config.dim)},
    )


def columns_of(config: MultimodalConfig) -> dict[str, tuple[str, ...]]:
    """Names of the catalogue numbers that a network takes, in its order: the published ones where their numbers agree."""
    scalars, numbers = config.photometry.channels - 5, config.metadata.inputs
    photometric = PHOTOMETRIC if scalars == len(PHOTOMETRIC) else tuple(f"photometric_{i}" for i in range(scalars))
    metadata = METADATA if numbers == len(METADATA) else tuple(f"number_{i}" for i in range(numbers))
    # The order of the data may be another one: the batches are asked for this one.
    every = (*photometric, *metadata)
    return {"photometry_columns": photometric, "metadata_columns": metadata, "data_columns": every}


def config_from_names(arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> MultimodalConfig:
    """Which modalities and head the names of the arrays tell of."""
    paths = [path for path in map(our_name, arrays) if path]
    there = [m for m in MODALITIES if any(path.startswith(f"encoders_{m}/") for path in paths)]
    if len(there) not in (1, len(MODALITIES)):
        raise WeightsError(
            f"these weights hold encoders of {', '.join(there) or 'nothing'}: AstroM3 has one or all three, so arrays are missing"
        )
    single = there[0] if len(there) == 1 else None
    # Single-modality files name their dropout and sizes without the letter of the modality.
    letter = {"photometry": "p_", "spectra": "s_", "metadata": "m_"}.get(single or "", "")
    named = {f"{letter}{k}": v for k, v in settings.items()} | dict(settings) if letter else settings
    classifier = "head/kernel" in paths
    return config_from_settings({**named, "classification": classifier}, single)


def sized(config: MultimodalConfig, variables: PyTree, settings: Mapping[str, Any]) -> MultimodalConfig:
    """The configuration with the sizes of the arrays."""
    flat = {name.removeprefix("params/"): np.shape(value) for name, value in flatten(variables).items()}
    shape = lambda name, axis, default: flat[name][axis] if name in flat and len(flat[name]) > axis else default
    layers = [int(m[1]) for name in flat if (m := re.match(r"encoders_photometry/layer_(\d+)/", name))]
    convolutions = sorted(name for name in flat if re.fullmatch(r"encoders_spectra/conv_\d+/kernel", name))
    token, p = "encoders_photometry/token/kernel", config.photometry
    width = shape(token, 2, p.width)
    reader = "projection_photometry/kernel" if "projection_photometry/kernel" in flat else "head/kernel"
    rows = flat.get(reader, (0,))[0] // width if token in flat and "seq_len" not in settings else p.length
    photometry = dataclasses.replace(
        p,
        channels=shape(token, 1, p.channels),
        width=width,
        hidden=shape("encoders_photometry/layer_0/dense_1/kernel", 1, p.hidden),
        layers=max(layers) + 1 if layers else p.layers,
        length=max(rows, 1),
    )
    spectra = config.spectra
    if convolutions:
        kernels = [flat[name] for name in convolutions]
        channels = (kernels[0][1], *(kernel[2] for kernel in kernels))
        spectra = dataclasses.replace(spectra, channels=channels, kernel=kernels[0][0])
    metadata = dataclasses.replace(
        config.metadata,
        inputs=shape("encoders_metadata/dense_0/kernel", 0, config.metadata.inputs),
        hidden=shape("encoders_metadata/dense_0/kernel", 1, config.metadata.hidden),
    )
    dim = next((flat[f"projection_{m}/kernel"][1] for m in MODALITIES if f"projection_{m}/kernel" in flat), config.dim)
    classes, fusion = shape("head/kernel", 1, config.num_classes), config.fusion
    if config.head == "classifier" and len(config.modalities) > 1:
        fusion = "concat" if shape("head/kernel", 0, dim) == len(MODALITIES) * dim else "avg"
    return dataclasses.replace(
        config,
        photometry=photometry,
        spectra=spectra,
        metadata=metadata,
        dim=dim,
        num_classes=classes,
        fusion=fusion,
    )


def _weights_file(source: Path) -> Path:
    if not source.is_dir():
        if not source.is_file():
            raise WeightsError(f"there is no file or folder '{source}'")
        return source
    found = [file for pattern in ("*.safetensors", "*.pth", "*.pt") for file in sorted(source.glob(pattern))]
    if len(found) != 1:
        names = ", ".join(file.name for file in found[:4]) or "none"
        raise WeightsError(
            f"folder '{source}' must hold one file of weights (.safetensors or .pth), not {names}: name it"
        )
    return found[0]


def _read(file: Path) -> dict[str, np.ndarray]:
    if file.suffix != ".safetensors":
        return read_state_dict(file)
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise WeightsError(f"'{file}' is larger than any AstroM3 network: is it the right file?")
        return parse_safetensors(file.read_bytes())
    except (OSError, safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"'{file}' cannot be read: {error}; copy or download it again") from error


def _settings(file: Path) -> dict[str, Any] | None:
    if not file.is_file():
        return None
    try:
        if file.stat().st_size > _MAX_SETTINGS:
            raise ValueError("it is too large")
        settings = json.loads(file.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"'{file}' cannot be read as settings: {error}") from error
    if not isinstance(settings, dict):
        raise WeightsError(f"'{file}' holds no table of settings")
    return settings


def _check_whole(config: MultimodalConfig, variables: PyTree, file: Path) -> None:
    model = build_multimodal(config)
    expected = flatten(jax.eval_shape(model.init, jax.random.key(0), example_inputs(config, 2)))
    found = {name: np.shape(value) for name, value in flatten(variables).items()}
    for name, leaf in expected.items():
        bare = name.removeprefix("params/")
        if name not in found:
            raise WeightsError(f"'{file}' has no array for '{bare}': copy or download it again")
        if found[name] != tuple(leaf.shape):
            raise WeightsError(
                f"the array for '{bare}' in '{file}' is {found[name]} where {tuple(leaf.shape)} would fit"
            )
    if odd := sorted(set(found) - set(expected)):
        raise WeightsError(f"'{odd[0].removeprefix('params/')}' of '{file}' belongs to no layer of this network")
