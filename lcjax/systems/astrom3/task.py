"""The Task: contrast between modalities, or classification with some or all of them."""

import functools
from collections.abc import Callable, Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from lcjax.configs import OptimizerConfig
from lcjax.errors import ConfigError
from lcjax.evaluation.classification import f1_score
from lcjax.global_batch import global_mean
from lcjax.inference.raw_batch import received
from lcjax.losses import cross_entropy, label_weight
from lcjax.losses.modality_pairs import pair_loss, pair_weights, retrieval_hits
from lcjax.models.astrom3_config import IMAGES
from lcjax.models.encoder_module import CurveModule
from lcjax.models.image_trunks import image_trunk
from lcjax.models.multimodal import build_multimodal, fused, pairs_of
from lcjax.systems.astrom3.config import AstroM3Experiment
from lcjax.systems.astrom3.curve_encoder import curve_task
from lcjax.systems.astrom3.image_encoder import encoder_of, images_of
from lcjax.systems.astrom3.network_inputs import batch_spec, network_inputs
from lcjax.training.plateau import moved, scale_by_plateau
from lcjax.training.task import Task, Update, WorkUnit
from lcjax.typing import Array, Axis, Batch, Metrics, PyTree

SCALES = "log_scale_"
"""Begins the parameters of the pairs."""


def build_task(experiment: AstroM3Experiment) -> Task:
    """The Task of an experiment.

    Raises:
      ConfigError: settings that do not fit each other.
    """
    config, inputs = experiment.model, experiment.inputs
    _check(experiment)
    model = build_multimodal(config, _others(experiment))
    learn = _contrast(experiment) if config.head == "contrastive" else _classify(experiment)

    def prepared(batch: Batch, key: Array | None = None, axis: Axis = None) -> dict:
        return network_inputs(batch, config, inputs, key, axis)

    def init(key: Array, batch: Batch) -> PyTree:
        return {"params": model.init(key, prepared(batch))["params"]}

    def loss(
        params: PyTree, model_state: PyTree, batch: Batch, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        crop, drop, samples = jax.random.split(key, 3)
        ready = prepared(batch, crop, axis)
        keys = {"dropout": drop, "samples": samples}

        def encoded(params: PyTree, some: dict) -> dict:
            return model.apply({"params": params}, some, deterministic=False, axis=axis, rngs=keys)

        outputs = by_rows(encoded, params, ready, experiment.objective.encoded_rows)
        value, metrics = learn(outputs, ready, batch, axis)
        return value, (metrics, model_state)

    def evaluate(variables: PyTree, batch: Batch, key: Array) -> Metrics:
        del key
        ready = prepared(batch)
        outputs = model.apply(variables, ready)
        _, metrics = learn(outputs, ready, batch, None)
        if config.head == "contrastive":
            pairs = pairs_of(config.modalities)
            weights = pair_weights({m: x["present"] for m, x in ready.items()}, row_weight(batch), pairs)
            hits, counts = retrieval_hits(outputs["embeddings"], outputs["scales"], weights, pairs)
            metrics["accuracy"] = (jnp.sum(hits * counts), jnp.sum(counts))
        return metrics

    def predict(variables: PyTree, batch: Batch) -> dict[str, Array]:
        ready = prepared(batch)
        outputs = model.apply(variables, ready)
        present = {name: arrays["present"] for name, arrays in ready.items()}
        if config.head == "classifier":
            return {"probabilities": jax.nn.softmax(outputs["logits"]), "embedding": outputs["features"]}
        # A modality that is missing has no embedding: zeros, and the flag says so.
        own = {f"embedding_{m}": jnp.where(present[m][:, None], e, 0.0) for m, e in outputs["embeddings"].items()}
        flags = {f"has_{m}": there.astype(jnp.float32) for m, there in present.items()}
        return {"embedding": fused(outputs["embeddings"], present, "avg"), **own, **flags}

    return Task(
        name=experiment.system,
        init=init,
        updates=(Update(loss, trained_part(experiment)),),
        evaluate=evaluate,
        predict=predict,
        receive=lambda batch: received(batch_spec(config, inputs), batch, ("spectrum", "metadata", *IMAGES)),
        batch_spec=batch_spec(config, inputs),
        optimizers=_optimizers(experiment),
        after_evaluation=_after_evaluation(experiment),
        summarize=_summarize,
        headline=("loss", "accuracy", "balanced_accuracy"),
        work=WorkUnit("objects", lambda batch: float((batch["weight"] > 0).sum())),
        model=model,
        meaning={
            "modalities": list(config.modalities),
            "class_names": list(inputs.class_names),
            "metadata_names": list(inputs.data_columns),
            **{f"{name}_channels": list(image.channel_names) for name, image in images_of(experiment).items()},
            "light_curve": "a crop from the middle, normalised as lcjax data prepare does it; flux_mean, where it is asked for, is the mean "
            "flux in the unit of the spread",
        },
        extras={"network_inputs": prepared},
    )


def row_weight(batch: Batch) -> Array:
    """Weight of every row, (B,): 1 where the batch has none."""
    return jnp.asarray(batch["weight"]) if "weight" in batch else jnp.ones(len(batch["metadata"]), jnp.float32)


def by_rows(encoded: Callable[[PyTree, dict], dict], params: PyTree, ready: dict, rows: int | None) -> dict:
    """What `encoded(params, ready)` gives, of `rows` rows at a time, of which the gradient makes all but the result again.

    Dropout is keyed by the row and a layer's table of sampled keys is one for all, so that the result is that of all rows at once.

    Args:
      ready: modality -> arrays with rows first. rows: at a time; None: all.
    """
    count = len(jax.tree.leaves(ready)[0])
    if rows is None or rows >= count:
        return encoded(params, ready)
    parts = -(-count // rows)
    each = -(-count // parts)

    def split(x: Array) -> Array:
        # Every part takes rows from everywhere: each device then holds its share of each part.
        x = jnp.concatenate([x, x[: each * parts - count]])
        return jnp.swapaxes(x.reshape(each, parts, *x.shape[1:]), 0, 1)

    found = jax.lax.map(functools.partial(jax.checkpoint(encoded), params), jax.tree.map(split, ready))
    join = lambda x: jnp.swapaxes(x, 0, 1).reshape(each * parts, *x.shape[2:])[:count]
    of_rows = {"embeddings", "projections", "logits", "features"}
    return {name: jax.tree.map(join if name in of_rows else lambda x: x[0], part) for name, part in found.items()}


def _others(experiment: AstroM3Experiment) -> dict[str, nn.Module]:
    """Encoders of the library in the place of the usual ones."""
    found: dict[str, nn.Module] = {
        name: image_trunk(image, frozen=encoder_of(experiment, name).frozen)
        for name, image in images_of(experiment).items()
    }
    if experiment.inputs.light_curves == "magnitudes":
        curves = curve_task(experiment)
        found["photometry"] = CurveModule(curves.encode, curves.init, experiment.curve_encoder.frozen)
    return found


def trained_part(experiment: AstroM3Experiment) -> str:
    """What `Update.trains` says: all parameters but those of frozen encoders."""
    frozen = [name for name in images_of(experiment) if encoder_of(experiment, name).frozen]
    frozen += ["photometry"] if experiment.curve_encoder.frozen else []
    return f"^(?!encoders_({'|'.join(frozen)})/)" if frozen else ""


def _check(experiment: AstroM3Experiment) -> None:
    config, inputs = experiment.model, experiment.inputs
    if config.head == "contrastive" and len(config.modalities) < 2:
        raise ConfigError(f"contrast needs two modalities and --model.modalities has {', '.join(config.modalities)}")
    if len(set(config.modalities)) < len(config.modalities):
        raise ConfigError(f"--model.modalities has a modality twice: {', '.join(config.modalities)}")
    if experiment.plateau.factor < 1 and experiment.optimizer.name != "adam_l2":
        raise ConfigError("--plateau.factor is for --optimizer.name adam_l2, as published: set it to 1 for others")
    if inputs.mean and len(inputs.mean) != len(inputs.photometry_columns) + len(inputs.metadata_columns):
        raise ConfigError(
            "--inputs.mean must have one number a column of --inputs.photometry-columns and metadata-columns"
        )


Learn = Callable[[dict, dict, Batch, Axis], tuple[Array, Metrics]]
"""(what the network answers, prepared batch, batch, axis) -> objective and metrics."""


def _contrast(experiment: AstroM3Experiment) -> Learn:
    pairs, objective = pairs_of(experiment.model.modalities), experiment.objective

    def learn(outputs: dict, ready: dict, batch: Batch, axis: Axis) -> tuple[Array, Metrics]:
        weight = row_weight(batch)
        weights = pair_weights({m: x["present"] for m, x in ready.items()}, weight, pairs)
        losses = {}
        for one, other in pairs:
            name = f"{one}_{other}"
            losses[name] = pair_loss(
                outputs["embeddings"][one],
                outputs["embeddings"][other],
                outputs["scales"][name],
                weights[name],
                objective.loss,
                objective.directions,
                outputs["biases"].get(name, 0.0),
                objective.chunk,
                axis,
            )
        total, count = sum(losses.values()), jnp.sum(weight)
        metrics = {"loss": (total * count, count)} | {f"loss_{n}": (v * count, count) for n, v in losses.items()}
        return total, metrics | {f"scale_{n}": (s * count, count) for n, s in outputs["scales"].items()}

    return learn


def _classify(experiment: AstroM3Experiment) -> Learn:
    names = experiment.inputs.class_names

    def learn(outputs: dict, ready: dict, batch: Batch, axis: Axis) -> tuple[Array, Metrics]:
        # An object without any of the classifier's modalities teaches nothing.
        there = jnp.stack([x["present"] for x in ready.values()]).any(axis=0)
        label, logits = batch["label"], outputs["logits"]
        rows = label_weight(label, row_weight(batch) * there)
        value, count = cross_entropy(logits, label), jnp.sum(rows)
        best = jnp.argmax(logits, axis=-1)
        right = (best == label) * rows
        sums: Metrics = {"loss": (jnp.sum(value * rows), count), "accuracy": (jnp.sum(right), count)}
        for k, name in enumerate(names):
            sums[f"recall_{name}"] = (jnp.sum(right * (label == k)), jnp.sum(rows * (label == k)))
            sums[f"precision_{name}"] = (jnp.sum(right * (label == k)), jnp.sum(rows * (best == k)))
        return global_mean(value, rows, axis), sums

    return learn


def _summarize(means: dict[str, float]) -> dict[str, float]:
    """Balanced accuracy and macro F1 in place of the rates of classes, over the classes that have objects."""
    recalls = {n.removeprefix("recall_"): v for n, v in means.items() if n.startswith("recall_") and v == v}
    kept = {n: v for n, v in means.items() if not n.startswith(("recall_", "precision_"))}
    if not recalls:
        return kept
    precisions = [means.get(f"precision_{n}", float("nan")) for n in recalls]
    return kept | {
        "balanced_accuracy": sum(recalls.values()) / len(recalls),
        "macro_f1": float(f1_score(list(recalls.values()), precisions).mean()),
    }


def _optimizers(
    experiment: AstroM3Experiment,
) -> Callable[[OptimizerConfig, int], optax.GradientTransformation] | None:
    plateau = experiment.plateau
    if plateau.factor == 1:
        return None

    def build(config: OptimizerConfig, steps: int) -> optax.GradientTransformation:
        del steps
        clip = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
        return optax.chain(
            *clip,
            optax.add_decayed_weights(config.weight_decay),
            optax.scale_by_adam(config.b1, config.b2, config.eps),
            scale_by_plateau(config.learning_rate, plateau.warmup, plateau.steps_per_pass or 1),
        )

    return build


def _after_evaluation(experiment: AstroM3Experiment) -> Callable[[PyTree, Mapping[str, float]], PyTree] | None:
    plateau, rate = experiment.plateau, experiment.optimizer.learning_rate
    if plateau.factor == 1:
        return None

    def move(state: PyTree, means: Mapping[str, float]) -> PyTree:
        return moved(state, means["loss"], rate, plateau.factor, plateau.patience, plateau.warmup)

    return move
