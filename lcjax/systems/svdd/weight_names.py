"""The published networks' names of arrays, and ours."""

import re
from collections.abc import Mapping

import numpy as np

from lcjax.errors import WeightsError
from lcjax.models.svdd_config import DetectorModelConfig
from lcjax.typing import PyTree

_LAYER = re.compile(r"(enc|dec)(bn)?(\d+)\.(weight|bias|running_mean|running_var)")
_HEADS = {"mu": "mean", "log_var": "log_variance"}
_NORM = {"weight": "scale", "bias": "bias", "running_mean": "mean", "running_var": "var"}
_IGNORED = "num_batches_tracked"


def config_from_arrays(arrays: Mapping[str, np.ndarray]) -> DetectorModelConfig:
    """The sizes of an encoder, from its arrays.

    Raises:
      WeightsError: there is no encoder among them.
    """
    count = max([int(m[3]) for name in arrays if (m := _LAYER.fullmatch(name)) and m[1] == "enc" and m[2]], default=0)
    if not count or any(f"enc{i}.weight" not in arrays for i in range(1, count + 1)):
        raise WeightsError(
            "these are no weights of a published anomaly detector: no layers enc1, encbn1, ... among them"
        )
    head = next((n for n in (f"enc{count + 1}.weight", "mu.weight") if n in arrays), None)
    if head is None:
        raise WeightsError(f"the weights have no latent layer: neither enc{count + 1} nor mu")
    widths = tuple(len(arrays[f"enc{i}.weight"]) for i in range(1, count + 1))
    return DetectorModelConfig(widths, len(arrays[head]), final_bias=f"enc{count + 1}.bias" in arrays)


def variables_from_torch(arrays: Mapping[str, np.ndarray]) -> PyTree:
    """`{"params", "batch_stats"}` of the module with these layers: an autoencoder, its encoder alone, or a variational one.

    Raises:
      WeightsError: an array with a name that none of them has.
    """
    count = len(config_from_arrays(arrays).widths)
    variational = "mu.weight" in arrays
    params: dict = {}
    statistics: dict = {}
    for name, value in arrays.items():
        if name.endswith(_IGNORED):
            continue
        path, collection = _place(name, count, variational)
        target = params if collection == "params" else statistics
        for part in path[:-1]:
            target = target.setdefault(part, {})
        target[path[-1]] = np.asarray(value).T if path[-1] == "kernel" else np.asarray(value)
    return {"params": params, "batch_stats": statistics}


def _place(name: str, count: int, variational: bool) -> tuple[list[str], str]:
    head, _, leaf = name.partition(".")
    if head in _HEADS:
        return [_HEADS[head], "kernel" if leaf == "weight" else "bias"], "params"
    match = _LAYER.fullmatch(name)
    if match is None or (match[2] and int(match[3]) > count):
        raise WeightsError(f"the array '{name}' is none of a published anomaly detector")
    side = [] if match[1] == "enc" and variational else ["encoder" if match[1] == "enc" else "decoder"]
    number = int(match[3])
    if match[2]:
        collection = "batch_stats" if match[4].startswith("running") else "params"
        return [*side, "hidden", f"norm_{number}", _NORM[match[4]]], collection
    last = "latent" if match[1] == "enc" else "features"
    layer = ["hidden", f"dense_{number}"] if number <= count else [last]
    return [*side, *layer, "kernel" if match[4] == "weight" else "bias"], "params"
