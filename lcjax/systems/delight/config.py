"""Settings of host-galaxy identification with DELIGHT. Nothing here imports jax."""

from dataclasses import dataclass, field
from typing import Literal

from lcjax.configs import Experiment
from lcjax.models.delight_config import DelightModelConfig
from lcjax.schema import Count, NotNegative, Positive, Settings


@dataclass(frozen=True)
class ImageConfig(Settings):
    """The image that the network knows; any other is resampled to it by its explicit pixel scale."""

    image_size: Count = 480
    """Pixels along a side, a multiple of 2^(levels - 1)."""
    pixel_scale: Positive = 0.25
    """Arcsec."""
    levels: Count = 5
    """Resolutions of the stack."""
    mask: Literal["sources", "mad", "none"] = "sources"
    """What is kept of an image: ellipses of detected sources (published), pixels that stand out, or everything."""


@dataclass(frozen=True)
class HostObjectiveConfig(Settings):
    """What training minimises."""

    loss: Literal["mse", "huber"] = "mse"
    """`offset` head only: squared error of all variants (published), or linear beyond huber_delta."""
    huber_delta: Positive = 10.0
    """Pixels."""
    l1: NotNegative = 1e-5
    """Penalty on the kernel of the first dense layer (published)."""
    l2: NotNegative = 1e-4
    """Likewise, on its squares."""
    training_variants: Literal[1, 8] = 8
    """Turned and mirrored copies of each stack in training: all eight (published), or one drawn anew each time, which
    costs an eighth. Answers always average all eight."""
    hostless_weight: NotNegative = 1.0
    """`mixture` head only: weight of the hostless decision against the position."""
    answer_radius: Positive = 12.0
    """`mixture` head only: an answer's probability is that the host lies within so many pixels of it."""


@dataclass(frozen=True)
class DelightExperiment(Experiment):
    """Host-galaxy identification."""

    system: str = "delight"
    model: DelightModelConfig = field(default_factory=DelightModelConfig)
    image: ImageConfig = field(default_factory=ImageConfig)
    objective: HostObjectiveConfig = field(default_factory=HostObjectiveConfig)
