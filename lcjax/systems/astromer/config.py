"""Settings of masked pretraining with Astromer. Nothing here imports jax."""

from dataclasses import dataclass, field

from lcjax.models.astromer_config import AstromerModelConfig
from lcjax.systems.masked_pretraining.config import PretrainingExperiment


@dataclass(frozen=True)
class AstromerExperiment(PretrainingExperiment):
    """Masked pretraining of Astromer 1 or 2."""

    system: str = "astromer2"
    model: AstromerModelConfig = field(default_factory=AstromerModelConfig)
