"""Masked pretraining of any encoder: hide points of a window, predict their magnitudes.

Everything from raw windows on happens inside the jitted step: masks drawn afresh, means removed, network, loss. In
strict mode mean and spread come from the visible points alone, and randomised points borrow the magnitudes of shown
ones, so that nothing hidden reaches the network. Points kept visible (`same`, `random`) are then a training signal like
any other; scores count hidden points only.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from lcjax.configs import WindowConfig
from lcjax.losses import error_weights, gaussian_nll, global_mean, huber_errors, r2_sums, reconstruction_loss
from lcjax.models.attention_weights import attention_weights
from lcjax.systems.masked_pretraining.config import MaskingConfig, PretrainingExperiment
from lcjax.systems.masked_pretraining.raw_curves import answer_curves, receive
from lcjax.training.optimizers import build_optimizer
from lcjax.training.task import Task, Update, WorkUnit
from lcjax.transforms import mask_for_pretraining, masked_mean, standardize
from lcjax.typing import Array, Axis, Metrics, PyTree


def count_points(batch: dict) -> float:
    """Observed points in the rows that count.

    >>> count_points({"mask": np.array([[True, True, False], [True, False, False]]), "weight": np.array([1.0, 0.0])})
    2.0
    """
    points = np.asarray(batch["mask"]).sum(axis=-1)
    return float(points[np.asarray(batch["weight"]) > 0].sum() if "weight" in batch else points.sum())


OBSERVED_POINTS = WorkUnit("points", count_points)


def made_up_windows(rows: int, length: int) -> dict[str, np.ndarray]:
    """Random windows: one full, one half full, one with a single point, then as it comes.

    >>> made_up_windows(3, 10)["length"].tolist()
    [10, 5, 1]
    """
    rng = np.random.default_rng(0)
    sizes = np.array([length, max(length // 2, 1), 1, *rng.integers(1, length + 1, max(rows - 3, 0))], np.int32)[:rows]
    mask = np.arange(length) < sizes[:, None]
    draw = lambda scale: np.where(mask, scale * rng.normal(size=mask.shape), 0.0).astype(np.float32)
    batch = {"time": np.sort(draw(100.0)), "magnitude": draw(1.0), "magnitude_error": np.abs(draw(0.1))}
    return batch | {"mask": mask, "length": sizes}


def on_windows(window: WindowConfig, meaning: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Parts of a `Task` on windows of raw light curves, whose answers are of whole curves; `meaning`: of what else it says."""
    shape = (2, window.length)
    spec = {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name in ("time", "magnitude", "magnitude_error")}
    spec |= {"mask": jax.ShapeDtypeStruct(shape, jnp.bool_), "length": jax.ShapeDtypeStruct(shape[:1], jnp.int32)}
    said = {
        "windows": dataclasses.asdict(window),
        "time": "days from any epoch near the curve: subtract one before times become float32, which holds a bare MJD "
        "only to 5.6 minutes",
        "star": "mean of the outputs over a star's windows, weighted by their number of points",
        **(meaning or {}),
    }
    return {
        "batch_spec": spec,
        "work": OBSERVED_POINTS,
        "any_length": True,
        "receive": receive,
        "example": lambda rows: made_up_windows(rows, window.length),
        "meaning": said,
    }


def prepare_windows(
    batch: dict, experiment: PretrainingExperiment, masking: MaskingConfig | None, key: Array, axis: Axis = None
) -> dict:
    """Masks and standardises raw windows; `masking=None` shows every observed point (prediction)."""
    spread = experiment.objective.scale == "std"
    if masking is None:
        return standardize(batch, spread=spread)
    shares = masking.probed, masking.same, masking.random
    if experiment.model.parity:
        # The originals standardise over all points, hidden ones included, before they mask.
        batch = standardize(batch, spread=spread)
        return mask_for_pretraining(key, batch, *shares, axis=axis)
    masked = mask_for_pretraining(key, batch, *shares, values_from="visible", axis=axis)
    ready = standardize(masked, over=masked["visible"], spread=spread)
    target = (masked["target"] - ready["magnitude_mean"]) / ready["magnitude_scale"]
    return {**ready, "target": jnp.where(batch["mask"], target, 0.0)}


def _row_weight(batch: dict) -> Array:
    weight = batch.get("weight")
    return jnp.ones(batch["mask"].shape[0], jnp.float32) if weight is None else weight


def objective_value(experiment: PretrainingExperiment, ready: dict, outputs: dict, axis: Axis = None) -> Array:
    """What training descends: prepared windows and what the network makes of them -> a scalar."""
    objective = experiment.objective
    row_weight = _row_weight(ready)
    if not experiment.model.parity:
        # Windows without a probed point say nothing; the originals count them as perfect.
        row_weight = row_weight * jnp.any(ready["probed"], axis=-1)
    if objective.loss == "gaussian_nll":
        nll = gaussian_nll(ready["target"], outputs["reconstruction"], outputs["log_variance"], ready["probed"])
        return global_mean(nll, row_weight, axis)
    if objective.loss == "huber":
        errors = huber_errors(ready["target"], outputs["reconstruction"], ready["probed"], objective.huber_delta)
        return global_mean(errors, row_weight, axis)
    weights = None
    if objective.error_weights:
        # As the originals' loader: the padding carries the window's mean error.
        error = ready["magnitude_error"]
        weights = error_weights(jnp.where(ready["mask"], error, masked_mean(error, ready["mask"])))
    root = objective.loss == "rmse"
    target, prediction = ready["target"], outputs["reconstruction"]
    return reconstruction_loss(target, prediction, ready["probed"], weights, root, row_weight, axis)


def _metrics(loss: Array, ready: dict, outputs: dict) -> Metrics:
    """Sums in magnitudes: squared residuals and deviations over probed points, and the loss per window."""
    row_weight = _row_weight(ready)
    residual, deviation = r2_sums(ready["target"], outputs["reconstruction"], ready["probed"])
    to_magnitudes = row_weight * ready["magnitude_scale"][:, 0] ** 2
    count = jnp.sum(jnp.sum(ready["probed"], -1) * row_weight)
    return {
        "loss": (loss * jnp.sum(row_weight), jnp.sum(row_weight)),
        "squared_residual": (jnp.sum(residual * to_magnitudes), count),
        "squared_deviation": (jnp.sum(deviation * to_magnitudes), count),
    }


def summarize(means: dict[str, float]) -> dict[str, float]:
    """Turns mean squares into `rmse` (mag) and `r2`.

    >>> summarize({"loss": 1.0, "squared_residual": 0.25, "squared_deviation": 1.0})
    {'loss': 1.0, 'rmse': 0.5, 'r2': 0.75}
    """
    means = dict(means)
    residual, deviation = means.pop("squared_residual"), means.pop("squared_deviation")
    r2 = 1.0 - residual / deviation if deviation > 0 else float("nan")
    return {**means, "rmse": residual**0.5 if residual >= 0 else float("nan"), "r2": r2}


def with_variance_head(experiment: PretrainingExperiment) -> PretrainingExperiment:
    """The settings under which the network predicts what the loss asks for."""
    if experiment.objective.loss != "gaussian_nll":
        return experiment
    return dataclasses.replace(experiment, model=dataclasses.replace(experiment.model, predict_variance=True))


def compute_dtype(experiment: PretrainingExperiment) -> DTypeLike:
    """Of the network; parameters, norms and losses are float32 whatever it is."""
    return jnp.bfloat16 if experiment.training.precision == "bfloat16" else jnp.float32


def pretraining_task(
    experiment: PretrainingExperiment,
    model: nn.Module,
    flops: Callable[[int, int], float] | None = None,
    sharding_rules: tuple[tuple[str, tuple[str | None, ...]], ...] = (),
    meaning: Mapping[str, Any] | None = None,
) -> Task:
    """The Task of an encoder.

    Args:
      experiment: with a variance head where the loss asks for one (`with_variance_head`).
      model: called with prepared windows (`time`, `magnitude`, `magnitude_error`, `mask`, `visible`, `row`); answers
        `reconstruction` (B, L), `embedding` (B, D), `layers`, and `log_variance` (B, L) if it predicts it.
      flops, sharding_rules: as in `Task`. meaning: more of what a caller of an exported program must know.
    """
    full = experiment.model.parity  # the published networks attend to padding

    def init(key: Array, batch: dict) -> PyTree:
        return {"params": model.init(key, standardize(batch))["params"]}

    def loss(
        params: PyTree, model_state: PyTree, batch: dict, key: Array, axis: Axis = None
    ) -> tuple[Array, tuple[Metrics, PyTree]]:
        mask_key, dropout_key = jax.random.split(key)
        ready = prepare_windows(batch, experiment, experiment.masking, mask_key, axis)
        rngs = {"dropout": dropout_key}
        outputs = model.apply({"params": params}, ready, deterministic=False, axis=axis, rngs=rngs)
        value = objective_value(experiment, ready, outputs, axis)
        return value, (_metrics(value, ready, outputs), model_state)

    def evaluate(variables: PyTree, batch: dict, key: Array) -> Metrics:
        ready, outputs = reconstruct(variables, batch, key)
        return _metrics(objective_value(experiment, ready, outputs), ready, outputs)

    def reconstruct(variables: PyTree, batch: dict, key: Array) -> tuple[dict, dict]:
        # Strict scores count hidden points only; published ones also those that stayed visible.
        masking = experiment.masking
        if not experiment.model.parity:
            masking = MaskingConfig(masking.probed, 0.0, 0.0)
        ready = prepare_windows(batch, experiment, masking, key)
        return ready, model.apply(variables, ready)

    def encode(variables: PyTree, batch: dict, key: Array | None = None, axis: Axis = None) -> dict[str, Any]:
        ready = prepare_windows(batch, experiment, None, jax.random.key(0))
        rngs = None if key is None else {"dropout": key}
        outputs = model.apply(variables, ready, deterministic=key is None, axis=axis, rngs=rngs)
        return {"layers": outputs["layers"], "mask": ready["mask"]}

    def predict(variables: PyTree, batch: dict) -> dict[str, Array]:
        def embed(windows: dict) -> dict[str, Array]:
            ready = prepare_windows(windows, experiment, None, jax.random.key(0))
            return {"embedding": model.apply(variables, ready)["embedding"]}

        return answer_curves(embed, batch, experiment.window, full)

    return Task(
        name=experiment.system,
        init=init,
        updates=(Update(loss),),
        evaluate=evaluate,
        predict=predict,
        encode=encode,
        # The schedule of the paper depends on the width of the model.
        optimizers=lambda config, steps: build_optimizer(config, steps, experiment.model.width),
        sharding_rules=sharding_rules,
        summarize=summarize,
        headline=("loss", "rmse", "r2"),
        flops=flops,
        model=model,
        full_length=full,
        extras={"reconstruct": reconstruct, "attention": functools.partial(attention_weights, model)},
        **on_windows(experiment.window, meaning),
    )


def reconstruction_outputs(ready: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Array]:
    """A reconstruction back in magnitudes: `prediction`, `target` and, with a variance head, `prediction_error`."""
    mean, scale = ready["magnitude_mean"], ready["magnitude_scale"]
    result = {
        "prediction": outputs["reconstruction"] * scale + mean,
        "target": ready["target"] * scale + mean,
        "probed": ready["probed"],
        "visible": ready["visible"],
    }
    if "log_variance" in outputs:
        result["prediction_error"] = jnp.exp(0.5 * jnp.clip(outputs["log_variance"], -12.0, 8.0)) * scale
    return result
