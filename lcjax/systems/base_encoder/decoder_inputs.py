"""What the networks are given of points: visible ones in their own units, times and phases of all."""

import jax.numpy as jnp

from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.systems.base_encoder.parts import grid_of, points_of
from lcjax.transforms.bands import band_centres
from lcjax.transforms.masking import draw_masks, row_keys
from lcjax.transforms.scaling import masked_mean
from lcjax.transforms.views import Views
from lcjax.typing import Array, Axis


def shown(batch: dict, visible: Array, views: Views, experiment: BaseEncoderExperiment) -> dict[str, Array]:
    """What the decoder is given: standardised visible points, times and phases of all, and what turns it back into mag."""
    seen = visible.astype(jnp.float32)
    count = jnp.maximum(jnp.sum(seen, 1, keepdims=True), 1.0)
    magnitude = jnp.where(visible, batch["magnitude"], 0.0)
    mean = jnp.sum(magnitude, 1, keepdims=True) / count
    if "band" in batch:
        # Of several bands every one about its own: colours are no variation.
        mean = band_centres(batch["magnitude"], visible, batch["band"], experiment.model.encoder.bands)
    spread = jnp.sqrt(jnp.sum(jnp.where(visible, magnitude - mean, 0.0) ** 2, 1, keepdims=True) / count)
    scale = jnp.where(spread > 0, spread, 1.0)
    error = jnp.where(visible & (batch["magnitude_error"] > 0), batch["magnitude_error"], 0.0)
    usual = masked_mean(error, visible)
    weight = jnp.where(visible, 2.0 / (1.0 + (error / jnp.where(usual > 0, usual, 1.0)) ** 2), 0.0)
    turns = grid_of(experiment).turns(batch["time"], batch["mask"])
    value = jnp.where(visible, (magnitude - mean) / scale, 0.0)
    return {
        "value": value,
        "weight": weight,
        "error": error / scale,
        "time": batch["time"],
        "turns": turns,
        "mean": mean,
        "scale": scale,
    }


def star_inputs(batch: dict, visible: Array, views: Views, experiment: BaseEncoderExperiment) -> dict:
    """What the encoder is given of stars: their views, and visible points where some are tokens."""
    if not experiment.model.encoder.tokens.points:
        return {"views": views}
    batch = points_of(batch)
    points = shown(batch, visible, views, experiment)
    # Hidden points count for nothing, their times neither.
    first = jnp.min(jnp.where(visible, batch["time"], jnp.inf), axis=1, keepdims=True)
    last = jnp.max(jnp.where(visible, batch["time"], -jnp.inf), axis=1, keepdims=True)
    middle = jnp.where(jnp.isfinite(first), 0.5 * (first + last), 0.0)
    given = {"value": points["value"], "error": points["error"], "visible": visible}
    given |= {"time": jnp.where(visible, batch["time"] - middle, 0.0)}
    given |= {"turns": grid_of(experiment).turns(batch["time"], visible)}
    given |= {"band": batch["band"]} if "band" in batch and experiment.model.encoder.bands > 1 else {}
    return {"views": views, "points": given}


def some_points(batch: dict, first: Array, count: int, key: Array, axis: Axis = None) -> tuple[dict, Array]:
    """At most `count` points of each star, drawn at random, and which of these are of its first part."""
    if batch["mask"].shape[1] <= count:
        return points_of(batch), first
    drawn = draw_masks(row_keys(key, batch, axis), batch["mask"]).probe
    order = jnp.argsort(jnp.where(batch["mask"], drawn, 2.0), axis=1)[:, :count]
    pick = lambda values: jnp.take_along_axis(values, order, axis=1)
    return {name: pick(values) for name, values in points_of(batch).items()}, pick(first)
