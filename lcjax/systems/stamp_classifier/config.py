"""Settings of the single-stamp classifier: inputs, network, objective. Nothing here imports jax."""

from dataclasses import dataclass, field
from typing import Literal

from lcjax.configs import Experiment
from lcjax.models.stamp_classifier_config import StampModelConfig
from lcjax.schema import Count, Settings
from lcjax.systems.classifier.config import HISTORY_FEATURES, SKY_FEATURES, HealthConfig, StampObjectiveConfig

CLASS_NAMES = ("AGN", "SN", "VS", "asteroid", "bogus")
"""In the order of the published outputs."""

FEATURES_26 = (
    *("sgscore1", "distpsnr1", "sgscore2", "distpsnr2", "sgscore3", "distpsnr3"),
    *("isdiffpos", "fwhm", "magpsf", "sigmapsf", "ra", "dec", "diffmaglim", "rb", "distnr", "magnr", "classtar"),
    *("ndethist", "ncovhist", "ecl_lat", "ecl_long", "gal_lat", "gal_long", "non_detections", "chinr", "sharpnr"),
)
"""Metadata features in the order of the best-known checkpoint."""

FEATURES_23 = tuple(name for name in FEATURES_26 if name not in ("rb", "distnr", "magnr"))
"""Those of the production network of July 2020."""

PUBLISHED_STATISTICS = {
    "sgscore1": (0.7041255430924432, 0.3799197334571002),
    "distpsnr1": (3.941122253808356, 5.949694365436986),
    "sgscore2": (0.462221382971118, 0.4261297122366326),
    "distpsnr2": (10.893805420307675, 7.159838762869845),
    "sgscore3": (0.39136703661723216, 0.528184045264236),
    "distpsnr3": (13.665451778592196, 8.042496801134273),
    "isdiffpos": (0.0, 0.47113361884526406),
    "fwhm": (2.617771189810078, 1.6291465825377438),
    "magpsf": (18.91661276279921, 1.408401373184911),
    "sigmapsf": (0.14152754134129397, 0.060091724758989724),
    "ra": (181.0820148804342, 96.23590348616496),
    "dec": (22.153968169154407, 24.427197378027234),
    "diffmaglim": (20.21664878176659, 0.601868085019363),
    "rb": (0.6147555610442754, 0.2200525357861321),
    "distnr": (2.9002245168883416, 4.188060104039698),
    "magnr": (18.668169934961565, 3.1738116046003353),
    "classtar": (0.856637110442036, 0.2031539876796047),
    "ndethist": (5.344072419654505, 6.552626738216146),
    "ncovhist": (291.40510732497927, 424.5186709286612),
    "ecl_lat": (21.683213451976407, 27.232781418645576),
    "ecl_long": (166.73433625354693, 95.03070518723176),
    "gal_lat": (16.996460092087215, 38.88456173989733),
    "gal_long": (140.10421536618335, 84.23470064762579),
    "non_detections": (273.5501838162628, 390.1727524999179),
    "chinr": (1.179799640266478, 1.5123727927432673),
    "sharpnr": (-0.028653200003162668, 0.20231731177535472),
}
"""Feature -> (mean, standard deviation) of the published training set, after clipping.

The mean of `isdiffpos` is a quirk: the reference averaged it with integer arithmetic, so it is scaled, not centred.
"""

_DERIVED = ("ecl_lat", "ecl_long", "gal_lat", "gal_long", "non_detections")
RAW_COLUMNS = tuple(name for name in FEATURES_26 if name not in _DERIVED)
"""Columns of the candidate record that the published features are made from."""


@dataclass(frozen=True)
class StampInputsConfig(Settings):
    """What the network sees of an alert."""

    class_names: tuple[str, ...] = CLASS_NAMES
    features: tuple[str, ...] = FEATURES_26
    """Metadata features in order; none: images only."""
    without: tuple[Literal["sky", "history"], ...] = ()
    """Groups of features to leave out: sky position (ra, dec and what is made from them), detection history."""
    metadata_names: tuple[str, ...] = RAW_COLUMNS
    """Columns of the batch's `metadata`, in order; set from the data when training."""
    statistics: Literal["data", "published"] = "data"
    """Means and spreads of the features: of the training alerts, every class with the same weight (the reference took
    them before it balanced the classes), or the published ones."""
    feature_mean: tuple[float, ...] = ()
    """One a feature; set from the data when training with statistics=data. Empty: the published ones, 0 for features
    the published networks do not know."""
    feature_std: tuple[float, ...] = ()
    """Likewise; 1 for unknown features."""
    crop: Count = 21
    """Central pixels a side."""
    missing: Literal["survey", "mean", "nan"] = "survey"
    """What stands for a null: `survey` the value ZTF's -999 becomes, else the mean; `mean` always the mean; `nan`
    nothing (a null spoils its alert, as in the reference)."""
    center_isdiffpos: bool = True
    """False keeps the published mean of 0, the result of an integer average; matters with published statistics."""
    ignore_fill: bool = True
    """Pixels beyond +-1e10 count as missing. False lets one fill value (-3.4e38 in some templates) or infinity decide
    the range of its channel, as in the reference."""
    surveys: tuple[str, ...] = ("ztf",)
    """Whose alerts the network learned from: it answers no others unless told to. Set from the data when training; empty: any."""
    balance: Literal["none", "published", "weighted"] = "published"
    """Classes in training: `published` repeats rare ones to the size of the largest; `weighted` draws them evenly."""

    @property
    def used_features(self) -> tuple[str, ...]:
        """Features the network takes, groups left out removed."""
        gone = {"sky": SKY_FEATURES, "history": HISTORY_FEATURES}
        return tuple(n for n in self.features if not any(n in gone[group] for group in self.without))


@dataclass(frozen=True)
class StampExperiment(Experiment):
    """Training of the single-stamp classifier."""

    system: str = "stamp_classifier"
    inputs: StampInputsConfig = field(default_factory=StampInputsConfig)
    model: StampModelConfig = field(default_factory=StampModelConfig)
    objective: StampObjectiveConfig = field(default_factory=StampObjectiveConfig)
    health: HealthConfig = field(default_factory=HealthConfig)
