"""Base training, fine-tuning, S+T, ENT and MME (Saito et al. 2019, arXiv 1904.06487) as one Task with one or two updates a step.

The first stream of a batch lies at its top, the others are `target` and `unlabelled`.
"""

from typing import Any

import jax.numpy as jnp
import optax

from lcjax.configs import OptimizerConfig
from lcjax.global_batch import global_mean
from lcjax.losses.domain_adaptation import negative_entropy, reverse_gradient
from lcjax.systems.domain_adaptation.config import STREAMS, AdaptationExperiment, SgdConfig
from lcjax.systems.domain_pairs.inputs import has_stream, row_weight
from lcjax.systems.domain_pairs.metrics import unlabelled_answers
from lcjax.systems.domain_pairs.task import (
    LabelledRows,
    Network,
    build_model,
    classifier_answer,
    classifier_init,
    joined,
    pair_task,
)
from lcjax.training.optimizers import rate_groups
from lcjax.training.task import Task, Update
from lcjax.typing import Array, Axis, Metrics, PyTree


def sgd(settings: SgdConfig, learning_rate: float, updates_per_step: int) -> optax.GradientTransformation:
    """L2 added to the gradient, Nesterov momentum, inverse decay by steps; one state for all updates of a step."""
    rate = lambda count: -learning_rate * (1 + settings.decay * (count // updates_per_step)) ** -settings.power
    whole = optax.chain(
        optax.add_decayed_weights(settings.weight_decay),
        optax.trace(settings.momentum, nesterov=True),
        optax.scale_by_schedule(rate),
    )
    return rate_groups(whole, {"^features/trunk": settings.trunk_factor})


def build_task(experiment: AdaptationExperiment) -> Task:
    """The Task of a method."""
    model = build_model(experiment)
    network, objective = Network(model, experiment), experiment.objective
    streams = STREAMS[objective.method]

    def labelled(
        params: PyTree, state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        """Cross entropy of the first stream and of shots beside it, mean over all rows."""
        parts = [batch, batch["target"]] if has_stream(batch, "target") else [batch]
        images = joined(*(network.images(part) for part in parts))
        row = joined(*(network.rows(part, i, axis) for i, part in enumerate(parts)))
        label = joined(*(part["label"] for part in parts))
        weight = joined(*(row_weight(part) for part in parts))
        return network.labelled_loss(params, state, LabelledRows(images, row, label, weight), key, axis)

    def entropy(
        params: PyTree, state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        """Lambda sum p log p, which the classifier descends; features see it reversed. ENT: the entropy itself."""
        part = batch["unlabelled"]
        features, state = network.embed(params, state, network.images(part), network.rows(part, 2, axis), key, axis)
        minimax = objective.method == "mme"
        logits = network.classify(params, reverse_gradient(features, objective.reversal) if minimax else features)
        weight = row_weight(part)
        value = objective.weight * global_mean(negative_entropy(logits, objective.epsilon), weight, axis)
        metrics = unlabelled_answers(logits, weight)
        total = jnp.sum(weight)
        return value if minimax else -value, (metrics | {"entropy_loss": (value * total, total)}, state)

    updates = [Update(labelled)]
    if "unlabelled" in streams:
        updates.append(Update(entropy))

    def optimizers(config: OptimizerConfig, steps: int) -> Any:
        del steps
        return sgd(experiment.sgd, config.learning_rate, len(updates))

    return pair_task(
        experiment,
        tuple(updates),
        optimizers if experiment.nesterov else None,
        classifier_init(model, experiment),
        classifier_answer(model, experiment),
        model,
    )
