"""What is most alike among embeddings: exact nearest neighbours of any number of objects, a block of them at a time.

Embeddings of several modalities that live in one space (such as those of AstroM3, arXiv 2411.08842) can be looked for in one
another.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import ConfigError, DataError, MissingExtraError

Metric = Literal["cosine", "dot", "euclidean"]
BLOCK = 1 << 16
"""Objects that are compared with the queries at once."""
_QUERIES = 1024
_TINY = 1e-12


def unit(embedding: np.ndarray) -> np.ndarray:
    """Rows of length 1, (N, D) float32; a row of zeros stays."""
    x = np.asarray(embedding, np.float32)
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), _TINY)


def top_k(
    queries: np.ndarray,
    database: np.ndarray,
    k: int,
    metric: Metric = "cosine",
    exclude: np.ndarray | None = None,
    block: int = BLOCK,
    engine: Literal["jax", "faiss"] = "jax",
) -> tuple[np.ndarray, np.ndarray]:
    """The k objects most alike to each query, exactly: (Q, k) int rows of the database and (Q, k) float32 similarities.

    Best first; of equal ones the earlier row. Euclidean similarity is minus the distance.

    Args:
      queries: (Q, D). database: (N, D). exclude: (Q,) row that a query must not find (itself), -1 for none.
      block: rows of the database compared at once. engine: `faiss` is for millions (extra `maps`); the answers are the same.

    Raises:
      DataError: widths differ, values are not finite, or there are fewer than k objects. ConfigError: no such metric.
    """
    queries, database = np.asarray(queries, np.float32), np.asarray(database, np.float32)
    exclude = np.full(len(queries), -1) if exclude is None else np.asarray(exclude)
    _check(queries, database, k, bool((exclude >= 0).any()))
    if metric == "cosine":
        queries, database = unit(queries), unit(database)
    elif metric not in ("dot", "euclidean"):
        raise ConfigError(f"there is no metric '{metric}': use cosine, dot or euclidean")
    if engine == "faiss":
        return _by_faiss(queries, database, k, metric, exclude)
    rows, scores = [], []
    width = min(k, len(database))
    for begin in range(0, len(queries), _QUERIES):
        own, own_exclude = queries[begin : begin + _QUERIES], exclude[begin : begin + _QUERIES]
        best = jnp.full((len(own), width), -jnp.inf), jnp.full((len(own), width), len(database), jnp.int32)
        for start in range(0, len(database), block):
            part = database[start : start + block]
            best = _merged(*best, own, part, own_exclude, start, width, metric == "euclidean")
        scores.append(np.asarray(best[0]))
        rows.append(np.asarray(best[1]))
    if not rows:
        return np.zeros((0, width), np.int32), np.zeros((0, width), np.float32)
    return np.concatenate(rows), np.concatenate(scores)


@partial(jax.jit, static_argnums=(6, 7))
def _merged(
    score: jax.Array,
    row: jax.Array,
    queries: jax.Array,
    part: jax.Array,
    exclude: jax.Array,
    start: jax.Array,
    k: int,
    euclidean: bool,
) -> tuple[jax.Array, jax.Array]:
    """The best of what was found and of one more block."""
    likeness = jnp.matmul(queries, part.T, precision="highest")
    if euclidean:
        squares = jnp.sum(queries**2, 1)[:, None] + jnp.sum(part**2, 1)[None] - 2 * likeness
        likeness = -jnp.sqrt(jnp.maximum(squares, 0.0))
    number = start + jnp.arange(len(part), dtype=jnp.int32)
    likeness = jnp.where(number[None] == exclude[:, None], -jnp.inf, likeness)
    # What was found stands first, so that of equal ones the earlier row is taken.
    joined = jnp.concatenate([score, likeness], axis=1)
    rows = jnp.concatenate([row, jnp.broadcast_to(number, likeness.shape)], axis=1)
    value, place = jax.lax.top_k(joined, k)
    return value, jnp.take_along_axis(rows, place, axis=1)


def _check(queries: np.ndarray, database: np.ndarray, k: int, excludes: bool) -> None:
    if queries.ndim != 2 or database.ndim != 2 or queries.shape[1] != database.shape[1]:
        raise DataError(
            f"queries of shape {queries.shape} cannot be compared with embeddings of shape {database.shape}: both must come "
            "from one space"
        )
    if not (np.isfinite(queries).all() and np.isfinite(database).all()):
        raise DataError("some embeddings are not finite: leave those objects out")
    if not 1 <= k <= len(database) - excludes:
        raise DataError(f"{k} neighbours are wanted of {len(database)} objects: ask for fewer")


def _by_faiss(
    queries: np.ndarray, database: np.ndarray, k: int, metric: str, exclude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    try:
        import faiss
    except ModuleNotFoundError as error:
        raise MissingExtraError("faiss-cpu", "maps", "searching with FAISS") from error
    index = (faiss.IndexFlatL2 if metric == "euclidean" else faiss.IndexFlatIP)(database.shape[1])
    index.add(np.ascontiguousarray(database))
    score, row = index.search(np.ascontiguousarray(queries), min(k + 1, len(database)))
    score = -np.sqrt(np.maximum(score, 0)) if metric == "euclidean" else score
    # The excluded row goes behind the others, and out.
    order = np.argsort(row == exclude[:, None], axis=1, kind="stable")[:, :k]
    return np.take_along_axis(row, order, 1).astype(np.int32), np.take_along_axis(score, order, 1)


def class_centres(embedding: np.ndarray, label: np.ndarray, classes: int, lengths: bool = False) -> np.ndarray:
    """Mean of the unit embeddings of each class, of length 1: (N, D), (N,) int -> (classes, D); NaN for an empty class.

    Args:
      lengths: embeddings count by their lengths, as AstroM3 takes averages of modalities.
    """
    x = np.asarray(embedding, np.float32) if lengths else unit(embedding)
    sums = np.zeros((classes, x.shape[1]), np.float64)
    np.add.at(sums, label[label >= 0], x[label >= 0])
    count = np.bincount(label[label >= 0], minlength=classes)
    centres = unit(sums)
    centres[count == 0] = np.nan
    return centres


def nearest_centre(embedding: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The class of the centre most alike, (N,) int; empty classes are never taken."""
    likeness = unit(embedding) @ np.nan_to_num(centres).T
    return np.where(np.isfinite(centres).all(1), likeness, -np.inf).argmax(1)


def nearest_label(embedding: np.ndarray, database: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The class of the labelled object most alike, (N,) int."""
    return np.asarray(label)[top_k(embedding, database, 1)[0][:, 0]]


def cross_retrieval(modalities: Mapping[str, np.ndarray], ks: tuple[int, ...] = (1, 5, 10)) -> list[dict[str, Any]]:
    """How well the embedding of an object in one modality finds the same object in another, without any training.

    Args:
      modalities: name -> (N, D), row i of each the same object.

    Returns:
      for each ordered pair: `query`, `database`, `recall_at` {k: share}, `median_rank`, and what chance would give.
    """
    found = []
    for one, queries in modalities.items():
        for other, database in modalities.items():
            if one == other:
                continue
            if len(queries) != len(database):
                raise DataError(f"{one} has {len(queries)} objects and {other} has {len(database)}: give the same ones")
            rank = true_ranks(queries, database)
            recall = {k: float((rank < k).mean()) for k in ks}
            chance = {k: min(k / len(database), 1.0) for k in ks}
            median = float(np.median(rank)) + 1
            found.append(
                {"query": one, "database": other, "recall_at": recall, "chance_at": chance, "median_rank": median}
            )
    return found


def true_ranks(queries: np.ndarray, database: np.ndarray) -> np.ndarray:
    """(N,) how many others are more alike to query i than row i of the database; others that are equal count too."""
    q, d = unit(queries), unit(database)
    rank = np.empty(len(q), int)
    for begin in range(0, len(q), _QUERIES):
        part = q[begin : begin + _QUERIES] @ d.T
        own = part[np.arange(len(part)), begin + np.arange(len(part))]
        rank[begin : begin + len(part)] = (part >= own[:, None]).sum(1) - 1
    return rank
