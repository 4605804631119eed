"""tfds builders of light-curve and alert datasets, one package each; `DATASETS` names them and their modules load on first use."""

import difflib
import importlib
from typing import Any

from lcjax.errors import ConfigError

DATASETS = (
    "simulated",
    "simulated_hosts",
    "asas_acvs",
    "crts_sss",
    "asas_richards26",
    "debosscher",
    "macho",
    "ogle2",
    "light_curve_files",
    "ztf_alerts",
    "lsst_alerts",
    "atlas_alerts",
    "injected_alerts",
)


def find_builder(name: str) -> Any:
    """The tfds builder class of a dataset.

    Raises:
      ConfigError: no such dataset; names the nearest.
    """
    if name not in DATASETS:
        near = difflib.get_close_matches(name, DATASETS, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(DATASETS)}."
        raise ConfigError(f"there is no dataset '{name}': {hint} Your own files: light_curve_files")
    return importlib.import_module(f"data_pipelines.datasets.{name}.{name}_dataset_builder").Builder
