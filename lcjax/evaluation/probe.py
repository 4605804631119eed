"""How much of the classes is in frozen embeddings: simple classifiers learn from labelled stars and are scored on others.

All classifiers get the same stars. Macro F1 counts every class alike, however many of its stars are tested: recalls and
precisions are those of a test set with equal numbers of every class. Intervals are 95 % over test stars and draws of the
labelled ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lcjax.errors import DataError, MissingExtraError
from lcjax.evaluation.classification import rates
from lcjax.evaluation.intervals import RESAMPLES, Score, interval, objects_table, resampled_sums, wilson_interval

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

CLASSIFIERS = ("nearest neighbours", "logistic regression", "random forest")
ALL = 0
"""Shots: every labelled star there is, instead of equal numbers of each class."""
NEIGHBOURS = 5
TREES = 300
PENALTIES = (1.0, 10.0, 100.0, 1000.0)
"""Of the logistic regression, to choose from: 256 numbers and twenty stars of a class ask for another than ten numbers and thousands."""
FOLDS = 3


def classifier(name: str, seed: int = 0, penalty: float | None = None, jobs: int | None = None) -> "ClassifierMixin":
    """An untrained classifier of scikit-learn, by a name of `CLASSIFIERS`, with what it needs before it.

    Values that are missing (NaN) become the median of the training stars; where distances or sizes of weights matter, columns
    are standardised by them. Classes count alike, however many stars of each there are to learn from; the neighbours know
    no such weights.

    Args:
      penalty: of the logistic regression, times |weights|^2 / 2; None: that of `PENALTIES` under which labelled stars are most likely
        when the others of them are learned from. jobs: threads of the forest.

    Raises:
      MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ModuleNotFoundError as error:
        raise MissingExtraError("scikit-learn", "classic", "a probe of embeddings") from error
    filled = SimpleImputer(strategy="median", keep_empty_features=True)
    if name == "random forest":
        forest = RandomForestClassifier(TREES, class_weight="balanced", random_state=seed, n_jobs=jobs)
        return make_pipeline(filled, forest)
    if name == "nearest neighbours":
        return make_pipeline(filled, StandardScaler(), KNeighborsClassifier(NEIGHBOURS, weights="distance"))
    if name == "logistic regression":
        linear = LogisticRegression(C=1 / (penalty or 1.0), class_weight="balanced", max_iter=2000)
        if penalty is None:
            choices = {"C": [1 / one for one in PENALTIES]}
            linear = GridSearchCV(linear, choices, scoring=class_log_likelihood, cv=ClassFolds(FOLDS, seed))
        return make_pipeline(filled, StandardScaler(), linear)
    raise DataError(f"there is no classifier '{name}': use {', '.join(CLASSIFIERS)}")


def class_log_likelihood(fitted: "ClassifierMixin", features: np.ndarray, label: np.ndarray) -> float:
    """Mean log-probability of the true class, with all classes alike; what scikit-learn's search calls `scoring`."""
    chance = fitted.predict_proba(features)[np.arange(len(label)), np.searchsorted(fitted.classes_, label)]
    log = np.log(np.maximum(chance, 1e-12))
    return float(np.mean([log[label == c].mean() for c in np.unique(label)]))


@dataclass(frozen=True)
class ClassFolds:
    """Splits for scikit-learn's search that every class with two objects takes part in; one of a single object is always learned from.

    Where no class has two, everything is learned from and scored: there is nothing to choose by.
    """

    folds: int
    seed: int

    def split(
        self, features: np.ndarray, label: np.ndarray, groups: None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(rows to learn from, rows to score)."""
        rng, dealt = np.random.default_rng((self.seed, 5)), np.full(len(label), -1)
        for c in np.unique(label):
            own = rng.permutation(np.flatnonzero(label == c))
            if len(own) > 1:
                dealt[own] = np.arange(len(own)) % self.folds
        for k in range(self.folds):
            held = dealt == k
            yield (np.flatnonzero(~held), np.flatnonzero(held)) if held.any() else (np.arange(len(label)),) * 2

    def get_n_splits(self, features: None = None, label: None = None, groups: None = None) -> int:
        """Their number."""
        return self.folds


@dataclass(frozen=True)
class ProbeScore:
    """What one classifier makes of the embeddings."""

    classifier: str
    shots: int
    """Labelled stars of each class, at most; `ALL`: all."""
    macro_f1: Score
    recall: dict[str, float]
    """By class, mean over draws."""
    train: int
    """Labelled stars in a draw."""
    tested: int

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        score = {"value": self.macro_f1.value, "low": self.macro_f1.low, "high": self.macro_f1.high}
        shots = self.shots or "all"
        return {
            "classifier": self.classifier,
            "shots": shots,
            "macro_f1": score,
            "recall": self.recall,
            "train": self.train,
            "tested": self.tested,
        }


def draw(label: np.ndarray, pool: np.ndarray, shots: int, seed: int) -> np.ndarray:
    """Rows of at most `shots` stars of each class, of those in `pool`; `ALL` takes all of them.

    Args:
      label: (N,) int >= 0. pool: rows that may be drawn.

    >>> label = np.array([0, 0, 0, 1])
    >>> sorted(label[draw(label, np.arange(4), 2, 0)].tolist())
    [0, 0, 1]
    """
    if shots == ALL:
        return np.asarray(pool)
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(pool)
    return np.concatenate([mixed[label[mixed] == c][:shots] for c in np.unique(label[mixed])])


def balanced_macro_f1(
    truth: np.ndarray, guesses: np.ndarray, classes: int, objects: Sequence[str] | np.ndarray, seed: int = 0
) -> Score:
    """Macro F1 with all classes of `truth` alike, mean over draws; its 95 % interval is over objects and draws.

    Args:
      truth: (N,) int. guesses: (draws, N) int. classes: number K of them. objects: (N,) names: rows of one are
        resampled together.

    >>> balanced_macro_f1(np.array([0, 0, 0, 1]), np.array([[0, 0, 0, 1]]), 2, list("abcd")).value
    1.0
    """
    truth, guesses = np.asarray(truth), np.atleast_2d(guesses)
    tables = [objects_table(objects, truth * classes + guess, classes**2) for guess in guesses]
    shape = (-1, len(guesses), classes, classes)
    scored = lambda sums: _equal_classes(sums.reshape(shape))
    value = scored(np.concatenate([table.sum(0) for table in tables])[None])[0]
    drawn = scored(resampled_sums(np.concatenate(tables, axis=1), RESAMPLES, seed))
    which = np.random.default_rng(seed).integers(len(guesses), size=drawn.shape)
    score = interval(float(value.mean()), np.take_along_axis(drawn, which, axis=1).mean(1))
    if score.low != score.high:
        return score
    # All stars agree, and so does every sample of them.
    return Score(score.value, *wilson_interval(score.value, len(tables[0])))


def _equal_classes(confusion: np.ndarray) -> np.ndarray:
    """Macro F1 of (..., K, K) confusion matrices whose rows count alike."""
    count = confusion.sum(-1, keepdims=True)
    shares = np.divide(confusion, count, out=np.zeros(confusion.shape), where=count > 0)
    return rates(shares)["macro_f1"]


def mean_recall(truth: np.ndarray, guesses: np.ndarray, class_names: Sequence[str]) -> dict[str, float]:
    """Share of each class's stars that are recognised, mean over draws."""
    right = (np.atleast_2d(guesses) == truth).mean(0)
    return {name: float(right[truth == c].mean()) for c, name in enumerate(class_names) if (truth == c).any()}


def fitted_guesses(
    name: str, embedding: np.ndarray, label: np.ndarray, train: np.ndarray, test: np.ndarray, seed: int
) -> np.ndarray:
    """Classes of the rows `test` by a classifier that has seen the rows `train`."""
    return classifier(name, seed).fit(embedding[train], label[train]).predict(embedding[test])


def probe(
    embedding: np.ndarray,
    label: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    class_names: Sequence[str],
    objects: Sequence[str] | np.ndarray | None = None,
    shots: Sequence[int] = (20, 100, ALL),
    draws: int = 5,
    classifiers: Sequence[str] = CLASSIFIERS,
    seed: int = 0,
) -> list[ProbeScore]:
    """Scores of classifiers on frozen embeddings.

    Args:
      embedding: (N, D), NaN where a value is missing. label: (N,) int, all >= 0. class_names: names by label.
      train, test: rows to learn from and to be scored on.
      objects: (N,) names of the stars; None: every row is one.
      shots: labelled stars of each class, at most; `ALL`: all. draws: of the labelled stars; of all there is but one.

    Raises:
      MissingExtraError: scikit-learn is not installed. DataError: fewer than two classes, or nothing to test on.
    """
    train, test, label = np.asarray(train), np.asarray(test), np.asarray(label)
    names = np.arange(len(label)).astype(str) if objects is None else np.asarray(objects)
    known = np.unique(label[train])
    if len(known) < 2 or not len(test):
        raise DataError(
            f"a probe needs labelled stars of two classes to learn from and others to be scored on; there are {len(known)} classes "
            f"and {len(test):,} such stars"
        )
    if set(names[train]) & set(names[test]):
        raise DataError("stars to learn from are among those to be scored on: give every star one split")
    found = []
    for count in shots:
        drawn = [draw(label, train, count, seed + i) for i in range(1 if count == ALL else draws)]
        for name in classifiers:
            guesses = [fitted_guesses(name, embedding, label, rows, test, seed + i) for i, rows in enumerate(drawn)]
            score = balanced_macro_f1(label[test], np.stack(guesses), len(class_names), names[test], seed)
            recall = mean_recall(label[test], np.stack(guesses), class_names)
            found.append(ProbeScore(name, count, score, recall, len(drawn[0]), len(np.unique(names[test]))))
    return found


def probe_classes(
    label: np.ndarray, train: np.ndarray, test: np.ndarray, least_train: int, least_test: int
) -> Mapping[int, tuple[int, int]]:
    """Classes with enough stars -> their numbers of stars to learn from and to be scored on.

    >>> probe_classes(np.array([0, 0, 0, 1]), np.array([0, 1]), np.array([2, 3]), 2, 1)
    {0: (2, 1)}
    """
    counts = {c: (int((label[train] == c).sum()), int((label[test] == c).sum())) for c in np.unique(label).tolist()}
    return {c: n for c, n in counts.items() if c >= 0 and n[0] >= least_train and n[1] >= least_test}
