"""Simulated surveys with known truth: `simulate_light_curves(n_objects, seed)` (numpy only)."""

from data_pipelines.simulate.band_surveys import MULTIBAND
from data_pipelines.simulate.multiband import MULTIBAND_METADATA, Sky, simulate_multiband
from data_pipelines.simulate.survey import (
    CLASS_NAMES,
    METADATA_NAMES,
    simulate_light_curves,
    simulate_one,
)
from data_pipelines.simulate.surveys import DEFAULT_MIX, SURVEYS
from data_pipelines.simulate.variables import LONG_PERIOD

__all__ = [
    "CLASS_NAMES",
    "DEFAULT_MIX",
    "LONG_PERIOD",
    "METADATA_NAMES",
    "MULTIBAND",
    "MULTIBAND_METADATA",
    "SURVEYS",
    "Sky",
    "simulate_light_curves",
    "simulate_multiband",
    "simulate_one",
]
