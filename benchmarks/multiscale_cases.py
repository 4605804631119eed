"""Cases of the multi-scale benchmark: what each network sees of a stamp, how it may pool, what an alert costs in bytes."""

import dataclasses
import zlib
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from lcjax.configs import OptimizerConfig
from lcjax.systems import PRESETS
from lcjax.systems.multiscale_stamps.config import MultiscaleExperiment, MultiscaleInputsConfig
from lcjax.systems.multiscale_stamps.task import prepare_images, resolve
from lcjax.transforms.flux_rings import pack
from lcjax.transforms.multiscale import central, fourier_amplitude, mean_levels, mean_pool, normalize_stamps

_BLOCK = 64

Pooling = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Case:
    """One way to see a stamp, with the widths published for it."""

    preset: str
    poolings: tuple[Pooling, ...]
    """Convolutions a max-pool follows, to choose from: the second leaves a map of half the side. Published for `full` alone,
    its first."""
    inputs: dict[str, Any] = dataclasses.field(default_factory=dict)
    model: dict[str, Any] = dataclasses.field(default_factory=dict)


_LEVELS: tuple[Pooling, ...] = ((2,), (1, 2))
_SIXTEEN: tuple[Pooling, ...] = ((1, 2), (1, 2, 3))

CASES: dict[str, Case] = {
    "cropped": Case("multiscale-stamps-cropped", _SIXTEEN),
    "cropped + Fourier": Case("multiscale-stamps-cropped", _SIXTEEN, {"fourier": "stamp"}),
    "low resolution": Case("multiscale-stamps-low-res", _SIXTEEN),
    "multiscale": Case("multiscale-stamps", _LEVELS),
    "full": Case("multiscale-stamps-full", ((1, 2, 3), (1, 2, 3, 4))),
    "rings": Case("multiscale-stamps-rings", _LEVELS),
    "multiscale, weights per level": Case("multiscale-stamps", _LEVELS, {}, {"level_weights": "separate"}),
}


def experiment_of(case: Case, pooling: Pooling, learning_rate: float, dropout: float) -> MultiscaleExperiment:
    """The case's preset without position, trained on one dihedral copy per alert and step by Adam at a constant rate."""
    preset: Any = PRESETS[case.preset]()
    optimizer = OptimizerConfig(name="adam", learning_rate=learning_rate, schedule="constant", warmup_steps=20)
    model = dataclasses.replace(preset.model, pool_after=pooling, dropout=dropout, train_copies="one", **case.model)
    return resolve(dataclasses.replace(preset, inputs=inputs_of(case), model=model, optimizer=optimizer))


def inputs_of(case: Case) -> MultiscaleInputsConfig:
    """What the case's network sees; injected sources lie anywhere, so no position."""
    preset: Any = PRESETS[case.preset]()
    return dataclasses.replace(preset.inputs, position="none", **case.inputs)


def seen_by(case: Case, stamps: np.ndarray) -> np.ndarray:
    """Raw stamps (N, 63, 63, 3) as the network gets them, (N, L, S, S, C) float32."""
    inputs = inputs_of(case)
    return in_blocks(lambda block: _prepare(block, inputs), stamps, _BLOCK)


_prepare = jax.jit(prepare_images, static_argnums=1)


def in_blocks(call: Callable[[np.ndarray], Any], rows: np.ndarray, size: int) -> np.ndarray:
    """What `call` makes of the rows, `size` at a time, the last ones filled up with zeros: one shape, one compilation."""
    out = []
    for begin in range(0, max(len(rows), 1), size):
        block = rows[begin : begin + size]
        filled = np.concatenate([block, np.zeros((size - len(block), *rows.shape[1:]), rows.dtype)])
        out.append(np.asarray(call(filled))[: len(block)])
    return np.concatenate(out)


def stored_bytes(case: Case, stamps: np.ndarray, most: int = 60) -> dict[str, float]:
    """Mean bytes that must be stored of an alert, float32 as it is and deflated by zlib, over at most `most` of them."""
    data = [_stored(inputs_of(case), stamp) for stamp in stamps[:: -(-len(stamps) // most)]]
    packed = [len(zlib.compress(d)) for d in data]
    return {"bytes": float(np.mean([len(d) for d in data])), "deflated": float(np.mean(packed))}


def _stored(inputs: MultiscaleInputsConfig, stamp: np.ndarray) -> bytes:
    if inputs.scenario == "rings":
        data = pack(stamp, inputs.size, inputs.levels)
    elif inputs.scenario == "multiscale":
        data = np.asarray(mean_levels(stamp, inputs.size, inputs.levels)).tobytes()
    elif inputs.scenario == "low_res":
        data = np.asarray(mean_pool(stamp, -(-len(stamp) // inputs.size))).tobytes()
    else:
        data = np.asarray(central(stamp, inputs.size)).tobytes()
    if inputs.fourier == "stamp":
        # Amplitudes of k and -k are equal: half of them are stored.
        amplitude = fourier_amplitude(normalize_stamps(stamp)[..., 2], inputs.size)
        data += np.asarray(amplitude)[: inputs.size // 2].tobytes()
    return data
