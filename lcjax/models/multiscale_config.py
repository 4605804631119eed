"""Shape of the multi-scale stamp classifier (arXiv 2304.13080). Nothing here imports jax."""

from dataclasses import dataclass
from typing import Literal

from lcjax.errors import ConfigError
from lcjax.schema import Count, DropRate, Positive, Settings, Whole


@dataclass(frozen=True)
class MultiscaleModelConfig(Settings):
    """Convolutions over eight dihedral copies of each level, averaged, joined with position or metadata."""

    kernels: tuple[Count, ...] = (3, 3, 3, 3)
    """Side of each convolution kernel, SAME."""
    filters: tuple[Count, ...] = (76, 18, 54, 28)
    pool_after: tuple[Count, ...] = (2,)
    """Convolutions (counted from 1) that a 2 x 2 max-pool, SAME, follows. Published for the full stamp only: (1, 2, 3); the
    smaller networks here end, like it, in maps that still have places, 4 x 4: chosen on our injected alerts, not published."""
    dense: Count = 69
    """Width of the tanh layer before the logits."""
    dropout: DropRate = 0.8478
    """On the averaged convolution features, in training."""
    level_weights: Literal["shared", "separate", "stacked"] = "shared"
    """Several levels: one network for all, one for each, or one that sees them as channels."""
    train_copies: Literal["all", "one"] = "all"
    """`one` trains on one random dihedral copy per alert and step, eight times cheaper; answers use all eight."""
    feature_norm_momentum: DropRate = 0.99
    feature_norm_epsilon: Positive = 1e-3
    num_classes: Count = 6
    """Set from the class names by the task."""
    num_features: Whole = 3
    """Set from the inputs by the task; 0: stamps only."""
    image_size: Count = 8
    """Side of a level; set from the inputs by the task."""
    num_levels: Count = 4
    """Set from the inputs by the task."""
    num_channels: Count = 6
    """Set from the inputs by the task."""

    def __post_init__(self) -> None:
        """Raises ConfigError for values of the wrong type or out of range, or that do not fit each other."""
        super().__post_init__()
        if len(self.kernels) != len(self.filters):
            raise ConfigError(
                f"{len(self.kernels)} kernels and {len(self.filters)} filters: give one of each a convolution"
            )


MULTISCALE = MultiscaleModelConfig()
CROPPED = MultiscaleModelConfig(
    filters=(112, 27, 92, 121), pool_after=(1, 2), dense=133, dropout=0.8668, image_size=16, num_levels=1
)
LOW_RES = MultiscaleModelConfig(
    filters=(63, 31, 108, 14), pool_after=(1, 2), dense=22, dropout=0.7307, image_size=16, num_levels=1
)
FULL = MultiscaleModelConfig(
    filters=(37, 60, 29, 26), pool_after=(1, 2, 3), dense=31, dropout=0.7173, image_size=63, num_levels=1
)
"""The published widths (TPE search, 200 trials each)."""
PRODUCTION_2025 = MultiscaleModelConfig(
    kernels=(4, 3, 3, 3, 3),
    filters=(32, 32, 64, 64, 64),
    pool_after=(2, 5),
    dense=31,
    dropout=0.717,
    image_size=23,
    num_levels=1,
    num_features=0,
)
"""The deeper network of the ZTF service of 2025."""
