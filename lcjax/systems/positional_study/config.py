"""Settings of the positional-encoding study. Nothing here imports jax."""

from dataclasses import dataclass, field

from lcjax.models.positional_config import PositionalStudyConfig
from lcjax.schema import Positive
from lcjax.systems.masked_pretraining.config import PretrainingExperiment


@dataclass(frozen=True)
class PositionalExperiment(PretrainingExperiment):
    """Masked pretraining of an encoder that is told the time in one of many ways."""

    system: str = "positional_study"
    model: PositionalStudyConfig = field(default_factory=PositionalStudyConfig)


@dataclass(frozen=True)
class FrequencyOptions:
    """Frequencies for a survey of another cadence than that of the pretraining."""

    cadence_ratio: Positive | None = None
    """Multiply all frequencies by it (the authors' data correction: 0.752 for Alcock, 1.005 for ATLAS, 0.8 for OGLE after
    pretraining on MACHO); None: as trained."""
