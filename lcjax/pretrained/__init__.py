"""Published weights: the catalogue, downloads, one reader per source format and one mapping per system."""

from lcjax.lazy import loader

_HOMES = {
    "read_checkpoint": "tensorflow_checkpoint",
    "read_weights": "weights_folder",
    "write_weights": "weights_folder",
}
__all__ = sorted(_HOMES)

__getattr__ = loader(__name__, _HOMES)
