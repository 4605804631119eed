"""Settings that all classifiers of stamps share. Nothing here imports jax."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from lcjax.schema import NotNegative, Settings

SKY_FEATURES = ("ra", "dec", "sky_x", "sky_y", "sky_z", "ecl_lat", "ecl_long", "gal_lat", "gal_long")
"""Where the alert is: lets a network learn the survey's footprint."""
HISTORY_FEATURES = ("ndethist", "ncovhist", "non_detections")
"""What the survey saw there before."""


@dataclass(frozen=True)
class StampObjectiveConfig(Settings):
    """Cross entropy minus `beta` times the mean entropy of the answers."""

    beta: NotNegative = 0.5
    """0.5 in the networks with metadata, 1 in the regularised image-only one, 0: plain cross entropy."""
    focal_gamma: NotNegative = 0.0
    """Exponent of the focal factor; 0: off."""


@dataclass(frozen=True)
class HealthConfig(Settings):
    """When a training run warns that part of the network is dead."""

    live_units: NotNegative = 0.02
    """Share of live units of a layer at or below which its branch counts as dead."""
    effect: NotNegative = 1e-4
    """Mean change of the probabilities, when an input is swapped between alerts, at or below which it is ignored."""


class StampInputs(Protocol):
    """What a stamp network sees of an alert, as its settings say it; a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict]

    class_names: tuple[str, ...]
    metadata_names: tuple[str, ...]
    surveys: tuple[str, ...]
    balance: str

    @property
    def used_features(self) -> tuple[str, ...]:
        """Metadata features that the network takes."""


class ClassifierExperiment(Protocol):
    """Settings of a training run of a stamp classifier; a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict]
    system: str
    inputs: StampInputs
    objective: StampObjectiveConfig
    health: HealthConfig
