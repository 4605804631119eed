"""Settings of Deep-CLASH. Nothing here imports jax."""

from dataclasses import dataclass, field
from typing import Literal

from lcjax.configs import Experiment
from lcjax.models.deep_clash_config import DeepClashModelConfig
from lcjax.schema import NotNegative, Positive, Settings

BANDS = (
    "F225W", "F275W", "F336W", "F390W", "F435W", "F475W", "F606W", "F625W", "F775W", "F814W", "F850LP", "F105W", "F110W", "F125W",
    "F140W", "F160W",
)  # fmt: skip
"""Of CLASH, from the ultraviolet to H."""
VOTES = ("spheroid", "disk", "irregular", "point_source", "unclassifiable")
"""What galaxies are voted to be; the released tables call the first two smooth and features."""

TOLERANCE = 0.02
"""By which the fractions of an image may fail to sum to 1."""


@dataclass(frozen=True)
class GalaxyImageConfig(Settings):
    """What becomes of an image before the network sees it; each by itself, whatever else is in a batch."""

    channels: Literal["one", "mean"] = "one"
    """A band is an image of its own; `mean`: of the channels of a picture."""
    stretch: Literal["none", "arcsinh"] = "none"
    """Of the image, once it is scaled to 0 to 1."""
    softening: Positive = 0.1
    """Of the arcsinh stretch."""
    eight_bit: bool = False
    """Rounds to 256 levels, as the published code does."""


@dataclass(frozen=True)
class VoteObjectiveConfig(Settings):
    """What training minimises: the root mean square over classes of the error of the vote fractions."""

    votes: Literal["auto", "fractions", "classes"] = "auto"
    """Vote fractions are target numbers of the data, or all votes are for its class; auto: whichever the data has."""
    names: tuple[str, ...] = ()
    """Of the target numbers that are vote fractions, in order; none: all that the data has."""
    augment: bool = True
    """Turns, shifts and mirror images in training."""
    degrees: NotNegative = 360.0
    """Largest turn, either way."""
    shift: NotNegative = 0.05
    """Largest shift along each axis, of the side."""


@dataclass(frozen=True)
class DeepClashExperiment(Experiment):
    """Morphology of galaxies as fractions of votes."""

    system: str = "deep_clash"
    stage: Literal["base", "fine_tuning"] = "base"
    """Which of the two published stages a run is: `fine_tuning` goes on from the weights of a base network, and says so where it has none."""
    model: DeepClashModelConfig = field(default_factory=DeepClashModelConfig)
    image: GalaxyImageConfig = field(default_factory=GalaxyImageConfig)
    objective: VoteObjectiveConfig = field(default_factory=VoteObjectiveConfig)
