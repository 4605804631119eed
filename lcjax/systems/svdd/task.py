"""The Task of one detector: raw features in, anomaly scores out; scaler and centres are part of what is saved."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import ConfigError, DataError
from lcjax.systems.svdd.config import SvddExperiment
from lcjax.systems.svdd.core import Core, build_core
from lcjax.systems.svdd.health import collapse_warnings
from lcjax.systems.svdd.scaler import scale
from lcjax.training.task import Task, Update
from lcjax.typing import Array, Axis, Metrics, PyTree

SCALER, CENTRES = "scaler", "centres"
"""Collections of a detector's variables beside its weights."""


def build_task(experiment: SvddExperiment) -> Task:
    """The Task of a detector whose features and classes are known.

    Raises:
      ConfigError: they are not.
    """
    inputs = experiment.inputs
    count = len(inputs.feature_names)
    if not count or not inputs.class_names:
        raise ConfigError("a detector is made from data: features and classes of a table that says them")
    core = build_core(experiment)
    table_rows = {"quantile": inputs.quantiles, "ranges": 4, "none": 1}[inputs.scaling]

    def scaled(variables: PyTree, features: Array) -> Array:
        return scale(inputs.scaling, variables[SCALER]["table"], features)

    def init(key: Array, batch: dict) -> PyTree:
        fresh = core.model.init(key, {"features": jnp.zeros((2, count))})
        scaler = {"table": jnp.zeros((table_rows, count)), "middle": jnp.zeros(count)}
        centres = jnp.zeros((max(experiment.centres, 1), experiment.model.latent))
        return {**fresh, SCALER: scaler, CENTRES: {"centres": centres}}

    def core_batch(variables: PyTree, batch: dict) -> dict:
        kept = {name: batch[name] for name in ("label", "weight", "row") if name in batch}
        return {**kept, "features": scaled(variables, batch["features"])}

    def loss(
        params: PyTree, model_state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        variables = {"params": params, **model_state}
        ready, centres = core_batch(variables, batch), model_state[CENTRES]["centres"]
        value, statistics = core.loss(_network(variables), ready, centres, key, True, axis)
        rows = jnp.sum(ready["weight"] * (ready["label"] >= 0))
        return value, ({"loss": (value * rows, rows)}, model_state | {"batch_stats": statistics})

    def evaluate(variables: PyTree, batch: dict, key: Array) -> Metrics:
        ready, centres = core_batch(variables, batch), variables[CENTRES]["centres"]
        value, _ = core.loss(_network(variables), ready, centres, key, False)
        return _metrics(core, variables, ready, value)

    def predict(variables: PyTree, batch: dict) -> dict[str, Array]:
        features = scaled(variables, batch["features"])
        return core.outputs(_network(variables), features, variables[CENTRES]["centres"])

    def contributions(variables: PyTree, batch: dict) -> dict[str, Array]:
        return {"contributions": _occlusion(core, variables, scaled(variables, batch["features"]))}

    return Task(
        name=experiment.system,
        init=init,
        updates=(Update(loss),),
        evaluate=evaluate,
        predict=predict,
        receive=lambda batch: _received(batch, inputs.feature_names),
        batch_spec={"features": jax.ShapeDtypeStruct((2, count), jnp.float32)},
        summarize=_summarize,
        warnings=lambda split, values: collapse_warnings(values) if experiment.spheres else [],
        headline=("loss", "mean_score"),
        model=core.model,
        example=lambda rows: {"features": np.random.default_rng(0).normal(size=(rows, count)).astype(np.float32)},
        meaning={
            "feature_names": list(inputs.feature_names),
            "class_names": list(inputs.class_names),
            "detector": experiment.detector,
            "missing": "NaN",
        },
        extras={"contributions": contributions, "scaled": scaled},
    )


def _network(variables: PyTree) -> PyTree:
    return {"params": variables["params"], "batch_stats": variables["batch_stats"]}


def _metrics(core: Core, variables: PyTree, batch: dict, loss: Array) -> Metrics:
    """The loss and the moments of scores and latents that a collapse would show in."""
    rows = batch["weight"] * (batch["label"] >= 0)
    total = jnp.sum(rows)
    out = core.outputs(_network(variables), batch["features"], variables[CENTRES]["centres"])
    score, latent = out["anomaly_score"], out["embedding"]
    mean = jnp.sum(rows[:, None] * latent, 0) / jnp.maximum(total, 1)
    spread = jnp.mean((latent - mean) ** 2, axis=-1)
    return {
        "loss": (loss * total, total),
        "mean_score": (jnp.sum(score * rows), total),
        "square_score": (jnp.sum(score**2 * rows), total),
        "latent_variance": (jnp.sum(spread * rows), total),
        "latent_square": (jnp.sum(jnp.mean(latent**2, axis=-1) * rows), total),
    }


def _summarize(means: dict[str, float]) -> dict[str, float]:
    """The spread of scores and latents, each over its size, in place of the bare moments."""
    kept = {name: value for name, value in means.items() if not name.startswith(("square", "latent"))}
    if "square_score" in means:
        variance = max(means["square_score"] - means["mean_score"] ** 2, 0.0)
        kept["score_spread"] = variance**0.5 / max(abs(means["mean_score"]), 1e-30)
        kept["latent_spread"] = (means["latent_variance"] / max(means["latent_square"], 1e-30)) ** 0.5
    return kept


def _occlusion(core: Core, variables: PyTree, features: Array) -> Array:
    """How much of each score goes when one feature is that of a usual object, (B, F): the score less that without it."""
    centres, middle = variables[CENTRES]["centres"], jnp.asarray(variables[SCALER]["middle"])
    features = jnp.asarray(features)
    score = lambda x: core.outputs(_network(variables), x, centres)["anomaly_score"]
    whole = score(features)
    without = lambda i: whole - score(features.at[:, i].set(middle[i]))
    return jax.lax.map(without, jnp.arange(features.shape[1])).T


def _received(batch: Mapping[str, Any], names: Sequence[str]) -> dict[str, Array]:
    """`features` (rows, F), or one entry for every feature name.

    Raises:
      DataError: features are missing or misshapen.
    """
    if "features" not in batch:
        missing = [name for name in names if name not in batch]
        if missing:
            raise DataError(
                f"there are no 'features', and no '{missing[0]}': give {len(names)} features by name, or one table"
            )
        return {"features": jnp.stack([jnp.asarray(batch[name], jnp.float32) for name in names], axis=1)}
    features = jnp.asarray(batch["features"], jnp.float32)
    if features.ndim != 2 or features.shape[1] != len(names):
        raise DataError(f"'features' is {features.shape}: the detector takes (rows, {len(names)})")
    return {"features": features}
