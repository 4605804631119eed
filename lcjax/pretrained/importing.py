"""One entrance for the importers of all systems."""

from pathlib import Path

from lcjax.errors import WeightsError
from lcjax.pretrained.catalogue import SYSTEMS
from lcjax.pretrained.imported import ImportedWeights


def import_weights(system: str, source: Path | str, num_heads: int | None = None) -> ImportedWeights:
    """Reads published weights of a system from local files.

    Args:
      system: one of `SYSTEMS`. source: folder or prefix of the published checkpoint.
      num_heads: attention heads, where no settings file tells.

    Raises:
      WeightsError: unknown system, or files that are missing, damaged or of another network.
    """
    if system not in SYSTEMS:
        raise WeightsError(f"weights of '{system}' cannot be imported: the systems are {', '.join(SYSTEMS)}")
    from lcjax.pretrained.astromer_import import import_astromer

    return import_astromer(system, source, num_heads)
