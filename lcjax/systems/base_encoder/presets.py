"""Presets of lcjax-base."""

import dataclasses
from collections.abc import Callable

from lcjax.configs import OptimizerConfig, TrainingConfig, WindowConfig
from lcjax.models.star_encoder_config import StarEncoderConfig
from lcjax.systems.base_encoder.config import BaseEncoderExperiment, BaseModelConfig, ContrastConfig, SimulationConfig
from lcjax.systems.masked_pretraining.config import MaskingConfig


def lcjax_base() -> BaseEncoderExperiment:
    """Encoder of variable stars from periodogram, folded curves and numbers; see docs/lcjax_base.md.

    lcjax train lcjax-base --data D --workdir W
    """
    return BaseEncoderExperiment(
        window=WindowConfig(length=512, mode="sequential", evaluation_mode="sequential"),
        masking=MaskingConfig(probed=0.5, same=0.0, random=0.0),
        model=BaseModelConfig(encoder=StarEncoderConfig(dropout=0.2)),
        simulation=SimulationConfig(weight=2.0),
        optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, warmup_steps=50, weight_decay=0.05),
        training=TrainingConfig(
            steps=4000, batch_size=256, evaluate_every=2000, checkpoint_every=500, log_every=50, monitor="contrast"
        ),
    )


def lcjax_base_accelerator() -> BaseEncoderExperiment:
    """The same for an accelerator: stars are parted in more ways, more of them are simulated, large batches.

    lcjax train lcjax-base-accelerator --data D --workdir W
    """
    base = lcjax_base()
    shares = (0.5, 0.5, 0.3, 0.5, 0.7, 0.5, 0.2, 0.5, 0.4, 0.5, 0.5, 0.3)
    return dataclasses.replace(
        base,
        contrast=ContrastConfig(shares=shares),
        simulation=dataclasses.replace(base.simulation, stars=160_000),
        training=dataclasses.replace(base.training, batch_size=1024, steps=5500, evaluate_every=1000),
    )


PRESETS: dict[str, Callable[[], BaseEncoderExperiment]] = {
    "lcjax-base": lcjax_base,
    "lcjax-base-accelerator": lcjax_base_accelerator,
}
