"""Settings of base training, fine-tuning, S+T, ENT and MME. Nothing here imports jax."""

from dataclasses import dataclass, field
from typing import Literal

from lcjax.schema import DropRate, NotNegative, Settings
from lcjax.systems.domain_pairs.config import PairExperiment

Method = Literal["base", "fine_tuning", "s_plus_t", "ent", "mme"]
STREAMS: dict[str, tuple[str, ...]] = {
    "base": ("source",),
    "fine_tuning": ("target",),
    "s_plus_t": ("source", "target"),
    "ent": ("source", "target", "unlabelled"),
    "mme": ("source", "target", "unlabelled"),
}
"""Method -> what a training batch holds."""


@dataclass(frozen=True)
class AdaptationObjectiveConfig(Settings):
    """What is learned from which domain."""

    method: Method = "mme"
    """`base`: the source alone; `fine_tuning`: the shots alone, from base weights; `s_plus_t`: both; `ent`: both, and the entropy of
    unlabelled target images is lowered; `mme`: raised by the classifier and lowered by the features."""
    weight: NotNegative = 0.1
    """Of the entropy (lambda)."""
    reversal: NotNegative = 1.0
    """Of the reversed gradient (eta)."""
    epsilon: NotNegative = 1e-10
    """Added to probabilities before their logarithm."""


@dataclass(frozen=True)
class SgdConfig(Settings):
    """Stochastic gradient descent with Nesterov momentum, as MME has it; the rate is that of `optimizer`."""

    momentum: DropRate = 0.9
    weight_decay: NotNegative = 5e-4
    """Added to the gradient of all parameters."""
    trunk_factor: NotNegative = 0.1
    """Of the rate for `features/trunk`."""
    decay: NotNegative = 1e-4
    """The rate at step t is rate * (1 + decay t)^-power."""
    power: NotNegative = 0.75


@dataclass(frozen=True)
class AdaptationExperiment(PairExperiment):
    """Training of one of the methods."""

    system: str = "domain_adaptation"
    objective: AdaptationObjectiveConfig = field(default_factory=AdaptationObjectiveConfig)
    nesterov: bool = True
    """Whether gradients are descended as `sgd` says; else as `optimizer` says, as for fine-tuning."""
    sgd: SgdConfig = field(default_factory=SgdConfig)
