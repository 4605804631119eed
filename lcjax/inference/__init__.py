"""Trained systems at work: load, predict, export, reconstruct."""

from lcjax.lazy import loader

_HOMES = {
    "FieldImage": "field_images",
    "HostPredictor": "hosts",
    "find_hosts": "hosts",
    "Loaded": "loading",
    "Prediction": "predictor",
    "Predictor": "predictor",
    "export": "exporting",
    "load": "loading",
    "load_system": "loading",
    "reconstruct_batches": "reconstruction",
}
__all__ = sorted(_HOMES)

__getattr__ = loader(__name__, _HOMES)
