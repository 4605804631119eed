"""Embeddings on a plane."""

import numpy as np

from lcjax.errors import ConfigError, DataError, MissingExtraError


def principal_components(embedding: np.ndarray, count: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Projects standardised embeddings onto their first principal components.

    Args:
      embedding: (N, D).

    Returns:
      (N, count) coordinates and (count,) shares of the variance; signs are fixed so that pictures repeat.
    """
    x = np.asarray(embedding, np.float64)
    x = x - x.mean(0)
    spread = x.std(0)
    x = x / np.where(spread > 0, spread, 1.0)
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    sign = np.sign(vt[np.arange(len(vt)), np.abs(vt).argmax(1)])
    share = s**2 / max(float((s**2).sum()), 1e-12)
    coordinates = (u * s * sign)[:, :count]
    if coordinates.shape[1] < count:
        coordinates = np.pad(coordinates, ((0, 0), (0, count - coordinates.shape[1])))
    return coordinates, share[:count]


def nearest_neighbour_accuracy(embedding: np.ndarray, labels: np.ndarray, k: int = 5) -> tuple[float, int]:
    """Leave-one-out k-nearest-neighbour balanced accuracy on standardised embeddings, and the number of classes in it.

    Classes with too few members for a majority of k neighbours could hardly ever be right; they are left out, their members
    with them. NaN with fewer than two classes. Guessing gives one over the number of classes.

    Args:
      embedding: (N, D). labels: (N,) int, -1 unlabelled (left out).

    >>> x = np.repeat([[0.0], [9.0], [5.0]], [4, 4, 2], axis=0)
    >>> nearest_neighbour_accuracy(x, np.repeat([0, 1, 2], [4, 4, 2]), k=5)
    (1.0, 2)
    """
    names, count = np.unique(labels[labels >= 0], return_counts=True)
    classes = names[count > k // 2 + 1]
    if len(classes) < 2:
        return float("nan"), len(classes)
    known = np.isin(labels, classes)
    x, y = np.asarray(embedding, np.float64)[known], labels[known]
    x = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1.0)
    squares = (x**2).sum(1)
    distance = squares[:, None] + squares[None] - 2 * x @ x.T
    np.fill_diagonal(distance, np.inf)
    near = y[np.argsort(distance, axis=1)[:, : min(k, len(y) - 1)]]
    votes = (near[:, :, None] == classes).sum(1)
    guess = classes[votes.argmax(1)]
    return float(np.mean([np.mean(guess[y == c] == c) for c in classes])), len(classes)


METHODS = ("pca", "umap", "pacmap")


def project(embedding: np.ndarray, method: str = "pca", seed: int = 42) -> np.ndarray:
    """Embeddings on a plane, (N, 2) float64.

    UMAP with the settings of AstroM3 (arXiv 2411.08842): cosine distances, 45 neighbours, least distance 0.7.

    Raises:
      ConfigError: no such method. MissingExtraError: its package is not installed. DataError: too few objects.
    """
    if len(embedding) < 3:
        raise DataError(f"{len(embedding)} objects make no map: give three or more")
    if method == "pca":
        return principal_components(embedding)[0]
    if method == "umap":
        try:
            import umap
        except ModuleNotFoundError as error:
            raise MissingExtraError("umap-learn", "maps", "a map by UMAP") from error
        neighbours = min(45, len(embedding) - 1)
        mapped = umap.UMAP(n_neighbors=neighbours, min_dist=0.7, metric="cosine", random_state=seed, n_jobs=1)
        return np.asarray(mapped.fit_transform(np.asarray(embedding, np.float32)), np.float64)
    if method == "pacmap":
        try:
            import pacmap
        except ModuleNotFoundError as error:
            raise MissingExtraError("pacmap", "maps", "a map by PaCMAP") from error
        return np.asarray(pacmap.PaCMAP(random_state=seed).fit_transform(np.asarray(embedding, np.float32)), np.float64)
    raise ConfigError(f"there is no map '{method}': use {', '.join(METHODS)}")
