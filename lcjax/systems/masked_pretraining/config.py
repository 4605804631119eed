"""Settings of masked pretraining that every encoder shares. Nothing here imports jax."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from lcjax.configs import Experiment
from lcjax.schema import Positive, Settings, Share


@dataclass(frozen=True)
class MaskingConfig(Settings):
    """What is hidden: half of the points, of those a fifth shown and a fifth exchanged (A&A 670, A54)."""

    probed: Share = 0.5
    """Share of points the network must predict."""
    same: Share = 0.2
    """Share of the probed points that stay visible unchanged."""
    random: Share = 0.2
    """Share of the remaining ones that show another point's magnitude."""


@dataclass(frozen=True)
class ObjectiveConfig(Settings):
    """What training minimises."""

    loss: Literal["rmse", "mse", "huber", "gaussian_nll"] = "rmse"
    """`huber` is quadratic up to huber_delta and linear beyond; `gaussian_nll` also trains a predicted error bar."""
    huber_delta: Positive = 1.0
    """On the scale of the network: magnitudes, or spreads of the window with scale=std."""
    error_weights: bool = False
    """Weight points by inverse error (`correct_loss` of Astromer 2)."""
    scale: Literal["none", "std"] = "none"
    """`std` divides magnitudes by the spread of the visible points before they enter network and loss."""


class EncoderConfig(Protocol):
    """What masked pretraining must know of an encoder's settings, a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict]

    width: int
    parity: bool
    predict_variance: bool


@dataclass(frozen=True)
class PretrainingExperiment(Experiment):
    """Masked pretraining of an encoder; each system gives `model` its own settings."""

    model: Any = None
    """`EncoderConfig` of the system."""
    masking: MaskingConfig = field(default_factory=MaskingConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
