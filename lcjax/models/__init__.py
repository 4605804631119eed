"""Linen modules: arrays in, arrays out. One file per paper, shared layers beside them.

Modules load on first use, so that settings (`lcjax.models.astromer_config`) can be read without jax.
"""

from lcjax.lazy import loader

_HOMES = {
    "Astromer": "astromer",
    "Astromer1": "astromer",
    "Astromer2": "astromer",
    "AstromerModelConfig": "astromer_config",
    "Delight": "delight",
    "DelightModelConfig": "delight_config",
    "MultiscaleClassifier": "multiscale_stamps",
    "MultiscaleModelConfig": "multiscale_config",
    "PositionalStudy": "positional_study",
    "PositionalStudyConfig": "positional_config",
    "PositionalStudyEncoder": "positional_study",
    "StampClassifier": "stamp_classifier",
    "StampModelConfig": "stamp_classifier_config",
}
__all__ = sorted(_HOMES)

__getattr__ = loader(__name__, _HOMES)
