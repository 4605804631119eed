"""Published weights: the catalogue, downloads, one reader per source format and one mapping per system."""

from lcjax.lazy import loader

_HOMES = {
    "CATALOGUE": "catalogue",
    "SYSTEMS": "importing",
    "fetch": "fetching",
    "published": "catalogue",
    "import_weights": "importing",
    "read_checkpoint": "tensorflow_checkpoint",
    "read_weights": "imported",
    "write_weights": "imported",
}
__all__ = sorted(_HOMES)

__getattr__ = loader(__name__, _HOMES)
