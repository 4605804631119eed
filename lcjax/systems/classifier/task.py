"""The Task every stamp classifier shares: a network over images and features that answers class logits.

The step also watches the network's health: the share of live units of every layer and, in evaluations, how much the answers
change when images or metadata are swapped between alerts. A branch that died shows as zeros, and the run warns.
"""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from lcjax.global_batch import rows_of
from lcjax.inference.raw_batch import received
from lcjax.losses import cross_entropy, entropy, entropy_regularised, label_weight
from lcjax.models.activity import live_fractions
from lcjax.systems.classifier.config import ClassifierExperiment
from lcjax.systems.classifier.metrics import class_metrics, dead_branch_warnings, summarize_classes, swap_rows
from lcjax.systems.classifier.surveys import check_survey
from lcjax.training.task import Task, Update
from lcjax.typing import Array, Axis, Metrics, PyTree


def classifier_task(
    experiment: ClassifierExperiment,
    model: nn.Module,
    prepare: Callable[[dict], dict[str, Array]],
    feature_names: tuple[str, ...],
    batch_spec: dict[str, Any],
    flops: Callable[[int], float],
) -> Task:
    """The Task of a classifier.

    Args:
      experiment: what it is to learn.
      model: called with what `prepare` gives, `row` and `weight`; answers `logits` and sows activations.
      prepare: batch -> `features` (B, F), F 0 for image-only networks, and the images under the name the model has for them.
      feature_names: of the F features.
      batch_spec: as in `Task`. flops: rows -> operations of a training step.
    """
    objective, names, surveys = experiment.objective, experiment.inputs.class_names, experiment.inputs.surveys

    def init(key: Array, batch: dict) -> PyTree:
        variables = model.init(key, prepare(batch))
        return {name: value for name, value in variables.items() if name != "intermediates"}

    def answer(variables: PyTree, ready: dict) -> tuple[dict, PyTree]:
        outputs, noted = model.apply(variables, ready, mutable=["intermediates"])
        return outputs, flat_notes(noted["intermediates"])

    def metrics(outputs: dict, batch: dict, noted: PyTree, axis: Axis = None) -> Metrics:
        logits, label, weight = outputs["logits"], batch["label"], row_weight(batch)
        rows = label_weight(label, weight)
        total, alive = jnp.sum(rows), jnp.sum(weight)
        losses = {"cross_entropy": cross_entropy(logits, label), "entropy": entropy(logits)}
        sums = {name: (jnp.sum(value * rows), total) for name, value in losses.items()}
        plain = sums["cross_entropy"][0] - objective.beta * sums["entropy"][0]
        for k, name in enumerate(names):
            own = rows * (label == k)
            sums[f"class_loss_{name}"] = (jnp.sum(losses["cross_entropy"] * own), jnp.sum(own))
        live = {f"live_{n}": (share * alive, alive) for n, share in live_fractions(noted, weight, axis).items()}
        return {"loss": (plain, total), **sums, **class_metrics(logits, label, rows, names), **live}

    def loss(
        params: PyTree, model_state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        weight = row_weight(batch)
        outputs, changed = model.apply(
            {"params": params, **model_state},
            {**prepare(batch), "row": rows_of(batch, weight.shape[0], axis), "weight": weight},
            deterministic=False,
            axis=axis,
            rngs={"dropout": key},
            mutable=["intermediates", "batch_stats"],
        )
        value = entropy_regularised(
            outputs["logits"], batch["label"], objective.beta, weight, objective.focal_gamma, axis
        )
        noted = flat_notes(changed.pop("intermediates"))
        return value, (metrics(outputs, batch, noted, axis), {**model_state, **changed})

    def evaluate(variables: PyTree, batch: dict, key: Array) -> Metrics:
        del key
        ready = prepare(batch)
        outputs, noted = answer(variables, ready)
        sums = metrics(outputs, batch, noted)
        swap = lambda x: swap_rows(x, row_weight(batch))
        others = {"image": with_images(ready, swap)}
        if feature_names:
            others["metadata"] = ready | {"features": swap(ready["features"])}
        for name, swapped in others.items():
            sums |= _effect(name, outputs, answer(variables, swapped)[0], batch)
        return sums

    def predict(variables: PyTree, batch: dict) -> dict[str, Array]:
        outputs = model.apply(variables, prepare(batch))
        return {"probabilities": jax.nn.softmax(outputs["logits"]), **outputs}

    def receive(batch: Mapping[str, Any]) -> dict[str, Any]:
        # Sky positions that the network needs and does not get are told of where its features are made.
        ready = received(batch_spec, _with_columns(batch, batch_spec), ("metadata",), ("ra", "dec"))
        check_survey(batch, surveys, batch_spec["stamps"].shape[1:3])
        return ready

    return Task(
        name=experiment.system,
        init=init,
        updates=(Update(loss),),
        evaluate=evaluate,
        predict=predict,
        receive=receive,
        batch_spec=batch_spec,
        summarize=summarize_classes,
        headline=("loss", "accuracy", "macro_f1"),
        flops=lambda rows, length: flops(rows),
        model=model,
        meaning={
            "class_names": list(names),
            "metadata_names": list(experiment.inputs.metadata_names),
            "surveys": list(surveys),
        },
        extras={
            "prepare": prepare,
            "answer": answer,
            "feature_names": lambda: feature_names,
            "class_names": lambda: names,
        },
        warnings=lambda split, values: dead_branch_warnings(values, experiment.health),
    )


def _with_columns(batch: Mapping[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """The batch with the `metadata` that networks without any still are given: no columns."""
    if spec["metadata"].shape[1] or "metadata" in batch or "stamps" not in batch:
        return dict(batch)
    return {**batch, "metadata": np.zeros((len(batch["stamps"]), 0), np.float32)}


def row_weight(batch: dict) -> Array:
    """Weight of every row, (B,): 1 where the batch has none."""
    weight = batch.get("weight")
    return jnp.ones(batch["stamps"].shape[0], jnp.float32) if weight is None else weight


def with_images(ready: dict[str, Array], change: Callable[[Array], Array]) -> dict[str, Array]:
    """A prepared batch with its images changed, whatever the model calls them; `features` stay."""
    return {name: value if name == "features" else change(value) for name, value in ready.items()}


def flat_notes(noted: PyTree) -> dict[str, Any]:
    """Sown activations of a module and its parts under one name each: those of `trunk_2` become `<name>_level_2_out`.

    >>> flat_notes({"dense_1_out": (1,), "trunk": {"conv_1_out": (2,)}, "trunk_0": {"conv_1_out": (3,)}})
    {'dense_1_out': (1,), 'conv_1_out': (2,), 'conv_1_level_0_out': (3,)}
    """
    flat: dict[str, Any] = {}
    for name, value in noted.items():
        if not isinstance(value, dict):
            flat[name] = value
            continue
        level = name.removeprefix("trunk").removeprefix("_")
        for inner, activation in value.items():
            flat[inner.removesuffix("_out") + (f"_level_{level}" if level else "") + "_out"] = activation
    return flat


def _effect(name: str, outputs: dict, swapped: dict, batch: dict) -> Metrics:
    """How much the answers depend on an input: mean total variation, and accuracy with another alert's input."""
    weight = row_weight(batch)
    weight = weight * (jnp.sum(weight > 0) > 1)  # one alert has nobody to swap with
    change = 0.5 * jnp.sum(jnp.abs(jax.nn.softmax(outputs["logits"]) - jax.nn.softmax(swapped["logits"])), axis=-1)
    rows = label_weight(batch["label"], weight)
    right = (jnp.argmax(swapped["logits"], axis=-1) == batch["label"]).astype(jnp.float32)
    return {
        f"{name}_effect": (jnp.sum(change * weight), jnp.sum(weight)),
        f"accuracy_{name}_swapped": (jnp.sum(right * rows), jnp.sum(rows)),
    }
