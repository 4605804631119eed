"""Descriptions: of any kind from its layout; numbers, facts, pictures."""

import json

import numpy as np
import pytest

from data_pipelines.kinds import describe, describe_all
from data_pipelines.kinds.description import write_pictures
from tests.data_pipelines.toy import installed as installed
from tests.data_pipelines.toy import record, write


@pytest.fixture
def description(installed, tmp_path):
    return describe(write(tmp_path / "d", 30))


def test_classes_and_every_number(description):
    assert description.sizes == {"stars_with_spectra": 30} and description.facts["objects"] == "15"
    assert description.counts == {"train": {"": 10, "EA": 10, "RRab": 10}}
    columns = {"length", "spectrum_length", "epoch", "redshift", "source_id", "votes 0", "votes 1", "votes 2", "period"}
    assert description.values.keys() == columns == description.quantities.keys()
    expected = [record(i)["length"] for i in range(30)]
    np.testing.assert_allclose(description.quantiles["length"], np.percentile(expected, (5, 25, 50, 75, 95)))
    periods = [i / 3 for i in range(1, 30, 2)]  # the others have none
    np.testing.assert_allclose(description.quantiles["period"], np.percentile(periods, (5, 25, 50, 75, 95)), rtol=1e-6)


def test_pictures(description, tmp_path):
    names = [path.name for path in write_pictures(description, tmp_path / "out" / "toy")]
    assert names == ["classes.png", "numbers.png"] and all((tmp_path / "out" / "toy" / n).stat().st_size for n in names)
    said = json.loads((tmp_path / "out" / "toy" / "description.json").read_text())
    assert said["stars_with_spectra"] == 30 and said["counts"]["train"]["EA"] == 10


def test_light_curves_have_a_description_of_their_own(curves_folder, tmp_path):
    (found,) = describe_all([curves_folder])
    assert found.sizes["light_curves"] == 400 == sum(n for split in found.counts.values() for n in split.values())
    assert 2.2e2 < found.quantiles["points"][2] < 2.5e2
    names = {path.stem for path in write_pictures(found, tmp_path)}
    assert names == {"classes", "cadence", "error_against_magnitude", "examples"}
