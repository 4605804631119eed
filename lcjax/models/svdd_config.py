"""Settings of the networks that describe what is usual in tables of features."""

from dataclasses import dataclass

from lcjax.schema import Count, Settings


@dataclass(frozen=True)
class DetectorModelConfig(Settings):
    """Dense layers with batch norm and leaky ReLU (arXiv 2308.05011); a decoder has them in reverse."""

    widths: tuple[Count, ...] = (512, 256, 128)
    """Of the hidden layers of the encoder."""
    latent: Count = 32
    """Published: 32 for transients, 64 for periodic and stochastic sources."""
    biases: bool = True
    """Biases of hidden layers and shifts of norms, as published. A hypersphere with one centre is safe from collapse only without
    (Ruff et al. 2018, proposition 2)."""
    final_bias: bool = False
    """A bias of the latent layer, by which a hypersphere can be met without looking at the input; a run warns of it."""
