"""One entrance for the published weights of all systems."""

from functools import cache
from pathlib import Path

from lcjax.errors import WeightsError
from lcjax.files import cache_folder
from lcjax.pretrained.weights_folder import ImportedWeights
from lcjax.systems import systems
from lcjax.systems.published_weights import WeightsImporter


@cache
def importers() -> dict[str, WeightsImporter]:
    """Family of published weights -> its importer."""
    return {name: importer for system in systems().values() for name, importer in system.importers().items()}


def imported_here(family: str) -> Path:
    """Where weights of a family go that are imported without a folder, and are found by the family's name."""
    return cache_folder() / "weights" / family


def import_weights(family: str, source: Path | str, **settings: int | None) -> ImportedWeights:
    """Reads published weights from local files.

    Args:
      family: one of `importers()`. source: folder, prefix or file of the published checkpoint.
      settings: what the source does not tell, such as `num_heads` of an Astromer without its settings file; None: not given.

    Raises:
      WeightsError: unknown family, a setting it does not have, or files that are missing, damaged or of another network.
    """
    if family not in importers():
        raise WeightsError(f"weights of '{family}' cannot be imported: there are {', '.join(importers())}")
    importer = importers()[family]
    given = {name: value for name, value in settings.items() if value is not None}
    if odd := sorted(given.keys() - set(importer.settings)):
        with_it = [name for name, other in importers().items() if odd[0] in other.settings]
        raise WeightsError(f"--{odd[0].replace('_', '-')} is for {', '.join(with_it)}: '{family}' has no such setting")
    return importer.read(source, **given)
