"""Settings of detectors of anomalies in tables of features."""

from dataclasses import dataclass, field
from typing import Literal

from lcjax.configs import Experiment
from lcjax.models.svdd_config import DetectorModelConfig
from lcjax.schema import Count, NotNegative, Positive, Settings, Whole

DetectorName = Literal["mcdsvdd", "deep_svdd", "autoencoder", "vae"]


@dataclass(frozen=True)
class FeatureInputs(Settings):
    """What a detector is fitted on. Names and classes are set from the data."""

    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    """Of the known classes, which are learned."""
    outliers: tuple[str, ...] = ()
    """Classes that are kept out of training and played by the outliers in scores."""
    drop: tuple[str, ...] = ()
    """Features that are not used, by name or by name without band (`Mean` of Mean_1)."""
    scaling: Literal["quantile", "ranges", "none"] = "quantile"
    """`quantile`: by rank among the known objects, classes alike; `ranges`: tanh of the hand-made ranges of --inputs.ranges;
    `none`: the table is scaled already."""
    quantiles: Count = 1000
    ranges: str = ""
    """CSV with columns family, low, high, and perhaps logarithm, clip (true or false)."""
    balance: bool = True
    """Classes are drawn alike in training."""


@dataclass(frozen=True)
class SvddExperiment(Experiment):
    """A detector of anomalies in tables of features."""

    system: str = "svdd"
    detector: DetectorName = "mcdsvdd"
    """Multi-class Deep SVDD, Deep SVDD, autoencoder, variational autoencoder."""
    inputs: FeatureInputs = field(default_factory=FeatureInputs)
    model: DetectorModelConfig = field(default_factory=DetectorModelConfig)
    centre_epsilon: NotNegative = 0.01
    """Entries of centres closer to 0 are moved there."""
    pretraining_epochs: Whole = 200
    """At most, of the autoencoder whose encoder a hypersphere begins with; 0: random weights."""
    pretraining_rate: Positive = 5e-4
    noise_draws: Count = 10
    """Of the variational autoencoder, for each row and step."""

    @property
    def spheres(self) -> bool:
        """Whether the detector has centres."""
        return self.detector in ("mcdsvdd", "deep_svdd")

    @property
    def centres(self) -> int:
        """Number of centres."""
        return {"mcdsvdd": len(self.inputs.class_names), "deep_svdd": 1}.get(self.detector, 0)
