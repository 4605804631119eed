"""Options of a dataset: its kind's filled in, those of others refused by name when they were changed."""

from dataclasses import dataclass

import pytest

from data_pipelines.datasets.options import complete_options, option_groups
from data_pipelines.kinds.alerts.settings import AlertSettings
from data_pipelines.kinds.light_curves.cleaning import CleaningSettings
from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.kinds.light_curves.simulation_settings import SimulationSettings
from data_pipelines.kinds.reading import PrepareSettings
from data_pipelines.kinds.star_settings import StarSettings
from lcjax.errors import ConfigError


def complete(**options):
    return complete_options(PrepareSettings(seed=7, options=options), "light_curves", "asas_acvs")


def test_what_is_not_given_has_its_default():
    settings = complete(columns=ColumnNames(time="t"), cleaning=None)
    assert settings.seed == 7
    assert settings.options == {
        "columns": ColumnNames(time="t"),
        "cleaning": CleaningSettings(),
        "stars": StarSettings(),
        "simulation": SimulationSettings(),
    }
    assert {"columns", "cleaning", "alerts", "labels"} <= option_groups().keys()


def test_unchanged_groups_of_other_kinds_do_not_matter():
    assert complete(alerts=AlertSettings()).options.keys() == {"columns", "cleaning", "stars", "simulation"}


@dataclass(frozen=True)
class Other:
    x: int = 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alerts": AlertSettings(max_missing=0.5)}, "'asas_acvs' has no use for --alerts.max-missing"),
        ({"spectra": Other()}, "no options 'spectra': dataset 'asas_acvs' takes --columns, --cleaning"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(options, message):
    with pytest.raises(ConfigError, match=message):
        complete(**options)
