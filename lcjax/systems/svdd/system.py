"""The system: tables as it takes them, settings that follow from them, what a run begins with, scores, answers."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lcjax.errors import ConfigError
from lcjax.systems.base import Answers, Data, Options, Simulated, System, Work
from lcjax.systems.svdd import presets
from lcjax.systems.svdd.config import SvddExperiment

if TYPE_CHECKING:
    from lcjax.evaluation.scores import Scores
    from lcjax.inference.loaded import Loaded
    from lcjax.systems.svdd.rows import FeatureRows
    from lcjax.training.task import Task
    from lcjax.typing import PyTree


class FeatureTable(Data, Protocol):
    """Rows of features, as the data has them."""

    metadata_names: tuple[str, ...]
    """Of the features."""
    metadata: np.ndarray
    """(R, F), missing values NaN."""
    used: np.ndarray
    """Rows of this split."""
    object_ids: np.ndarray
    """(R,) str."""


ONE_CLASS = "known"
"""What the objects of a table without classes are called."""
_SIMULATED, _OBJECTS, _HELD_OUT = "simulated_features", 3000, "c5"
"""What a run without data learns from, and the class of it that plays the outlier unless others are said."""


@dataclasses.dataclass(frozen=True)
class AnomalyOutputs:
    """What is written of every object beside its score."""

    embedding: bool = False
    """Also the latent vector."""
    contributions: int = 0
    """Also the so many features that the score owes most to, and how much: the score less that with the feature of a usual object."""


class Svdd(System):
    """Detectors of anomalies in tables of features."""

    name = "svdd"
    kind = "tables"
    experiment = SvddExperiment
    presets: Mapping[str, Any] = presets.PRESETS
    predict_options = {"anomaly": AnomalyOutputs}  # noqa: RUF012
    embedding_options = {"anomaly": AnomalyOutputs(embedding=True)}  # noqa: RUF012

    def build_task(self, experiment: SvddExperiment) -> "Task":
        """One detector."""
        from lcjax.systems.svdd.task import build_task

        return build_task(experiment)

    def stand_in(self, experiment: SvddExperiment) -> SvddExperiment:
        """With three features and two classes."""
        names = {"feature_names": ("x", "y", "z"), "class_names": ("a", "b")}
        return dataclasses.replace(experiment, inputs=dataclasses.replace(experiment.inputs, **names))

    # --- data
    def simulated(self, experiment: SvddExperiment) -> tuple[SvddExperiment, dict[str, Simulated]]:
        """Six classes of simulated features, one of them held out."""
        inputs = experiment.inputs
        if not inputs.outliers:
            inputs = dataclasses.replace(inputs, outliers=(_HELD_OUT,))
        made = {_SIMULATED: Simulated(_SIMULATED, _OBJECTS, {})}
        return dataclasses.replace(experiment, inputs=inputs), made

    def matched(
        self,
        experiment: SvddExperiment,
        data: FeatureTable,
        training: bool,
        say: Callable[[str], None] = lambda text: None,
    ) -> "FeatureRows":
        """The rows in memory, held-out classes not learned from.

        Raises:
          ConfigError: several processes, classes or features that are not there, or none at all.
        """
        import jax

        from lcjax.systems.svdd.rows import FeatureRows, known_labels
        from lcjax.systems.svdd.scaler import check_names

        if training and jax.process_count() > 1:
            raise ConfigError("a detector learns in one process: leave out --processes")
        inputs, there = experiment.inputs, list(data.metadata_names)
        wanted = inputs.feature_names or tuple(name for name in there if not dropped(name, inputs.drop))
        if not wanted:
            raise ConfigError("no feature is left to learn from: all are dropped")
        columns = check_names(wanted, there, "this table")
        rows = np.asarray(data.used)
        names, labels = tuple(data.class_names), np.asarray(data.labels)[rows]
        if not names or (not (labels >= 0).any() and experiment.detector != "mcdsvdd"):
            if experiment.detector == "mcdsvdd":
                raise ConfigError(
                    "multi-class Deep SVDD learns classes and this table has none: name their column when preparing it "
                    "(--features.label), or train deep-svdd"
                )
            names, labels = (ONE_CLASS,), np.zeros(len(rows), np.int32)
        known, known_names = known_labels(labels, names, [n for n in inputs.outliers if training or n in names])
        if inputs.class_names:
            number = np.array([_place(name, inputs.class_names) for name in known_names] + [-1], np.int32)
            known, known_names = number[known], inputs.class_names
        table = np.asarray(data.metadata)[rows][:, columns]
        return FeatureRows(
            table,
            known,
            np.asarray(data.object_ids)[rows],
            wanted,
            known_names,
            experiment.training.batch_size,
            experiment.training.seed,
            inputs.balance,
            data.fingerprint,
            labels,
            names,
        )

    def adapt(self, experiment: SvddExperiment, data: "FeatureRows") -> SvddExperiment:
        """Sets features, classes and the size of the scaler.

        Raises:
          DataError: a class with fewer than two objects.
        """
        from lcjax.systems.svdd.scaler import table_rows

        data.check_classes()
        quantiles = experiment.inputs.quantiles
        if experiment.inputs.scaling == "quantile":
            quantiles = table_rows(experiment.inputs, data.labels)
        inputs = dataclasses.replace(
            experiment.inputs, feature_names=data.feature_names, class_names=data.class_names, quantiles=quantiles
        )
        return dataclasses.replace(experiment, inputs=inputs)

    def notes(self, experiment: SvddExperiment, data: "FeatureRows") -> list[str]:
        """What is learned from, what is missing, and networks that may collapse."""
        from lcjax.systems.svdd.health import structure_warnings

        counts = ", ".join(f"{count:,} {name}" for name, count in data.describe()["of_class"].items())
        known = data.features[data.labels >= 0]
        missing = ~np.isfinite(known)
        said = [
            f"learning from {data.n_objects:,} objects ({counts}), {known.shape[1]} features, {missing.mean():.1%} missing"
        ]
        if (empty := missing.all(0)).any():
            names = [name for name, gone in zip(data.feature_names, empty, strict=True) if gone]
            said.append(f"features without any value: {', '.join(names)}")
        if experiment.spheres:
            said += [f"warning: {text}" for text in structure_warnings(experiment.model, experiment.centres)]
        return said

    def can_score(self, data: Data) -> bool:
        """Whether there is any known object."""
        return bool((data.labels >= 0).any())

    def starting_variables(
        self,
        experiment: SvddExperiment,
        data: "FeatureRows",
        given: "Loaded | None" = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> "PyTree":
        """Scaler, encoder, centres."""
        from lcjax.systems.svdd.starting import starting_variables

        start = self.initial_variables(experiment, given)
        return starting_variables(experiment, data, start, say)

    # --- judged and asked
    def evaluate(self, loaded: "Loaded", data: "FeatureRows", options: Options) -> "Scores":
        """How well held-out classes are told from the known ones; scores of every class."""
        from lcjax.systems.svdd.evaluation import evaluate

        return evaluate(loaded, data, self.next_steps(loaded.folder))

    def answers(self, loaded: "Loaded", work: Work) -> Answers:
        """Anomaly scores."""
        from lcjax.systems.svdd.prediction import AnomalyAnswers

        output: AnomalyOutputs = work.options.get("anomaly") or AnomalyOutputs()
        return AnomalyAnswers(loaded, output.embedding, output.contributions, work.batch_size)

    def next_steps(self, model: str | Path, preset: str = "") -> str:
        """Scores, a table, the most anomalous objects."""
        return f"""
lcjax evaluate {model} --data D                              # on other prepared tables
lcjax predict {model} TABLE.parquet --out F.parquet --anomaly.contributions 3
lcjax outliers F.parquet --light-curves STARS --out gallery   # the most anomalous objects, as a page
lcjax holdout D --out R                                       # every class in turn the outlier, all detectors"""


def dropped(name: str, drop: tuple[str, ...]) -> bool:
    """Whether a feature is not used.

    >>> dropped("Mean_1", ("Mean",)), dropped("Meanvariance_1", ("Mean",))
    (True, False)
    """
    bare = name.rsplit("_", 1)[0] if name.rsplit("_", 1)[-1].isdigit() else name
    return name in drop or bare in drop


def _place(name: str, names: tuple[str, ...]) -> int:
    return next((i for i, known in enumerate(names) if known.lower() == name.lower()), -1)
