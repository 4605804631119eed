"""What a detector begins with: an encoder that has seen the known objects, centres of those alone."""

import dataclasses

import numpy as np
import pytest

from lcjax.errors import WeightsError
from lcjax.systems.svdd.rows import FeatureRows
from lcjax.systems.svdd.starting import held_back, starting_variables
from lcjax.systems.svdd.task import build_task
from tests.systems.svdd.conftest import NAMES, SMALL


@pytest.fixture(scope="module")
def setting(blobs):
    inputs = dataclasses.replace(SMALL.inputs, feature_names=NAMES, class_names=("a", "b", "c"))
    rows = FeatureRows(blobs.features, blobs.known, np.arange(len(blobs.known)), NAMES, inputs.class_names, 64)
    experiment = dataclasses.replace(SMALL, inputs=inputs, pretraining_epochs=0)
    return experiment, rows, starting_variables(experiment, rows, None, lambda text: None)


def test_centres_are_class_means_off_zero(setting, blobs):
    experiment, rows, start = setting
    task = build_task(experiment)
    variables = start | {"centres": start["centres"]}
    latent = np.asarray(task.predict(variables, {"features": rows.features})["embedding"])
    for c, centre in enumerate(start["centres"]["centres"]):
        mean = latent[blobs.known == c].mean(0)
        far = np.abs(mean) > 0.011
        np.testing.assert_allclose(centre[far], mean[far], rtol=1e-4)
        assert (np.abs(centre) >= 0.01 - 1e-6).all()


def test_held_out_objects_do_not_matter(setting):
    experiment, rows, start = setting
    moved = np.where((rows.labels < 0)[:, None], 1e3, rows.features)
    others = FeatureRows(moved, rows.labels, rows.object_ids, NAMES, rows.class_names, 64)
    again = starting_variables(experiment, others, None, lambda text: None)
    np.testing.assert_array_equal(again["scaler"]["table"], start["scaler"]["table"])
    np.testing.assert_array_equal(again["centres"]["centres"], start["centres"]["centres"])


def test_another_detectors_encoder(setting):
    experiment, rows, start = setting
    given = {name: start[name] for name in ("params", "batch_stats", "scaler")}
    taken = starting_variables(experiment, rows, given, lambda text: None)
    np.testing.assert_array_equal(taken["centres"]["centres"], start["centres"]["centres"])
    short = {**given, "scaler": {"table": start["scaler"]["table"][:, :4]}}
    with pytest.raises(WeightsError, match="of 4 features and the data has 6"):
        starting_variables(experiment, rows, short, lambda text: None)


def test_held_back_objects_are_of_every_class():
    held = held_back(np.repeat([0, 1, -1], [30, 3, 5]), 1)
    assert held[:30].sum() == 3 and held[30:33].sum() == 1 and not held[33:].any()
