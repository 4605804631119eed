"""Settings of AVDA. Nothing here imports jax."""

from dataclasses import dataclass, field
from typing import Literal

from lcjax.models.avda_config import AvdaConfig
from lcjax.schema import NotNegative, Settings, Share, Whole
from lcjax.systems.domain_pairs.config import PairExperiment


@dataclass(frozen=True)
class AvdaObjectiveConfig(Settings):
    """Weights of the terms."""

    gamma: Share = 0.9
    """Of the labelled terms; the unlabelled one has the rest."""
    alpha_source: NotNegative = 1.0
    """Of -log q(y|z) of labelled source images."""
    alpha_target: NotNegative = 1.0
    """Likewise of the shots."""
    reconstruction: NotNegative = 1.0
    """Of -log p(x|z); 1 is the likelihood of the model."""
    per: Literal["image", "pixel"] = "image"
    """Whether -log p(x|z) is summed over pixels, as in the article, or their mean, as in the public code of a related model of its authors:
    a sum outweighs the classes a thousandfold."""
    adversarial: NotNegative = 1.0
    """Of the discriminator against the encoder; 0: none."""
    saturating: bool = True
    """The encoder descends log(1 - D) of target latents; False: -log D."""
    pretraining_steps: Whole = 1000
    """Steps at the beginning on the source, and on the reconstruction of the target, without discriminator."""


@dataclass(frozen=True)
class AvdaExperiment(PairExperiment):
    """Training of AVDA."""

    system: str = "avda"
    objective: AvdaObjectiveConfig = field(default_factory=AvdaObjectiveConfig)
    latent: AvdaConfig = field(default_factory=AvdaConfig)
    pixels: Literal["bernoulli", "gaussian"] | None = None
    """Of decoders: numbers in [0, 1], or any. None: the first of scaled images, the second of feature vectors and of images that are not scaled;
    set when training."""


def likelihood_of(experiment: AvdaExperiment) -> Literal["bernoulli", "gaussian"]:
    """That of the pixels, as said or as the inputs ask for.

    >>> likelihood_of(AvdaExperiment())
    'bernoulli'
    """
    return experiment.pixels or ("gaussian" if any_numbers(experiment) else "bernoulli")


def any_numbers(experiment: AvdaExperiment) -> bool:
    """Whether what goes in need not be between 0 and 1."""
    return bool(experiment.inputs.vectors) or experiment.inputs.scale == "none"
