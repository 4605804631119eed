"""Vote fractions of galaxies: scaling, augmentation and loss inside the jitted step."""

import jax
import jax.numpy as jnp

from lcjax.global_batch import rows_of
from lcjax.losses.vote_fractions import vote_errors, vote_loss
from lcjax.models.deep_clash import DeepClash, deep_clash_flops
from lcjax.systems.deep_clash.config import TOLERANCE, DeepClashExperiment
from lcjax.training.task import Task, Update, WorkUnit, count_rows
from lcjax.transforms.galaxy_stamps import prepare_galaxies, random_views
from lcjax.typing import Array, Axis, Metrics, PyTree


def votes_of(batch: dict, classes: int, by_class: bool) -> tuple[Array, Array]:
    """Fractions (B, K), and the weight of each row (B,): 0 where no votes are known, or numbers are no fractions."""
    weight = batch.get("weight")
    weight = jnp.ones(len(batch["image"]), jnp.float32) if weight is None else weight
    if by_class:
        return jax.nn.one_hot(batch["label"], classes), weight * (batch["label"] >= 0)
    votes = batch["target"]
    fit = (votes >= -TOLERANCE).all(-1) & (jnp.abs(jnp.sum(votes, -1) - 1) <= TOLERANCE)  # of NaN neither is true
    return jnp.where(fit[:, None], jnp.nan_to_num(votes), 1.0 / classes), weight * fit


def build_task(experiment: DeepClashExperiment) -> Task:
    """The Task of a Deep-CLASH experiment."""
    config, image, objective = experiment.model, experiment.image, experiment.objective
    dtype = jnp.bfloat16 if experiment.training.precision == "bfloat16" else jnp.float32
    model, by_class = DeepClash(config, dtype), objective.votes == "classes"

    def stamps(batch: dict) -> Array:
        return prepare_galaxies(
            batch["image"], config.side, image.channels, image.stretch, image.softening, image.eight_bit
        )

    def init(key: Array, batch: dict) -> PyTree:
        variables = model.init(key, {"stamps": stamps(batch)})
        return {"params": variables["params"], "batch_stats": variables["batch_stats"]}

    def loss(
        params: PyTree, model_state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        view_key, dropout_key = jax.random.split(key)
        votes, weight = votes_of(batch, config.num_classes, by_class)
        seen = stamps(batch)
        row = rows_of(batch, len(seen), axis)
        if objective.augment:
            seen = random_views(seen, view_key, row, objective.degrees, objective.shift)
        outputs, changed = model.apply(
            {"params": params, **model_state},
            {"stamps": seen, "row": row},
            deterministic=False,
            axis=axis,
            rngs={"dropout": dropout_key},
            mutable=["batch_stats"],
        )
        value = vote_loss(jax.nn.softmax(outputs["logits"]), votes, weight, axis)
        count = jnp.sum(weight)
        return value, ({"loss": (value * count, count)}, {**model_state, **changed})

    def evaluate(variables: PyTree, batch: dict, key: Array) -> Metrics:
        del key
        probabilities = predict(variables, batch)["votes"]
        votes, weight = votes_of(batch, config.num_classes, by_class)
        errors, count = vote_errors(probabilities, votes), jnp.sum(weight)
        squared = jnp.mean(jnp.square(probabilities - votes), axis=-1)
        right = jnp.argmax(probabilities, -1) == jnp.argmax(votes, -1)
        given = batch.get("weight", jnp.ones_like(weight))
        return {
            "loss": (jnp.sum(errors * weight), count),
            "mean_square": (jnp.sum(squared * weight), count),
            "accuracy": (jnp.sum(right * weight), count),
            "unfit": (jnp.sum(given - weight), jnp.sum(given)),
        }

    def predict(variables: PyTree, batch: dict) -> dict[str, Array]:
        outputs = model.apply(variables, {"stamps": stamps(batch)})
        return {"votes": jax.nn.softmax(outputs["logits"]), "embedding": outputs["embedding"]}

    spec = {"image": jax.ShapeDtypeStruct((2, config.side, config.side, 1), jnp.float32)}
    targets = {"target": jax.ShapeDtypeStruct((2, config.num_classes), jnp.float32)}
    return Task(
        name=experiment.system,
        init=init,
        updates=(Update(loss),),
        evaluate=evaluate,
        predict=predict,
        batch_spec=spec,
        targets=targets,
        summarize=_summarised,
        warnings=_warnings,
        headline=("loss", "pooled_rmse", "accuracy"),
        work=WorkUnit("images", count_rows),
        flops=lambda rows, length: deep_clash_flops(config, rows),
        model=model,
        meaning={"votes": list(objective.names), "image": "any numbers, one band; missing pixels NaN"},
    )


def _summarised(means: dict[str, float]) -> dict[str, float]:
    """The pooled RMSE from the mean square."""
    found = dict(means)
    if "mean_square" in found:
        found["pooled_rmse"] = found.pop("mean_square") ** 0.5
    return found


def _warnings(split: str, values: dict[str, float]) -> list[str]:
    share = values.get("unfit", 0.0)
    if share <= 0:
        return []
    return [
        f"{share:.1%} of the images of {split} have no votes, or fractions that do not sum to 1: they count for nothing"
    ]
