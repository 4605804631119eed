"""Settings of classifiers of light curves. Nothing here imports jax."""

from dataclasses import dataclass, field
from typing import Literal

from lcjax.configs import Experiment
from lcjax.models.light_curve_head_config import RAW_HEADS, HeadConfig
from lcjax.schema import Count, Settings, Share, Whole
from lcjax.systems.encoder_origin import OriginConfig


@dataclass(frozen=True)
class SubsetConfig(Settings):
    """Which stars of a class are learned from."""

    fold: Whole = 0
    """Number of the draw: every fold draws other stars of the training split; the test split stays."""
    draw: Literal["distinct", "published"] = "distinct"
    """`distinct`: no star twice, classes with too few are left out; `published`: with replacement (A&A 670, A54)."""
    validation_share: Share = 0.2
    """Stars that choose the best weights, from the validation split, as a share of --samples-per-class."""
    validation: Literal["per_class", "published"] = "per_class"
    """`per_class`: so many of every class; `published`: so many in all."""


@dataclass(frozen=True)
class LightCurveClassifierExperiment(Experiment):
    """A head on an encoder, or a network on bare light curves, that learns classes."""

    system: str = "light_curve_classifier"
    encoder: str = ""
    """Workdir, weights folder or published name of the encoder."""
    architecture: str = ""
    """Instead of --encoder: preset whose encoder begins with random weights."""
    train_encoder: str = "none"
    """What of the encoder is trained with the head: `none`, `all`, a number (so many last blocks), or a regular expression
    that is searched in the paths of its parameters."""
    samples_per_class: Count | None = 20
    """Labelled stars of every class to learn from; None: all that there are."""
    classes: tuple[str, ...] = ()
    """Classes to tell apart; none: all of the data that have enough stars."""
    pooling: Literal["log_probabilities", "probabilities"] = "log_probabilities"
    """What is averaged over the windows of a star, each weighing as many points as it has."""
    learns: Literal["classes", "reconstruction"] = "classes"
    """`reconstruction`: no classes; the encoder goes on with its own pretraining on the stars that would be drawn, and the
    workdir is one of the encoder's own system."""
    head: HeadConfig = field(default_factory=HeadConfig)
    subset: SubsetConfig = field(default_factory=SubsetConfig)
    origin: OriginConfig = field(default_factory=OriginConfig)
    class_names: tuple[str, ...] = ()
    """In the order of the outputs; set from the data."""

    @property
    def raw(self) -> bool:
        """Whether there is no encoder."""
        return self.head.kind in RAW_HEADS

    @property
    def frozen(self) -> bool:
        """Whether the encoder is as it came, if there is one."""
        return self.raw or self.train_encoder == "none"
