"""Settings of networks that make feature vectors of images. Nothing here imports jax."""

from dataclasses import dataclass
from typing import Literal

from lcjax.errors import ConfigError
from lcjax.schema import Count, DropRate, NotNegative, Settings


@dataclass(frozen=True)
class ImageNetworkConfig(Settings):
    """Images, or vectors, to feature vectors."""

    filters: tuple[int, ...] = ()
    """Convolutions of a plain network; all else of one is the last given where a list is shorter."""
    kernels: tuple[int, ...] = (3,)
    strides: tuple[int, ...] = (1,)
    paddings: tuple[int, ...] = (1,)
    pool_after: tuple[int, ...] = ()
    """Convolutions, from 1, after which the largest of each 2 x 2 pixels is taken."""
    residual: tuple[int, ...] = ()
    """Widths of the stages of a residual network, instead."""
    blocks: Count = 1
    """Residual blocks of each stage."""
    rotations: Literal["", "join", "mean"] = ""
    """Four turned copies of each image, whose features are put one behind the other, or averaged."""
    norm: bool = False
    """Batch norm after each convolution of a plain network."""
    slope: NotNegative = 0.01
    """Of leaky ReLU below 0."""
    vector_widths: tuple[int, ...] = (64,)
    """Dense layers in place of the trunk where rows are vectors."""
    head: tuple[int, ...] = (64, 64)
    """Dense layers; the last is the width of the feature vector."""
    dropout: DropRate = 0.5
    dropout_before: tuple[int, ...] = (2,)
    """Dense layers, from 1, before which dropout acts."""
    last_active: bool = True
    """Whether the feature vector goes through leaky ReLU."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a plain and a residual network at once, or numbers that are no layers."""
        super().__post_init__()
        if self.filters and self.residual:
            raise ConfigError("network.filters and network.residual are two networks: leave one of them empty")
        lists = (self.filters, self.residual, self.kernels, self.strides, self.vector_widths, self.head)
        if any(number < 1 for values in lists for number in values) or min(self.paddings, default=0) < 0:
            raise ConfigError("widths, kernels and strides of a network must be 1 or more, paddings 0 or more")
        if not (self.head and self.kernels and self.strides and self.paddings):
            raise ConfigError("network.head, kernels, strides and paddings need one number at least")

    def layer(self, number: int) -> tuple[int, int, int]:
        """Kernel, stride and padding of a convolution, from 0.

        >>> DEEP_HITS.layer(4)
        (3, 1, 1)
        """
        kernel, stride, padding = (v[min(number, len(v) - 1)] for v in (self.kernels, self.strides, self.paddings))
        return kernel, stride, padding


DEEP_HITS = ImageNetworkConfig(
    filters=(32, 32, 64, 64, 64), kernels=(4, 3), paddings=(3, 1), pool_after=(2, 5), rotations="join"
)
"""Deep-HiTS (Cabrera-Vives et al. 2017, ApJ 836, 97) up to its second dense layer."""
DIGITS = ImageNetworkConfig(
    filters=(64, 128, 256, 512),
    kernels=(5, 5, 5, 4),
    strides=(2, 2, 2, 1),
    paddings=(2, 2, 2, 0),
    norm=True,
    slope=0.05,
    head=(256, 128, 64),
    dropout_before=(1, 2),
    last_active=False,
)
"""The digits network of a public implementation of MME, 32 x 32 pixels."""
SMALL_DIGITS = ImageNetworkConfig(
    filters=(16, 32),
    pool_after=(1, 2),
    norm=True,
    slope=0.05,
    head=(64,),
    dropout=0.0,
    dropout_before=(),
    last_active=False,
)
"""Two convolutions, for images of 8 x 8 pixels and more."""
RESIDUAL = ImageNetworkConfig(residual=(32, 64, 128, 256), blocks=2, head=(128, 64), dropout_before=(1,))
"""For larger images."""
