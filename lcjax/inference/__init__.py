"""Trained systems at work: one predictor for all, light curves of any length, export."""

from lcjax.lazy import loader

_HOMES = {
    "Answer": "predictor",
    "LightCurvePredictor": "light_curves",
    "Loaded": "loaded",
    "OutputOptions": "output",
    "Prediction": "light_curves",
    "Predictor": "predictor",
    "export": "exporting",
    "map_in_chunks": "chunks",
}
__all__ = sorted(_HOMES)

__getattr__ = loader(__name__, _HOMES)
