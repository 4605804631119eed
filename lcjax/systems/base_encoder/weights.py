"""Published weights of lcjax-base: a weights folder as `lcjax export` or `lcjax weights import` writes it, file by file."""

from pathlib import Path

from lcjax.errors import WeightsError
from lcjax.pretrained.weights_folder import ARRAYS, ImportedWeights, read_weights
from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.systems.published_weights import Published
from lcjax.training.workdir import read_experiment

FAMILY = "base_encoder"

PUBLISHED = (
    Published(
        name="lcjax-base",
        family=FAMILY,
        description="encoder of variable stars: contrast between parts of a star's points, likelihood of hidden ones",
        paper="none: docs/lcjax_base.md",
        licence="that of lcjax",
        urls=(),  # not published yet: only where $LCJAX_WEIGHTS_MIRROR leads
        files=("config.json", ARRAYS),
    ),
)
"""Until the files are released there is no address to vouch for, and no hash."""


def read_folder(source: Path | str) -> ImportedWeights:
    """The weights of an exported or imported folder.

    Raises:
      WeightsError: no such folder, damaged, or of another system.
    """
    folder = Path(source)
    record, variables = read_weights(folder)
    if record.get("system") != FAMILY:
        raise WeightsError(
            f"'{folder}' holds weights of '{record.get('system')}', not of {FAMILY}: give another folder"
        )
    experiment = read_experiment(record["experiment"], BaseEncoderExperiment)
    return ImportedWeights(experiment, variables, folder / ARRAYS, folder / "config.json", [], [])
