"""Published and recommended Astromer settings. Each docstring: paper, command, what to expect."""

import dataclasses

from lcjax.configs import OptimizerConfig, TrainingConfig, WindowConfig
from lcjax.models.astromer_config import ASTROMER1, ASTROMER2, AstromerModelConfig
from lcjax.systems.astromer.config import AstromerExperiment
from lcjax.systems.masked_pretraining.config import MaskingConfig, ObjectiveConfig


def astromer1() -> AstromerExperiment:
    """Astromer 1 as published: 2 blocks, width 256, RMSE on half of the points (Donoso-Oliva 2023, A&A 670, A54).

    Data: about 1.5 million single-band light curves (the paper: MACHO R). Published validation RMSE 0.147 mag, with the
    leak of hidden magnitudes that `--model.parity True` reproduces; strict training is the default.

        lcjax train astromer1 --data D --workdir W
    """
    return AstromerExperiment(
        system="astromer1",
        model=ASTROMER1,
        masking=MaskingConfig(0.5, 0.2, 0.2),
        window=WindowConfig(length=200, mode="published", evaluation_mode="published"),
        optimizer=OptimizerConfig(
            name="adam", learning_rate=1e-3, schedule="constant", b1=0.9, b2=0.98, eps=1e-9, clip_norm=None
        ),
        training=TrainingConfig(steps=600_000, batch_size=5000, evaluate_every=3000, patience=200),
    )


def astromer2() -> AstromerExperiment:
    """Astromer 2 as published: 6 blocks, projected residuals, error-weighted RMSE (A&A 707, A170, 2026).

    Data: about 1.5 million single-band light curves (the paper: MACHO). Published test RMSE 0.113 mag (weighted), R2
    0.73. Strict by default; `--model.parity True --model.mask-token False` is the network that was shipped.

        lcjax train astromer2 --data D --workdir W
    """
    return AstromerExperiment(
        system="astromer2",
        model=ASTROMER2,
        masking=MaskingConfig(0.5, 0.2, 0.2),
        objective=ObjectiveConfig(loss="rmse", error_weights=True),
        window=WindowConfig(length=200, mode="published", evaluation_mode="published"),
        optimizer=OptimizerConfig(
            name="adam", learning_rate=1e-5, schedule="constant", b1=0.9, b2=0.98, eps=1e-9, clip_norm=None
        ),
        training=TrainingConfig(steps=600_000, batch_size=2500, evaluate_every=3000, patience=20),
    )


SURVEY_MODEL = AstromerModelConfig(
    num_layers=3,
    num_heads=4,
    width=64,
    ffn_width=128,
    residual="identity",
    norm="pre",
    activation="gelu",
    time_encoding="log_periods",
    attention_bias="time_differences",
    input_features="magnitude_and_error",
    predict_variance=True,
)


def astromer2_small() -> AstromerExperiment:
    """A small strict Astromer 2 for the simulated survey: the newcomer's model, minutes on two cores.

    Differs from the paper where honest masking asks for it: times encoded from half an hour to 11 years, attention that
    knows time differences, identity residuals, a predicted error bar.

        lcjax train
    """
    return AstromerExperiment(
        system="astromer2",
        model=SURVEY_MODEL,
        masking=MaskingConfig(0.5, 0.0, 0.0),
        objective=ObjectiveConfig(loss="gaussian_nll", scale="std"),
        window=WindowConfig(length=128, mode="random", evaluation_mode="sequential", buckets=(32, 64, 128)),
        optimizer=OptimizerConfig(name="adamw", learning_rate=2e-3, warmup_steps=50, weight_decay=1e-3),
        training=TrainingConfig(
            steps=500,
            batch_size=64,
            evaluate_every=100,
            evaluate_batches=8,
            log_every=10,
            checkpoint_every=100,
        ),
    )


def astromer2_survey() -> AstromerExperiment:
    """The best strict settings we found for ASAS and CRTS on two cores; scores in the README.

    Data: `lcjax data prepare asas_acvs` and `crts_sss`.

        lcjax train astromer2-survey --data ASAS CRTS --workdir W
    """
    return AstromerExperiment(
        system="astromer2",
        model=dataclasses.replace(SURVEY_MODEL, predict_variance=False),
        masking=MaskingConfig(0.5, 0.0, 0.0),
        objective=ObjectiveConfig(loss="mse", scale="std"),
        window=WindowConfig(length=200, mode="random", evaluation_mode="sequential"),
        optimizer=OptimizerConfig(name="adamw", learning_rate=2e-3, warmup_steps=100, weight_decay=1e-3),
        training=TrainingConfig(steps=1500, batch_size=64, evaluate_every=250, evaluate_batches=20, patience=8),
    )
