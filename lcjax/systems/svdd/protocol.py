"""The published protocol: every class in turn the outlier, networks of five folds, AUROC on test objects nobody learned from.

arXiv 2308.05011: a fifth of each class is the test set; the outlier class leaves the training part, whose folds each validate
once. All networks see the same test objects as the forest and the support vector machine, which learn from all folds.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.ranking import auroc, average_precision
from lcjax.evaluation.scores import Scores, Section, Table
from lcjax.models.svdd_config import DetectorModelConfig
from lcjax.systems.svdd.config import FeatureInputs, SvddExperiment
from lcjax.systems.svdd.detectors import CLASSIC, DETECTORS
from lcjax.systems.svdd.ensemble import Members
from lcjax.systems.svdd.fitting import NETWORKS, FitSettings, fit_networks, score_members
from lcjax.systems.svdd.scaler import fit_scaler, scale, table_rows

_LEAST = 10
"""Objects of a class that can be split in test part and folds."""


@dataclasses.dataclass(frozen=True)
class ProtocolSettings(FitSettings):
    """Of the protocol, and of the networks that it trains."""

    detectors: tuple[str, ...] = DETECTORS
    outliers: tuple[str, ...] = ()
    """Classes that are held out in turn; none: all."""
    folds: int = 5
    test_fraction: float = 0.2
    seed: int = 42
    """Of test part and folds; networks begin with the number of their fold."""
    latent: int = 32
    scaling: Literal["quantile", "none"] = "quantile"
    """`none`: the features are scaled already."""


@dataclasses.dataclass(frozen=True)
class Found:
    """One detector, one held-out class, one fold."""

    detector: str
    outlier: str
    fold: int
    auroc: float
    average_precision: float
    epochs: int = 0


def stratified_parts(label: np.ndarray, parts: Sequence[float], seed: int) -> np.ndarray:
    """(N,) int, the part of every row: each class is dealt out at random in these shares; -1 without class.

    >>> np.bincount(stratified_parts(np.repeat([0, 1], 10), (0.8, 0.2), 0)).tolist()
    [16, 4]
    """
    part = np.full(len(label), -1)
    rng = np.random.default_rng(seed)
    edges = np.cumsum(parts) / np.sum(parts)
    for c in np.unique(label[label >= 0]):
        rows = rng.permutation(np.flatnonzero(label == c))
        part[rows] = np.searchsorted(edges, (np.arange(len(rows)) + 0.5) / len(rows))
    return part


def dealt_parts(
    label: np.ndarray, settings: ProtocolSettings, is_test: np.ndarray | None, fold: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """`is_test` (N,) bool and `fold` (N,) int of training rows, -1 elsewhere: as the table says them, or else dealt out.

    Raises:
      ConfigError: the table has other folds than are asked for.
    """
    if is_test is None:
        is_test = stratified_parts(label, (1 - settings.test_fraction, settings.test_fraction), settings.seed) == 1
    training = (label >= 0) & ~is_test
    if fold is None:
        return is_test, stratified_parts(np.where(training, label, -1), [1] * settings.folds, settings.seed + 1)
    return is_test, _numbered(fold, training, settings.folds)


def run_protocol(
    features: np.ndarray,
    label: np.ndarray,
    feature_names: Sequence[str],
    class_names: Sequence[str],
    settings: ProtocolSettings,
    is_test: np.ndarray | None = None,
    fold: np.ndarray | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> list[Found]:
    """Everything of one group of classes.

    Args:
      features: (N, F), NaN where missing. label: (N,) int, -1 without class.
      is_test, fold: (N,) where the table says them (fold of training rows, numbered from anywhere, negative for none); None: dealt out
        by `settings.seed`.

    Raises:
      ConfigError: no such detector or class, or other folds than there are. DataError: classes too small for the folds, or not tested.
    """
    check_classes(settings, label, class_names)
    is_test, fold = dealt_parts(label, settings, is_test, fold)
    training = (label >= 0) & ~is_test
    outliers = settings.outliers or tuple(class_names)
    check_tested(label[is_test], outliers, class_names)
    inputs = FeatureInputs(feature_names=tuple(feature_names), class_names=tuple(class_names), scaling=settings.scaling)
    tables, found = [], []
    for outlier in outliers:
        known = np.where(training & (label != class_names.index(outlier)), label, -1)
        own = (
            dataclasses.replace(inputs, quantiles=table_rows(inputs, known)) if inputs.scaling == "quantile" else inputs
        )
        table = np.asarray(
            scale(inputs.scaling, fit_scaler(own, features, known)["table"], features.astype(np.float32))
        )
        tables.append(table)
        for name in [n for n in settings.detectors if n in CLASSIC]:
            fit, score = CLASSIC[name]
            say(f"{name}: held out {outlier}")
            for k in range(settings.folds):
                arrays = fit(table[known >= 0], k)
                found.append(judged(name, outlier, k, score(arrays, table[is_test]), label[is_test], class_names))
                if name != "isolation_forest":  # the others know no chance
                    found += [dataclasses.replace(found[-1], fold=i) for i in range(1, settings.folds)]
                    break
    kinds = [name for name in settings.detectors if name in NETWORKS]
    if kinds:
        members = _members(label, training, fold, outliers, class_names, settings.folds)
        experiment = SvddExperiment(inputs=inputs, model=DetectorModelConfig(latent=settings.latent))
        stacked = np.stack(tables)
        fitted = fit_networks(kinds, experiment, stacked, members, len(class_names) - 1, settings, say)
        for name, networks in fitted.items():
            scores = score_members(networks, stacked[:, is_test], members.source)
            for i, score in enumerate(scores):
                outlier, k = outliers[i // settings.folds], i % settings.folds
                one = judged(name, outlier, k, score, label[is_test], class_names)
                found.append(dataclasses.replace(one, epochs=int(networks.trained.epochs[i])))
    return found


def check_classes(settings: ProtocolSettings, label: np.ndarray, class_names: Sequence[str]) -> None:
    """Raises ConfigError or DataError: detectors or classes that are not there, settings that cannot be, classes too small."""
    for name in settings.detectors:
        if name not in DETECTORS:
            raise ConfigError(f"there is no detector '{name}': use {', '.join(DETECTORS)}")
    for name in settings.outliers:
        if name not in class_names:
            raise ConfigError(f"there is no class '{name}' to hold out: there are {', '.join(class_names)}")
    if settings.folds < 2 or not 0 < settings.test_fraction < 1:
        raise ConfigError("the protocol needs two folds or more, and a test part between 0 and 1")
    if len(class_names) < 2:
        raise DataError(f"there are {len(class_names)} classes: holding one out needs two or more")
    for number, name in enumerate(class_names):
        if (count := int((label == number).sum())) < max(_LEAST, settings.folds + 1):
            raise DataError(
                f"class '{name}' has {count} objects: the protocol needs {max(_LEAST, settings.folds + 1)} of each, or --leave-out {name}"
            )


def _numbered(fold: np.ndarray, training: np.ndarray, folds: int) -> np.ndarray:
    """Folds of training rows in their order, from 0; -1 elsewhere."""
    used = training & (fold >= 0)
    there = np.unique(fold[used])
    if len(there) != folds:
        raise ConfigError(f"the column 'fold' has {len(there)} folds of training objects, and --folds is {folds}")
    return np.where(used, np.searchsorted(there, fold), -1)


def check_tested(label: np.ndarray, outliers: Sequence[str], class_names: Sequence[str]) -> None:
    """`label`: of test objects."""
    for name in outliers:
        outlier = label[label >= 0] == list(class_names).index(name)
        if outlier.all() or not outlier.any():
            lacking = "others" if outlier.any() else f"'{name}'"
            raise DataError(
                f"the test part has no objects of {lacking}: '{name}' cannot be scored; mend the column 'split'"
            )


def _members(
    label: np.ndarray,
    training: np.ndarray,
    fold: np.ndarray,
    outliers: Sequence[str],
    class_names: Sequence[str],
    folds: int,
) -> Members:
    """A member for every held-out class and fold."""
    rows = []
    for source, outlier in enumerate(outliers):
        held = list(class_names).index(outlier)
        own = np.where(training & (label != held), label - (label > held), -1)
        rows += [(source, own, training & (fold != k), training & (fold == k), k) for k in range(folds)]
    source, own, train, validation, seed = zip(*rows, strict=True)
    return Members(np.array(source), np.stack(own), np.stack(train), np.stack(validation), np.array(seed))


def judged(
    detector: str, outlier: str, fold: int, score: np.ndarray, label: np.ndarray, class_names: Sequence[str]
) -> Found:
    """Scores of the test objects with a class, `label` (N,) >= 0, against whether they are of the held-out one."""
    known = label >= 0
    positive = label[known] == list(class_names).index(outlier)
    score = np.asarray(score, np.float64)[known]
    return Found(detector, outlier, fold, auroc(score, positive), average_precision(score, positive))


def as_scores(found: Sequence[Found], title: str = "Every class in turn the outlier") -> Scores:
    """Tables of all detectors: mean and standard deviation over folds."""
    detectors = list(dict.fromkeys(one.detector for one in found))
    outliers = list(dict.fromkeys(one.outlier for one in found))
    pick = lambda d, o, name: np.array([getattr(f, name) for f in found if (f.detector, f.outlier) == (d, o)])
    tables: list[Table] = []
    values: dict[str, Any] = {}
    for name, text in (("auroc", "AUROC"), ("average_precision", "average precision")):
        rows = []
        for detector in detectors:
            cells = [pick(detector, outlier, name) for outlier in outliers]
            mean = float(np.mean([cell.mean() for cell in cells]))
            rows.append((detector, *(f"{c.mean():.3f}±{spread(c):.3f}" for c in cells), f"{mean:.3f}"))
            own = values.setdefault(detector, {o: {} for o in outliers})
            for outlier, cell in zip(outliers, cells, strict=True):
                own[outlier][name] = {"mean": float(cell.mean()), "std": spread(cell), "folds": cell.tolist()}
        tables.append(
            Table(("detector", *outliers, "mean"), rows, f"{text} of the held-out class, mean and deviation over folds")
        )
    best = max(detectors, key=lambda d: np.mean([pick(d, o, "auroc").mean() for o in outliers]))
    score = np.mean([pick(best, o, "auroc").mean() for o in outliers])
    return Scores(title, tables, values, [(f"{score:.3f}", f"mean AUROC, {best}")], [Section(title, tables)])


def spread(values: np.ndarray) -> float:
    """Standard deviation over folds, 0 of one."""
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0
