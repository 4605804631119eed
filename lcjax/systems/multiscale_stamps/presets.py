"""Published settings of the multi-scale stamp classifier. Docstrings: paper, command, what to expect."""

import dataclasses
from typing import Literal

from lcjax.configs import OptimizerConfig, TrainingConfig
from lcjax.models.multiscale_config import CROPPED, FULL, LOW_RES, MULTISCALE, PRODUCTION_2025, MultiscaleModelConfig
from lcjax.systems.classifier.config import StampObjectiveConfig
from lcjax.systems.multiscale_stamps.config import (
    PRODUCTION_FEATURES,
    RUBIN_FEATURES,
    MultiscaleExperiment,
    MultiscaleInputsConfig,
)

_TRAINING = TrainingConfig(
    steps=30_000, batch_size=256, evaluate_every=500, checkpoint_every=500, patience=5, monitor="-macro_f1"
)
"""As published: macro F1 on validation every 500 steps, five checks without a better one end the run."""


def _published(
    inputs: MultiscaleInputsConfig, model: MultiscaleModelConfig, learning_rate: float
) -> MultiscaleExperiment:
    adam = OptimizerConfig(name="adam", learning_rate=learning_rate, schedule="constant", clip_norm=None)
    return MultiscaleExperiment(inputs=inputs, model=model, optimizer=adam, training=_TRAINING)


def multiscale_stamps() -> MultiscaleExperiment:
    """Multi-scale stamps: 8 x 8 pixels at four scales to agn, asteroid, bogus, satellite, sn, vs (arXiv 2304.13080).

    Data: one alert of each labelled ZTF object. Published macro F1 0.8739 (first version), on par with stamps of 15 times
    the size. The layer widths are published, the wiring of levels is ours: one trunk for all levels;
    `--model.level-weights separate` has one for each, `stacked` sees levels as channels.

        lcjax train multiscale-stamps --data D --workdir W
    """
    return _published(MultiscaleInputsConfig(), MULTISCALE, 7.445e-4)


def multiscale_stamps_rings() -> MultiscaleExperiment:
    """multiscale-stamps from flux-conserving rings: 208 values a channel are all that needs to be stored of an alert.

    Not in the paper. Scores beside the others: `python -m benchmarks multiscale`.

        lcjax train multiscale-stamps-rings --data D --workdir W
    """
    return _published(MultiscaleInputsConfig(scenario="rings"), MULTISCALE, 7.445e-4)


def multiscale_stamps_cropped() -> MultiscaleExperiment:
    """The central 16 x 16 pixels, at full resolution: field of view 16 arcsec (arXiv 2304.13080).

    A later study finds 72 % accuracy on satellites with this field and 88 % with the Fourier amplitude of the difference image
    (A&A 697, A119), here `--inputs.fourier stamp`.

        lcjax train multiscale-stamps-cropped --data D --workdir W
    """
    return _published(MultiscaleInputsConfig(scenario="cropped", size=16), CROPPED, 3.4627e-4)


def multiscale_stamps_low_res() -> MultiscaleExperiment:
    """The whole stamp at pixels of 4 arcsec, 16 x 16 (arXiv 2304.13080).

    lcjax train multiscale-stamps-low-res --data D --workdir W
    """
    return _published(MultiscaleInputsConfig(scenario="low_res", size=16), LOW_RES, 1.125e-3)


def multiscale_stamps_full() -> MultiscaleExperiment:
    """The whole 63 x 63 stamp, 15.5 times the pixels of the others (arXiv 2304.13080).

    A later study finds 95.9 % accuracy on satellites with this field (A&A 697, A119).

        lcjax train multiscale-stamps-full --data D --workdir W
    """
    return _published(MultiscaleInputsConfig(scenario="full", size=63), FULL, 7.589e-4)


def multiscale_stamps_2025() -> MultiscaleExperiment:
    """The production network of 2025 for ZTF: central 23 x 23, five convolutions, position and 16 candidate fields.

    Options of that service: `--objective.focal-gamma 2`, `--inputs.transform zscore`, `--inputs.position spherical`,
    `--inputs.scenario full --inputs.size 63`.

        lcjax train multiscale-stamps-2025 --data D --workdir W
    """
    return _production("cropped", 23, PRODUCTION_FEATURES)


def multiscale_stamps_rubin() -> MultiscaleExperiment:
    """The production network on Rubin's stamps of 30 x 30 pixels, with position, flux, its error and signal-to-noise.

    The service's own sizes and weights are not public: the layers are those of multiscale-stamps-2025. Alerts of known
    solar-system objects are asteroids by rule (column `service_class` of the predictions).

        lcjax train multiscale-stamps-rubin --data D --workdir W
    """
    experiment = _production("full", 30, RUBIN_FEATURES)
    return dataclasses.replace(experiment, inputs=dataclasses.replace(experiment.inputs, surveys=("lsst",)))


def _production(scenario: Literal["cropped", "full"], size: int, features: tuple[str, ...]) -> MultiscaleExperiment:
    """The deeper network, stopped by the balanced cross entropy of the validation part."""
    inputs = MultiscaleInputsConfig(scenario=scenario, size=size, features=features, metadata_names=features)
    adam = OptimizerConfig(name="adam", learning_rate=7.589e-4, schedule="constant", clip_norm=None)
    training = TrainingConfig(
        steps=30_000, batch_size=256, evaluate_every=500, checkpoint_every=500, patience=5, monitor="balanced_loss"
    )
    return MultiscaleExperiment(
        inputs=inputs,
        model=PRODUCTION_2025,
        objective=StampObjectiveConfig(beta=0.0),
        optimizer=adam,
        training=training,
    )
