"""lcjax-base as the engine and all others see it: first weights, loss, embeddings of windows and stars."""

from typing import Any

import jax
import jax.numpy as jnp

from lcjax.global_batch import rows_of
from lcjax.losses import (
    moved_teacher,
)
from lcjax.models.base_star import BaseStar
from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.systems.base_encoder.decoder_inputs import shown, star_inputs
from lcjax.systems.base_encoder.objective import Objective
from lcjax.systems.base_encoder.parts import grid_of, points_of, unpacked, views_of
from lcjax.systems.base_encoder.raw_stars import on_stars
from lcjax.systems.masked_pretraining.raw_curves import answer_curves
from lcjax.training.task import Packing, Task, Update
from lcjax.typing import Array, Axis, Metrics, PyTree

TEACHER = "teacher"
"""Collection of the slow copy of the encoder."""
PACKING = Packing(ratio=2.0, shortest=64, points=4096)
"""Views take ten seconds to compile for each length, and half the time a star where eight stars are computed together."""


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
    distilled = experiment.objective.distillation > 0
    model = BaseStar(experiment.model.encoder, experiment.model.decoder, classes, distilled)
    objective = Objective(experiment, model)

    def init(key: Array, batch: dict) -> PyTree:
        points = points_of(batch)
        if experiment.model.encoder.bands > 1:
            # Weights of the part that tells bands apart are made where there are some.
            points = {**points, "band": jnp.zeros(batch["mask"].shape, jnp.int32)}
        views = views_of(experiment)(points)
        seen = shown(points, batch["mask"], views, experiment)
        inputs = star_inputs(points, batch["mask"], views, experiment)
        params = model.init(key, {**seen, **inputs})["params"]
        # A copy: donated buffers are not shared.
        return {"params": params} | ({TEACHER: jax.tree.map(jnp.copy, params["encode_star"])} if distilled else {})

    def loss(
        params: PyTree, model_state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        teacher = model_state.get(TEACHER)
        value, metrics = objective.value(params, batch, key, True, axis, teacher)
        if teacher is not None:
            moved = moved_teacher(teacher, params["encode_star"], experiment.objective.momentum)
            model_state = {**model_state, TEACHER: moved}
        return value, (metrics, model_state)

    def encode(variables: PyTree, batch: dict, key: Array | None = None, axis: Axis = None) -> dict[str, Any]:
        """Trunk and embedding of the window, the same at each of its points; `views` of it may be there (`parts.packed`)."""
        if "views" in batch:
            views = unpacked(batch["views"], grid_of(experiment))
        else:
            views = jax.lax.stop_gradient(views_of(experiment)(points_of(batch)))
        rngs = None if key is None else {"dropout": key}
        row = {"row": rows_of(batch, batch["mask"].shape[0], axis)}
        inputs = star_inputs(batch, batch["mask"], views, experiment) | row
        found = model.apply(variables, inputs, deterministic=key is None, axis=axis, rngs=rngs, method="encode")
        length = batch["mask"].shape[1]
        layers = [jnp.repeat(found[name][:, None], length, axis=1) for name in ("trunk", "embedding")]
        return {"layers": tuple(layers), "mask": batch["mask"]}

    def predict(variables: PyTree, batch: dict) -> dict[str, Array]:
        def embed(windows: dict) -> dict[str, Array]:
            points = points_of(windows)
            inputs = star_inputs(points, windows["mask"], views_of(experiment)(points), experiment)
            return {"embedding": model.apply(variables, inputs, method="encode")["embedding"]}

        return answer_curves(embed, batch, experiment.window, False)

    return Task(
        name=experiment.system,
        init=init,
        updates=(Update(loss),),
        evaluate=lambda variables, batch, key: objective.value(
            variables["params"], batch, key, False, teacher=variables.get(TEACHER)
        )[1],
        predict=predict,
        encode=encode,
        summarize=summarize,
        warnings=warnings,
        headline=("loss", "partner_found", "r2"),
        model=model,
        packing=PACKING,
        training_only=(TEACHER,) if distilled else (),
        extras={"reconstruct": objective.reconstruct, "predicted": objective.predicted},
        **on_stars(experiment),
    )
