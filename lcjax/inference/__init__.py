"""Trained systems at work: predictions in batches of fixed shapes, export."""

from lcjax.lazy import loader

_HOMES = {
    "Prediction": "predictor",
    "Predictor": "predictor",
    "export": "exporting",
}
__all__ = sorted(_HOMES)

__getattr__ = loader(__name__, _HOMES)
