"""Settings of lcjax-base. Nothing here imports jax."""

from dataclasses import dataclass, field

from lcjax.errors import ConfigError
from lcjax.models.star_encoder_config import StarDecoderConfig, StarEncoderConfig
from lcjax.schema import Count, NotNegative, Positive, Settings, Share, Whole
from lcjax.systems.masked_pretraining.config import ObjectiveConfig, PretrainingExperiment


@dataclass(frozen=True)
class ViewsConfig(Settings):
    """Periodograms, candidate periods and folded curves that the network is shown."""

    highest: Positive = 20.0
    """Frequency, 1/d."""
    lowest: Positive = 1 / 1500
    """Lower edge of the first bin, 1/d."""
    span: Positive = 3000.0
    """Days that the frequency grid is fine enough for."""
    oversampling: Positive = 2.0
    """Frequencies per 1 / span."""
    peaks: Count = 12
    """Highest bins that are looked into for candidates."""
    harmonics: Count = 4
    """Most harmonics of the fits that compare candidates."""
    jitter: NotNegative = 1.0
    """Added to the errors, in median errors."""


@dataclass(frozen=True)
class BaseModelConfig(Settings):
    """Encoder of stars and decoder of hidden points."""

    encoder: StarEncoderConfig = field(default_factory=StarEncoderConfig)
    decoder: StarDecoderConfig = field(default_factory=StarDecoderConfig)

    @property
    def width(self) -> int:
        """Of the embedding."""
        return self.encoder.width

    @property
    def num_layers(self) -> int:
        """Layers that `Task.encode` gives behind its first."""
        return 1

    @property
    def parity(self) -> bool:
        """There are no published weights to be bug-compatible with."""
        return False

    @property
    def predict_variance(self) -> bool:
        """Predictions come with error bars."""
        return True


@dataclass(frozen=True)
class ContrastConfig(Settings):
    """Two parts of a star's points without a common point, which must be found to be of one star."""

    temperature: Positive = 0.1
    within: bool = True
    """Other stars of a part's own view are wrong answers as well."""
    shares: tuple[Share, ...] = (0.5, 0.5, 0.3)
    """Of the points that go to the first part; a star is parted once for each, and a step takes one of these."""
    prepared: bool = True
    """Views of all parts are computed once, before training, and kept in the cache; otherwise stars are parted anew, and
    views computed, in every step: for accelerators."""
    drop_scalars: Share = 0.0
    """How often a number that says more of the survey than of the star (error, span, cadence) is hidden from the network."""

    def __post_init__(self) -> None:
        """Raises ConfigError for parts that would be empty."""
        super().__post_init__()
        if not self.shares or min(self.shares) <= 0 or max(self.shares) >= 1:
            raise ConfigError(f"the shares of the first part are {self.shares}: each must be between 0 and 1")


@dataclass(frozen=True)
class BaseObjectiveConfig(ObjectiveConfig):
    """What training minimises: contrast plus the likelihood of hidden points."""

    contrast: NotNegative = 1.0
    """Weight of the contrastive loss."""
    likelihood: NotNegative = 0.2
    """Weight of the negative log-likelihood of the second part's points, seen from the first."""
    distillation: NotNegative = 0.0
    """Weight of self-distillation: each part must foretell what a slow copy of the encoder makes of the other."""
    momentum: Share = 0.99
    """Of that copy: what it keeps of itself in a step."""
    likelihood_rows: Whole = 8
    """Stars of each step whose hidden points are predicted; attention of all points to all is what costs."""
    likelihood_points: Count = 160
    """Points of each of them, drawn at random."""


@dataclass(frozen=True)
class SimulationConfig(Settings):
    """Stars whose class and period are known, simulated at the epochs and errors of the training stars."""

    weight: NotNegative = 0.0
    """Of the loss on them beside that of the contrast; 0: none are simulated."""
    stars: Count = 40_000
    """How many: their views are computed once, before training, and kept in the cache."""
    share: Positive = 0.5
    """Rows of them in each step over rows of real stars."""
    classes: tuple[str, ...] = (
        "EW", "EB", "EA", "RRab", "RRab_BL", "RRc", "RRd", "DSCT", "CEP", "T2CEP", "ACEP", "MIRA", "SR", "ROT", "ACV", "BCEP",
        "ELL",
    )  # fmt: skip
    """What is told apart."""

    def __post_init__(self) -> None:
        """Raises ConfigError for classes that cannot be told apart."""
        super().__post_init__()
        if len(set(self.classes)) < max(len(self.classes), 2):
            raise ConfigError(f"classes of simulated stars are {', '.join(self.classes)}: name two or more, each once")


@dataclass(frozen=True)
class BaseEncoderExperiment(PretrainingExperiment):
    """Training of the star encoder."""

    system: str = "base_encoder"
    model: BaseModelConfig = field(default_factory=BaseModelConfig)
    objective: BaseObjectiveConfig = field(default_factory=BaseObjectiveConfig)
    contrast: ContrastConfig = field(default_factory=ContrastConfig)
    views: ViewsConfig = field(default_factory=ViewsConfig)
    simulation: SimulationConfig = field(default_factory=SimulationConfig)

    def __post_init__(self) -> None:
        """Raises ConfigError for simulated stars whose views are not prepared."""
        super().__post_init__()
        if self.simulation.weight and not self.contrast.prepared:
            raise ConfigError(
                "views of simulated stars are prepared before training: give --contrast.prepared True, or --simulation.weight 0"
            )
