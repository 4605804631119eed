"""Names and layouts of the published weights of AstroM3 and ours, both ways (state dictionaries of PyTorch).

Trimodal models have prefixes (`photometry_encoder.`, `spectra_encoder.`, `metadata_encoder.`); files of classifiers of one
modality have none. The table of positions is no weight: it follows from its shape and is checked against it.
"""

import re
from collections.abc import Mapping

import numpy as np

from lcjax.errors import WeightsError
from lcjax.models.informer import row_positions
from lcjax.training.checkpoint_io import nest
from lcjax.typing import PyTree

POSITIONS = "enc_embedding.position_embedding.pe"
PREFIXES = {"photometry_encoder.": "photometry", "spectra_encoder.": "spectra", "metadata_encoder.": "metadata"}
PROJECTIONS = {"photometry_proj": "photometry", "spectra_proj": "spectra", "metadata_proj": "metadata"}
SCALES = {
    "logit_scale_ps": "log_scale_photometry_spectra",
    "logit_scale_sm": "log_scale_spectra_metadata",
    "logit_scale_mp": "log_scale_photometry_metadata",
}
_LAYER = r"encoder\.attn_layers\.(\d+)\."
_RULES: tuple[tuple[str, str, str], ...] = (
    (r"enc_embedding\.value_embedding\.tokenConv", "photometry", "token"),
    (_LAYER + r"attention\.(query|key|value|out)_projection", "photometry", r"layer_\1/\2"),
    (_LAYER + r"conv([12])", "photometry", r"layer_\1/dense_\2"),
    (_LAYER + r"norm([12])", "photometry", r"layer_\1/norm_\2"),
    (r"encoder\.norm", "photometry", "norm"),
    (r"layers\.(\d+)", "spectra", "conv"),
    (r"model\.([03])", "metadata", "dense"),
)


def our_name(name: str) -> str | None:
    """Path of a parameter of ours, or None for the table of positions.

    Raises:
      WeightsError: no name of AstroM3.

    >>> our_name("photometry_encoder.encoder.attn_layers.3.conv1.weight")
    'encoders_photometry/layer_3/dense_1/kernel'
    >>> our_name("layers.6.bias"), our_name("fc.weight"), our_name("spectra_proj.bias")
    ('encoders_spectra/conv_2/bias', 'head/kernel', 'projection_spectra/bias')
    """
    if name in SCALES:
        return SCALES[name]
    if name.endswith(POSITIONS):
        return None
    bare, _, kind = name.rpartition(".")
    if kind not in ("weight", "bias"):
        raise _unknown(name)
    leaf = "kernel" if kind == "weight" else "bias"
    if bare == "fc":
        return f"head/{leaf}"
    if bare in PROJECTIONS:
        return f"projection_{PROJECTIONS[bare]}/{leaf}"
    said = next((m for prefix, m in PREFIXES.items() if bare.startswith(prefix)), None)
    inner = bare.removeprefix(next((p for p, m in PREFIXES.items() if m == said), ""))
    for pattern, modality, target in _RULES:
        found = re.fullmatch(pattern, inner)
        if not found or said not in (None, modality):
            continue
        if target in ("conv", "dense"):
            number = int(found[1])
            if number % 3:
                break
            return f"encoders_{modality}/{target}_{number // 3}/{leaf}"
        path = found.expand(target)
        leaf = "scale" if "norm" in path.split("/")[-1] and kind == "weight" else leaf
        return f"encoders_{modality}/{path}/{leaf}"
    raise _unknown(name)


def _unknown(name: str) -> WeightsError:
    return WeightsError(f"'{name}' is no array of an AstroM3 network: is it another model?")


def our_layout(path: str, value: np.ndarray) -> np.ndarray:
    """An array of PyTorch as Flax has it: kernels with inputs before outputs, width of convolutions first."""
    if not path.endswith("kernel"):
        return value
    if value.ndim == 3 and re.search(r"/dense_\d/kernel$", path):  # a layer stored as a convolution of one sample
        return value[..., 0].T
    return value.transpose(2, 1, 0) if value.ndim == 3 else value.T


def variables_from_torch(arrays: Mapping[str, np.ndarray]) -> PyTree:
    """Our variables of a state dictionary, float32.

    Raises:
      WeightsError: an unknown name, or a table of positions that is not the usual one.
    """
    flat = {}
    for name, value in arrays.items():
        path = our_name(name)
        if path is None:
            _check_positions(name, np.asarray(value))
            continue
        flat[f"params/{path}"] = np.asarray(our_layout(path, np.asarray(value, np.float32)), order="C")
    return nest(flat, "/")


def _check_positions(name: str, table: np.ndarray) -> None:
    rows, width = table.shape[-2:] if table.ndim >= 2 else (0, 0)
    if not rows or not np.allclose(table.reshape(rows, width), row_positions(rows, width), atol=1e-3):
        raise WeightsError(f"'{name}' is not the table of sines that the network computes: it cannot be imported")
