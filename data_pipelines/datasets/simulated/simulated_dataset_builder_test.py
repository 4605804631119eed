"""simulated: the same seed gives the same survey."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from data_pipelines.datasets.builder_checks import prepare_and_check
from data_pipelines.kinds.light_curves.meaning import brightness_of
from data_pipelines.kinds.light_curves.simulation_settings import SimulationSettings
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import verify
from data_pipelines.simulate import MULTIBAND_METADATA
from data_pipelines.simulate.truth_table import read_truth
from lcjax.errors import ConfigError


def test_same_seed_same_survey(tmp_path):
    one, records = prepare_and_check("simulated", [], tmp_path / "a", n_objects=60, seed=3)
    two, _ = prepare_and_check("simulated", [], tmp_path / "b", n_objects=60, seed=3)
    assert len(records) > 40
    assert [s.sha256 for s in one.manifest.shards] == [s.sha256 for s in two.manifest.shards]
    assert len(one.manifest.class_names) > 5


def test_several_bands_have_fluxes_and_truth(tmp_path):
    asked = SimulationSettings(surveys=("ztf_gri",), label_noise=0.0, fluxes="difference", classes=("RRab=2", "EW"))
    done = prepare("simulated", [], tmp_path, n_objects=12, seed=2, shards=1, simulation=asked)
    assert done.report.curves_kept > 20 and verify(done.manifest.folder) == []
    assert brightness_of(done.manifest).kind == "difference_flux" and brightness_of(done.manifest).zero_point == 23.9
    truth = read_truth(done.manifest.folder)
    assert set(truth["class"]) == {"RRab", "EW"} == set(done.manifest.class_names)
    rows = dict(zip(zip(truth["object_id"], truth["band"], strict=True), truth["amplitude"], strict=True))
    builder = tfds.builder_from_directory(str(done.manifest.folder))
    names = set(MULTIBAND_METADATA)
    bands, split_of = {}, {}
    for split in builder.info.splits:
        for record in builder.as_dataset(split=split).as_numpy_iterator():
            flux, star = np.frombuffer(record["flux"], "<f4"), record["object_id"]
            bands.setdefault(star, []).append(record["band"])
            known = rows[star.decode(), record["band"].decode()]
            assert record["metadata"]["amplitude"] == pytest.approx(known, rel=1e-6) and (flux < 0).any()
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


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"fluxes": "difference"}, "fluxes is for surveys in several bands"),
        ({"templates": ("SNIa=hsiao",)}, "templates is for surveys in several bands"),
        ({"surveys": ("rubin",), "dirt": False}, "without defects"),
        ({"classes": ("EW=x",)}, "positive relative numbers"),
        ({"classes": ("NOVAE=1",)}, "'NOVAE'"),
    ],
)
def test_settings_that_say_nothing(tmp_path, asked, said):
    with pytest.raises(ConfigError, match=said):
        prepare("simulated", [], tmp_path, n_objects=2, simulation=SimulationSettings(**asked))


def test_files_are_not_simulated(tmp_path):
    with pytest.raises(ConfigError, match=r"crts_sss.*no use for --simulation"):
        prepare("crts_sss", [tmp_path], tmp_path, simulation=SimulationSettings(label_noise=0.0))
