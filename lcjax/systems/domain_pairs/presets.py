"""What the presets of adapting classifiers share."""

from lcjax.configs import OptimizerConfig, TrainingConfig
from lcjax.systems.domain_pairs.config import PairInputsConfig

DIGIT_IMAGES = PairInputsConfig(size=32, scale="full_scale")
"""MNIST and USPS on one grid."""


def adam(rate: float) -> OptimizerConfig:
    """Adam at a constant rate."""
    return OptimizerConfig(name="adam", learning_rate=rate, schedule="constant", clip_norm=None)


def balanced_run(
    steps: int, evaluate_every: int, checkpoint_every: int, batch_size: int = 32, patience: int | None = None
) -> TrainingConfig:
    """A run whose best weights are those of the highest balanced accuracy."""
    return TrainingConfig(
        steps=steps,
        batch_size=batch_size,
        evaluate_every=evaluate_every,
        checkpoint_every=checkpoint_every,
        patience=patience,
        monitor="-balanced_accuracy",
    )
