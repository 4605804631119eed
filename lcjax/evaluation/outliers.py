"""How unusual embeddings are: by the centre of their class, by the spread of all, by their neighbours."""

from collections.abc import Sequence

import numpy as np

from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.ranking import rank_bounds
from lcjax.evaluation.retrieval import class_centres, top_k, unit

METHODS = ("neighbours", "mahalanobis", "class-centre")
NEIGHBOURS = 10
_RIDGE = 1e-6
"""Of the covariance, over its mean diagonal."""


def class_centre_score(
    embedding: np.ndarray, label: np.ndarray, centres: np.ndarray | None = None, lengths: bool = False
) -> np.ndarray:
    """1 less the cosine to the centre of the object's own class (AstroM3, arXiv 2411.08842), (N,); NaN without class.

    Args:
      embedding: (N, D). label: (N,) int, -1 unknown. centres: (K, D), of training objects; None: of these.
      lengths: the bare product instead of the cosine, as AstroM3 has it for averages of modalities.
    """
    label = np.asarray(label)
    centres = (
        class_centres(embedding, label, int(label.max(initial=-1)) + 1) if centres is None else np.asarray(centres)
    )
    if not len(centres):
        raise DataError("no object has a class: score by neighbours or mahalanobis instead")
    x = np.asarray(embedding, np.float32) if lengths else unit(embedding)
    cosine = (x * centres[np.maximum(label, 0)]).sum(1)
    return np.where(label >= 0, 1.0 - cosine, np.nan)


def mahalanobis(embedding: np.ndarray, label: np.ndarray | None = None, usual: np.ndarray | None = None) -> np.ndarray:
    """Distance to the nearest class mean in units of the spread within classes, (N,).

    With one mean where there are no labels. The covariance is shared by all classes (Lee et al. 2018, arXiv 1807.03888).

    Args:
      embedding: (N, D). label: (N,) int, -1 unknown. usual: (N,) bool, objects that mean and spread are taken of; None: all.
    """
    x = np.asarray(embedding, np.float64)
    group = np.zeros(len(x), int) if label is None or not (np.asarray(label) >= 0).any() else np.asarray(label)
    used = (group >= 0) & (True if usual is None else np.asarray(usual, bool))
    if used.sum() < 2:
        raise DataError("a Mahalanobis distance needs two usual objects or more")
    names = np.unique(group[used])
    means = np.stack([x[used & (group == c)].mean(0) for c in names])
    inside = x[used] - means[np.searchsorted(names, group[used])]
    covariance = inside.T @ inside / max(len(inside) - len(names), 1)
    covariance += np.eye(x.shape[1]) * (_RIDGE * max(float(np.trace(covariance)) / x.shape[1], 1e-30))
    whiten = np.linalg.inv(np.linalg.cholesky(covariance)).T
    white, centres = x @ whiten, means @ whiten
    squares = (white**2).sum(1)[:, None] + (centres**2).sum(1) - 2 * white @ centres.T
    return np.sqrt(np.maximum(squares.min(1), 0.0))


def neighbour_distance(embedding: np.ndarray, k: int = NEIGHBOURS, usual: np.ndarray | None = None) -> np.ndarray:
    """Mean distance to the k nearest other objects, columns standardised, (N,).

    Args:
      embedding: (N, D). usual: (N,) bool, objects that count as neighbours; None: all.
    """
    x = np.asarray(embedding, np.float64)
    usual = np.ones(len(x), bool) if usual is None else np.asarray(usual, bool)
    spread = x[usual].std(0)
    x = ((x - x[usual].mean(0)) / np.where(spread > 0, spread, 1.0)).astype(np.float32)
    rows = np.flatnonzero(usual)
    own = np.where(usual, np.cumsum(usual) - 1, -1)
    k = min(k, len(rows) - 1)
    if k < 1:
        raise DataError("there are too few usual objects to have neighbours: two or more are needed")
    return -top_k(x, x[rows], k, "euclidean", own)[1].mean(1)


def outlier_score(
    method: str,
    embedding: np.ndarray,
    label: np.ndarray | None = None,
    usual: np.ndarray | None = None,
    k: int = NEIGHBOURS,
) -> np.ndarray:
    """Scores by a name of `METHODS`, higher is more unusual, (N,).

    Raises:
      ConfigError: no such method. DataError: too few objects, or no classes where they are needed.
    """
    if method == "neighbours":
        return neighbour_distance(embedding, k, usual)
    if method == "mahalanobis":
        return mahalanobis(embedding, label, usual)
    if method != "class-centre":
        raise ConfigError(f"there is no outlier score '{method}': use {', '.join(METHODS)}")
    if label is None or not (np.asarray(label) >= 0).any():
        raise DataError("the score by class centres needs classes: give them with --labels, or use --method neighbours")
    centres = None
    if usual is not None:
        count = int(np.max(label)) + 1
        centres = class_centres(np.asarray(embedding)[usual], np.asarray(label)[usual], count)
    return class_centre_score(embedding, label, centres)


def in_common(scores: Sequence[np.ndarray], top: int = 20) -> list[int]:
    """Rows among the `top` most unusual of every modality, those of the highest mean rank first.

    Of equal scores either all are among them or none, so that the order of rows does not matter.

    >>> in_common([np.array([0.1, 0.9, 0.8]), np.array([0.2, 0.7, 0.1])], 2)
    [1]
    """
    found = np.array([rank_bounds(np.nan_to_num(score, nan=-np.inf)) for score in scores])
    both = np.flatnonzero((found[:, 1] < top).all(axis=0))
    mean = found.mean(axis=(0, 1))
    return both[np.argsort(mean[both], kind="stable")].tolist()
