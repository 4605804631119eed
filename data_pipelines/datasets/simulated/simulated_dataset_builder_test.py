"""simulated: the same seed gives the same survey."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from data_pipelines.datasets.builder_checks import prepare_and_check
from data_pipelines.kinds.light_curves.simulation_settings import SimulationSettings
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import verify
from data_pipelines.simulate import MULTIBAND_METADATA
from lcjax.errors import ConfigError


def test_same_seed_same_survey(tmp_path):
    one, records = prepare_and_check("simulated", [], tmp_path / "a", n_objects=60, seed=3)
    two, _ = prepare_and_check("simulated", [], tmp_path / "b", n_objects=60, seed=3)
    assert len(records) > 40
    assert [s.sha256 for s in one.manifest.shards] == [s.sha256 for s in two.manifest.shards]
    assert len(one.manifest.class_names) > 5


def test_several_bands_have_fluxes_and_truth(tmp_path):
    asked = SimulationSettings(surveys=("ztf_gri",), label_noise=0.0)
    done = prepare("simulated", [], tmp_path, n_objects=12, seed=2, shards=1, simulation=asked)
    assert done.report.curves_kept > 20 and verify(done.manifest.folder) == []
    builder = tfds.builder_from_directory(str(done.manifest.folder))
    names = set(MULTIBAND_METADATA)
    bands, split_of = {}, {}
    for split in builder.info.splits:
        for record in builder.as_dataset(split=split).as_numpy_iterator():
            flux, star = np.frombuffer(record["flux"], "<f4"), record["object_id"]
            bands.setdefault(star, []).append(record["band"])
            assert names == set(record["metadata"]) and len(flux) == record["flux_length"] > 50
            assert split_of.setdefault(star, split) == split
    assert all(len(found) == len(set(found)) >= 2 for found in bands.values())


@pytest.mark.parametrize(
    ("surveys", "said"),
    [(("gaia",), "gaia"), (("rubin", "crts_sss"), "prepare them apart"), (("rubin", "gaia"), "gaia")],
)
def test_surveys_that_cannot_be(tmp_path, surveys, said):
    with pytest.raises(ConfigError, match=said):
        prepare("simulated", [], tmp_path, n_objects=2, simulation=SimulationSettings(surveys=surveys))


def test_files_are_not_simulated(tmp_path):
    with pytest.raises(ConfigError, match=r"crts_sss.*no use for --simulation"):
        prepare("crts_sss", [tmp_path], tmp_path, simulation=SimulationSettings(label_noise=0.0))
