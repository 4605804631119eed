"""Settings of base training, fine-tuning, S+T, ENT and MME. Nothing here imports jax."""

from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from lcjax.configs import WindowConfig
from lcjax.models.image_networks_config import ImageNetworkConfig
from lcjax.schema import DropRate, NotNegative, Settings
from lcjax.systems.domain_pairs.config import PairExperiment
from lcjax.systems.encoder_origin import OriginConfig

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
    trunk_factor: NotNegative | None = None
    """Of the rate for the trunk, `features/trunk` or `encoder`. None: 0.1, as published, where it comes trained
    (`--training.initial-weights`, `--encoder`), and 1 where it begins with random weights; set when training."""
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


TRAINED_TRUNK = 0.1
"""Of the rate, for a trunk that others have trained: its features are refined, not learned (arXiv 1904.06487: layers of ImageNet)."""
_Adaptation = TypeVar("_Adaptation", bound=AdaptationExperiment)


def with_trunk_factor(experiment: _Adaptation, trained: bool) -> _Adaptation:
    """With the trunk's rate that is right for how it begins, unless one was said.

    >>> with_trunk_factor(AdaptationExperiment(), trained=False).sgd.trunk_factor
    1.0
    """
    if experiment.sgd.trunk_factor is not None or not experiment.nesterov:
        return experiment
    return replace(experiment, sgd=replace(experiment.sgd, trunk_factor=TRAINED_TRUNK if trained else 1.0))


def trunk_note(experiment: AdaptationExperiment) -> str:
    """A sentence about the rate of the trunk; none where nothing is said of it."""
    factor = experiment.sgd.trunk_factor
    if factor is None or not experiment.nesterov:
        return ""
    how = "as fast as" if factor == 1 else f"{factor:g} times as fast as"
    return f"the trunk learns {how} the layers behind it (sgd.trunk_factor {factor:g})"


def start_notes(experiment: AdaptationExperiment) -> list[str]:
    """What is said before training: how fast the trunk learns, and that a fine-tuning has nothing to go on from."""
    notes = [trunk_note(experiment)]
    if experiment.objective.method == "fine_tuning" and not experiment.training.initial_weights:
        notes.append(
            "warning: fine-tuning goes on from base weights and none are given: this run learns from the shots alone, with random weights "
            "(--training.initial-weights BASE)"
        )
    return [note for note in notes if note]


def streams_of(experiment: AdaptationExperiment) -> tuple[str, ...]:
    """Those of the method; without shots the target is unlabelled alone, where the method can learn so."""
    streams = STREAMS[experiment.objective.method]
    alone = not experiment.domains.shots and "unlabelled" in streams
    return tuple(name for name in streams if not (alone and name == "target"))


_VECTORS = ImageNetworkConfig(vector_widths=(), head=(64,), dropout=0.0, dropout_before=(), last_active=False)


@dataclass(frozen=True)
class CurveAdaptationExperiment(AdaptationExperiment):
    """The same of light curves: an encoder in the place of the convolutions."""

    system: str = "light_curve_adaptation"
    encoder: str = ""
    """Workdir, weights folder or published name of a trained encoder."""
    architecture: str = ""
    """Instead of --encoder: preset whose encoder begins with random weights."""
    train_encoder: bool = True
    """Whether the encoder is trained with the classifier, `sgd.trunk_factor` times as fast; else it stays as it came."""
    origin: OriginConfig = field(default_factory=OriginConfig)
    window: WindowConfig = field(default_factory=lambda: WindowConfig(mode="random", evaluation_mode="sequential"))
    network: ImageNetworkConfig = _VECTORS
    """Between the mean of the encoder's last layer over a window and the classifier; only what concerns vectors."""
