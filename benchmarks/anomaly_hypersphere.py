"""An encoder of light curves under the loss of multi-class Deep SVDD, all of it trained (arXiv 2308.05011 on `Task.encode`)."""

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lcjax.inference.loaded import Loaded
from lcjax.losses.hypersphere import class_means, hypersphere_loss, off_zero, squared_distances
from lcjax.systems.svdd.starting import held_back
from lcjax.training.task import Task
from lcjax.typing import Array, PyTree

if TYPE_CHECKING:
    from benchmarks.anomaly_encoders import Options

_AT_ONCE = 64


def pooled(task: Task, variables: PyTree, batch: dict, key: Array | None = None) -> Array:
    """(B, D), the mean over points of the last layer."""
    found = task.encode(variables, batch, key)  # type: ignore[misc]
    seen = found["mask"][..., None].astype(jnp.float32)
    return jnp.sum(found["layers"][-1] * seen, 1) / jnp.maximum(jnp.sum(seen, 1), 1)


def in_batches(call: Any, windows: dict[str, np.ndarray], size: int = _AT_ONCE) -> np.ndarray:
    """`call` on batches of one size; the last is filled up."""
    count = len(windows["time"])
    parts = []
    for begin in range(0, count, size):
        rows = np.minimum(np.arange(begin, begin + size), count - 1)
        parts.append(np.asarray(call({name: value[rows] for name, value in windows.items()})))
    return np.concatenate(parts)[:count]


def embeddings(loaded: Loaded, windows: dict[str, np.ndarray]) -> np.ndarray:
    """(N, D) of a frozen encoder."""
    run = jax.jit(partial(pooled, loaded.task))
    return in_batches(lambda batch: run(loaded.variables, batch), windows)


def whitening(frozen: np.ndarray, latent: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (D,) and map (D, Z) of the principal axes of embeddings, to unit variance each."""
    mean = frozen.mean(0)
    _, size, axes = np.linalg.svd(frozen - mean, full_matrices=False)
    kept = min(latent, int((size > 1e-3 * size[0]).sum()))
    return mean, (axes[:kept] / (size[:kept, None] / np.sqrt(len(frozen)))).T.astype(np.float32)


def end_to_end(
    loaded: Loaded,
    windows: dict[str, np.ndarray],
    label: np.ndarray,
    frozen: np.ndarray,
    asked: dict[str, np.ndarray],
    options: "Options",
    seed: int,
) -> tuple[tuple[np.ndarray, np.ndarray], list[float]]:
    """Scores (M,) of the asked windows before and after learning, and the loss on held-back known stars by epoch.

    Args:
      label: (N,) int, -1 for stars that are not known. frozen: (N, D) embeddings of the encoder as it comes.
    """
    task, classes = loaded.task, int(label.max()) + 1
    mean, mapping = whitening(frozen[label >= 0], options.latent)
    others = {name: value for name, value in loaded.variables.items() if name != "params"}
    params = {"encoder": loaded.variables["params"], "map": jnp.asarray(mapping)}
    centres = off_zero(class_means(jnp.asarray((frozen - mean) @ mapping), jnp.asarray(label), classes))
    adam = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(options.rate))

    def latents(params: PyTree, batch: dict, key: Array | None = None) -> Array:
        return (pooled(task, {"params": params["encoder"], **others}, batch, key) - mean) @ params["map"]

    @jax.jit
    def step(params: PyTree, moments: PyTree, batch: dict, own: Array, key: Array) -> tuple[PyTree, PyTree, Array]:
        loss = lambda p: hypersphere_loss(latents(p, batch, key), centres, own, jnp.ones(len(own)))
        value, gradient = jax.value_and_grad(loss)(params)
        change, moments = adam.update(gradient, moments, params)
        return optax.apply_updates(params, change), moments, value

    run = jax.jit(latents)
    of = lambda params, some: in_batches(lambda batch: run(params, batch), some)
    held = held_back(label, seed) & (label >= 0)
    aside = {name: value[held] for name, value in windows.items()}
    loss_aside = lambda params: float(np.mean(np.sum((of(params, aside) - np.asarray(centres)[label[held]]) ** 2, 1)))
    distance = lambda params: np.asarray(squared_distances(jnp.asarray(of(params, asked)), centres)).min(1)
    before, history, best, moments = distance(params), [loss_aside(params)], params, adam.init(params)
    rng, rows = np.random.default_rng((seed, 3)), np.flatnonzero((label >= 0) & ~held)
    chance = 1.0 / np.bincount(label[rows])[label[rows]]
    for epoch in range(options.epochs):
        drawn = rng.choice(rows, len(rows) // options.batch_size * options.batch_size, p=chance / chance.sum())
        for number, some in enumerate(drawn.reshape(-1, options.batch_size)):
            key = jax.random.fold_in(jax.random.key(seed), epoch * 10_000 + number)
            batch = {name: value[some] for name, value in windows.items()}
            params, moments, _ = step(params, moments, batch, jnp.asarray(label[some]), key)
        history.append(loss_aside(params))
        if history[-1] == min(history):
            best = params
    return (before, distance(best)), history
