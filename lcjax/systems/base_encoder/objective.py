"""What lcjax-base is trained for: the parts of a star must be found, foretold and predicted from one another, simulated stars recognised."""

import jax
import jax.numpy as jnp

from lcjax.global_batch import global_mean, row_numbers, rows_of
from lcjax.losses import (
    contrastive_loss,
    distillation_loss,
    effective_rank,
    partner_found,
    r2_sums,
    recognition_loss,
    student_nll,
)
from lcjax.models.base_star import BaseStar
from lcjax.models.star_encoder import CENTRE, SURVEY_SCALARS
from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.systems.base_encoder.decoder_inputs import shown, some_points, star_inputs
from lcjax.systems.base_encoder.parts import first_part, grid_of, points_of, unpacked, views_of
from lcjax.transforms.masking import mask_for_pretraining
from lcjax.transforms.views import Views
from lcjax.typing import Array, Axis, Metrics, PyTree

PERIOD_FOUND = 0.02
"""log10, about 5 %."""


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
        self, params: PyTree, batch: dict, key: Array, training: bool, axis: Axis = None, teacher: PyTree | None = None
    ) -> tuple[Array, Metrics]:
        """The scalar that training descends, and metrics.

        Args:
          teacher: parameters of the slow copy of the encoder; None: nothing is distilled.
        """
        objective, contrast = self.experiment.objective, self.experiment.contrast
        part_key, drop_key, hide_key, point_key = jax.random.split(key, 4)
        first, one, two = self.parts(batch, part_key, axis)
        weight = batch.get("weight", jnp.ones(first.shape[0], jnp.float32))
        if training:
            one, two = (hidden_scalars(v, batch, jax.random.fold_in(hide_key, i), contrast.drop_scalars, axis)
                        for i, v in enumerate((one, two)))  # fmt: skip
        row = {"row": rows_of(batch, first.shape[0], axis)}
        points, seconds = points_of(batch), batch["mask"] & ~first
        inputs = [star_inputs(points, *part, self.experiment) | row for part in ((first, one), (seconds, two))]
        encode = lambda part, fold: self.model.apply(
            {"params": params},
            part,
            deterministic=not training,
            axis=axis,
            rngs={"dropout": jax.random.fold_in(drop_key, fold)},
            method="encode",
        )
        here, there = encode(inputs[0], 0), encode(inputs[1], 1)
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
        if teacher is not None:
            distilled = self.distilled(params, teacher, inputs, both, weight, axis)
            value = value + objective.distillation * distilled
            metrics["distillation"] = (distilled * total, total)
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

    def distilled(
        self, params: PyTree, teacher: PyTree, inputs: list[dict], both: tuple[Array, Array], weight: Array, axis: Axis
    ) -> Array:
        """Each part foretells what the teacher makes of the other: the mean of both ways."""
        teach = lambda part: self.model.apply({"params": {"encode_star": teacher}}, part, axis=axis, method="encode")
        taught = [jax.lax.stop_gradient(teach(part)["projection"]) for part in reversed(inputs)]
        foretell = lambda projection: self.model.apply({"params": params}, projection, method="foretell")
        ways = [distillation_loss(foretell(own), other, weight, axis) for own, other in zip(both, taught, strict=True)]
        return 0.5 * (ways[0] + ways[1])

    def recognition(
        self, params: PyTree, stars: dict, hide_key: Array, drop_key: Array, training: bool, axis: Axis
    ) -> tuple[Array, Metrics]:
        """Loss of simulated stars, the share whose class is found, and the share whose period is within 5 %."""
        label, period = stars["label"], stars["period"]
        row = {"row": row_numbers(label.shape[0], axis)}
        views = unpacked(stars["views"], grid_of(self.experiment))
        if training:
            views = hidden_scalars(views, row, hide_key, self.experiment.contrast.drop_scalars, axis)
        points = stars.get("points", {})
        inputs = star_inputs(points, points.get("mask"), views, self.experiment)
        outputs = self.model.apply(
            {"params": params},
            {**inputs, **row},
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
        inputs = star_inputs(points, visible, views, self.experiment)
        embedding = self.model.apply(variables, inputs, method="encode")["embedding"]
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
