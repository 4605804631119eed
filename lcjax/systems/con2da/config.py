"""Settings of Con2DA. Nothing here imports jax."""

from dataclasses import dataclass, field

from lcjax.schema import Count, NotNegative, Positive, Settings, Share, Whole
from lcjax.systems.domain_pairs.config import PairExperiment


@dataclass(frozen=True)
class ConsistencyConfig(Settings):
    """What is asked of two views of an unlabelled image."""

    threshold: Share = 0.9
    """Probability above which both views' common answer counts as a label."""
    contrast: NotNegative = 1.0
    """Weight of the contrastive loss."""
    consistency: NotNegative = 1.0
    """Weight of the cross entropy with the common answer."""
    contrast_temperature: Positive = 0.05


@dataclass(frozen=True)
class ViewsConfig(Settings):
    """How strong views differ from weak ones."""

    noise: NotNegative = 1.0
    """Largest added noise, in units of the image's own background; of feature vectors, absolute."""
    cut_share: Share = 0.25
    """Side of the square that is cut out, as a share of the image's."""
    mirror: bool = True
    """Whether turned and mirrored images mean the same, as of stars and not of digits."""
    drop: Share = 0.1
    """Share of the entries of a feature vector that are set to 0."""


@dataclass(frozen=True)
class TwoRatesConfig(Settings):
    """Adam with L2 and two rates; the rate of `optimizer` is the features'."""

    classifier_factor: Positive = 10.0
    weight_decay: NotNegative = 1e-5
    """Added to the gradient."""
    anneal_over: Count = 1000
    """Steps of the cosine (T_max: batches of unlabelled images in the published code)."""
    anneal_after: Whole = 150
    """Updates before the first step of the cosine."""
    anneal_every: Count = 30
    """Updates of each step of the cosine."""


@dataclass(frozen=True)
class Con2daExperiment(PairExperiment):
    """Training of Con2DA."""

    system: str = "con2da"
    objective: ConsistencyConfig = field(default_factory=ConsistencyConfig)
    views: ViewsConfig = field(default_factory=ViewsConfig)
    rates: TwoRatesConfig = field(default_factory=TwoRatesConfig)
