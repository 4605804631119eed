"""The stamp classifier as a Task: raw alerts in, what parity and strict mode change, and warnings of dead branches."""

import contextlib
import dataclasses
import io

import jax
import numpy as np
import pytest

from lcjax.errors import ConfigError, DataError
from lcjax.systems import PRESETS, build_task, find_system
from lcjax.systems.classifier.config import HISTORY_FEATURES, SKY_FEATURES
from lcjax.systems.stamp_classifier.config import FEATURES_23, FEATURES_26, StampInputsConfig
from lcjax.systems.stamp_classifier.task import feature_statistics, fitted_statistics, prepare_inputs, resolve
from lcjax.training import fit
from lcjax.training.progress import read_metrics
from lcjax.training.source import device_part
from lcjax.training.workdir import experiment_record, read_experiment
from tests.systems.classifier.stamp_alerts import AlertSource, alerts, tiny


def test_presets_are_the_published_networks():
    assert PRESETS["alerce-stamps"]().inputs.features == FEATURES_26
    assert PRESETS["alerce-stamps-23"]().model.kernels == (4, 5, 5, 5, 5)
    assert len(PRESETS["alerce-stamps-23"]().inputs.features) == len(FEATURES_23) == 23
    assert PRESETS["alerce-stamps-image"]().objective.beta == 1.0
    for name in ("alerce-stamps", "alerce-stamps-23", "alerce-stamps-image", "alerce-stamps-published"):
        experiment = PRESETS[name]()
        record = experiment_record(experiment)
        assert read_experiment(record["experiment"], find_system(record["system"]).experiment) == experiment
        spec = build_task(experiment).batch_spec
        assert spec["stamps"].shape[1:] == (63, 63, 3)


def test_parity_brings_back_every_quirk():
    strict, parity = (resolve(PRESETS[name]()) for name in ("alerce-stamps", "alerce-stamps-published"))
    assert (strict.model.norm, strict.model.live_dropout, strict.inputs.center_isdiffpos) == ("group", True, True)
    assert (parity.model.norm, parity.model.live_dropout, parity.inputs.center_isdiffpos) == ("none", False, False)
    at = FEATURES_26.index("isdiffpos")
    mean, std = feature_statistics(strict.inputs)
    assert mean[at] == pytest.approx(0.3326, abs=1e-4) and std[at] == pytest.approx((mean[at] * (1 - mean[at])) ** 0.5)
    assert feature_statistics(parity.inputs)[0][at] == 0


@pytest.mark.parametrize(
    "without,gone", [(("sky",), SKY_FEATURES), (("sky", "history"), (*SKY_FEATURES, *HISTORY_FEATURES))]
)
def test_feature_groups_can_be_left_out(without, gone):
    experiment = tiny(inputs=StampInputsConfig(crop=13, without=without))
    names = resolve(experiment).inputs.features
    assert names == tuple(n for n in FEATURES_26 if n not in gone)
    batch = device_part(alerts(4))
    features = prepare_inputs(batch, resolve(experiment).inputs)["features"]
    whole = prepare_inputs(batch, resolve(tiny()).inputs)["features"]
    np.testing.assert_array_equal(features, whole[:, [FEATURES_26.index(n) for n in names]])
    assert build_task(experiment).model.config.num_features == len(names)


def test_sky_position_comes_from_the_batch_where_the_metadata_has_none():
    rows = alerts(3)
    inputs = StampInputsConfig(features=("gal_lat", "fwhm"), metadata_names=("fwhm",))
    batch = device_part(rows) | {"metadata": rows["metadata"][:, [1]]}
    assert prepare_inputs(batch, inputs)["features"].shape == (3, 2)
    with pytest.raises(DataError, match="magpsf"):
        prepare_inputs(batch, dataclasses.replace(inputs, features=("magpsf",)))
    with pytest.raises(ConfigError, match="one a feature"):
        resolve(tiny(inputs=dataclasses.replace(inputs, feature_mean=(1.0,))))


def test_gaps_and_nulls_leave_loss_and_gradient_finite():
    task = build_task(tiny())
    batch = device_part(alerts(8))
    batch["stamps"][0] = np.nan
    batch["stamps"][1, 30, 30] = np.inf
    batch["metadata"][2] = np.nan
    batch["label"][3] = -1
    variables = jax.jit(task.init)(jax.random.key(0), batch)
    state = {"batch_stats": variables["batch_stats"]}
    (loss, (metrics, moved)), gradient = jax.jit(jax.value_and_grad(task.loss, has_aux=True))(
        variables["params"], state, batch, jax.random.key(1)
    )
    assert np.isfinite(loss) and all(np.isfinite(x).all() for x in jax.tree.leaves((gradient, moved)))
    assert float(metrics["accuracy"][1]) == 7 and set(moved) == {"batch_stats"}
    out = jax.jit(task.predict)(variables, batch)
    np.testing.assert_allclose(out["probabilities"].sum(-1), 1, rtol=1e-5)


def train(folder, *sources, weights=None, **training):
    """Trains the tiny network; returns its result and what was said on stderr."""
    experiment = tiny(rate=1e-2, **training)
    record, said = experiment_record(experiment), io.StringIO()
    with contextlib.redirect_stderr(said):
        result = fit(
            build_task(experiment), experiment, *sources, folder, config_record=record, initial_variables=weights
        )
    return result, said.getvalue()


def test_training_learns_and_its_lines_tell_of_health(tmp_path):
    result, said = train(tmp_path, AlertSource(320, 32, 1), AlertSource(70, 32, 2), steps=60, evaluate_every=30)
    last = read_metrics(tmp_path, "validation")[-1]
    assert result.status == "finished" and last["accuracy"] > 0.6 and last["macro_f1"] > 0.5
    live = {k: v for k, v in last.items() if k.startswith("live_")}
    assert set(live) == {"live_conv_1", "live_conv_2", "live_dense_1", "live_dense_2"} and min(live.values()) > 0.1
    assert last["image_effect"] > 0.05 and last["accuracy_image_swapped"] < last["accuracy"]
    assert last["metadata_effect"] > 0 and "warning" not in said
    assert {"recall_SN", "entropy", "cross_entropy"} <= set(last) and "precision_SN" not in last
    beta = tiny().objective.beta
    assert last["loss"] == pytest.approx(last["cross_entropy"] - beta * last["entropy"], rel=1e-4)


def test_a_dead_branch_is_told_of_once(tmp_path):
    """A second convolution that can never fire."""
    task = build_task(tiny())
    weights = jax.jit(task.init)(jax.random.key(0), {k: np.zeros(s.shape, s.dtype) for k, s in task.batch_spec.items()})
    weights["params"]["conv_2"]["bias"] = np.full(8, -100.0, np.float32)
    sources = AlertSource(64, 32, 1), AlertSource(70, 32, 2)
    _, said = train(tmp_path, *sources, weights=weights, steps=20, log_every=5, evaluate_every=10)
    assert said.count("of the units of conv_2") == 1 and "step 5 (train)" in said
    assert said.count("swapping the image between alerts changes no answer") == 1
    assert "swapping the metadata" not in said
    last = read_metrics(tmp_path, "validation")[-1]
    assert last["live_conv_2"] == 0 and last["image_effect"] < 1e-6 and last["metadata_effect"] > 1e-3


def test_statistics_of_the_data_weigh_classes_alike():
    """Two classes, one ten times as common; nulls, fill values and constant columns among the numbers."""
    names = ("isdiffpos", "fwhm", "sgscore1", "rb")
    inputs = StampInputsConfig(features=("fwhm", "sgscore1", "isdiffpos", "rb"), metadata_names=names)
    label = np.array([0] * 10 + [1] + [-1] * 5)
    table = np.zeros((16, 4))
    table[:, 1] = np.where(label == 1, 4.0, 2.0)
    table[10, 0], table[10, 2], table[0, 1] = 1.0, -999.0, np.nan
    table[11:, 1], table[:, 3] = 1e3, np.nan
    fitted = fitted_statistics(inputs, table, label)
    mean = (2.0 * 0.9 + 4.0) / 1.9  # one alert of ten has no fwhm
    assert fitted.feature_mean == pytest.approx((mean, -0.5, 0.5, 0.0))
    assert fitted.feature_std[1:] == pytest.approx((0.5, 0.5, 1.0))
    assert feature_statistics(fitted)[0] == pytest.approx(fitted.feature_mean)
    less = dataclasses.replace(inputs, without=("sky",), features=("ra", *inputs.features))
    assert fitted_statistics(less, table, label).feature_mean[1:] == fitted.feature_mean
