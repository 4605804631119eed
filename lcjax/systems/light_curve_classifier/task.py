"""The Task of a classifier of light curves: encoder, head, cross entropy of the windows; stars are answered whole."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import ConfigError
from lcjax.global_batch import global_mean, rows_of
from lcjax.inference.curve_classes import star_probabilities, window_scores
from lcjax.losses import cross_entropy, label_weight
from lcjax.models.light_curve_heads import build_head, head_inputs, raw_inputs
from lcjax.systems.classifier.metrics import class_metrics, summarize_classes
from lcjax.systems.encoder_origin import encoder_task
from lcjax.systems.light_curve_classifier.config import LightCurveClassifierExperiment
from lcjax.systems.light_curve_classifier.encoder import joined, parted, trained_part
from lcjax.systems.masked_pretraining.raw_curves import answer_curves, receive
from lcjax.training.source import device_part
from lcjax.training.task import Task, Update
from lcjax.typing import Array, Axis, Metrics, PyTree

ENCODED, ENCODED_MASK = "encoded", "encoded_mask"
"""Entries of a batch whose windows a frozen encoder has seen: what the head reads, (B, layers, L, D) and (B, L)."""


def build_task(experiment: LightCurveClassifierExperiment) -> Task:
    """The Task of an experiment whose encoder and classes are set.

    Raises:
      ConfigError: they are not, or the encoder cannot be one.
    """
    names = experiment.class_names
    if len(names) < 2 or not experiment.origin.system:
        raise ConfigError(
            "a classifier of light curves is made from data with two classes or more, and from an encoder"
        )
    encoder = encoder_task(experiment.origin, experiment.training.precision)
    dtype = jnp.bfloat16 if experiment.training.precision == "bfloat16" else jnp.float32
    head = build_head(experiment.head, len(names), dtype)
    read = reader(experiment, encoder)
    part = trained_part(experiment, encoder)
    dropout, length = not experiment.frozen, experiment.window.length

    def init(key: Array, batch: dict) -> PyTree:
        own, heads = jax.random.split(key)
        if experiment.raw:
            return {"params": {"head": head.init(heads, read({}, batch))["params"]}}
        variables = encoder.init(own, batch)
        return joined(variables, head.init(heads, read(joined(variables, None), batch))["params"])

    def loss(
        params: PyTree, model_state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        own, heads = jax.random.split(key)
        inputs = read({"params": params, **model_state}, batch, own if dropout else None, axis)
        inputs["row"] = rows_of(batch, batch["label"].shape[0], axis)
        rngs = {"dropout": heads}
        logits = head.apply({"params": params["head"]}, inputs, deterministic=False, axis=axis, rngs=rngs)["logits"]
        rows, sums = _metrics(logits, batch, names)
        return global_mean(cross_entropy(logits, batch["label"]), rows, axis), (sums, model_state)

    def evaluate(variables: PyTree, batch: dict, key: Array) -> Metrics:
        del key
        return _metrics(answer(variables, batch)["logits"], batch, names)[1]

    def answer(variables: PyTree, batch: dict) -> dict[str, Array]:
        return head.apply({"params": variables["params"]["head"]}, read(variables, batch))

    def windows(variables: PyTree, batch: dict) -> dict[str, Array]:
        def network(cut: dict) -> dict[str, Array]:
            outputs = answer(variables, cut)
            return {"score": window_scores(outputs["logits"], experiment.pooling), "embedding": outputs["embedding"]}

        return answer_curves(network, batch, experiment.window, encoder.full_length)

    def predict(variables: PyTree, batch: dict) -> dict[str, Array]:
        found = windows(variables, batch)
        return {
            "probabilities": star_probabilities(found["score"], experiment.pooling),
            "embedding": found["embedding"].astype(jnp.float32),
        }

    return dataclasses.replace(
        encoder,
        name=experiment.system,
        init=init,
        updates=(Update(loss, part),),
        evaluate=evaluate,
        predict=predict,
        batch_spec=_spec(encoder, length),
        receive=receive,
        optimizers=None,
        sharding_rules=() if experiment.raw else encoder.sharding_rules,
        summarize=summarize_classes,
        warnings=lambda split, values: [],
        headline=("loss", "accuracy", "macro_f1"),
        flops=None,
        encode=None
        if experiment.raw
        else lambda v, batch, key=None, axis=None: encoder.encode(  # type: ignore[misc]
            parted(v)[0], batch, key, axis
        ),
        model=head,
        example=None if encoder.example is None else _shortened(encoder.example, length),
        meaning={
            **{name: text for name, text in encoder.meaning.items() if name != "band"},
            "class_names": list(names),
            "windows": dataclasses.asdict(experiment.window),
        },
        extras={"windows": windows, "answer": answer, "read": read},
    )


def _metrics(logits: Array, batch: dict, names: Sequence[str]) -> tuple[Array, Metrics]:
    """Weights of the rows, and sums of loss, accuracy, recalls and precisions."""
    rows = label_weight(batch["label"], batch.get("weight"))
    loss = (jnp.sum(cross_entropy(logits, batch["label"]) * rows), jnp.sum(rows))
    return rows, {"loss": loss, **class_metrics(logits, batch["label"], rows, names)}


def _spec(encoder: Task, length: int) -> dict[str, jax.ShapeDtypeStruct]:
    """The encoder's batch, with windows of another length; each of one band, whatever bands the encoder can tell apart."""
    shape = lambda spec: (2, length) if len(spec.shape) == 2 else (2,)
    specs = {name: spec for name, spec in encoder.batch_spec.items() if name != "band"}
    return {name: jax.ShapeDtypeStruct(shape(spec), spec.dtype) for name, spec in specs.items()}


def reader(experiment: LightCurveClassifierExperiment, encoder: Task) -> Callable[..., dict[str, Any]]:
    """(variables, batch, key, axis) -> what the head reads; by the encoder unless the batch holds it already."""

    def read(variables: PyTree, batch: dict, key: Array | None = None, axis: Axis = None) -> dict[str, Any]:
        if experiment.raw:
            return raw_inputs(experiment.head, batch)
        if ENCODED in batch:
            kept = batch[ENCODED]
            return {"layers": tuple(kept[:, i] for i in range(kept.shape[1])), "mask": batch[ENCODED_MASK]}
        if encoder.full_length:
            batch = _padded(batch, encoder.batch_spec["mask"].shape[1])
        encoded = encoder.encode(parted(variables)[0], batch, key, axis)  # type: ignore[misc]
        return head_inputs(experiment.head, encoded["layers"], encoded["mask"])

    return read


def frozen_encoder(
    experiment: LightCurveClassifierExperiment, encoder: PyTree
) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Windows -> the entries of a batch that stand for what the head reads of them; compiled when first called.

    Args:
      experiment: with its `origin`. encoder: variables of the encoder.
    """
    read = reader(experiment, encoder_task(experiment.origin, experiment.training.precision))
    variables = joined(encoder, None)

    @jax.jit
    def run(batch: dict) -> dict[str, Array]:
        inputs = read(variables, batch)
        return {ENCODED: jnp.stack(inputs["layers"], axis=1), ENCODED_MASK: inputs["mask"]}

    return lambda batch: {name: np.asarray(value) for name, value in run(device_part(batch)).items()}


def _padded(batch: dict, length: int) -> dict:
    """Windows with as much padding as an encoder that attends to it has learned from."""
    short = length - batch["mask"].shape[1]
    wide = lambda x: jnp.pad(x, ((0, 0), (0, short))) if jnp.ndim(x) == 2 and x.shape == batch["mask"].shape else x
    return {name: wide(value) for name, value in batch.items()} if short > 0 else batch


def _shortened(example: Callable[[int], dict], length: int) -> Callable[[int], dict]:
    """Made-up windows of at most so many points."""

    def made(rows: int) -> dict:
        whole = {name: value for name, value in example(rows).items() if name != "band"}
        batch = {name: value[:, :length] if value.ndim == 2 else value for name, value in whole.items()}
        return batch | ({"length": batch["mask"].sum(1).astype(batch["length"].dtype)} if "length" in batch else {})

    return made
