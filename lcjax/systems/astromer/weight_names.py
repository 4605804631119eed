"""TensorFlow object paths of Astromer 1 and 2 against our parameter names.

Kernels are (in, out) in both worlds; nothing is transposed.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from lcjax.errors import WeightsError
from lcjax.models.astromer_config import AstromerModelConfig

_BLOCK = {
    "mha/wq": "query",
    "mha/wk": "key",
    "mha/wv": "value",
    "mha/dense": "merge",
    "ffn/layer_with_weights-0": "ffn_in",
    "ffn/layer_with_weights-1": "ffn_out",
    "layernorm1": "norm_1",
    "layernorm2": "norm_2",
    "reshape_leak_1": "residual_1",
    "reshape_leak_2": "residual_2",
}
_LEAF = {"kernel": "kernel", "bias": "bias", "gamma": "scale", "beta": "bias"}
_TOP = {
    "encoder/inp_transform": ("embed",),
    "regression/bn_0": ("head_norm",),
    "regression/reg_layer": ("head",),
}


def tensorflow_names(config: AstromerModelConfig) -> dict[str, tuple[tuple[str, ...], tuple[int, ...]]]:
    """Every variable of a published network: TensorFlow path -> (our path, shape).

    Paths begin with `encoder/` and `regression/` (checkpoint prefixes `layer_with_weights-0/` and `-1/`).
    """
    width, ffn = config.width, config.ffn_width
    dense = {"kernel": (width, width), "bias": (width,)}
    norm = {"gamma": (width,), "beta": (width,)}
    shapes = {name: dense for name in _BLOCK if name.startswith("mha")}
    shapes["ffn/layer_with_weights-0"] = {"kernel": (width, ffn), "bias": (ffn,)}
    shapes["ffn/layer_with_weights-1"] = {"kernel": (ffn, width), "bias": (width,)}
    shapes |= {"layernorm1": norm, "layernorm2": norm}
    if config.residual == "projection":
        shapes |= {"reshape_leak_1": dense, "reshape_leak_2": dense}
    names = {}
    for i in range(config.num_layers):
        for part, leaves in shapes.items():
            for leaf, shape in leaves.items():
                names[f"encoder/enc_layers/{i}/{part}/{leaf}"] = (
                    (f"block_{i}", _BLOCK[part], _LEAF[leaf]),
                    shape,
                )
    top = {
        "encoder/inp_transform": {"kernel": (1, width), "bias": (width,)},
        "regression/bn_0": norm,
        "regression/reg_layer": {"kernel": (width, 1), "bias": (1,)},
    }
    for part, leaves in top.items():
        for leaf, shape in leaves.items():
            names[f"{part}/{leaf}"] = (*_TOP[part], _LEAF[leaf]), shape
    return names


def config_from_arrays(arrays: Mapping[str, np.ndarray], base: AstromerModelConfig) -> AstromerModelConfig:
    """`base` with depth, width, feed-forward width, residual path and token taken from the arrays themselves."""
    import dataclasses

    blocks = {int(m.group(1)) for name in arrays if (m := re.match(r"encoder/enc_layers/(\d+)/", name))}
    if not blocks or "encoder/inp_transform/bias" not in arrays:
        raise WeightsError(
            "these weights are not an Astromer: no 'encoder/enc_layers/...' or 'encoder/inp_transform' among "
            f"{', '.join(sorted(arrays)[:4]) or 'no variables at all'} ...; give the folder of a published checkpoint"
        )
    first = f"encoder/enc_layers/{min(blocks)}"
    ffn = arrays.get(f"{first}/ffn/layer_with_weights-0/bias")
    return dataclasses.replace(
        base,
        num_layers=max(blocks) + 1,
        width=int(np.shape(arrays["encoder/inp_transform/bias"])[0]),
        ffn_width=base.ffn_width if ffn is None else int(np.shape(ffn)[0]),
        residual="projection" if any("/reshape_leak_" in name for name in arrays) else "none",
        mask_token=any(name.startswith("msk_token") for name in arrays),
    )


def variables_from_tensorflow(arrays: Mapping[str, np.ndarray], config: AstromerModelConfig) -> dict[str, Any]:
    """Arranges published arrays as the variables of `lcjax.models.Astromer(config)`.

    Args:
      arrays: TensorFlow path (see `tensorflow_names`) -> array; `msk_token/...` is the optional mask token.
      config: the shape the arrays must have; a missing token starts at 0 when `config.mask_token`.

    Raises:
      WeightsError: a name that is unknown or missing, or an array of the wrong shape.
    """
    names = tensorflow_names(config)
    token = {name: value for name, value in arrays.items() if name.split("/")[0] == "msk_token"}
    given = {name: np.asarray(value) for name, value in arrays.items() if name not in token}
    unknown, missing = sorted(set(given) - set(names)), sorted(set(names) - set(given))
    for kind, listed in (("unknown", unknown), ("missing", missing)):
        if listed:
            more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
            raise WeightsError(
                f"{len(listed)} {kind} variable(s) in these weights: {', '.join(listed[:3])}{more}; "
                f"expected an Astromer of {config.num_layers} blocks, width {config.width}"
            )
    params: dict[str, Any] = {}
    for name, (path, shape) in names.items():
        if given[name].shape != shape:
            raise WeightsError(f"variable '{name}' has shape {given[name].shape} where {shape} is expected")
        node = params
        for part in path[:-1]:
            node = node.setdefault(part, {})
        node[path[-1]] = given[name].astype(np.float32)
    if config.mask_token:
        value = next(iter(token.values()), np.zeros((1, 1)))
        if np.size(value) != 1:
            raise WeightsError(f"the mask token has shape {np.shape(value)} where one number is expected")
        params["mask_token"] = np.asarray(value, np.float32).reshape(1, 1)
    return {"params": params}
