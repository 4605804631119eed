"""What the batch of light curves is said to hold is what is served and what the network is started on."""

from data_pipelines.kinds import find_kind
from lcjax.systems import PRESETS, build_task
from lcjax.typing import FluxBatch, LightCurveBatch
from tests.data_pipelines.curves import curves, write


def test_a_batch_holds_what_its_type_says():
    required, optional = LightCurveBatch.__required_keys__, LightCurveBatch.__optional_keys__
    assert set(find_kind("light_curves").layout.series) < required
    task = build_task(PRESETS["astromer2-small"]())
    assert required <= set(task.batch_spec) | {"length"}
    assert set(task.batch_spec) <= required | optional
    made = task.made_up(2)
    assert required <= set(made) <= required | optional


def test_a_batch_of_fluxes_holds_what_its_type_says(tmp_path):
    folder = write(tmp_path / "d", curves(4), shards=1)
    settings = {"brightness": "flux", "zero_point": 23.9, "reader": "plain"}
    batch = next(find_kind("light_curves").open_source([folder], "train", 2, **settings).evaluation_batches())
    host = {"object_id", "band", "reference_mjd", "record"}
    assert set(batch) - host == FluxBatch.__required_keys__ | FluxBatch.__optional_keys__
