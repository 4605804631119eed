"""An encoder of light curves of the library (an Astromer, lcjax-base, any with `Task.encode`) in the place of the photometry encoder.

Records keep normalised fluxes with their spread and mean, from which magnitudes follow, but for fluxes that are not positive.
"""

import dataclasses
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from lcjax.errors import ConfigError
from lcjax.systems import find_system
from lcjax.systems.astrom3.config import AstroM3Experiment
from lcjax.systems.encoder_origin import OriginConfig, encoder_experiment, preset_origin, trained_origin
from lcjax.systems.loading import load
from lcjax.typing import Array, PyTree

if TYPE_CHECKING:
    from lcjax.training.task import Task

SERIES = ("time", "magnitude", "magnitude_error", "mask")
"""What an encoder of light curves takes of a window."""
_POGSON = 2.5 / np.log(10)


def with_curve_encoder(experiment: AstroM3Experiment, standardised: bool) -> AstroM3Experiment:
    """The experiment with the settings of the encoder it names in it, and curves no longer than the encoder's windows.

    Args:
      standardised: whether the data are the published processed ones, whose magnitudes nobody knows.

    Raises:
      ConfigError: it names two, one that is no encoder of light curves, or there are no magnitudes.
    """
    given = experiment.curve_encoder
    if given.frozen and not given.weights:
        raise ConfigError("--curve-encoder.frozen needs weights: give --curve-encoder.weights")
    if not (given.weights or given.architecture):
        return experiment
    if given.weights and given.architecture:
        raise ConfigError(
            "--curve-encoder.weights and --curve-encoder.architecture are both given: one is a trained encoder, the other a new one"
        )
    if "photometry" not in experiment.model.modalities:
        raise ConfigError("--curve-encoder encodes light curves, and --model.modalities has no photometry")
    if standardised:
        raise ConfigError(
            "--curve-encoder takes magnitudes, and this data (the published processed dataset) has normalised fluxes without their mean: "
            "prepare the raw dataset"
        )
    origin = trained_origin(given.weights) if given.weights else preset_origin(given.architecture)
    given = dataclasses.replace(given, system=origin.system, settings=origin.settings)
    experiment = dataclasses.replace(experiment, curve_encoder=given)
    task, photometry = curve_task(experiment), experiment.model.photometry
    longest = task.batch_spec["mask"].shape[1]
    # Where padding matters to the encoder, its windows are always of one length.
    length = longest if task.full_length else min(photometry.length, longest)
    photometry = dataclasses.replace(photometry, length=length)
    return dataclasses.replace(
        experiment,
        model=dataclasses.replace(experiment.model, photometry=photometry),
        inputs=dataclasses.replace(experiment.inputs, light_curves="magnitudes"),
    )


def curve_task(experiment: AstroM3Experiment) -> "Task":
    """The encoder's own task.

    Raises:
      ConfigError: it is no encoder of light curves.
    """
    given = experiment.curve_encoder
    system = find_system(given.system)
    inner = encoder_experiment(OriginConfig(given.system, given.settings))
    training = dataclasses.replace(inner.training, precision=experiment.training.precision)
    task = system.build_task(dataclasses.replace(inner, training=training))
    if task.encode is None or not set(SERIES) <= set(task.batch_spec):
        raise ConfigError(
            f"'{given.weights or given.architecture}' ({given.system}) is no encoder of light curves: give --curve-encoder a model that "
            "is, such as an Astromer or lcjax-base"
        )
    return task


def curve_variables(experiment: AstroM3Experiment) -> PyTree:
    """The trained weights that are named, at their place among the variables; {} where none are.

    Raises:
      ConfigError: the encoder has variables that are no parameters. WeightsError, CheckpointError: there are no weights.
    """
    given = experiment.curve_encoder
    if not given.weights:
        return {}
    variables = load(given.weights).variables
    if others := sorted(set(variables) - {"params"}):
        raise ConfigError(f"the encoder '{given.weights}' has {', '.join(others)} beside its parameters: give another")
    return {"params": {"encoders_photometry": {"curve": {"encoder": variables["params"]}}}}


def magnitude_window(points: Array, mask: Array, batch: dict, days: Array, row: Array) -> dict[str, Array]:
    """Window of magnitudes of cropped normalised points, zero point arbitrary.

    Args:
      points: (B, L, 3) time, flux, error, normalised. mask: (B, L). days: (B, L). row: (B,).
      batch: `log_spread`, `flux_mean` (B,).

    Returns:
      what an encoder takes, and `present` (B,): two points with a magnitude. Rows without have two made-up points, so that whatever
      the encoder computes of them is finite.
    """
    spread = 10.0 ** batch["log_spread"][:, None]
    flux = points[..., 1] * spread + batch["flux_mean"][:, None]
    seen = mask & (flux > 0)
    present = jnp.sum(seen, axis=1) > 1
    number = jnp.arange(mask.shape[1])
    seen = jnp.where(present[:, None], seen, number < 2)
    use = seen & present[:, None]
    # Relative to the mean: single precision holds it, whatever the unit of the fluxes.
    ratio = jnp.where(use, flux / jnp.where(batch["flux_mean"] > 0, batch["flux_mean"], 1.0)[:, None], 1.0)
    error = jnp.where(use, _POGSON * points[..., 2] * spread / jnp.where(use, flux, 1.0), 0.0)
    middle = jnp.where(mask, days, 0.0)
    return {
        "time": jnp.where(present[:, None], middle, number.astype(jnp.float32)),
        "magnitude": jnp.where(seen, -2.5 * jnp.log10(ratio), 0.0),
        "magnitude_error": error,
        "mask": seen,
        "length": jnp.sum(seen, axis=1).astype(jnp.int32),
        "row": row,
        "present": present,
    }
