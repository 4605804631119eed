"""Published and recommended settings of the single-stamp classifier. Docstrings: paper, command, what to expect."""

from lcjax.configs import OptimizerConfig, TrainingConfig
from lcjax.models.stamp_classifier_config import IMAGE_ONLY, PRODUCTION, StampModelConfig
from lcjax.systems.classifier.config import StampObjectiveConfig
from lcjax.systems.stamp_classifier.config import FEATURES_23, RAW_COLUMNS, StampExperiment, StampInputsConfig

_STEADY = OptimizerConfig(name="adam", learning_rate=1e-3, schedule="cosine", warmup_steps=500, clip_norm=1.0)
"""Warm-up and clipping: at the published 5e-3 from the first step on, the convolutions die."""
_TRAINING = TrainingConfig(steps=30_000, batch_size=64, evaluate_every=250, checkpoint_every=1000, patience=40)


def alerce_stamps() -> StampExperiment:
    """ALeRCE stamp classifier: 3 stamps and 26 metadata features to AGN, SN, VS, asteroid, bogus (AJ 162, 231, 2021).

    Data: first alerts of labelled ZTF objects (the paper: 52,244). Published test accuracy 0.94 on 100 alerts a class,
    with an image branch that was dead. Strict by default (live dropout, group norm, warm-up, centred `isdiffpos`);
    `--model.parity True` is the published network.

        lcjax train alerce-stamps --data D --workdir W
    """
    return StampExperiment(optimizer=_STEADY, training=_TRAINING)


def alerce_stamps_23() -> StampExperiment:
    """The production network of July 2020: 5 x 5 kernels, 23 features (without rb, distnr, magnr).

    Data: as alerce-stamps. Published validation accuracy 0.950.

        lcjax train alerce-stamps-23 --data D --workdir W
    """
    inputs = StampInputsConfig(
        features=FEATURES_23, metadata_names=tuple(n for n in RAW_COLUMNS if n not in ("rb", "distnr", "magnr"))
    )
    return StampExperiment(inputs=inputs, model=PRODUCTION, optimizer=_STEADY, training=_TRAINING)


def alerce_stamps_image() -> StampExperiment:
    """The image-only network of 2019: no metadata, mean over rotations before the last layer.

    Data: as alerce-stamps. Published test accuracy 0.872 +- 0.0125, macro F1 0.872 over ten trainings.

        lcjax train alerce-stamps-image --data D --workdir W
    """
    return StampExperiment(
        inputs=StampInputsConfig(features=(), metadata_names=()),
        model=IMAGE_ONLY,
        objective=StampObjectiveConfig(beta=1.0),
        optimizer=_STEADY,
        training=_TRAINING,
    )


def alerce_stamps_published() -> StampExperiment:
    """alerce-stamps trained exactly as published: no norm, no dropout, Adam of TensorFlow 1 at 5e-3 from the start.

    Validation every 10 updates keeps the weights of the lowest loss; each one that improves makes the run go on for
    another 10,000 updates, 30,000 at least.
    To study the published defects; the image branch is likely to die (training warns).

        lcjax train alerce-stamps-published --data D --workdir W
    """
    return StampExperiment(
        model=StampModelConfig(parity=True),
        optimizer=OptimizerConfig(name="adam_tensorflow", learning_rate=5e-3, schedule="constant", clip_norm=None),
        training=TrainingConfig(steps=30_000, batch_size=64, evaluate_every=10, log_every=10, extend=10_000),
    )
