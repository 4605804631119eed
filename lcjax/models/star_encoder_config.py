"""Size and parts of the star encoder. Nothing here imports jax."""

from dataclasses import dataclass, field

from lcjax.errors import ConfigError
from lcjax.schema import Count, DropRate, Positive, Settings, Whole


@dataclass(frozen=True)
class PointTokensConfig(Settings):
    """Attention among some points of a star themselves, beside the views; see `lcjax.models.point_tokens`."""

    points: Whole = 0
    """Most points of a star that are tokens, spread evenly over its visible ones; 0: views alone."""
    width: Count = 64
    heads: Count = 4
    blocks: Count = 2
    shortest: Positive = 0.05
    """Period of the fastest rotation of attention, d."""
    longest: Positive = 3000.0
    """Period of the slowest, d."""

    def __post_init__(self) -> None:
        """Raises ConfigError for heads that cannot be turned."""
        super().__post_init__()
        if self.width % (2 * self.heads):
            raise ConfigError(
                f"tokens of {self.width} numbers cannot be turned in {self.heads} heads: give a width that is a multiple of twice the heads"
            )


@dataclass(frozen=True)
class StarEncoderConfig(Settings):
    """One vector of a star from its periodogram, its folded curves, and a few numbers."""

    width: Count = 256
    """Of the embedding and of the trunk."""
    blocks: Count = 2
    """Of the trunk."""
    candidates: Count = 3
    """Periods at which (and at whose doubles) curves are folded."""
    periodogram_bins: Count = 256
    phase_bins: Count = 32
    filters: Count = 32
    """What each piece of a periodogram or a folded curve becomes."""
    bands: Count = 1
    """Bands that are told apart: by 6 the points of all bands of a star are looked at together. One: each band by itself."""
    brightness: bool = False
    """Whether the median magnitude enters. It tells classes apart by how a survey selected its stars."""
    tokens: PointTokensConfig = field(default_factory=PointTokensConfig)
    dropout: DropRate = 0.0
    projection: Count = 128
    """Of the vectors that are contrasted; the projector is thrown away after training."""


@dataclass(frozen=True)
class StarDecoderConfig(Settings):
    """How hidden points are predicted from visible ones."""

    width: Count = 64
    sharpness: tuple[Positive, ...] = (6.0, 40.0, 250.0)
    """Of the kernels in phase when training begins: width 1 / (2 pi sqrt(sharpness)) cycles."""
    harmonics: tuple[Count, ...] = (1, 3, 6)
    """Of the fits at each period."""
    days: tuple[Positive, ...] = (0.3, 3.0, 20.0, 100.0, 500.0)
    """Of the kernels in time when training begins."""
