"""How long the stages of finding a host take, against the published steps re-created on the same machine and images.

The published preprocessing takes 0.1 s an image (AJ 164, 195); the re-creation here has its two costs, sep's detection and
medians over all blocks of the full image for every level (xarray's coarsen and median is numpy's nanmedian).
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import in_turns, print_table
from data_pipelines.kinds.host_fields.source_mask import detect_sources
from data_pipelines.kinds.host_fields.stack import examine_field, masked_stack
from data_pipelines.processes import Processes
from data_pipelines.simulate.host_fields import simulate_host_fields
from lcjax.systems.delight.examination import Examination
from lcjax.systems.delight.predictor import HostPredictor
from lcjax.systems.loading import load
from lcjax.transforms.delight import delight_stack

PUBLISHED_MS = 100.0
"""Milliseconds an image of the published preprocessing (AJ 164, 195)."""
LEVELS = 5
_ROUNDS = 4
"""Times that all fields go through the long cases in a turn."""


def published_mask(image: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The published steps: background, subtraction, detection, ellipses."""
    import sep

    background = sep.Background(image, bw=128, bh=128, fw=3, fh=3)
    above = image - background.back()
    found = sep.extract(above, 1.5, err=background.globalrms)
    mask = np.zeros(image.shape, bool)
    sep.mask_ellipse(mask, found["x"], found["y"], found["a"], found["b"], found["theta"], r=3)
    return mask


def published_stack(image: np.ndarray, mask: np.ndarray, levels: int = LEVELS) -> np.ndarray:
    """The published steps: rescale, then numpy's medians over all blocks of the full image, then the central part."""
    data = (image - image[mask].min()) / (image[mask].max() - image[mask].min()) * mask
    side = 2 * (len(image) // 2**levels)
    planes = []
    for level in range(levels):
        block = 2**level
        blocks = data.reshape(len(data) // block, block, len(data) // block, block).transpose(0, 2, 1, 3)
        whole = np.nanmedian(blocks, axis=(2, 3))
        begin = len(whole) // 2 - side // 2
        planes.append(whole[begin : begin + side, begin : begin + side])
    return np.stack(planes)


def stages(models: Iterable[str], seed: int, cores: int, number: int = 16, turns: int = 5) -> dict[str, float]:
    """Milliseconds a field of every stage, medians of turns.

    Args:
      models: workdirs of DELIGHT, for network and end to end. cores: processes that share fields in one of the cases.
      number: of fields.
    """
    images = np.stack([field.image for field in simulate_host_fields(number, seed)])
    masks = np.stack([detect_sources(image).mask for image in images])
    few = min(number, 4)
    batch = lambda call: lambda: jax.block_until_ready(call())
    examination = Examination(examine_field, LEVELS, planes=False)
    with Processes(cores) as processes:
        shared = lambda: list(processes.map(examination, ((image, None) for _ in range(_ROUNDS) for image in images)))
        shared()  # starts them
        cases: dict[str, tuple[int, Callable[[], Any]]] = {
            "published: sources and mask": (number, lambda: [published_mask(i) for i in images]),
            "published: stack": (
                few,
                lambda: [published_stack(i, m) for i, m in zip(images[:few], masks, strict=False)],
            ),
            "sources and mask": (number, lambda: [detect_sources(i) for i in images]),
            "stack": (number, lambda: [masked_stack(i, m, LEVELS) for i, m in zip(images, masks, strict=True)]),
            "preprocessing": (number, lambda: [examine_field(i, LEVELS, planes=False) for i in images]),
            f"preprocessing, {cores} processes": (_ROUNDS * number, shared),
            f"stack, jitted, batch of {number}": (number, batch(partial(delight_stack, images, masks))),
            f"stack with MAD mask, jitted, batch of {number}": (
                number,
                batch(partial(delight_stack, images, mode="mad")),
            ),
        }
        for path in models:
            loaded = load(path)
            stamps = {"stamps": np.moveaxis(np.asarray(delight_stack(images, masks)), 1, -1)}
            network = partial(jax.jit(loaded.task.predict), loaded.variables, stamps)
            cases[f"network, 8 variants x {LEVELS} levels in one call: {path}"] = (number, batch(network))
            for sizes in (False, True):
                model = HostPredictor.of(loaded, examine_field, sizes=sizes, parallel_map=processes.map)
                name = f"images to answers{' and sizes' if sizes else ''}: {path}"
                many = np.concatenate([images] * (_ROUNDS))
                cases[name] = (_ROUNDS * number, partial(model.predict_arrays, many, 0.25))
        for _, case in cases.values():
            case()
        rates = in_turns({name: partial(_rate, *case) for name, case in cases.items()}, turns)
    times = {name: 1e3 / rate.median for name, rate in rates.items()}
    print_table("milliseconds a field", [{"stage": name, "ms": value} for name, value in times.items()])
    here = times["published: sources and mask"] + times["published: stack"]
    print(f"published steps re-created here: {here:.1f} ms")
    for name in ("stack", "preprocessing", f"preprocessing, {cores} processes"):
        ratio = f"{PUBLISHED_MS / times[name]:.1f} times faster than the published {PUBLISHED_MS:.0f} ms"
        print(f"{name}: {ratio}, {here / times[name]:.1f} times than the re-creation")
    return times


def _rate(fields: int, case: Callable[[], Any]) -> float:
    """Fields a second."""
    begin = time.perf_counter()
    case()
    return fields / (time.perf_counter() - begin)
