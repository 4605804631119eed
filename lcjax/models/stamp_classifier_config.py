"""Shape of the single-stamp classifier (AJ 162, 231). Nothing here imports jax."""

from dataclasses import dataclass
from typing import Literal

from lcjax.errors import ConfigError
from lcjax.schema import Count, DropRate, Positive, Settings, Whole


@dataclass(frozen=True)
class StampModelConfig(Settings):
    """Convolutions over four rotations of a stamp, pooled, joined with the metadata of its alert.

    `parity` brings back every quirk of the published networks at once; each is one option below.
    """

    kernels: tuple[Count, ...] = (4, 3, 3, 3, 3)
    """Side of each convolution kernel; the first one is VALID after `padding`, the others SAME."""
    filters: tuple[Count, ...] = (32, 32, 64, 64, 64)
    pool_after: tuple[Count, ...] = (2, 5)
    """Convolutions (counted from 1) that a 2 x 2 max-pool follows."""
    padding: Whole = 3
    """Zeros around the image, pixels a side."""
    trunk: tuple[Count, ...] = (64,)
    """Widths of the dense layers before the mean over rotations."""
    head: tuple[Count, ...] = (64, 64)
    """Widths of the dense layers after it; none in the image-only networks."""
    dropout: DropRate = 0.5
    """After every hidden dense layer."""
    live_dropout: bool = True
    """False: dropout never acts; the published layer was never told that it was training."""
    norm: Literal["none", "group"] = "group"
    """Group norm after each convolution; without it, at the published learning rate, the image branch dies."""
    norm_groups: Count = 8
    convolution: Literal["direct", "winograd"] = "direct"
    """`winograd` takes half the multiplications for 3 x 3 kernels, which is faster on a CPU if 8 alerts at a time go
    through the network; answers differ in the last digits. Predictions on a CPU choose it by themselves."""
    feature_norm_momentum: DropRate = 0.99
    feature_norm_epsilon: Positive = 1e-3
    parity: bool = False
    """Exactly the published network and inputs: no norm, no dropout, `isdiffpos` scaled but not centred."""
    num_classes: Count = 5
    """Set from the class names by the task."""
    num_features: Whole = 26
    """Set from the feature names by the task; 0: images only."""
    image_size: Count = 21
    """Side of the cropped stamp; set from the inputs by the task."""
    num_channels: Count = 3
    """Science, template, difference."""

    def __post_init__(self) -> None:
        """Raises ConfigError for values of the wrong type or out of range, or that do not fit each other."""
        super().__post_init__()
        if len(self.kernels) != len(self.filters):
            raise ConfigError(
                f"{len(self.kernels)} kernels and {len(self.filters)} filters: give one of each a convolution"
            )


IMAGE_ONLY = StampModelConfig(trunk=(64, 64), head=(), num_features=0)
PRODUCTION = StampModelConfig(kernels=(4, 5, 5, 5, 5), num_features=23)
