"""Detectors without networks: Isolation Forest and One-Class SVM, fitted by scikit-learn, and ECOD.

All are kept as plain arrays and scored from those: no pickle is written or read.
"""

from typing import Any

import numpy as np

from lcjax.errors import MissingExtraError

TREES, SAMPLES = 100, 256
"""Published settings of the forest."""
NU = 0.01
"""Published setting of the One-Class SVM; gamma is one over features times variance."""
_EULER = 0.5772156649015329
_ROWS = 4096
"""Scored at once."""
Arrays = dict[str, np.ndarray]


def scikit_learn(what: str) -> Any:
    """The package; `what`: for the MissingExtraError that says what it is needed for."""
    try:
        import sklearn.ensemble
        import sklearn.svm
    except ModuleNotFoundError as error:
        raise MissingExtraError("scikit-learn", "classic", what) from error
    return sklearn


def fit_forest(features: np.ndarray, seed: int) -> Arrays:
    """An Isolation Forest (Liu et al. 2008) of scaled features (N, F): its trees, padded to equal size.

    Raises:
      MissingExtraError: scikit-learn is not installed.
    """
    forest = (
        scikit_learn("an Isolation Forest")
        .ensemble.IsolationForest(
            n_estimators=TREES, max_samples=min(SAMPLES, len(features)), contamination=0.001, random_state=seed
        )
        .fit(np.asarray(features, np.float32))
    )
    trees = [tree.tree_ for tree in forest.estimators_]
    size = max(tree.node_count for tree in trees)
    pad = lambda values, fill: np.pad(values, (0, size - len(values)), constant_values=fill)
    depth = [_depths(tree) + _average_path(tree.n_node_samples) for tree in trees]
    return {
        "left": np.stack([pad(tree.children_left, -1) for tree in trees]).astype(np.int32),
        "right": np.stack([pad(tree.children_right, -1) for tree in trees]).astype(np.int32),
        "feature": np.stack([pad(tree.feature, -2) for tree in trees]).astype(np.int32),
        "threshold": np.stack([pad(tree.threshold, 0.0) for tree in trees]).astype(np.float64),
        "path": np.stack([pad(d, 0.0) for d in depth]),
        "expected": np.array(_average_path(np.array([forest.max_samples_]))[0]),
    }


def forest_score(arrays: Arrays, features: np.ndarray) -> np.ndarray:
    """2 to the power of minus the mean path over the expected one, (N,): scikit-learn's score with the sign turned.

    Args:
      features: (N, F) scaled.
    """
    x = np.asarray(features, np.float32)
    total = np.zeros(len(x))
    for tree in range(len(arrays["left"])):
        node = np.zeros(len(x), int)
        left, right = arrays["left"][tree], arrays["right"][tree]
        while (inner := left[node] >= 0).any():
            rows = np.flatnonzero(inner)
            at = node[rows]
            below = x[rows, arrays["feature"][tree][at]] <= arrays["threshold"][tree][at]
            node[rows] = np.where(below, left[at], right[at])
        total += arrays["path"][tree][node]
    return 2.0 ** -(total / (len(arrays["left"]) * max(float(np.ravel(arrays["expected"])[0]), 1e-12)))


def _depths(tree: Any) -> np.ndarray:
    """(nodes,) edges above each node."""
    depth = np.zeros(tree.node_count)
    for node in range(tree.node_count):
        for child in (tree.children_left[node], tree.children_right[node]):
            if child >= 0:
                depth[child] = depth[node] + 1
    return depth


def _average_path(count: np.ndarray) -> np.ndarray:
    """Mean path of an unsuccessful search in a tree of so many points.

    >>> _average_path(np.array([1, 2])).tolist()
    [0.0, 1.0]
    """
    n = np.asarray(count, np.float64)
    long = 2.0 * (np.log(np.maximum(n - 1, 1)) + _EULER) - 2.0 * (n - 1) / np.maximum(n, 1)
    return np.where(n <= 1, 0.0, np.where(n == 2, 1.0, long))


def fit_svm(features: np.ndarray, seed: int = 0) -> Arrays:
    """A One-Class SVM (Schoelkopf et al. 2001) with radial kernel: its support vectors and their weights.

    Raises:
      MissingExtraError: scikit-learn is not installed.
    """
    del seed
    x = np.asarray(features, np.float64)
    svm = scikit_learn("a One-Class SVM").svm.OneClassSVM(kernel="rbf", nu=NU, gamma="scale").fit(x)
    spread = float(x.var())
    gamma = 1.0 / (x.shape[1] * spread) if spread > 0 else 1.0
    return {"support": svm.support_vectors_, "weight": svm.dual_coef_[0], "gamma": np.array(gamma)}


def svm_score(arrays: Arrays, features: np.ndarray) -> np.ndarray:
    """Minus the weighted sum of the kernels, (N,): scikit-learn's score with the sign turned."""
    support, out = arrays["support"], []
    squares = (support**2).sum(1)
    for begin in range(0, len(features), _ROWS):
        x = np.asarray(features[begin : begin + _ROWS], np.float64)
        distance = np.maximum((x**2).sum(1)[:, None] + squares - 2 * x @ support.T, 0.0)
        out.append(-(np.exp(-float(np.ravel(arrays["gamma"])[0]) * distance) @ arrays["weight"]))
    return np.concatenate(out) if out else np.zeros(0)


def fit_ecod(features: np.ndarray, seed: int = 0) -> Arrays:
    """ECOD (Li et al. 2022, arXiv 2201.00382): what it was fitted on, as that is all it holds."""
    del seed
    return {"fitted_on": np.asarray(features, np.float64)}


def ecod_score(arrays: Arrays, features: np.ndarray) -> np.ndarray:
    """Sum over the features of how far in the tails the values are, (N,). Each row is scored on its own against the fit.

    The tails are those of the rows it was fitted on, so that a score does not depend on which rows are scored together.
    """
    fitted = np.sort(arrays["fitted_on"], axis=0)
    count, columns = fitted.shape
    centred = fitted - fitted.mean(0)
    spread = np.sqrt((centred**2).mean(0))
    skew = (centred**3).mean(0) / np.where(spread > 0, spread**3, 1.0)
    left, right = np.empty((len(features), columns)), np.empty((len(features), columns))
    for i in range(columns):
        x = np.asarray(features[:, i], np.float64)
        left[:, i] = np.searchsorted(fitted[:, i], x, "right")
        right[:, i] = count - np.searchsorted(fitted[:, i], x, "left")
    # The row itself counts as one more, so that nothing is infinitely rare.
    low, high = (-np.log((n + 1) / (count + 1)) for n in (left, right))
    both = np.where(skew < 0, low, high)
    return np.maximum(np.maximum(low.sum(1), high.sum(1)), both.sum(1))
