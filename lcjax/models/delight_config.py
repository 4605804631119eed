"""Shape of the DELIGHT networks as plain settings. Nothing here imports jax."""

from dataclasses import dataclass
from typing import Literal

from lcjax.schema import Count, DropRate, Positive, Settings


@dataclass(frozen=True)
class DelightModelConfig(Settings):
    """Shape of a DELIGHT network (AJ 164, 195); the defaults are the published one, 2,297,184 parameters."""

    side: Count = 30
    """Pixels along a side of every plane of the stack."""
    levels: Count = 5
    """Planes, from the finest."""
    filters: tuple[Count, Count, Count] = (52, 57, 41)
    """Channels of the three 3 x 3 convolutions."""
    hidden: Count = 685
    """Width of the dense layer."""
    dropout: DropRate = 0.062505
    head: Literal["offset", "mixture"] = "offset"
    """`offset`: one position for each variant, averaged. `mixture`: positions with widths and weights, and the logit of
    `hostless`."""
    outputs: Count = 2
    """`offset` only: dx, dy, and with 3 a number that does not turn with the image: the radius of the host, pixels."""
    components: Count = 3
    """`mixture` only: positions of each of the eight variants."""
    unit: Positive = 1.0
    """Pixels for an output of 1; the published network answers in pixels."""
    min_width: Positive = 1.0
    """`mixture` only: narrowest position (standard deviation), pixels."""


PUBLISHED = DelightModelConfig()

HOSTS = DelightModelConfig(filters=(24, 48, 48), hidden=256, dropout=0.1, head="mixture", unit=40.0)
"""Two plausible hosts and `hostless`, small enough to train on two cores."""
