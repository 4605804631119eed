"""tfds builders of datasets, one package each, found by looking; their modules load on first use."""

import importlib
import pkgutil
from typing import TYPE_CHECKING

from lcjax.discovery import entry_points
from lcjax.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from data_pipelines.datasets.survey_builder import SurveyBuilder

ENTRY_POINTS = "lcjax.datasets"
"""Group of entry points of installed packages, `name = "package.module:Builder"`."""


def dataset_names() -> tuple[str, ...]:
    """Every dataset there is: the packages here, by name, then those of installed packages."""
    here = [module.name for module in pkgutil.iter_modules(__path__) if module.ispkg]
    return tuple(dict.fromkeys([*sorted(here), *(point.name for point in entry_points(ENTRY_POINTS))]))


def find_builder(name: str) -> "type[SurveyBuilder]":
    """The tfds builder class of a dataset.

    Raises:
      ConfigError: no such dataset (names the nearest), or one of another package that cannot be loaded.
    """
    names = dataset_names()
    if name not in names:
        raise ConfigError(f"{unknown_name('dataset', name, names)} Your own files: light_curve_files")
    if name in {module.name for module in pkgutil.iter_modules(__path__) if module.ispkg}:
        return importlib.import_module(f"data_pipelines.datasets.{name}.{name}_dataset_builder").Builder
    (point,) = [point for point in entry_points(ENTRY_POINTS) if point.name == name][:1]
    try:
        return point.load()
    except Exception as error:  # whatever a stranger's module does when it is imported
        raise ConfigError(
            f"dataset '{name}' ({point.value}) cannot be loaded ({type(error).__name__}: {error}): mend or remove its package"
        ) from error
