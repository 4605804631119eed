"""Sizes of the networks of AstroM3 and of their relatives. Nothing here imports jax."""

from dataclasses import dataclass, field, replace
from typing import Literal

from lcjax.errors import ConfigError
from lcjax.models.delight_config import DelightModelConfig
from lcjax.models.multiscale_config import MultiscaleModelConfig
from lcjax.models.stamp_classifier_config import StampModelConfig
from lcjax.schema import Count, DropRate, NotNegative, Settings, Whole


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
class ImageConfig(Settings):
    """The encoder of images: which network of the library, and what it sees."""

    network: Literal["stamp_classifier", "multiscale", "delight"] = "stamp_classifier"
    """Whose convolutions: of the ALeRCE stamp classifier (four turns of the image), of the multi-scale one (levels of ever coarser
    pixels, eight copies), or of DELIGHT (a pyramid of medians, one set of weights for all its planes)."""
    crop: Whole = 0
    """Central pixels a side that are seen; 0: as many as the shorter side has. Of `delight` rounded down to halve so often."""
    scale: Literal["min_max", "full_scale", "none"] = "min_max"
    """`stamp_classifier`: each channel of each image from 0 to 1; or divided by the largest number that the file could hold, which
    keeps colours of pictures; or as it is. The others scale by themselves."""
    scenario: Literal["cropped", "low_res", "multiscale", "full"] = "multiscale"
    """`multiscale`: what is seen."""
    level_side: Count = 8
    """`multiscale`: pixels of a level, or of what is seen."""
    levels: Count = 4
    """`multiscale` and `delight`."""
    stamp: StampModelConfig = field(default_factory=lambda: StampModelConfig(num_features=0, head=()))
    """Layers of `stamp_classifier`; its head has no part here."""
    multiscale: MultiscaleModelConfig = field(default_factory=lambda: MultiscaleModelConfig(num_features=0))
    """Layers of `multiscale`."""
    delight: DelightModelConfig = field(default_factory=DelightModelConfig)
    """Layers of `delight`, of which the filters count."""
    size: tuple[Count, Count] = (63, 63)
    """Rows and columns; set from the data."""
    channels: Count = 3
    """Set from the data."""
    channel_names: tuple[str, ...] = ()
    """In order; set from the data, and asked of all data that the model answers."""
    full_scale: NotNegative = 0.0
    """Largest number that the files could hold, 0 of fluxes; set from the data."""

    @property
    def side(self) -> int:
        """Pixels a side that are seen.

        Raises:
          ConfigError: `delight` cannot halve them so often.
        """
        side = self.crop or min(self.size)
        if self.network != "delight":
            return side
        step = 2 ** (self.levels - 1)
        if side < 2 * step:
            raise ConfigError(
                f"images of {side} pixels cannot be halved into {self.levels} levels: give fewer, with --model.stamps.levels or host"
            )
        return side // step * step

    @property
    def pyramid_side(self) -> int:
        """Pixels a side of every plane of `delight`."""
        return 2 * (self.side // 2**self.levels)

    @property
    def stamp_network(self) -> StampModelConfig:
        """The layers with the sizes of the images."""
        return replace(self.stamp, image_size=self.side, num_channels=self.channels, num_features=0)

    @property
    def multiscale_network(self) -> MultiscaleModelConfig:
        """Likewise."""
        levels = self.levels if self.scenario == "multiscale" else 1
        return replace(self.multiscale, num_levels=levels, num_channels=2 * self.channels, num_features=0)


IMAGES = ("stamps", "host")
"""Modalities that are images."""


@dataclass(frozen=True)
class MultimodalConfig(Settings):
    """Encoders of several modalities, their projections into one space, and what is asked of them."""

    modalities: tuple[Literal["photometry", "spectra", "metadata", "stamps", "host"], ...] = (
        "photometry",
        "spectra",
        "metadata",
    )
    photometry: PhotometryConfig = field(default_factory=PhotometryConfig)
    spectra: SpectraConfig = field(default_factory=SpectraConfig)
    metadata: VectorConfig = field(default_factory=VectorConfig)
    stamps: ImageConfig = field(default_factory=lambda: ImageConfig(crop=21))
    """Cut-outs of the object, such as the three of an alert."""
    host: ImageConfig = field(default_factory=ImageConfig)
    """An image of the galaxy that the object lies in."""
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
