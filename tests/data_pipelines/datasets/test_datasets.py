"""Datasets are found by looking, here and in installed packages."""

from pathlib import Path

import pytest

import data_pipelines.datasets
from data_pipelines.datasets import dataset_names, find_builder
from data_pipelines.kinds import kinds
from lcjax.errors import ConfigError
from tests.data_pipelines.toy import installed as installed


def test_every_package_is_a_dataset_of_a_known_kind():
    here = {path.parent.name for path in Path(data_pipelines.datasets.__file__).parent.glob("*/__init__.py")}
    assert here == set(dataset_names()) and list(dataset_names()) == sorted(here)
    for name in dataset_names():
        builder = find_builder(name)
        assert builder.name == name and builder.kind in kinds() and builder.__doc__


def test_those_of_other_packages(installed):
    assert dataset_names()[-2:] == ("broken_stars", "toy_stars")
    assert find_builder("toy_stars").kind == "spectral_stars"
    with pytest.raises(ConfigError, match=r"'broken_stars' \(toy_dataset:Nothing\) cannot be loaded"):
        find_builder("broken_stars")


def test_unknown_names_get_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'asas_acvs'"):
        find_builder("asas_acv")
    with pytest.raises(ConfigError, match="there are asas_acvs, "):
        find_builder("nothing of the sort")
