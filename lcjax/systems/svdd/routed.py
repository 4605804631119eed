"""What routing costs: every class in turn the outlier among all groups, each object scored where a classifier sends it.

The published protocol scores each group by its own detector on its own classes (arXiv 2308.05011, Table 2); in use, a classifier of
groups decides which detector an object goes to (its section 3), and its errors count. Here the outlier is one of all test objects.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lcjax.errors import ConfigError
from lcjax.evaluation.scores import Scores, Section, Table
from lcjax.models.svdd_config import DetectorModelConfig
from lcjax.systems.svdd.classic import scikit_learn
from lcjax.systems.svdd.config import FeatureInputs, SvddExperiment
from lcjax.systems.svdd.detectors import CLASSIC, Detector, fit_detector
from lcjax.systems.svdd.groups import FeatureObjects
from lcjax.systems.svdd.protocol import (
    Found,
    ProtocolSettings,
    check_classes,
    check_tested,
    dealt_parts,
    judged,
    spread,
)
from lcjax.systems.svdd.routing import HierarchicalDetector
from lcjax.systems.svdd.scaler import fit_scaler, scale, table_rows

_TREES = 200


@dataclasses.dataclass(frozen=True)
class Routes:
    """Where one fold's classifier of groups sends the test objects."""

    outlier: str
    fold: int
    sent_right: float
    """Share of the held-out class that goes to its own group."""
    accuracy: float
    """Share of the known objects that go to theirs."""


def run_routed(
    objects: FeatureObjects,
    groups: Mapping[str, tuple[str, ...]],
    settings: ProtocolSettings,
    never: Sequence[str] = (),
    say: Callable[[str], None] = lambda text: None,
) -> tuple[list[Found], list[Routes]]:
    """Every class of every group in turn the outlier among the test objects of all groups.

    Detectors learn the training rows of all folds but one, which says when training stops and what scores known objects have;
    the classifier of groups is a random forest on the scaled features of the known training objects.

    Args:
      groups: name -> classes, two or more of each. never: classes that are known in each case.

    Raises:
      ConfigError: one group alone, a group of one class, or nothing to hold out. See `run_protocol`. MissingExtraError: no scikit-learn.
    """
    if len(groups) < 2:
        raise ConfigError("routing is between groups: give a table of two or more with --groups")
    if small := [name for name, classes in groups.items() if len(classes) < 2]:
        raise ConfigError(f"the group '{small[0]}' has one class: nothing is left of it where that is held out")
    class_names = tuple(name for classes in groups.values() for name in classes)
    if twice := [name for name in class_names if class_names.count(name) > 1]:
        raise ConfigError(f"the class '{twice[0]}' is in two groups: an object can be sent to one")
    group_of = np.array([number for number, classes in enumerate(groups.values()) for _ in classes])
    some = objects.of_classes(class_names)
    check_classes(settings, some.label, class_names)
    is_test, fold = dealt_parts(some.label, settings, some.is_test, some.fold)
    outliers = tuple(name for name in settings.outliers or class_names if name not in never)
    check_tested(some.label[is_test], outliers, class_names)
    training = (some.label >= 0) & ~is_test
    test, found, routes = some.label[is_test], list[Found](), list[Routes]()
    for k in range(settings.folds):
        fits = _Fits(some, groups, class_names, settings, training, fold, k)
        for outlier in outliers:
            say(f"fold {k + 1} of {settings.folds}: held out {outlier}")
            held = class_names.index(outlier)
            known = np.where(training & (some.label != held), some.label, -1)
            chances = _group_chances(some, known, group_of, class_names, settings, is_test, k)
            sent, usual = chances.argmax(1), (test >= 0) & (test != held)
            right = sent == group_of[np.maximum(test, 0)]
            routes.append(Routes(outlier, k, float(right[test == held].mean()), float(right[usual].mean())))
            for name in settings.detectors:
                whole = HierarchicalDetector.of(*fits.of(name, outlier))
                routed = whole.score(some.features[is_test], dict(zip(groups, chances.T, strict=True)))
                found.append(judged(name, outlier, k, routed.share, test, class_names))
    return found, routes


class _Fits:
    """Detectors of one fold: those of groups without the held-out class are the same for all held-out classes."""

    def __init__(
        self,
        objects: FeatureObjects,
        groups: Mapping[str, tuple[str, ...]],
        class_names: tuple[str, ...],
        settings: ProtocolSettings,
        training: np.ndarray,
        fold: np.ndarray,
        number: int,
    ):
        self.objects, self.groups, self.class_names, self.settings = objects, groups, class_names, settings
        self.training, self.held_back, self.number = training, fold == number, number
        self.experiment = SvddExperiment(
            inputs=FeatureInputs(scaling=settings.scaling), model=DetectorModelConfig(latent=settings.latent)
        )
        self.fitted: dict[tuple[str, tuple[str, ...]], tuple[Detector, np.ndarray]] = {}

    def of(self, name: str, outlier: str) -> tuple[dict[str, Detector], dict[str, np.ndarray]]:
        """By group: its detector, and features of known objects that it has not learned from."""
        pairs = {}
        for group, classes in self.groups.items():
            used = tuple(c for c in classes if c != outlier)
            if (name, used) not in self.fitted:
                self.fitted[name, used] = self._fit(name, used)
            pairs[group] = self.fitted[name, used]
        return {g: detector for g, (detector, _) in pairs.items()}, {g: known for g, (_, known) in pairs.items()}

    def _fit(self, name: str, classes: tuple[str, ...]) -> tuple[Detector, np.ndarray]:
        numbers = {self.class_names.index(c): n for n, c in enumerate(classes)}
        label = np.array([numbers.get(int(c), -1) for c in self.objects.label])
        label = np.where(self.training, label, -1)
        own = np.where(self.held_back & (name in CLASSIC), -1, label)  # these would learn from all rows with a class
        detector = fit_detector(
            name,
            self.objects.features,
            own,
            self.objects.names,
            classes,
            self.experiment,
            self.settings,
            self.held_back,
            self.number,
        )
        return detector, self.objects.features[self.held_back & (label >= 0)]


def _group_chances(
    objects: FeatureObjects,
    known: np.ndarray,
    group_of: np.ndarray,
    class_names: tuple[str, ...],
    settings: ProtocolSettings,
    is_test: np.ndarray,
    seed: int,
) -> np.ndarray:
    """(n, G) probabilities of the groups of test objects."""
    ensemble = scikit_learn("a classifier of groups").ensemble
    inputs = FeatureInputs(feature_names=tuple(objects.names), class_names=class_names, scaling=settings.scaling)
    if settings.scaling == "quantile":
        inputs = dataclasses.replace(inputs, quantiles=table_rows(inputs, known))
    scaler = fit_scaler(inputs, objects.features, known)
    table = np.asarray(scale(inputs.scaling, scaler["table"], objects.features.astype(np.float32)))
    forest = ensemble.RandomForestClassifier(_TREES, class_weight="balanced", random_state=seed, n_jobs=-1)
    forest.fit(table[known >= 0], group_of[known[known >= 0]])
    return forest.predict_proba(table[is_test])


def routed_scores(routed: Sequence[Found], routes: Sequence[Routes], own: Sequence[Found]) -> Scores:
    """A table of detectors: AUROC by the own group's detector among its classes, and routed among all; and one of the routes."""
    detectors = list(dict.fromkeys(one.detector for one in routed))
    outliers = list(dict.fromkeys(one.outlier for one in routed))
    rows, values = list[tuple[str, ...]](), dict[str, Any]()
    for detector in detectors:
        for title, found in (("own group", own), ("routed", routed)):
            cells = [np.array([f.auroc for f in found if (f.detector, f.outlier) == (detector, o)]) for o in outliers]
            said = [f"{c.mean():.3f}±{spread(c):.3f}" for c in cells]
            rows.append((detector, title, *said, f"{np.mean([c.mean() for c in cells]):.3f}"))
            values.setdefault(detector, {})[title] = {
                o: {"mean": float(c.mean()), "std": spread(c), "folds": c.tolist()}
                for o, c in zip(outliers, cells, strict=True)
            }
    auroc = Table(
        ("detector", "scored by", *outliers, "mean"), rows, "AUROC of the held-out class, mean and deviation over folds"
    )
    pick = lambda outlier, what: float(np.mean([getattr(r, what) for r in routes if r.outlier == outlier]))
    shares = {o: {what: pick(o, what) for what in ("sent_right", "accuracy")} for o in outliers}
    table = Table(
        ("held out", "goes to its own group", "known objects that go to theirs"),
        [(o, f"{100 * s['sent_right']:.1f} %", f"{100 * s['accuracy']:.1f} %") for o, s in shares.items()],
        "where the classifier of groups sends test objects, mean over folds",
    )
    best = max(detectors, key=lambda d: np.mean([v["mean"] for v in values[d]["routed"].values()]))
    mean = np.mean([v["mean"] for v in values[best]["routed"].values()])
    title = "Every class in turn the outlier, objects sent to the detector of a group"
    return Scores(
        title,
        [auroc, table],
        {"detectors": values, "routes": shares},
        [(f"{mean:.3f}", f"mean AUROC routed, {best}")],
        [Section(title, [auroc, table])],
    )
