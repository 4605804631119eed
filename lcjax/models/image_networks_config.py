"""Settings of networks that make feature vectors of images. Nothing here imports jax."""

from dataclasses import dataclass
from typing import Literal

from lcjax.schema import Count, DropRate, NotNegative, Settings, Whole


@dataclass(frozen=True)
class ConvLayer(Settings):
    """One convolution with what follows it."""

    filters: Count = 32
    kernel: Count = 3
    stride: Count = 1
    padding: Whole = 1
    pool: bool = False
    """Whether the largest of each 2 x 2 pixels is taken."""


@dataclass(frozen=True)
class ImageNetworkConfig(Settings):
    """Images, or vectors, to feature vectors."""

    trunk: tuple[ConvLayer, ...] = ()
    """Convolutions of a plain network."""
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


DEEP_HITS = ImageNetworkConfig(
    trunk=(
        ConvLayer(32, 4, 1, 3),
        ConvLayer(32, 3, 1, 1, True),
        ConvLayer(64),
        ConvLayer(64),
        ConvLayer(64, 3, 1, 1, True),
    ),
    rotations="join",
)
"""Deep-HiTS (Cabrera-Vives et al. 2017, ApJ 836, 97) up to its second dense layer."""
DIGITS = ImageNetworkConfig(
    trunk=(ConvLayer(64, 5, 2, 2), ConvLayer(128, 5, 2, 2), ConvLayer(256, 5, 2, 2), ConvLayer(512, 4, 1, 0)),
    norm=True,
    slope=0.05,
    head=(256, 128, 64),
    dropout_before=(1, 2),
    last_active=False,
)
"""The digits network of a public implementation of MME, 32 x 32 pixels."""
SMALL_DIGITS = ImageNetworkConfig(
    trunk=(ConvLayer(16, 3, 1, 1, True), ConvLayer(32, 3, 1, 1, True)),
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
