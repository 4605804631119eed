"""Settings of all systems that adapt from one domain to another. Nothing here imports jax."""

from dataclasses import dataclass, field
from typing import Literal

from lcjax.configs import Experiment
from lcjax.models.image_networks_config import DEEP_HITS, ImageNetworkConfig
from lcjax.schema import Count, NotNegative, Settings, Share, Whole


@dataclass(frozen=True)
class DomainsConfig(Settings):
    """Which datasets are what, and how much of the target is labelled."""

    source: tuple[str, ...] = ()
    """Names of the datasets of the source; none: all that are no target."""
    target: tuple[str, ...] = ()
    """Names of the datasets of the target."""
    shots: Whole = 1
    """Labelled images of each class of the target; 0: none, for methods that learn from unlabelled ones."""
    draw: Whole = 0
    """Seed of the shots: which images they are."""
    validation_shots: Whole | None = 3
    """Labelled images of each class of the target's validation split that choose the best weights; None: all; 0: none, the source's
    validation split chooses."""
    target_batch: Count | None = None
    """Rows of a batch of labelled target images; None: as many as of the source, or as there are shots."""
    unlabelled_batch: Count | None = None
    """None: twice as many as of the source."""
    balance: Literal["none", "published", "weighted"] = "weighted"
    """Classes of the source in training."""
    classes: tuple[str, ...] = ()
    """To tell apart, each as NAME, or NAME=OTHER,OTHER where the datasets call it otherwise; none: all of the data. Records of other
    classes are left out, those without a class stay among the unlabelled."""


@dataclass(frozen=True)
class PairInputsConfig(Settings):
    """What the network sees of an image."""

    class_names: tuple[str, ...] = ("bogus", "real")
    """Set from the data when training."""
    channel_names: tuple[str, ...] = ()
    """Set from the data when training; other images are refused."""
    size: Count | None = None
    """Side in pixels of the square that is cut from the middle; None: of the smaller domain's images."""
    vectors: Whole = 0
    """Length of feature vectors, where the data holds such; set from the data when training."""
    scale: Literal["min_max", "full_scale", "none"] = "min_max"
    """Each channel of each image to [0, 1] by its own pixels; divided by the largest number of the file format; not at all."""


@dataclass(frozen=True)
class CollapseConfig(Settings):
    """When a run warns that the answers to the target have collapsed on one class."""

    entropy: NotNegative = 0.02
    """Mean entropy of the answers, as a share of ln K, at or below which they are sure of everything."""
    share: Share = 0.98
    """Of the images that the commonest answer has, at or above which it is the only one."""


@dataclass(frozen=True)
class PairExperiment(Experiment):
    """Training on two domains; the systems add an `objective`."""

    domains: DomainsConfig = field(default_factory=DomainsConfig)
    inputs: PairInputsConfig = field(default_factory=PairInputsConfig)
    network: ImageNetworkConfig = DEEP_HITS
    temperature: NotNegative = 0.05
    """Of the cosine classifier; 0: a dense layer instead."""
    collapse: CollapseConfig = field(default_factory=CollapseConfig)
