"""Settings of contrastive learning over modalities, and of the classifiers made from it. Nothing here imports jax."""

from dataclasses import dataclass, field
from typing import Literal

from lcjax.configs import Experiment
from lcjax.models.astrom3_config import MultimodalConfig
from lcjax.schema import Count, Settings, Share, Whole
from lcjax.systems.astrom3.published import RUN_OF_NAME

CLASS_NAMES = ("DSCT", "EA", "EB", "EW", "HADS", "M", "ROT", "RRAB", "RRC", "SR")
"""Variable stars of the published dataset, in the order of its outputs."""


@dataclass(frozen=True)
class InputsConfig(Settings):
    """What the networks see of an object."""

    class_names: tuple[str, ...] = ()
    """Set from the data when training."""
    photometry_columns: tuple[str, ...] = ()
    """Catalogue numbers that go with every point of the light curve, before its log10 of the spread and its length in years; set
    from the data when training: the published four, where they are there."""
    metadata_columns: tuple[str, ...] = ()
    """Catalogue numbers that are a modality; set from the data when training: all others."""
    mean: tuple[float, ...] = ()
    """Of the columns, those of the photometry first; set from the training data, stored with the model."""
    std: tuple[float, ...] = ()
    """Likewise, with the number of objects as divisor."""
    statistics: Literal["data", "none"] = "data"
    """`none`: the model takes numbers that are standardised already, as the processed dataset has them."""
    padding: Literal["release", "legacy"] = "release"
    """Rows of padding: all zero, or with the numbers of the object in them; random crops begin anywhere, or anywhere but at the
    last possible place. Matters to the `informer`, which attends to padding."""
    spectrum_error: Literal["given", "root"] = "given"
    """Second channel of spectra: as it is in the records (the published network is given LAMOST's inverse variance), or what an
    inverse variance means as an error, its inverse root."""
    spectrum_grid: tuple[float, ...] = ()
    """First wavelength and step of spectra, Angstrom; set from the data, where they tell."""
    light_curves: Literal["normalised", "magnitudes"] = "normalised"
    """What the photometry encoder is given: fluxes in spreads from their mean, or magnitudes; set from --curve-encoder."""
    data_columns: tuple[str, ...] = ()
    """Columns of the batches, in their order; set from the data."""


@dataclass(frozen=True)
class CurveEncoderConfig(Settings):
    """An encoder of light curves of the library in the place of --model.photometry.encoder, trained with the rest."""

    weights: str = ""
    """Workdir, weights folder or published name of a trained one."""
    architecture: str = ""
    """Preset whose encoder begins with random weights."""
    frozen: bool = False
    """Whether trained weights stay as they are, without dropout."""
    system: str = ""
    """Set from these, so that the workdir stands alone."""
    settings: str = ""
    """Likewise, JSON."""


@dataclass(frozen=True)
class ImageEncoderConfig(Settings):
    """A trained network of the library whose convolutions encode images, in the place of --model.stamps.network or --model.host.network."""

    weights: str = ""
    """Workdir, weights folder or published name of a stamp classifier, a multi-scale one or a DELIGHT."""
    frozen: bool = False
    """Whether they stay as they are, without dropout."""


@dataclass(frozen=True)
class PairObjectiveConfig(Settings):
    """What training minimises."""

    loss: Literal["softmax", "sigmoid"] = "softmax"
    """Of every pair of modalities."""
    directions: Literal["sum", "mean"] = "sum"
    """Of the softmax: from the one to the other and back are summed, as published, or averaged."""
    chunk: Count | None = None
    """Rows whose logits are held at a time; None: all. A batch of 16,384 needs 1 GB a pair and direction without."""
    encoded_rows: Count | None = None
    """Objects that the encoders see at a time in training; None: all. What lies between input and embedding is then made again for
    the gradient, so that memory grows with this number and not with the batch; the result is the same."""
    epochs: Count | None = None
    """Passes over the training data, in place of --training.steps; evaluations then follow every pass."""


@dataclass(frozen=True)
class PlateauConfig(Settings):
    """The published learning rate: a warm-up by passes over the data, then a factor whenever the validation loss stalls."""

    factor: Share = 1.0
    """1: off."""
    patience: Whole = 3
    """Bad passes that are waited for."""
    warmup: Whole = 10
    """Passes."""
    steps_per_pass: Count | None = None
    """Set from the data."""


@dataclass(frozen=True)
class AstroM3Experiment(Experiment):
    """Contrastive pretraining, or a classifier."""

    system: str = "astrom3"
    inputs: InputsConfig = field(default_factory=InputsConfig)
    model: MultimodalConfig = field(default_factory=MultimodalConfig)
    curve_encoder: CurveEncoderConfig = field(default_factory=CurveEncoderConfig)
    stamp_encoder: ImageEncoderConfig = field(default_factory=ImageEncoderConfig)
    host_encoder: ImageEncoderConfig = field(default_factory=ImageEncoderConfig)
    objective: PairObjectiveConfig = field(default_factory=PairObjectiveConfig)
    plateau: PlateauConfig = field(default_factory=PlateauConfig)
    published: Literal[("", *RUN_OF_NAME)] = ""  # type: ignore[valid-type]
    """Of `astrom3-published-classifier`: a published run, whose modalities, dropout, rate, decay and plateau replace those given."""
