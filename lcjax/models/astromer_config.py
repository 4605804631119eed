"""Shape and behaviour of the Astromer networks as plain settings. Nothing here imports jax."""

from dataclasses import dataclass
from typing import Literal

from lcjax.errors import ConfigError
from lcjax.schema import Count, DropRate, NotNegative, Positive, Settings


@dataclass(frozen=True)
class AstromerModelConfig(Settings):
    """Shape and behaviour of an Astromer encoder (A&A 670, A54; A&A 707, A170)."""

    num_layers: Count = 6
    num_heads: Count = 4
    width: Count = 256
    """Model width D; a head is width / num_heads wide."""
    ffn_width: Count = 512
    dropout: DropRate = 0.0
    residual: Literal["none", "projection", "identity"] = "projection"
    """Path around attention and feed-forward: Astromer 1 has none at all, Astromer 2 a learned projection."""
    norm: Literal["post", "pre"] = "post"
    activation: Literal["tanh", "gelu"] = "tanh"
    time_encoding: Literal["published", "trainable", "log_periods"] = "published"
    """`published`: periods from 6.3 d up; `trainable`: the same, frequencies trained; `log_periods`: sine and cosine
    at periods from min_period to max_period."""
    time_base: Positive = 10_000.0
    time_exponent: float = 2.0
    min_period: Positive = 0.02
    """Days; `log_periods` only."""
    max_period: Positive = 4000.0
    attention_bias: Literal["none", "time_differences"] = "none"
    """`time_differences`: every head subtracts a learned a*log(1 + |t_i - t_j|/tau) from its logits."""
    input_features: Literal["magnitude", "magnitude_and_error"] = "magnitude"
    """`magnitude_and_error` also shows which points are visible and the log errors of the visible ones."""
    predict_variance: bool = False
    """The head also predicts a log variance: error bars for reconstructed points."""
    attention: Literal["xla", "cudnn"] = "xla"
    """Kernel of strict attention; cudnn needs a GPU and bfloat16."""
    parity: bool = False
    """Reproduce the published networks number by number, defects included. False: the model the paper describes, where
    hidden points show the mask token (or 0) and nobody attends to hidden points or padding."""
    mask_token: bool = True
    """A trainable scalar in place of hidden magnitudes; the published Astromer 2 lost it by a wiring mistake."""
    mask_format: Literal["QK", "K", "Q", "tanh", "logits"] = "K"
    """Parity only: which hidden points the additive mask term marks."""
    mask_alpha: float = -1e9
    """Parity only: factor of the additive mask term; Astromer 1 shipped +1, which favours what it should hide."""
    temperature: NotNegative = 0.0
    """Parity only: logits are divided by it unless 0."""

    def __post_init__(self) -> None:
        """Raises ConfigError for values of the wrong type or out of range, or that do not fit each other."""
        super().__post_init__()
        if self.min_period >= self.max_period:
            raise ConfigError(f"periods from {self.min_period:g} to {self.max_period:g} days are none: swap them")


ASTROMER1 = AstromerModelConfig(
    num_layers=2,
    num_heads=4,
    width=256,
    ffn_width=128,
    dropout=0.1,
    residual="none",
    mask_token=False,
    mask_format="QK",
    mask_alpha=1.0,
)
"""The published Astromer 1 (A&A 670, A54); `parity=True` makes it the network that was shipped."""

ASTROMER2 = AstromerModelConfig()
"""The published Astromer 2 (A&A 707, A170); `parity=True, mask_token=False` makes it the network that was shipped."""
