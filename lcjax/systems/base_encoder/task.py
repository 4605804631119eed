"""Training of lcjax-base: two parts of a star's points must be found to be of one star, and one must predict the other."""

from typing import Any

import jax
import jax.numpy as jnp

from lcjax.global_batch import global_mean, row_numbers, rows_of
from lcjax.losses import (
    contrastive_loss,
    effective_rank,
    partner_found,
    r2_sums,
    recognition_loss,
    student_nll,
)
from lcjax.models.base_star import BaseStar
from lcjax.models.star_encoder import CENTRE, SURVEY_SCALARS
from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.systems.base_encoder.decoder_inputs import shown, some_points
from lcjax.systems.base_encoder.parts import first_part, grid_of, points_of, unpacked, views_of
from lcjax.systems.masked_pretraining.raw_curves import answer_curves
from lcjax.systems.masked_pretraining.task import on_windows
from lcjax.training.task import Packing, Task, Update
from lcjax.transforms.masking import mask_for_pretraining
from lcjax.transforms.views import Views
from lcjax.typing import Array, Axis, Metrics, PyTree

PERIOD_FOUND = 0.02
"""log10, about 5 %."""
PACKING = Packing(ratio=2.0, shortest=64, points=4096)
"""Views take ten seconds to compile for each length, and half the time a star where eight stars are computed together."""


class Objective:
    """The loss of an experiment, its metrics, and what it predicts of hidden points; pure functions of their arguments."""

    def __init__(self, experiment: BaseEncoderExperiment, model: BaseStar) -> None:
        """Computes nothing."""
        self.experiment, self.model = experiment, model

    def parts(self, batch: dict, key: Array, axis: Axis) -> tuple[Array, Views, Views]:
        """(first (B, L) bool, views of the first part, of the second): prepared, or computed here."""
        if "first" in batch:
            grid = grid_of(self.experiment)
            return batch["first"], unpacked(batch["first_views"], grid), unpacked(batch["second_views"], grid)
        first = first_part(key, batch, self.experiment.contrast.shares, axis)
        views = views_of(self.experiment)
        points = points_of(batch)
        both = [views({**points, "visible": part}) for part in (first, batch["mask"] & ~first)]
        return first, *jax.lax.stop_gradient(tuple(both))

    def value(
        self, params: PyTree, batch: dict, key: Array, training: bool, axis: Axis = None
    ) -> tuple[Array, Metrics]:
        """The scalar that training descends, and metrics."""
        objective, contrast = self.experiment.objective, self.experiment.contrast
        part_key, drop_key, hide_key, point_key = jax.random.split(key, 4)
        first, one, two = self.parts(batch, part_key, axis)
        weight = batch.get("weight", jnp.ones(first.shape[0], jnp.float32))
        if training:
            one, two = (hidden_scalars(v, batch, jax.random.fold_in(hide_key, i), contrast.drop_scalars, axis)
                        for i, v in enumerate((one, two)))  # fmt: skip
        encode = lambda views, fold: self.model.apply(
            {"params": params},
            {"views": views, "row": rows_of(batch, first.shape[0], axis)},
            deterministic=not training,
            axis=axis,
            rngs={"dropout": jax.random.fold_in(drop_key, fold)},
            method="encode",
        )
        here, there = encode(one, 0), encode(two, 1)
        both = here["projection"], there["projection"]
        contrasted = contrastive_loss(*both, contrast.temperature, weight, contrast.within, axis)
        found = partner_found(*both, weight, axis)
        rank = effective_rank(here["embedding"], weight, axis)
        rows = min(objective.likelihood_rows, first.shape[0]) if training else first.shape[0]
        value = objective.contrast * contrasted
        total = jnp.sum(weight)
        metrics: Metrics = {
            "contrast": (contrasted * total, total),
            "partner_found": (jnp.sum(found * weight), total),
            "rank": (rank * total, total),
        }
        if rows:
            some = jax.tree.map(lambda x: x[:rows], (batch, first, one, here["embedding"], weight))
            likelihood, sums = self.likelihood(params, *some, point_key, axis)
            value = value + objective.likelihood * likelihood
            metrics |= sums
        if "simulated" in batch:
            keys = jax.random.fold_in(hide_key, 2), jax.random.fold_in(drop_key, 2)
            recognised, sums = self.recognition(params, batch["simulated"], *keys, training, axis)
            value = value + self.experiment.simulation.weight * recognised
            metrics |= sums
        return value, {"loss": (value * total, total), **metrics}

    def recognition(
        self, params: PyTree, stars: dict, hide_key: Array, drop_key: Array, training: bool, axis: Axis
    ) -> tuple[Array, Metrics]:
        """Loss of simulated stars, the share whose class is found, and the share whose period is within 5 %."""
        label, period = stars["label"], stars["period"]
        row = {"row": row_numbers(label.shape[0], axis)}
        views = unpacked(stars["views"], grid_of(self.experiment))
        if training:
            views = hidden_scalars(views, row, hide_key, self.experiment.contrast.drop_scalars, axis)
        outputs = self.model.apply(
            {"params": params},
            {"views": views, **row},
            deterministic=not training,
            axis=axis,
            rngs={"dropout": drop_key},
            method="recognise",
        )
        rows = jnp.ones(label.shape[0], jnp.float32)
        loss = recognition_loss(outputs["class_logits"], outputs["log_period"], label, period)
        right = jnp.argmax(outputs["class_logits"], axis=-1) == label
        known = jnp.isfinite(period) & (period > 0)
        near = jnp.abs(outputs["log_period"] - jnp.log10(jnp.where(known, period, 1.0))) < PERIOD_FOUND
        return global_mean(loss, rows, axis), {
            "recognition": (jnp.sum(loss), jnp.sum(rows)),
            "class_found": (jnp.sum(right.astype(jnp.float32)), jnp.sum(rows)),
            "period_found": (jnp.sum((near & known).astype(jnp.float32)), jnp.sum(known.astype(jnp.float32))),
        }

    def likelihood(
        self, params: PyTree, batch: dict, first: Array, views: Views, embedding: Array, weight: Array, key: Array,
        axis: Axis,
    ) -> tuple[Array, Metrics]:  # fmt: skip
        """Negative log-likelihood of the second part's points plus their squared error, in spreads of the first."""
        points, visible = some_points(batch, first, self.experiment.objective.likelihood_points, key, axis)
        probed = points["mask"] & ~visible
        seen = shown(points, visible, views, self.experiment)
        outputs = self.model.apply(
            {"params": params}, {**seen, "views": views, "embedding": embedding}, method="decode"
        )
        target = jnp.where(probed, (points["magnitude"] - seen["mean"]) / seen["scale"], 0.0)
        nll = student_nll(target, outputs["mean"], outputs["log_scale"], outputs["tails"], probed)
        # A point many spreads away is an outlier, and one of them must not be all that a batch is about.
        residual = jnp.where(probed, jnp.clip(target - outputs["mean"], -5.0, 5.0), 0.0)
        square = jnp.sum(residual**2, 1) / jnp.maximum(jnp.sum(probed, 1), 1)
        rows = weight * jnp.any(probed, axis=1) * jnp.any(visible, axis=1)
        squares = r2_sums(target, jnp.where(probed, outputs["mean"], 0.0), probed)
        to_magnitudes = rows * seen["scale"][:, 0] ** 2
        count = jnp.sum(jnp.sum(probed, 1) * rows)
        within = jnp.abs(target - outputs["mean"]) < jnp.exp(outputs["log_error"])
        return global_mean(nll + square, rows, axis), {
            "nll": (jnp.sum(nll * rows), jnp.sum(rows)),
            "squared_residual": (jnp.sum(squares[0] * to_magnitudes), count),
            "squared_deviation": (jnp.sum(squares[1] * to_magnitudes), count),
            "coverage": (jnp.sum(jnp.sum(probed & within, 1) * rows), count),
        }

    def reconstruct(self, variables: PyTree, batch: dict, key: Array) -> tuple[dict, dict]:
        """Hides points as `masking` says and predicts them: (prepared windows, outputs)."""
        masked = mask_for_pretraining(key, batch, self.experiment.masking.probed, 0.0, 0.0)
        probed, visible = masked["probed"], masked["visible"]
        outputs = self.predicted(variables, batch, visible)
        mean, scale = outputs.pop("centre"), outputs.pop("scale")
        target = jnp.where(batch["mask"], (batch["magnitude"] - mean) / scale, 0.0)
        ready = {
            "probed": probed,
            "visible": visible,
            "target": target,
            "magnitude_mean": mean,
            "magnitude_scale": scale,
        }
        return {**batch, **ready}, outputs

    def predicted(self, variables: PyTree, batch: dict, visible: Array) -> dict[str, Array]:
        """Every point from the visible ones, in their spreads: `reconstruction`, `log_variance` (B, L; twice the log of half
        the width of the central 68 %), `period_probability`, `period` (d), `centre` and `scale` (B, 1) in mag.
        """
        points = points_of(batch)
        views = views_of(self.experiment)({**points, "visible": visible})
        embedding = self.model.apply(variables, {"views": views}, method="encode")["embedding"]
        seen = shown(points, visible, views, self.experiment)
        outputs = self.model.apply(variables, {**seen, "views": views, "embedding": embedding}, method="decode")
        period = 1.0 / jnp.where(views.frequency > 0, views.frequency, jnp.inf)
        periods = jnp.stack([period, 2 * period], axis=-1).reshape(period.shape[0], -1)
        return {
            "reconstruction": outputs["mean"],
            "log_variance": 2 * outputs["log_error"],
            "period": periods,
            "period_probability": outputs["period_probability"],
            "embedding": embedding,
            "centre": seen["mean"],
            "scale": seen["scale"],
        }


def hidden_scalars(views: Views, batch: dict, key: Array, rate: float, axis: Axis) -> Views:
    """Some of the numbers that say more of the survey than of the star replaced by a typical value."""
    if rate == 0:
        return views
    rows = rows_of(batch, views.scalars.shape[0], axis)
    one = lambda row: jax.random.bernoulli(jax.random.fold_in(key, row), rate, (len(SURVEY_SCALARS),))
    drop = jax.vmap(one)(rows)
    own = views.scalars[:, SURVEY_SCALARS]
    usual = jnp.array(CENTRE)[jnp.array(SURVEY_SCALARS)]
    return views._replace(scalars=jnp.asarray(views.scalars).at[:, SURVEY_SCALARS].set(jnp.where(drop, usual, own)))


def summarize(means: dict[str, float]) -> dict[str, float]:
    """Turns mean squares into `r2` of hidden points.

    >>> summarize({"loss": 1.0, "squared_residual": 0.25, "squared_deviation": 1.0})
    {'loss': 1.0, 'r2': 0.75}
    """
    means = dict(means)
    if "squared_residual" in means:
        residual, deviation = means.pop("squared_residual"), means.pop("squared_deviation")
        means["r2"] = 1.0 - residual / deviation if deviation > 0 else float("nan")
    return means


def warnings(split: str, values: dict[str, float]) -> list[str]:
    """Says when embeddings collapse."""
    rank = values.get("rank", float("inf"))
    return [f"embeddings of the {split} split spread over {rank:.1f} directions only: they have collapsed"] * (rank < 2)


def build_task(experiment: BaseEncoderExperiment) -> Task:
    """The Task of lcjax-base."""
    classes = len(experiment.simulation.classes) if experiment.simulation.weight else 0
    model = BaseStar(experiment.model.encoder, experiment.model.decoder, classes)
    objective = Objective(experiment, model)

    def init(key: Array, batch: dict) -> PyTree:
        points = points_of(batch)
        if experiment.model.encoder.bands > 1:
            # Weights of the part that tells bands apart are made where there are some.
            points = {**points, "band": jnp.zeros(batch["mask"].shape, jnp.int32)}
        views = views_of(experiment)(points)
        seen = shown(points, batch["mask"], views, experiment)
        return {"params": model.init(key, {**seen, "views": views})["params"]}

    def loss(
        params: PyTree, model_state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        value, metrics = objective.value(params, batch, key, True, axis)
        return value, (metrics, model_state)

    def encode(variables: PyTree, batch: dict, key: Array | None = None, axis: Axis = None) -> dict[str, Any]:
        """One layer, the embedding of the window, the same at each of its points."""
        views = jax.lax.stop_gradient(views_of(experiment)(points_of(batch)))
        rngs = None if key is None else {"dropout": key}
        inputs = {"views": views, "row": rows_of(batch, batch["mask"].shape[0], axis)}
        found = model.apply(variables, inputs, deterministic=key is None, axis=axis, rngs=rngs, method="encode")
        length = batch["mask"].shape[1]
        layers = [jnp.repeat(found[name][:, None], length, axis=1) for name in ("trunk", "embedding")]
        return {"layers": tuple(layers), "mask": batch["mask"]}

    def predict(variables: PyTree, batch: dict) -> dict[str, Array]:
        def embed(windows: dict) -> dict[str, Array]:
            views = views_of(experiment)(points_of(windows))
            return {"embedding": model.apply(variables, {"views": views}, method="encode")["embedding"]}

        return answer_curves(embed, batch, experiment.window, False)

    return Task(
        name=experiment.system,
        init=init,
        updates=(Update(loss),),
        evaluate=lambda variables, batch, key: objective.value(variables["params"], batch, key, False)[1],
        predict=predict,
        encode=encode,
        summarize=summarize,
        warnings=warnings,
        headline=("loss", "partner_found", "r2"),
        model=model,
        packing=PACKING,
        extras={"reconstruct": objective.reconstruct, "predicted": objective.predicted},
        **on_windows(experiment.window),
    )
