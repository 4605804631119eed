"""Settings of the multi-scale stamp classifier: inputs, network, objective. Nothing here imports jax."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from lcjax.configs import Experiment
from lcjax.models.multiscale_config import MultiscaleModelConfig
from lcjax.schema import Count, Settings
from lcjax.systems.classifier.config import HealthConfig, StampObjectiveConfig

if TYPE_CHECKING:
    import numpy as np

CLASS_NAMES = ("agn", "asteroid", "bogus", "satellite", "sn", "vs")
"""In the order of the published evaluation."""

PRODUCTION_FEATURES = (
    *("magpsf", "sigmapsf", "isdiffpos", "diffmaglim", "classtar", "fwhm"),
    *("sgscore1", "sgscore2", "sgscore3", "distpsnr1", "distpsnr2", "distpsnr3"),
    *("ndethist", "ncovhist", "chinr", "sharpnr"),
)
"""Fields of the ZTF candidate that the production network of 2025 takes beside the position."""

RUBIN_FEATURES = ("psfFlux", "psfFluxErr", "snr")
"""Fields of Rubin's diaSource that the network of that service takes beside the position; fluxes in nJy."""

KNOTS = 101
"""Quantiles kept of a feature."""

POSITION_NAMES = {"cartesian": ("sky_x", "sky_y", "sky_z"), "spherical": ("ra", "dec"), "none": ()}
"""How the position is given -> names of its numbers."""


@dataclass(frozen=True)
class MultiscaleInputsConfig(Settings):
    """What the network sees of an alert."""

    class_names: tuple[str, ...] = CLASS_NAMES
    scenario: Literal["cropped", "low_res", "multiscale", "full", "rings"] = "multiscale"
    """`rings` is multiscale from flux-conserving rings alone: what a broker that stores nothing else can give."""
    size: Count = 8
    """Side of what is seen: of a level (multiscale, rings), or of the whole (cropped, low_res; full: of the stamp)."""
    levels: Count = 4
    """Levels of multiscale and rings, each with pixels twice as large as the one before."""
    fourier: Literal["none", "field", "stamp"] = "none"
    """Adds the Fourier amplitude of the difference image as a channel: of what is seen, or the lowest frequencies of the
    whole stamp (which must then be stored besides)."""
    position: Literal["cartesian", "spherical", "none"] = "cartesian"
    """Sky position: point of the unit sphere, ra and dec in degrees, or not at all."""
    features: tuple[str, ...] = ()
    """Metadata features beside it."""
    metadata_names: tuple[str, ...] = ()
    """Columns of the batch's `metadata`, in order; set from the data when training."""
    transform: Literal["zscore", "quantile"] = "quantile"
    """Features: standardised, or replaced by their rank among training alerts, in [0, 1]."""
    feature_mean: tuple[float, ...] = ()
    feature_std: tuple[float, ...] = ()
    """One a feature, of the training alerts; set from the data when training. Empty: 0 and 1."""
    feature_quantiles: tuple[tuple[float, ...], ...] = ()
    """Likewise for `quantile`: ascending knots of every feature, evenly spaced in probability."""
    surveys: tuple[str, ...] = ("ztf",)
    """Whose alerts the network learned from: it answers no others unless told to. Set from the data when training; empty: any."""
    balance: Literal["none", "published", "weighted"] = "weighted"
    """Classes in training: `weighted` draws them evenly, as published for this network."""

    @property
    def used_levels(self) -> int:
        """Levels the network sees."""
        return self.levels if self.scenario in ("multiscale", "rings") else 1

    @property
    def used_features(self) -> tuple[str, ...]:
        """Metadata features that the network takes."""
        return self.features

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of all numbers the network takes beside the stamps."""
        return (*POSITION_NAMES[self.position], *self.features)

    def fitted(self, names: Sequence[str], metadata: "np.ndarray") -> "MultiscaleInputsConfig":
        """These settings with what the feature transform needs to know of the training alerts.

        Args:
          names: of the columns. metadata: (N, M) as in a batch, nulls NaN. Features that are no column are left to the
            task to complain about; features without a value count as 0.
        """
        import numpy as np

        if not self.features or set(self.features) - set(names):
            return dataclasses.replace(self, metadata_names=tuple(names))
        table = np.asarray(metadata, np.float64)[:, [list(names).index(n) for n in self.features]]
        table[table == -999.0] = np.nan
        if "isdiffpos" in self.features:
            # Shards hold 1 for a negative difference; this network takes +1 and -1.
            table[:, self.features.index("isdiffpos")] = 1 - 2 * table[:, self.features.index("isdiffpos")]
        table[:, np.isnan(table).all(axis=0)] = 0.0
        knots = np.nanpercentile(table, np.linspace(0, 100, KNOTS), axis=0).T
        std = np.nanstd(table, axis=0)
        plain = lambda x: tuple(float(np.float32(v)) for v in x)
        return dataclasses.replace(
            self,
            metadata_names=tuple(names),
            feature_mean=plain(np.nanmean(table, axis=0)),
            feature_std=plain(np.where(std > 0, std, 1.0)),
            feature_quantiles=tuple(plain(row) for row in knots) if self.transform == "quantile" else (),
        )


@dataclass(frozen=True)
class MultiscaleExperiment(Experiment):
    """Training of the multi-scale stamp classifier."""

    system: str = "multiscale_stamps"
    inputs: MultiscaleInputsConfig = field(default_factory=MultiscaleInputsConfig)
    model: MultiscaleModelConfig = field(default_factory=MultiscaleModelConfig)
    objective: StampObjectiveConfig = field(default_factory=lambda: StampObjectiveConfig(beta=0.0))
    health: HealthConfig = field(default_factory=HealthConfig)
