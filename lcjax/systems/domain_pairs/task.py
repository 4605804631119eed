"""The Task that adapting classifiers share: their updates differ, evaluation and answers do not."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.configs import OptimizerConfig
from lcjax.errors import ConfigError
from lcjax.global_batch import global_mean, rows_of
from lcjax.losses import cross_entropy, label_weight
from lcjax.models.domain_classifier import DomainClassifier
from lcjax.systems.batch_shapes import labelled
from lcjax.systems.domain_pairs import inputs as raw
from lcjax.systems.domain_pairs.config import PairExperiment
from lcjax.systems.domain_pairs.metrics import collapse_warnings, probabilities, scored, summarize
from lcjax.training.task import Task, Update
from lcjax.typing import Array, Axis, Batch, Metrics, PyTree

Optimizers = Callable[[OptimizerConfig, int], Any]


def build_model(experiment: PairExperiment) -> DomainClassifier:
    """The network of an experiment.

    Raises:
      ConfigError: its classes are not known yet.
    """
    if len(experiment.inputs.class_names) < 2:
        raise ConfigError("a classifier needs two classes or more: train on data with labels")
    classes = len(experiment.inputs.class_names)
    return DomainClassifier(experiment.network, classes, experiment.temperature or None)


class LabelledRows(NamedTuple):
    """Images of one or several streams, one after another."""

    images: Any
    row: Array
    """(B,) numbers."""
    label: Array
    """(B,) int."""
    weight: Array


class Network:
    """The network as losses call it: parts of a batch in, features and the moved batch statistics out."""

    def __init__(self, model: DomainClassifier, experiment: PairExperiment) -> None:
        """Of an experiment."""
        self.model, self.inputs = model, experiment.inputs
        empty = bool(experiment.inputs.vectors) and not experiment.network.vector_widths
        self.trunk = "" if empty else "^features/trunk"
        """Regular expression of the paths of what learns more slowly; "": nothing does."""

    def images(self, part: Mapping[str, Any]) -> Any:
        """Scaled images of a stream; of networks of other records what these take, arrays with rows first."""
        return raw.prepared(part, self.inputs)

    def weight(self, part: Mapping[str, Any]) -> Array:
        """Weight of every row of a stream, (B,)."""
        return raw.row_weight(part)

    def init(self, key: Array, batch: dict) -> PyTree:
        """Random variables, the classifier's among them."""
        return dict(self.model.init(key, {"image": self.images(batch)}))

    def answer(self, variables: PyTree, batch: Mapping[str, Any]) -> dict[str, Array]:
        """`logits` (B, K), `embedding` (B, D), as answers are computed."""
        return self.model.apply(variables, {"image": self.images(batch)})

    def embed(
        self, params: PyTree, state: PyTree, images: Any, row: Array, key: Array, axis: Axis
    ) -> tuple[Array, PyTree]:
        """Feature vectors in training, and the state with moved statistics."""
        features, changed = self.model.apply(
            {"params": params, **state},
            {"image": images, "row": row},
            deterministic=False,
            axis=axis,
            rngs={"dropout": key},
            mutable=["batch_stats"],
            method="embed",
        )
        return features, {**state, **changed}

    def classify(self, params: PyTree, features: Array) -> Array:
        """Logits."""
        own = {"params": {"classifier": params["classifier"]}}
        return self.model.apply(own, features, method="classify")

    def labelled_loss(
        self, params: PyTree, state: PyTree, rows: LabelledRows, key: Array, axis: Axis
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        """Cross entropy of labelled images, mean over all; (value, (metrics, state with moved statistics))."""
        features, state = self.embed(params, state, rows.images, rows.row, key, axis)
        logits = self.classify(params, features)
        value = global_mean(cross_entropy(logits, rows.label), label_weight(rows.label, rows.weight), axis)
        return value, (scored(logits, rows.label, rows.weight, self.inputs.class_names), state)

    def rows(self, part: Mapping[str, Any], stream: int, axis: Axis) -> Array:
        """Numbers of the rows of a stream, different from those of other streams."""
        return rows_of(dict(part), part["image"].shape[0], axis) * 4 + stream


def pair_task(
    experiment: PairExperiment,
    updates: tuple[Update, ...],
    optimizers: Optimizers | None,
    init: Callable[[Array, dict], PyTree],
    answer: Callable[[PyTree, Mapping[str, Any]], dict[str, Array]],
    model: nn.Module,
) -> Task:
    """The Task.

    Args:
      answer: (variables, batch) -> `logits` (B, K), `embedding` (B, D).
    """
    names = experiment.inputs.class_names

    def evaluate(variables: PyTree, batch: dict, key: Array) -> Metrics:
        del key
        logits = answer(variables, batch)["logits"]
        return scored(logits, batch["label"], raw.row_weight(batch), names)

    def predict(variables: PyTree, batch: Mapping[str, Any]) -> dict[str, Array]:
        outputs = answer(variables, batch)
        return {"probabilities": probabilities(outputs["logits"]), **outputs}

    spec = raw.batch_spec(experiment.inputs)
    return Task(
        name=experiment.system,
        init=init,
        updates=updates,
        evaluate=evaluate,
        predict=predict,
        receive=lambda batch: raw.receive(experiment.inputs, batch),
        batch_spec=spec,
        targets=streams(spec),
        optimizers=optimizers,
        summarize=summarize,
        headline=("loss", "balanced_accuracy", "unlabelled_entropy"),
        model=model,
        example=lambda rows: raw.example(experiment.inputs, rows),
        meaning={"class_names": list(names), "channel_names": list(experiment.inputs.channel_names)},
        warnings=lambda split, values: collapse_warnings(values, experiment.collapse, len(names)),
    )


def streams(spec: Batch) -> Batch:
    """The streams beside the labelled source, each with entries of these shapes."""
    return dict.fromkeys(("target", "unlabelled"), labelled(spec))


def joined(*parts: Any) -> Any:
    """Rows of several streams, arrays or dicts of such, one after another."""
    return jax.tree.map(lambda *own: jnp.concatenate(own), *parts) if len(parts) > 1 else parts[0]


def stop_classifier(params: PyTree) -> PyTree:
    """The parameters with those of the classifier held constant."""
    return {**params, "classifier": jax.lax.stop_gradient(params["classifier"])}
