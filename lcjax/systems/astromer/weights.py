"""Published Astromer checkpoints as experiments and variables of ours (A&A 670, A54; A&A 707, A170).

Shapes decide depth and widths and must agree with the settings file beside the checkpoint (`conf.json` of Astromer 1,
`config.toml` of Astromer 2); heads, dropout and masking come from that file. The result is in parity mode: it computes
what the published network computes, leak included.
"""

import dataclasses
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lcjax.configs import Experiment
from lcjax.errors import WeightsError
from lcjax.models.astromer_config import AstromerModelConfig
from lcjax.pretrained.tensorflow_checkpoint import find_prefix, read_checkpoint
from lcjax.pretrained.weights_folder import ImportedWeights
from lcjax.systems import PRESETS
from lcjax.systems.astromer.config import AstromerExperiment
from lcjax.systems.astromer.weight_names import config_from_arrays, variables_from_tensorflow

_BOOKKEEPING = re.compile(
    r"^(save_counter|optimizer(/.*)?|keras_api/.*|.*/\.OPTIMIZER_SLOT/.*|_CHECKPOINTABLE_OBJECT_GRAPH)$"
)
"""Entries of a TensorFlow checkpoint that are no weights: optimizer state and counters."""

_MAX_SETTINGS_BYTES = 1 << 20


def import_astromer1(source: Path | str, num_heads: int | None = None) -> ImportedWeights:
    """Reads a published Astromer 1, as `import_astromer`."""
    return import_astromer("astromer1", source, num_heads)


def import_astromer2(source: Path | str, num_heads: int | None = None) -> ImportedWeights:
    """Reads a published Astromer 2, as `import_astromer`."""
    return import_astromer("astromer2", source, num_heads)


def import_astromer(system: str, source: Path | str, num_heads: int | None = None) -> ImportedWeights:
    """Reads a published checkpoint.

    Args:
      system: `astromer1` or `astromer2`.
      source: folder or prefix of the TensorFlow checkpoint.
      num_heads: attention heads, for checkpoints without a settings file (nothing in the arrays tells).

    Raises:
      WeightsError: missing or damaged files, unknown or missing variables, shapes or settings that disagree.
    """
    prefix = find_prefix(Path(source))
    arrays, ignored = sort_variables(read_checkpoint(prefix))
    settings, settings_file = read_settings(prefix, Path(source))
    base = PRESETS[system]()
    if not isinstance(base, AstromerExperiment):
        raise WeightsError(f"'{system}' is no Astromer")
    notes: list[str] = []
    shape = _shape(system, arrays, base.model)
    known = _v1_settings(settings) if "head_dim" in settings and "layers" in settings else _v2_settings(settings)
    _check_agreement(known, shape, settings_file)
    model = _with_settings(shape, known, num_heads, notes)
    variables = variables_from_tensorflow(arrays, model)
    _check_finite(arrays)
    if system == "astromer2" and not shape.mask_token:
        notes.append("no mask token in this checkpoint, as in the published one: hidden points show their magnitudes")
    if "base" in settings or "pe_base" in settings:
        notes.append("the time-encoding base in the settings file is ignored, as by the published code: 10000 is used")
    experiment = _experiment(base, model, known)
    rows = {
        "layers": f"{model.num_layers} blocks of width {model.width}, {model.num_heads} heads, inner {model.ffn_width}",
        "window": f"{experiment.window.length} points",
    }
    return ImportedWeights(experiment, variables, prefix, settings_file, ignored, notes, rows)


def sort_variables(checkpoint: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Renames variables to `encoder/...`, `regression/...`, `msk_token/...`; returns them and the bookkeeping left out.

    Encoder and head are found by their children, since a token layer shifts the numbers of `layer_with_weights-N`.
    Variables that belong to neither keep their names, for the mapping to refuse.
    """
    ignored = sorted(name for name in checkpoint if _BOOKKEEPING.match(name))
    names = [name for name in checkpoint if name not in set(ignored)]
    roots = {
        kind: sorted({m.group(1) or "" for n in names if (m := re.match(rf"^(?:(.*?)/)?{child}/", n))})
        for kind, child in (("encoder", "enc_layers"), ("regression", "reg_layer"))
    }
    for kind, found in roots.items():
        if len(found) > 1:
            raise WeightsError(
                f"this checkpoint holds {len(found)} networks ({kind} at {', '.join(found)}): expected one"
            )
    sorted_arrays: dict[str, np.ndarray] = {}
    for name in names:
        new = name
        if "msk_token" in name.split("/"):
            new = f"msk_token/{name}"
        for kind, found in roots.items():
            prefix = f"{found[0]}/" if found and found[0] else ""
            if found and name.startswith(prefix) and new == name:
                new = f"{kind}/{name.removeprefix(prefix)}"
        sorted_arrays[new] = checkpoint[name]
    return sorted_arrays, ignored


def read_settings(prefix: Path, source: Path) -> tuple[dict[str, Any], Path | None]:
    """The settings file beside a checkpoint, `conf.json` or `config.toml`; an empty one if there is none.

    A checkpoint in a subfolder `weights` may have it one folder up. Sections of the file are read as one.
    """
    folders = dict.fromkeys([prefix.parent, source] if source.is_dir() else [prefix.parent])
    if prefix.parent.name == "weights":
        folders[prefix.parent.parent] = None
    for folder in folders:
        for name, parse in (("conf.json", json.loads), ("config.toml", tomllib.loads)):
            file = folder / name
            if not file.is_file():
                continue
            try:
                if file.stat().st_size > _MAX_SETTINGS_BYTES:
                    raise ValueError("it is too large")
                settings = parse(file.read_text())
                if not isinstance(settings, dict):
                    raise ValueError("it holds no settings")
            except (OSError, ValueError, RecursionError) as error:
                raise WeightsError(f"settings file '{file}' cannot be read: {error}") from error
            for section in [value for value in settings.values() if isinstance(value, dict)]:
                settings = section | settings
            return settings, file
    return {}, None


def _shape(system: str, arrays: Mapping[str, np.ndarray], base: AstromerModelConfig) -> AstromerModelConfig:
    blocks = {int(m.group(1)) for name in arrays if (m := re.match(r"encoder/enc_layers/(\d{1,4})/", name))}
    missing = sorted(set(range(max(blocks, default=-1) + 1)) - blocks)
    if missing:
        raise WeightsError(f"block {missing[0]} of {max(blocks) + 1} is missing from this checkpoint")
    shape = config_from_arrays(arrays, base)
    if shape.residual != base.residual:
        other = "astromer2" if shape.residual == "projection" else "astromer1"
        has = "residual projections" if other == "astromer2" else "no residual projections"
        raise WeightsError(f"this checkpoint has {has}, so it is no {system}: try  lcjax weights import {other}")
    return dataclasses.replace(shape, parity=True)


def _number(settings: Mapping[str, Any], name: str, kind: type) -> Any:
    if name not in settings:
        return None
    value = settings[name]
    try:
        if isinstance(value, bool) or (kind is int and float(value) != int(float(value))):
            raise ValueError
        return kind(float(value))
    except (TypeError, ValueError, OverflowError):
        raise WeightsError(f"setting '{name}' of the published model is {value!r} where a number is expected") from None


def _v1_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`conf.json` of Astromer 1, where head_dim means the whole width."""
    return {
        "num_layers": _number(settings, "layers", int),
        "num_heads": _number(settings, "heads", int),
        "width": _number(settings, "head_dim", int),
        "ffn_width": _number(settings, "dff", int),
        "dropout": _number(settings, "dropout", float),
        "window": _number(settings, "max_obs", int),
        "probed": _number(settings, "msk_frac", float),
        "same": _number(settings, "same_frac", float),
        "random": _number(settings, "rnd_frac", float),
    }


def _v2_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`config.toml` of Astromer 2, where head_dim is the width of one head."""
    heads, head = _number(settings, "num_heads", int), _number(settings, "head_dim", int)
    rate = _number(settings, "rs", float)
    mask_format = settings.get("mask_format")
    if mask_format is not None and mask_format not in ("QK", "K", "Q", "tanh", "logits"):
        raise WeightsError(
            f"setting 'mask_format' of the published model is {mask_format!r}: it must be QK, K, Q, tanh or logits"
        )
    return {
        "num_layers": _number(settings, "num_layers", int),
        "num_heads": heads,
        "width": heads * head if heads and head else None,
        "ffn_width": _number(settings, "mixer", int),
        "dropout": _number(settings, "dropout", float),
        "window": _number(settings, "window_size", int),
        "probed": _number(settings, "probed", float),
        "same": rate,
        "random": rate,
        "mask_format": mask_format,
        "mask_alpha": _number(settings, "m_alpha", float),
        "temperature": _number(settings, "temperature", float),
    }


def _check_agreement(known: Mapping[str, Any], shape: AstromerModelConfig, file: Path | None) -> None:
    for name in ("num_layers", "width", "ffn_width"):
        said, found = known.get(name), getattr(shape, name)
        if said is not None and said != found:
            raise WeightsError(
                f"'{file}' says {name.replace('_', ' ')} {said}, but the arrays of the checkpoint have {found}: "
                "is it the settings file of this checkpoint?"
            )


def _with_settings(
    shape: AstromerModelConfig, known: Mapping[str, Any], num_heads: int | None, notes: list[str]
) -> AstromerModelConfig:
    heads = known.get("num_heads")
    if heads is not None and num_heads is not None and heads != num_heads:
        raise WeightsError(
            f"the settings file says {heads} attention heads, --num-heads says {num_heads}: give one of them"
        )
    if heads is None and num_heads is None:
        notes.append(
            f"no settings file tells the number of heads: took the published {shape.num_heads} (see --num-heads)"
        )
    heads = heads or num_heads or shape.num_heads
    if heads < 1 or shape.width % heads:
        raise WeightsError(f"a width of {shape.width} cannot be split among {heads} attention heads: give --num-heads")
    more = {k: known[k] for k in ("dropout", "mask_format", "mask_alpha", "temperature") if known.get(k) is not None}
    return dataclasses.replace(shape, num_heads=heads, **more)


def _check_finite(arrays: Mapping[str, np.ndarray]) -> None:
    for name, value in arrays.items():
        if not np.all(np.isfinite(value)):
            raise WeightsError(f"variable '{name}' holds values that are not finite: these weights are unusable")


def _experiment(base: AstromerExperiment, model: AstromerModelConfig, known: Mapping[str, Any]) -> Experiment:
    masking = {k: known[k] for k in ("probed", "same", "random") if known.get(k) is not None}
    window = {"length": known["window"]} if known.get("window") else {}
    return dataclasses.replace(
        base,
        model=model,
        masking=dataclasses.replace(base.masking, **masking),
        window=dataclasses.replace(base.window, **window),
    )
