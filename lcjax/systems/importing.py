"""One entrance for the importers of all systems."""

import importlib
from pathlib import Path

from lcjax.errors import WeightsError
from lcjax.pretrained.download import cache_folder
from lcjax.pretrained.weights_folder import ImportedWeights

IMPORTERS: dict[str, tuple[str, str]] = {
    "astromer1": ("astromer.weights", "import_astromer1"),
    "astromer2": ("astromer.weights", "import_astromer2"),
    "alerce-stamps": ("stamp_classifier.weights", "import_stamps"),
    "delight": ("delight.weights", "import_delight"),
}
"""System -> module here and function that takes the source (and, if it has such a thing, `num_heads`)."""

SYSTEMS = tuple(IMPORTERS)
"""Systems whose published weights can be imported."""


def imported_here(system: str) -> Path:
    """Where weights of a system go that are imported without a folder, and are found by the system's name."""
    return cache_folder() / "weights" / system


def import_weights(system: str, source: Path | str, num_heads: int | None = None) -> ImportedWeights:
    """Reads published weights of a system from local files.

    Args:
      system: one of `SYSTEMS`. source: folder, prefix or file of the published checkpoint.
      num_heads: attention heads of an Astromer, where no settings file tells.

    Raises:
      WeightsError: unknown system, or files that are missing, damaged or of another network.
    """
    if system not in IMPORTERS:
        raise WeightsError(f"weights of '{system}' cannot be imported: the systems are {', '.join(SYSTEMS)}")
    module, function = IMPORTERS[system]
    importer = getattr(importlib.import_module(f"lcjax.systems.{module}"), function)
    if system.startswith("astromer"):
        return importer(source, num_heads)
    if num_heads is not None:
        raise WeightsError(f"--num-heads is for Astromer: '{system}' has no attention heads")
    return importer(source)
