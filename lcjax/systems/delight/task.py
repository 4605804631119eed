"""Host-galaxy identification with DELIGHT: the published offset, or a mixture of plausible hosts and `hostless`.

Batches hold stacks as `lcjax.transforms.delight_stack` makes them, with the level last; dividing every plane by its
maximum, turning and mirroring happen inside the jitted step. Rows without a host teach the mixture head when to say so and
count for nothing with the offset head, which has no such answer.
"""

import jax
import jax.numpy as jnp

from lcjax.errors import ConfigError
from lcjax.global_batch import global_mean, rows_of
from lcjax.losses.host_mixture import mixture_log_density, two_best_hosts
from lcjax.models.delight import VARIANTS, Delight
from lcjax.models.delight_config import DelightModelConfig
from lcjax.systems.delight.config import DelightExperiment
from lcjax.systems.delight.raw_fields import receive
from lcjax.training.task import Task, Update
from lcjax.transforms.delight import network_input, stack_side
from lcjax.transforms.dihedral import pick, random_symmetries, turn_vectors
from lcjax.typing import Array, Axis, Metrics, PyTree

EXPERIMENT = DelightExperiment
FAR = 20.0
"""Pixels (5 arcsec as published) beyond which an answer counts as a far miss in the log."""


def normalised_levels(stamps: Array) -> Array:
    """(B, S, S, L) stacks, axes (y, x, level) -> what the network takes, axes (x, y, level)."""
    return network_input(jnp.moveaxis(stamps, -1, -3))


def _row_weight(batch: dict) -> Array:
    weight = batch.get("weight")
    return jnp.ones(len(batch["stamps"]), jnp.float32) if weight is None else weight


def _targets(batch: dict) -> tuple[Array, Array]:
    """Offsets (B, 2) with zeros where there is no host, and which rows have none (B,) float32."""
    hostless = batch["hostless"].astype(jnp.float32)
    return jnp.where(hostless[:, None] > 0, 0.0, jnp.nan_to_num(batch["offset"])), hostless


def offset_errors(raw: Array, offset: Array, loss: str, delta: float) -> Array:
    """(B,) mean over variants and axes of the squared (or Huber) error, pixels squared.

    Args:
      raw: (B, V, n) answers to the variants. offset: (B, 2) in the image as the first variant sees it.
    """
    error = raw[..., :2] - turn_vectors(offset)[:, : raw.shape[1]]
    if loss == "huber":
        size = jnp.abs(error)
        error = jnp.where(size <= delta, jnp.square(error), delta * (2 * size - delta))
    else:
        error = jnp.square(error)
    return jnp.mean(error, axis=(1, 2))


def build_task(experiment: DelightExperiment) -> Task:
    """The Task of a DELIGHT experiment.

    Raises:
      ConfigError: planes of the network that are not those of the field.
    """
    config, objective = experiment.model, experiment.objective
    side = stack_side(experiment.image.image_size, experiment.image.levels)
    if (side, experiment.image.levels) != (config.side, config.levels):
        raise ConfigError(
            f"a field of {experiment.image.image_size} pixels gives {experiment.image.levels} planes of {side}, the model "
            f"takes {config.levels} of {config.side}: set --model.side and --model.levels to match"
        )
    dtype = jnp.bfloat16 if experiment.training.precision == "bfloat16" else jnp.float32
    model = Delight(config, dtype)
    trained = Delight(config, dtype, variants=objective.training_variants)
    mixture = config.head == "mixture"

    def init(key: Array, batch: dict) -> PyTree:
        return {"params": model.init(key, {"levels": normalised_levels(batch["stamps"])})["params"]}

    def terms(outputs: dict, batch: dict, offset: Array, hostless: Array) -> tuple[Array, Array]:
        """Position and decision, (B,) each."""
        if not mixture:
            raw = outputs["raw"].reshape(len(offset), -1, config.outputs)
            position = offset_errors(raw, offset, objective.loss, objective.huber_delta)
            if config.outputs > 2 and "host_radius" in batch:
                radius = batch["host_radius"][:, None] / experiment.image.pixel_scale
                position = position + jnp.mean(jnp.square(raw[..., 2] - radius), axis=1)
            return position, jnp.zeros_like(hostless)
        position = -mixture_log_density(offset, outputs["centres"], outputs["widths"], outputs["log_weights"])
        logit = outputs["hostless_logit"]
        decision = jax.nn.softplus(logit) - hostless * logit
        return position, decision

    def objective_of(
        outputs: dict, batch: dict, offset: Array, hostless: Array, axis: Axis = None
    ) -> tuple[Array, Metrics]:
        weight = _row_weight(batch)
        hosted = weight * (1 - hostless)
        position, decision = terms(outputs, batch, offset, hostless)
        loss = global_mean(position, hosted, axis) + objective.hostless_weight * global_mean(decision, weight, axis)
        total, count = jnp.sum(hosted), jnp.sum(weight)
        metrics = {"loss": (loss * count, count), "position_loss": (jnp.sum(position * hosted), total)}
        if mixture:
            metrics["hostless_loss"] = (jnp.sum(decision * weight), count)
        return loss, metrics

    def penalty(params: PyTree) -> Array:
        kernel = params["head"]["dense_1"]["kernel"]
        return objective.l1 * jnp.sum(jnp.abs(kernel)) + objective.l2 * jnp.sum(jnp.square(kernel))

    def loss(
        params: PyTree, model_state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        turn_key, dropout_key = jax.random.split(key)
        offset, hostless = _targets(batch)
        levels = normalised_levels(batch["stamps"])
        row = rows_of(batch, levels.shape[0], axis)
        if objective.training_variants < VARIANTS:
            symmetries = random_symmetries(turn_key, row)
            levels, offset = pick(levels, symmetries), turn_vectors(offset)[jnp.arange(len(row)), symmetries]
        inputs = {"levels": levels, "row": row}
        rngs = {"dropout": dropout_key}
        outputs = trained.apply({"params": params}, inputs, deterministic=False, axis=axis, rngs=rngs)
        value, metrics = objective_of(outputs, batch, offset, hostless, axis)
        return value + penalty(params), (metrics, model_state)

    def evaluate(variables: PyTree, batch: dict, key: Array) -> Metrics:
        del key
        outputs = model.apply(variables, {"levels": normalised_levels(batch["stamps"])})
        offset, hostless = _targets(batch)
        _, metrics = objective_of(outputs, batch, offset, hostless)
        answer = answers(outputs)
        weight = _row_weight(batch)
        hosted = weight * (1 - hostless)
        distance = jnp.sqrt(jnp.sum(jnp.square(answer["offset"] - offset), axis=-1))
        metrics["distance"] = (jnp.sum(distance * hosted), jnp.sum(hosted))
        metrics["far_misses"] = (jnp.sum((distance > FAR) * hosted), jnp.sum(hosted))
        if mixture:
            right = (answer["hostless_probability"] > 0.5) == (hostless > 0.5)
            metrics["hostless_accuracy"] = (jnp.sum(right * weight), jnp.sum(weight))
        return metrics

    def answers(outputs: dict) -> dict[str, Array]:
        if not mixture:
            return {name: outputs[name] for name in ("offset", "scatter", "offsets", "size") if name in outputs}
        return mixture_answers(outputs, objective.answer_radius)

    def predict(variables: PyTree, batch: dict) -> dict[str, Array]:
        return answers(model.apply(variables, {"levels": normalised_levels(batch["stamps"])}))

    spec = {"stamps": jax.ShapeDtypeStruct((2, config.side, config.side, config.levels), jnp.float32)}
    number = jax.ShapeDtypeStruct((2,), jnp.float32)
    targets = {"offset": jax.ShapeDtypeStruct((2, 2), jnp.float32), "hostless": number, "host_radius": number}
    return Task(
        name=experiment.system,
        init=init,
        updates=(Update(loss),),
        evaluate=evaluate,
        predict=predict,
        receive=lambda batch: receive(batch, spec, experiment.image),
        batch_spec=spec,
        targets=targets,
        flops=lambda rows, length: delight_train_flops(config, rows * objective.training_variants),
        headline=("loss", "distance", "hostless_accuracy"),
        model=model,
    )


def mixture_answers(outputs: dict, radius: float) -> dict[str, Array]:
    """What people ask of a mixture.

    Returns:
      `offset` (B, 2), the most probable host, and `second_offset` (B, 2), pixels; `probability`, `second_probability` (B,),
      that there is a host and it lies within `radius` pixels of there; `hostless_probability` (B,); `scatter` (B,), root
      mean square distance of the mixture from `offset`, pixels.
    """
    centres, widths, log_weights = (outputs[name] for name in ("centres", "widths", "log_weights"))
    found, held = two_best_hosts(centres, widths, log_weights, radius)
    hostless = jax.nn.sigmoid(outputs["hostless_logit"])
    squared = jnp.sum(jnp.square(centres - found[:, :1]), axis=-1) + 2 * jnp.square(widths)
    return {
        "offset": found[:, 0],
        "probability": (1 - hostless) * held[:, 0],
        "second_offset": found[:, 1],
        "second_probability": (1 - hostless) * held[:, 1],
        "hostless_probability": hostless,
        "scatter": jnp.sqrt(jnp.sum(jnp.exp(log_weights) * squared, axis=-1)),
    }


def delight_train_flops(config: DelightModelConfig, copies: int) -> float:
    """Operations of one training step over so many copies of stacks: products of convolutions and dense layers.

    >>> delight_train_flops(DelightModelConfig(), 8) / 3e9 < 1.0
    True
    """
    side, channels, total = config.side, 1, 0.0
    for number, filters in enumerate(config.filters):
        side = (side - 2) // (2 if number + 1 < len(config.filters) else 1)
        convolved = side * (2 if number + 1 < len(config.filters) else 1)
        total += 2.0 * convolved**2 * 9 * channels * filters
        channels = filters
    outputs = config.outputs if config.head == "offset" else 4 * config.components + 1
    dense = 2.0 * (config.levels * side**2 * channels * config.hidden + config.hidden * outputs)
    return 3.0 * copies * (config.levels * total + dense)
