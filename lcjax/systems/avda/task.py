"""AVDA (arXiv 1909.11651): three updates a step, of the discriminator, of the encoder against it, and of the variational objective."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from lcjax.configs import OptimizerConfig
from lcjax.global_batch import global_mean, rows_of
from lcjax.losses import avda as terms
from lcjax.models.avda import Avda
from lcjax.systems.avda.config import AvdaExperiment, likelihood_of
from lcjax.systems.domain_pairs.inputs import batch_spec, has_stream, prepared, row_weight
from lcjax.systems.domain_pairs.metrics import scored, unlabelled_answers
from lcjax.systems.domain_pairs.task import build_model, joined, pair_task
from lcjax.training.task import Task, Update
from lcjax.typing import Array, Axis, Metrics, PyTree

_ENCODER, _DISCRIMINATOR, _VARIATIONAL = (
    "^encoder/",
    "^discriminator/",
    "^(encoder|decoder_source|decoder_target|prior)/",
)


class Latents:
    """The model as the updates call it: streams in, latents with noise out."""

    def __init__(self, model: Avda, experiment: AvdaExperiment) -> None:
        """Of an experiment."""
        self.model, self.inputs = model, experiment.inputs

    def of(
        self, params: PyTree, state: PyTree, parts: list[dict], key: Array, axis: Axis
    ) -> tuple[list[tuple[Array, Array, Array, Array]], PyTree]:
        """(images, mean, log variance, z) of every stream, and the state with moved batch statistics."""
        images = [prepared(part, self.inputs) for part in parts]
        rows = [rows_of(part, len(x), axis) * 4 + i for i, (part, x) in enumerate(zip(parts, images, strict=True))]
        row = joined(*rows)
        noise_key, drop_key = jax.random.split(key)
        (mean, log_variance), changed = self.model.apply(
            {"params": params, **{k: v for k, v in state.items() if k == "batch_stats"}},
            {"image": joined(*images), "row": row},
            deterministic=False,
            axis=axis,
            rngs={"dropout": drop_key},
            mutable=["batch_stats"],
            method="encode",
        )
        draw = lambda r: jax.random.normal(jax.random.fold_in(noise_key, r), mean.shape[1:])
        z = terms.sample_latent(mean, log_variance, jax.vmap(draw)(row))
        ends = [sum(len(x) for x in images[: i + 1]) for i in range(len(images) - 1)]
        split = zip(images, *(jnp.split(v, ends) for v in (mean, log_variance, z)), strict=True)
        return list(split), {**state, **changed}

    def ask(self, params: PyTree, method: str, *arguments: Array) -> Any:
        """A part of the model without randomness."""
        return self.model.apply({"params": params}, *arguments, method=method)


def streams_of(batch: dict) -> list[dict]:
    """Source, shots (if there are any) and unlabelled images of the target."""
    return [batch, *(batch[name] for name in ("target", "unlabelled") if has_stream(batch, name))]


def build_task(experiment: AvdaExperiment) -> Task:
    """The Task."""
    classes = build_model(experiment).num_classes  # checks them
    shape = jax.eval_shape(lambda b: prepared(b, experiment.inputs), batch_spec(experiment.inputs)).shape[1:]
    model = Avda(experiment.network, experiment.latent, classes, shape)
    latents, objective, names = Latents(model, experiment), experiment.objective, experiment.inputs.class_names
    bernoulli = likelihood_of(experiment) == "bernoulli"
    likelihood = terms.bernoulli_reconstruction if bernoulli else terms.gaussian_reconstruction
    share = 1 / math.prod(shape) if objective.per == "pixel" else 1.0
    missed = lambda x, decoded: share * likelihood(x, decoded)

    def adapting(state: PyTree) -> Array:
        return (state["progress"]["steps"] >= objective.pretraining_steps).astype(jnp.float32)

    def domains(
        params: PyTree, state: PyTree, batch: dict, key: Array, axis: Axis
    ) -> tuple[Array, Array, Array, Array]:
        """Latents of source and of target images, and their weights."""
        parts = streams_of(batch)
        (source, *target), _ = latents.of(params, state, parts, key, axis)
        weights = joined(*(row_weight(part) for part in parts[1:]))
        return source[3], joined(*(own[3] for own in target)), row_weight(batch), weights

    def discriminate(
        params: PyTree, state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        source, target, of_source, of_target = domains(params, state, batch, key, axis)
        logits = [latents.ask(params, "discriminate", jax.lax.stop_gradient(z)) for z in (source, target)]
        losses = terms.discriminator_losses(*logits)
        value = global_mean(losses[0], of_source, axis) + global_mean(losses[1], of_target, axis)
        total = jnp.sum(of_source)
        return adapting(state) * value, ({"discriminator_loss": (value * total, total)}, state)

    def align(
        params: PyTree, state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        _, target, _, weight = domains(params, state, batch, key, axis)
        logit = latents.ask(params, "discriminate", target)
        own = -terms.discriminator_losses(logit, logit)[1] if objective.saturating else jax.nn.softplus(-logit)
        value = global_mean(own, weight, axis)
        total = jnp.sum(weight)
        return objective.adversarial * adapting(state) * value, ({"alignment_loss": (value * total, total)}, state)

    def variational(
        params: PyTree, state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        parts = streams_of(batch)
        found, state = latents.of(params, state, parts, key, axis)
        log_prior, mean, log_variance = latents.ask(params, "classes")
        weights, on = [row_weight(part) for part in parts], adapting(state)
        rebuilt = [missed(x, latents.ask(params, "decode", z, i > 0)) for i, (x, _, _, z) in enumerate(found)]
        answers = [terms.log_responsibilities(z, log_prior, mean, log_variance) for _, _, _, z in found]
        apart = [terms.latent_divergences(m, v, mean, log_variance) for _, m, v, _ in found]

        def labelled(i: int, alpha: float) -> Array:
            label = parts[i]["label"]
            known = weights[i] * (label >= 0)
            own = terms.chosen(apart[i] - log_prior - alpha * answers[i], label)
            return global_mean(objective.reconstruction * rebuilt[i] + own, known, axis)

        own = terms.expected_divergence(answers[-1], apart[-1]) + terms.class_divergence(answers[-1], log_prior)
        pixels = [objective.reconstruction * global_mean(r, w, axis) for r, w in zip(rebuilt, weights, strict=True)]
        rest = pixels[-1] + on * global_mean(own, weights[-1], axis)
        value = objective.gamma * labelled(0, objective.alpha_source) + (1 - objective.gamma) * rest
        if len(parts) > 2:
            shots = on * labelled(1, objective.alpha_target) + (1 - on) * pixels[1]
            value = value + objective.gamma * shots
        total = jnp.sum(weights[0])
        metrics = {"variational": (value * total, total), "rebuilt": (pixels[-1] * total, total)}
        metrics |= scored(answers[0], batch["label"], weights[0], names) | unlabelled_answers(answers[-1], weights[-1])
        return value, (metrics, {**state, "progress": {"steps": state["progress"]["steps"] + 1}})

    def init(key: Array, batch: dict) -> PyTree:
        variables = model.init(key, {"image": prepared(batch, experiment.inputs)})
        return {**variables, "progress": {"steps": jnp.zeros((), jnp.int32)}}

    def answer(variables: PyTree, batch: Mapping[str, Any]) -> dict[str, Array]:
        known = {name: value for name, value in variables.items() if name != "progress"}
        return model.apply(known, {"image": prepared(batch, experiment.inputs)})

    def optimizers(config: OptimizerConfig, steps: int) -> dict[str, optax.GradientTransformation]:
        del steps
        adam = lambda: optax.adam(config.learning_rate, config.b1, config.b2, config.eps)
        return {"discriminator": adam(), "alignment": adam(), "variational": adam()}

    updates = (
        Update(discriminate, _DISCRIMINATOR, "discriminator"),
        Update(align, _ENCODER, "alignment"),
        Update(variational, _VARIATIONAL, "variational"),
    )
    return pair_task(experiment, updates, optimizers, init, answer, model)
