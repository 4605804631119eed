"""Sizes of the networks of AstroM3 and of their relatives. Nothing here imports jax."""

from dataclasses import dataclass, field
from typing import Literal

from lcjax.schema import Count, DropRate, NotNegative, Settings


@dataclass(frozen=True)
class PhotometryConfig(Settings):
    """The encoder of light curves."""

    encoder: Literal["informer", "dense"] = "dense"
    """`informer` is the published one: attention of six queries a layer to all rows, padding among them, positions by row
    number, and every row of the output kept. `dense` has the same role: every point attends to the observed points alone,
    positions are times, and the output is the mean over the observed points."""
    channels: Count = 9
    """Of every point: time, flux, error, and scalars of the object."""
    width: Count = 128
    num_heads: Count = 4
    hidden: Count = 512
    """Units of the feed-forward networks."""
    layers: Count = 8
    length: Count = 200
    """Points; fixed with `informer`, which keeps every row, the longest crop with `dense`."""
    factor: Count = 1
    """`informer`: keys sampled and queries kept are factor * ceil(ln length)."""
    activation: Literal["gelu", "relu"] = "gelu"
    dropout: DropRate = 0.245107
    embedding_dropout: DropRate = 0.1
    """`informer`: 0.1 whatever the other rate is, as published."""


@dataclass(frozen=True)
class SpectraConfig(Settings):
    """GalSpecNet: convolutions of three samples, each but the last followed by a pooling."""

    channels: tuple[Count, ...] = (3, 64, 64, 32, 32)
    """Of the input, then of every convolution."""
    kernel: Count = 3
    pool: Count = 4
    length: Count = 2575
    """Samples of a spectrum."""
    dropout: DropRate = 0.339266

    @property
    def features(self) -> int:
        """Numbers of the flattened output.

        >>> SpectraConfig().features
        1184
        """
        size = self.length
        for number in range(1, len(self.channels)):
            size -= self.kernel - 1
            if number + 1 < len(self.channels):
                size //= self.pool
        return max(size, 0) * self.channels[-1]


@dataclass(frozen=True)
class VectorConfig(Settings):
    """Two dense layers over a vector of numbers."""

    inputs: Count = 34
    hidden: Count = 512
    dropout: DropRate = 0.159534


@dataclass(frozen=True)
class MultimodalConfig(Settings):
    """Encoders of several modalities, their projections into one space, and what is asked of them."""

    modalities: tuple[Literal["photometry", "spectra", "metadata"], ...] = ("photometry", "spectra", "metadata")
    photometry: PhotometryConfig = field(default_factory=PhotometryConfig)
    spectra: SpectraConfig = field(default_factory=SpectraConfig)
    metadata: VectorConfig = field(default_factory=VectorConfig)
    dim: Count = 512
    """Of the common space."""
    head: Literal["contrastive", "classifier"] = "contrastive"
    """`classifier` with one modality is its encoder and a linear layer, without projection."""
    fusion: Literal["avg", "concat"] = "avg"
    """Of a classifier of several modalities."""
    num_classes: Count = 10
    initial_scale: NotNegative = 100.0
    """Factor of the cosines; learned, between 1 and 100."""
    pair_bias: float | None = None
    """Where the learned summand of the logits of each pair starts (-10 for the sigmoid loss); None: there is none."""


PARITY = PhotometryConfig(encoder="informer")
"""The published photometry encoder."""
