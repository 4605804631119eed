"""An encoder of light curves (an Astromer, lcjax-base, any with `Task.encode`) as the base network of adaptation."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from lcjax.errors import ConfigError
from lcjax.global_batch import rows_of
from lcjax.inference.curve_classes import star_probabilities, window_scores
from lcjax.models.heads import pool_mean
from lcjax.systems.domain_adaptation.config import CurveAdaptationExperiment
from lcjax.systems.domain_adaptation.task import build_task as build_pair_task
from lcjax.systems.domain_pairs.task import Network, build_model, streams
from lcjax.systems.encoder_origin import encoder_task
from lcjax.systems.masked_pretraining.raw_curves import answer_curves
from lcjax.systems.masked_pretraining.task import on_windows
from lcjax.training.task import Task, Update
from lcjax.typing import Array, Axis, PyTree

SERIES = ("time", "magnitude", "magnitude_error", "mask")
POOLING = "log_probabilities"
"""Of the windows of a star."""


class CurveNetwork(Network):
    """Windows of light curves to feature vectors: the mean of the encoder's last layer, then dense layers."""

    def __init__(self, experiment: CurveAdaptationExperiment, encoder: Task) -> None:
        """Of an experiment."""
        super().__init__(build_model(experiment), experiment)
        self.encoder, self.trained = encoder, experiment.train_encoder
        self.trunk = "^encoder/" if self.trained else ""

    def images(self, part: Mapping[str, Any]) -> dict[str, Array]:
        """The windows of a stream."""
        return {name: part[name] for name in SERIES}

    def weight(self, part: Mapping[str, Any]) -> Array:
        """Weight of every row of a stream, (B,)."""
        weight = part.get("weight")
        return jnp.ones(part["mask"].shape[0], jnp.float32) if weight is None else weight

    def rows(self, part: Mapping[str, Any], stream: int, axis: Axis) -> Array:
        """Numbers of the rows of a stream, different from those of other streams."""
        return rows_of(dict(part), part["mask"].shape[0], axis) * 4 + stream

    def pooled(self, variables: PyTree, windows: dict, key: Array | None = None, axis: Axis = None) -> Array:
        """Mean of the encoder's last layer over the points of each window, (B, D) float32."""
        others = {name: value for name, value in variables.items() if name != "params"}
        own = {"params": variables["params"]["encoder"], **others}
        found = self.encoder.encode(own, windows, key, axis)  # type: ignore[misc]
        return pool_mean(found["layers"][-1].astype(jnp.float32), found["mask"])

    def init(self, key: Array, batch: dict) -> PyTree:
        """Random variables of encoder, dense layers and classifier."""
        own, heads = jax.random.split(key)
        variables = self.encoder.init(own, batch)
        whole = {**variables, "params": {"encoder": variables["params"]}}
        head = self.model.init(heads, {"image": self.pooled(whole, self.images(batch))})
        return {**whole, "params": {**whole["params"], **head["params"]}}

    def answer(self, variables: PyTree, batch: Mapping[str, Any]) -> dict[str, Array]:
        """`logits` (B, K), `embedding` (B, D) of windows."""
        vectors = self.pooled(variables, self.images(batch))
        return self.model.apply({"params": _head(variables["params"])}, {"image": vectors})

    def embed(
        self, params: PyTree, state: PyTree, images: Any, row: Array, key: Array, axis: Axis
    ) -> tuple[Array, PyTree]:
        """Feature vectors in training; the state stays."""
        own, heads = jax.random.split(key)
        variables = {"params": params, **state}
        vectors = self.pooled(variables, {**images, "row": row}, own if self.trained else None, axis)
        features = self.model.apply(
            {"params": _head(params)},
            {"image": vectors, "row": row},
            deterministic=False,
            axis=axis,
            rngs={"dropout": heads},
            method="embed",
        )
        return features, state


def _head(params: PyTree) -> PyTree:
    return {name: value for name, value in params.items() if name != "encoder"}


def build_task(experiment: CurveAdaptationExperiment) -> Task:
    """The Task of an experiment whose encoder and classes are set.

    Raises:
      ConfigError: they are not, the encoder cannot be one, or nothing would be learned between it and the classifier.
    """
    if not experiment.origin.system:
        raise ConfigError(
            "this is made from data of two surveys, and from an encoder: give --encoder or --architecture"
        )
    if experiment.network.norm:
        raise ConfigError("--network.norm is of networks of images: leave it out")
    encoder = encoder_task(experiment.origin, experiment.training.precision)
    network = CurveNetwork(experiment, encoder)
    task = build_pair_task(experiment, network)

    def windows(variables: PyTree, batch: Mapping[str, Any]) -> dict[str, Array]:
        def judged(cut: dict) -> dict[str, Array]:
            outputs = network.answer(variables, cut)
            return {"score": window_scores(outputs["logits"], POOLING), "embedding": outputs["embedding"]}

        return answer_curves(judged, dict(batch), experiment.window, encoder.full_length)

    def predict(variables: PyTree, batch: Mapping[str, Any]) -> dict[str, Array]:
        found = windows(variables, batch)
        probabilities = star_probabilities(found["score"], POOLING)
        return {"probabilities": probabilities, "logits": found["score"], "embedding": found["embedding"]}

    frozen = "" if experiment.train_encoder else "^(?!encoder/)"
    names = list(experiment.inputs.class_names)
    task = dataclasses.replace(
        task,
        predict=predict,
        updates=tuple(Update(update.loss, frozen) for update in task.updates),
        sharding_rules=encoder.sharding_rules,
        full_length=encoder.full_length,
        packing=encoder.packing,
        extras={"windows": windows},
        **on_windows(experiment.window, {"class_names": names, "embedding": "vector that the classifier sees"}),
    )
    return dataclasses.replace(task, targets=streams(task.batch_spec))
