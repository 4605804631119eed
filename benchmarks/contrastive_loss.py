"""The loss of one pair of modalities on the devices of this process: `python -m benchmarks.contrastive_loss CHUNK BATCH...`.

Called by `benchmarks contrastive`, which sets the number of devices; prints rows as JSON.
"""

import json
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from benchmarks.harness import measure
from lcjax.losses.modality_pairs import pair_loss

WIDTH = 512
LARGE = 4096
"""Batches above are run once."""


def row(batch_size: int, chunk: int | None) -> dict[str, Any]:
    """Compiles, times and weighs value and gradients."""
    devices = np.array(jax.devices())
    rows = NamedSharding(Mesh(devices, ("data",)), PartitionSpec("data"))
    rng = np.random.default_rng(0)
    unit = lambda x: (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    one, other = (jax.device_put(unit(rng.normal(size=(batch_size, WIDTH))), rows) for _ in range(2))
    weight = jax.device_put(np.ones(batch_size, np.float32), rows)
    loss = lambda a, b, w: pair_loss(a, b, jnp.float32(20.0), w, chunk=chunk)
    compiled = jax.jit(jax.value_and_grad(loss, (0, 1))).lower(one, other, weight).compile()
    few = batch_size > LARGE
    timing = measure(
        lambda: jax.block_until_ready(compiled(one, other, weight)), repeats=1 if few else 3, warmup=0 if few else 1
    )
    return {
        "batch": batch_size,
        "devices": len(devices),
        "rows at a time": chunk or "all",
        "MB a device": round(compiled.memory_analysis().temp_size_in_bytes / 1e6, 1),
        "objects/s": round(batch_size / timing.median),
    }


def run(argv: list[str]) -> list[dict[str, Any]]:
    """Every batch size, whole and in chunks."""
    chunk, *sizes = map(int, argv)
    return [row(size, part) for size in sizes for part in (None, chunk)]


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1:])))
