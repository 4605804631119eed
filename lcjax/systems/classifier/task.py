"""The Task every stamp classifier shares: a network over (images, features) that answers class logits.

The step also watches the network's health: the share of live units of every layer and, in evaluations, how much the answers
change when images or metadata are swapped between alerts. A branch that died shows as zeros, and the run warns.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.losses import cross_entropy, entropy, entropy_regularised, label_weight
from lcjax.models.activity import live_fractions
from lcjax.systems.classifier.metrics import class_metrics, dead_branch_warnings, summarize_classes, swap_rows
from lcjax.training.task import Task
from lcjax.typing import Array, Metrics, PyTree


def classifier_task(
    experiment: Any,
    model: nn.Module,
    prepare: Callable[[dict], tuple[Array, Array]],
    feature_names: tuple[str, ...],
    batch_spec: dict[str, Any],
    flops: Callable[[int], float],
) -> Task:
    """The Task of a classifier.

    Args:
      experiment: with `system`, `inputs.class_names`, `objective` (`StampObjectiveConfig`) and `health` (`HealthConfig`).
      model: called with images, features, `train`, `row`, `weight`; answers `logits` and sows activations.
      prepare: batch -> images (B, ...) and features (B, F), F 0 for image-only networks.
      feature_names: of the F features.
      batch_spec: as in `Task`. flops: rows -> operations of a training step.
    """
    objective, names = experiment.objective, experiment.inputs.class_names

    def init(key: Array, batch: dict) -> PyTree:
        variables = model.init(key, *prepare(batch))
        return {name: value for name, value in variables.items() if name != "intermediates"}

    def answer(variables: PyTree, images: Array, features: Array, batch: dict) -> tuple[dict, PyTree]:
        outputs, noted = model.apply(variables, images, features, weight=row_weight(batch), mutable=["intermediates"])
        return outputs, flat_notes(noted["intermediates"])

    def metrics(outputs: dict, batch: dict, noted: PyTree) -> Metrics:
        logits, label, weight = outputs["logits"], batch["label"], row_weight(batch)
        rows = label_weight(label, weight)
        total, alive = jnp.sum(rows), jnp.sum(weight)
        losses = {"cross_entropy": cross_entropy(logits, label), "entropy": entropy(logits)}
        sums = {name: (jnp.sum(value * rows), total) for name, value in losses.items()}
        plain = sums["cross_entropy"][0] - objective.beta * sums["entropy"][0]
        for k, name in enumerate(names):
            own = rows * (label == k)
            sums[f"class_loss_{name}"] = (jnp.sum(losses["cross_entropy"] * own), jnp.sum(own))
        live = {f"live_{n}": (share * alive, alive) for n, share in live_fractions(noted, weight).items()}
        return {"loss": (plain, total), **sums, **class_metrics(logits, label, rows, names), **live}

    def loss(params: PyTree, model_state: PyTree, batch: dict, key: Array) -> tuple[Array, tuple[Metrics, PyTree]]:
        images, features = prepare(batch)
        outputs, changed = model.apply(
            {"params": params, **model_state},
            images,
            features,
            train=True,
            row=batch.get("row"),
            weight=row_weight(batch),
            rngs={"dropout": key},
            mutable=["intermediates", "batch_stats"],
        )
        value = entropy_regularised(
            outputs["logits"], batch["label"], objective.beta, row_weight(batch), objective.focal_gamma
        )
        noted = flat_notes(changed.pop("intermediates"))
        return value, (metrics(outputs, batch, noted), {**model_state, **changed})

    def evaluate(variables: PyTree, batch: dict, key: Array) -> Metrics:
        del key
        images, features = prepare(batch)
        outputs, noted = answer(variables, images, features, batch)
        sums = metrics(outputs, batch, noted)
        swap = lambda x: swap_rows(x, row_weight(batch))
        others = {"image": (swap(images), features)}
        if feature_names:
            others["metadata"] = (images, swap(features))
        for name, swapped in others.items():
            sums |= _effect(name, outputs, answer(variables, *swapped, batch)[0], batch)
        return sums

    def predict(variables: PyTree, batch: dict) -> dict[str, Array]:
        outputs = model.apply(variables, *prepare(batch))
        return {"probabilities": jax.nn.softmax(outputs["logits"]), **outputs}

    return Task(
        name=experiment.system,
        init=init,
        loss=loss,
        evaluate=evaluate,
        predict=predict,
        batch_spec=batch_spec,
        summarize=summarize_classes,
        flops=lambda rows, length: flops(rows),
        model=model,
        extras={
            "prepare": prepare,
            "answer": answer,
            "feature_names": lambda: feature_names,
            "class_names": lambda: names,
        },
        warnings=lambda split, values: dead_branch_warnings(values, experiment.health),
    )


def row_weight(batch: dict) -> Array:
    """Weight of every row, (B,): 1 where the batch has none."""
    weight = batch.get("weight")
    return jnp.ones(batch["stamps"].shape[0], jnp.float32) if weight is None else weight


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
