"""Shape of the DELIGHT networks as plain settings. Nothing here imports jax."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DelightModelConfig:
    """Shape of a DELIGHT network (AJ 164, 195); the defaults are the published one, 2,297,184 parameters."""

    side: int = 30
    """Pixels along a side of every plane of the stack."""
    levels: int = 5
    """Planes, from the finest."""
    filters: tuple[int, int, int] = (52, 57, 41)
    """Channels of the three 3 x 3 convolutions."""
    hidden: int = 685
    """Width of the dense layer."""
    dropout: float = 0.062505
    head: Literal["offset", "mixture"] = "offset"
    """`offset`: one position for each variant, averaged. `mixture`: positions with widths and weights, and the logit of
    `hostless`."""
    outputs: int = 2
    """`offset` only: dx, dy, and with 3 a number that does not turn with the image: the radius of the host, pixels."""
    components: int = 3
    """`mixture` only: positions of each of the eight variants."""
    unit: float = 1.0
    """Pixels for an output of 1; the published network answers in pixels."""
    min_width: float = 1.0
    """`mixture` only: narrowest position (standard deviation), pixels."""


PUBLISHED = DelightModelConfig()

HOSTS = DelightModelConfig(filters=(24, 48, 48), hidden=256, dropout=0.1, head="mixture", unit=40.0)
"""Two plausible hosts and `hostless`, small enough to train on two cores."""
