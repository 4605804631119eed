"""Base training, fine-tuning, S+T, ENT and MME (Saito et al. 2019, arXiv 1904.06487) as one Task with one or two updates a step.

The first stream of a batch lies at its top, the others are `target` and `unlabelled`.
"""

import jax.numpy as jnp
import optax

from lcjax.configs import OptimizerConfig
from lcjax.global_batch import global_mean
from lcjax.losses.domain_adaptation import negative_entropy, reverse_gradient
from lcjax.systems.domain_adaptation.config import STREAMS, TRAINED_TRUNK, AdaptationExperiment, SgdConfig
from lcjax.systems.domain_pairs.inputs import has_stream
from lcjax.systems.domain_pairs.metrics import unlabelled_answers
from lcjax.systems.domain_pairs.task import (
    LabelledRows,
    Network,
    build_model,
    joined,
    pair_task,
)
from lcjax.training.optimizers import rate_groups
from lcjax.training.task import Task, Update
from lcjax.typing import Array, Axis, Metrics, PyTree


def sgd(
    settings: SgdConfig, learning_rate: float, updates_per_step: int, trunk: str = "^features/trunk"
) -> optax.GradientTransformation:
    """L2 added to the gradient, Nesterov momentum, inverse decay by steps; one state for all updates of a step.

    Args:
      trunk: of parameter paths, whose rate is `trunk_factor` times the rate; "": there is none.
    """
    rate = lambda count: -learning_rate * (1 + settings.decay * (count // updates_per_step)) ** -settings.power
    whole = optax.chain(
        optax.add_decayed_weights(settings.weight_decay),
        optax.trace(settings.momentum, nesterov=True),
        optax.scale_by_schedule(rate),
    )
    factor = TRAINED_TRUNK if settings.trunk_factor is None else settings.trunk_factor
    return rate_groups(whole, {trunk: factor}) if trunk else whole


def build_task(experiment: AdaptationExperiment, network: Network | None = None) -> Task:
    """The Task of a method; `network`: another than that of images."""
    network = network or Network(build_model(experiment), experiment)
    objective = experiment.objective
    streams = STREAMS[objective.method]

    def labelled(
        params: PyTree, state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        """Cross entropy of the first stream and of shots beside it, mean over all rows."""
        parts = [batch, batch["target"]] if has_stream(batch, "target") else [batch]
        images = joined(*(network.images(part) for part in parts))
        row = joined(*(network.rows(part, i, axis) for i, part in enumerate(parts)))
        label = joined(*(part["label"] for part in parts))
        weight = joined(*(network.weight(part) for part in parts))
        return network.labelled_loss(params, state, LabelledRows(images, row, label, weight), key, axis)

    def entropy(
        params: PyTree, state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        """Lambda sum p log p, which the classifier descends; features see it reversed. ENT: the entropy itself."""
        part = batch["unlabelled"]
        features, state = network.embed(params, state, network.images(part), network.rows(part, 2, axis), key, axis)
        minimax = objective.method == "mme"
        logits = network.classify(params, reverse_gradient(features, objective.reversal) if minimax else features)
        weight = network.weight(part)
        value = objective.weight * global_mean(negative_entropy(logits, objective.epsilon), weight, axis)
        metrics = unlabelled_answers(logits, weight)
        total = jnp.sum(weight)
        return value if minimax else -value, (metrics | {"entropy_loss": (value * total, total)}, state)

    updates = [Update(labelled)]
    if "unlabelled" in streams:
        updates.append(Update(entropy))

    def optimizers(config: OptimizerConfig, steps: int) -> optax.GradientTransformation:
        del steps
        return sgd(experiment.sgd, config.learning_rate, len(updates), network.trunk)

    return pair_task(
        experiment,
        tuple(updates),
        optimizers if experiment.nesterov else None,
        network.init,
        network.answer,
        network.model,
    )
