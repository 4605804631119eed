"""Variables of the published stamp classifiers (TensorFlow 1 graphs) against our parameter names (AJ 162, 231).

Kernels are laid out alike in both worlds (convolutions HWIO, dense layers (in, out), flattening H, W, C); nothing is
transposed. Names end in the number of the layer in its graph (`conv_2_2`, `dense_1_10`), which differs between graphs.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lcjax.errors import WeightsError
from lcjax.models.stamp_classifier_config import StampModelConfig
from lcjax.typing import PyTree

_NORM = {
    "gamma": ("params", "scale"),
    "beta": ("params", "bias"),
    "moving_mean": ("batch_stats", "mean"),
    "moving_variance": ("batch_stats", "var"),
}
_BOOKKEEPING = re.compile(
    r"(^|/)(global_step|save_counter|learning_rate|beta[12]_power|is_training|training_flag)(_\d+)?$"
    r"|/Adam(_1)?$|^optimizer/|(^|/)iterator|_CHECKPOINTABLE_OBJECT_GRAPH$"
)
"""Variables that are no weights: optimizer state, counters, switches, input pipelines."""
_PUBLISHED_CROPS = (21, 41, 63)


def our_path(name: str) -> tuple[str, ...] | None:
    """Where a variable of the graph goes in our variables; None if it is no part of the network.

    >>> our_path("network/conv_2_2/conv2d/kernel"), our_path("network/dense_1_10/dense_1_10/bias")
    (('params', 'conv_2', 'kernel'), ('params', 'dense_1', 'bias'))
    """
    if found := re.fullmatch(r"(?:.*/)?(conv_\d+)_\d+/conv2d/(kernel|bias)", name):
        return "params", found[1], found[2]
    if found := re.fullmatch(r"(?:.*/)?(dense_\d+)_\d+/\1_\d+/(kernel|bias)", name):
        return "params", found[1], found[2]
    if found := re.fullmatch(r"(?:.*/)?output_logits/(kernel|bias)", name):
        return "params", "logits", found[1]
    if found := re.fullmatch(r"(?:.*/)?batchnorm_features/(\w+)", name):
        collection, leaf = _NORM.get(found[1], (None, None))
        return (collection, "bn", leaf) if collection else None
    return None


def is_bookkeeping(name: str) -> bool:
    """Whether a variable is no weight.

    >>> is_bookkeeping("network/output_logits/bias/Adam_1"), is_bookkeeping("network/output_logits/bias")
    (True, False)
    """
    return bool(_BOOKKEEPING.search(name))


def variables_from_graph(arrays: Mapping[str, np.ndarray], suffix: str = "") -> PyTree:
    """Variables of a graph, or their Adam moments, as a tree of ours; what is no part of the network is left out.

    Args:
      arrays: name with `/` -> array.
      suffix: "" for the weights, "/Adam" for the first moments, "/Adam_1" for the second ones.
    """
    tree: dict[str, Any] = {}
    for name, value in arrays.items():
        if not name.endswith(suffix) or (not suffix and is_bookkeeping(name)):
            continue
        path = our_path(name.removesuffix(suffix) if suffix else name)
        if path is None:
            continue
        node = tree
        for part in path[:-1]:
            node = node.setdefault(part, {})
        if path[-1] in node:
            raise WeightsError(f"two variables are '{'/'.join(path)}', the second one '{name}': expected one network")
        node[path[-1]] = np.asarray(value)
    return tree


def config_from_variables(params: PyTree, image_size: int | None = None) -> StampModelConfig:
    """Shape of a published network from its arrays.

    Args:
      params: as `variables_from_graph(...)["params"]`.
      image_size: side of the crop; None: the one that fits the first dense layer, a published one if several do.

    Raises:
      WeightsError: the arrays are not of such a network, or do not fit each other.
    """
    convs, denses = (_numbered(params, kind) for kind in ("conv", "dense"))
    if not convs or not denses or "logits" not in params:
        raise WeightsError(
            "these weights are not a stamp classifier: no 'conv_*', 'dense_*' or 'output_logits' among them; give the "
            "folder or prefix of a published checkpoint"
        )
    features = len(params["bn"]["scale"]) if "bn" in params else 0
    widths = [_kernel(params, f"dense_{i}", 2).shape for i in denses]
    logits = _kernel(params, "logits", 2).shape
    trunk = len(widths)
    if features:
        joined = [i for i in range(1, len(widths) + 1) if [*widths, logits][i][0] == widths[i - 1][1] + features]
        if not joined:
            raise WeightsError(f"no dense layer of these weights takes the {features} features of 'batchnorm_features'")
        trunk = joined[0]
    kernels = [_kernel(params, f"conv_{i}", 4) for i in convs]
    config = StampModelConfig(
        kernels=tuple(k.shape[0] for k in kernels),
        filters=tuple(k.shape[3] for k in kernels),
        pool_after=(2, len(convs)) if len(convs) > 2 else (len(convs),),
        trunk=tuple(w[1] for w in widths[:trunk]),
        head=tuple(w[1] for w in widths[trunk:]),
        num_features=features,
        num_classes=logits[1],
        num_channels=kernels[0].shape[2],
        parity=True,
        norm="none",
        live_dropout=False,
    )
    return _with_image_size(config, widths[0][0], image_size)


def _numbered(params: PyTree, kind: str) -> list[int]:
    found = sorted(int(m[1]) for name in params if (m := re.fullmatch(rf"{kind}_(\d+)", name)))
    if found != list(range(1, len(found) + 1)):
        missing = sorted(set(range(1, (found or [1])[-1] + 1)) - set(found))
        raise WeightsError(f"layer '{kind}_{missing[0] if missing else 0}' is missing from these weights")
    return found


def _kernel(params: PyTree, name: str, ndim: int) -> np.ndarray:
    kernel = params[name].get("kernel")
    if kernel is None or kernel.ndim != ndim:
        raise WeightsError(f"the kernel of layer '{name}' is {'missing' if kernel is None else f'{kernel.ndim}-d'}")
    return kernel


def _flat_size(config: StampModelConfig, size: int) -> int:
    side = size + 2 * config.padding - config.kernels[0] + 1
    for i in range(1, len(config.kernels) + 1):
        side = side // 2 if i in config.pool_after else side
    return side * side * config.filters[-1]


def _with_image_size(config: StampModelConfig, flat: int, image_size: int | None) -> StampModelConfig:
    import dataclasses

    side = math.isqrt(flat // config.filters[-1])
    sizes = range(max(config.kernels[0] - 2 * config.padding, 1), 4 * side + config.kernels[0] + 4)
    fitting = [s for s in sizes if _flat_size(config, s) == flat]
    if image_size is not None and image_size not in fitting:
        raise WeightsError(f"the first dense layer takes {flat} numbers: no crop of {image_size} pixels gives them")
    if not fitting:
        raise WeightsError(f"the first dense layer takes {flat} numbers: no square crop gives them")
    published = [s for s in fitting if s in _PUBLISHED_CROPS]
    return dataclasses.replace(config, image_size=image_size or (published or fitting)[0])


def unknown_variables(names: Iterable[str]) -> list[str]:
    """Names that are neither weights of the network nor bookkeeping."""
    return sorted(n for n in names if not is_bookkeeping(n) and our_path(n) is None)
