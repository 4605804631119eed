"""Training and evaluation of classifiers on alert stamps; see `lcjax.cli.data_kinds` for what such a module offers."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lcjax.configs import Experiment
from lcjax.errors import ConfigError
from lcjax.systems.loading import Loaded, load_system

EVALUATION_ROWS = 64


class Relabelled:
    """A source whose labels are renumbered; all else is the source's own."""

    def __init__(self, source: Any, numbers: Sequence[int]) -> None:
        """`numbers[i]` is the new number of class i, -1 for none."""
        self._source, self._numbers = source, np.array([*numbers, -1], np.int32)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def _changed(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {**batch, "label": self._numbers[batch["label"]]}

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[tuple[int, int], dict[str, np.ndarray]]]:
        """As the source's."""
        for position, rows in self._source.train_batches(epoch, batch):
            yield position, self._changed(rows)

    def evaluation_batches(self) -> Iterator[dict[str, np.ndarray]]:
        """As the source's."""
        return map(self._changed, self._source.evaluation_batches())


def class_numbers(data_classes: Sequence[str], model_classes: Sequence[str]) -> list[int]:
    """Number among the model's classes of every class of the data, without regard to case; -1 for none.

    >>> class_numbers(["agn", "asteroid", "nova"], ["AGN", "SN", "VS", "asteroid", "bogus"])
    [0, 3, -1]
    """
    known = {name.lower(): i for i, name in enumerate(model_classes)}
    return [known.get(name.lower(), -1) for name in data_classes]


def open_source(experiment: Experiment, data: Sequence[Path], split: str, reader: str = "auto", **more: Any) -> Any:
    """Source of one split, its labels numbered as the model's classes; `more` goes to `StampSource`."""
    from data_pipelines.kinds.alerts.source import StampSource

    inputs: Any = experiment.inputs  # type: ignore[attr-defined]
    more |= needed_columns(inputs)
    balance = inputs.balance if split == "train" and inputs.balance != "none" else None
    training = experiment.training
    source = StampSource(data, split, training.batch_size, seed=training.seed, balance=balance, reader=reader, **more)
    return renumbered(source, _model_classes(inputs, source))


def needed_columns(inputs: Any) -> dict[str, tuple[str, ...]]:
    """`metadata_names` for `StampSource`: the columns that the network's features are made from.

    >>> from lcjax.systems.stamp_classifier.config import StampInputsConfig
    >>> needed_columns(StampInputsConfig(features=("fwhm", "gal_lat", "ra")))
    {'metadata_names': ('dec', 'fwhm', 'ra')}
    """
    from lcjax.transforms.stamp_features import columns_of

    features = inputs.used_features if hasattr(inputs, "used_features") else inputs.features
    return {"metadata_names": tuple(sorted(columns_of(features)))}


def renumbered(source: Any, model_classes: Sequence[str]) -> Any:
    """The source with labels numbered as in `model_classes`."""
    numbers = class_numbers(source.class_names, model_classes)
    return source if numbers == list(range(len(numbers))) else Relabelled(source, numbers)


def _model_classes(inputs: Any, source: Any) -> tuple[str, ...]:
    """The preset's classes where they hold all classes of the data, else those of the data."""
    fits = -1 not in class_numbers(source.class_names, inputs.class_names)
    return tuple(inputs.class_names if fits else source.class_names)


def adapt(experiment: Experiment, source: Any) -> Experiment:
    """Sets the classes, the order of the metadata columns and what else a system fits to its training alerts.

    Raises:
      ConfigError: the data has no classes.
    """
    if not len(source.class_names):
        raise ConfigError("this data has no labels: prepare it with  lcjax data prepare ... --labels  first")
    inputs: Any = experiment.inputs  # type: ignore[attr-defined]
    inputs = dataclasses.replace(inputs, class_names=_model_classes(inputs, source))
    if hasattr(inputs, "fitted"):
        inputs = inputs.fitted(source.metadata_names, source.index.metadata)
    else:
        inputs = dataclasses.replace(inputs, metadata_names=tuple(source.metadata_names))
        inputs = _with_statistics(experiment, inputs, source)
    return dataclasses.replace(experiment, inputs=inputs)  # type: ignore[call-arg]


def _with_statistics(experiment: Any, inputs: Any, source: Any) -> Any:
    """The inputs with the scale of the features: of the weights to start from, of the training alerts, or as given."""
    from lcjax.systems.stamp_classifier.task import fitted_statistics

    if experiment.training.initial_weights:
        start: Any = load_system(experiment.training.initial_weights).experiment
        if getattr(start.inputs, "features", None) == inputs.features:
            names = ("feature_mean", "feature_std", "center_isdiffpos")
            return dataclasses.replace(inputs, **{name: getattr(start.inputs, name) for name in names})
    if experiment.model.parity or inputs.statistics == "published" or inputs.feature_mean:
        return inputs
    return fitted_statistics(inputs, source.index.metadata, np.asarray(source.labels))


def can_score(source: Any) -> bool:
    """Whether any alert has a label."""
    return bool((np.asarray(source.labels) >= 0).any())


def describe_data(source: Any) -> dict[str, Any]:
    """Objects and classes."""
    return {"objects": source.n_objects, "class_names": list(source.class_names)}


def on_data(loaded: Loaded, data: Sequence[Path], split: str, reader: str = "auto") -> tuple[Loaded, Any]:
    """The model reading this data's columns, and the source of a split with the model's classes.

    Unlike in training, classes of the data that the model does not have count as unlabelled.
    """
    from data_pipelines.kinds.alerts.source import StampSource
    from lcjax.systems import build_task

    inputs: Any = loaded.experiment.inputs  # type: ignore[attr-defined]
    source = StampSource(data, split, EVALUATION_ROWS, seed=0, reader=reader, **needed_columns(inputs))
    inputs = dataclasses.replace(inputs, metadata_names=tuple(source.metadata_names))
    experiment = dataclasses.replace(loaded.experiment, inputs=inputs)  # type: ignore[call-arg]
    loaded = loaded._replace(experiment=experiment, task=build_task(experiment))
    return loaded, renumbered(source, inputs.class_names)


def evaluate(loaded: Loaded, data: Sequence[Path], options: Any) -> None:
    """Scores on labelled alerts, printed and written where the options ask."""
    from lcjax.systems.classifier import evaluation as stamp_reporting

    if options.strict:
        raise ConfigError("--strict is for masked pretraining: a stamp classifier hides nothing from itself")
    held_out = stamp_reporting.evaluate_held_out(*on_data(loaded, data, options.split))
    stamp_reporting.print_scores(held_out)
    if options.json:
        stamp_reporting.save_scores(options.json, held_out)
    if options.report:
        print(stamp_reporting.write_report(options.report, loaded, held_out, model=options.model))


def evaluate_and_report(workdir: Path, data: Sequence[Path], reader: str = "auto") -> Path | None:
    """Evaluates the best weights of a workdir on the test split, prints the scores, writes `report/index.html`.

    Returns:
      the page; None where no test alert has a label.
    """
    from lcjax.systems.classifier import evaluation as stamp_reporting

    loaded, source = on_data(load_system(workdir), data, "test", reader)
    if not can_score(source):
        return None
    held_out = stamp_reporting.evaluate_held_out(loaded, source)
    stamp_reporting.print_scores(held_out)
    stamp_reporting.save_scores(Path(workdir) / "scores.json", held_out)
    return stamp_reporting.write_report(Path(workdir), loaded, held_out)


def what_next(preset: str, workdir: Path) -> str:
    """Commands to try after training."""
    blind = "--inputs.position none" if preset.startswith("multiscale") else "--inputs.without sky history"
    return f"""
  lcjax evaluate {workdir} --data D
      scores with intervals, with and without parts of the inputs
  lcjax predict {workdir} ALERTS... --out F.parquet
      class probabilities of your own alerts
  lcjax train {preset} {blind} --data D --workdir W2
      a network that cannot learn the survey
  lcjax presets
      published configurations"""
