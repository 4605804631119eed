"""Training runs of the multi-scale classifier: settings that follow from the data."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.systems import PRESETS, find_system
from lcjax.systems.multiscale_stamps.config import CLASS_NAMES, PRODUCTION_FEATURES
from lcjax.training.workdir import check_same_run, experiment_record, read_experiment, settings_hash, write_config


def test_features_are_fitted_to_the_training_data_and_survive_a_config_file():
    names = ("dec", "ra", *reversed(PRODUCTION_FEATURES))
    metadata = np.random.default_rng(0).normal(5, 2, (50, len(names))).astype(np.float32)
    classes = tuple(reversed(CLASS_NAMES))
    source = SimpleNamespace(class_names=classes, metadata_names=names, metadata=metadata, surveys=("atlas",))
    experiment = PRESETS["multiscale-stamps-2025"]()
    system = find_system(experiment.system)
    assert system.kind == "alerts"
    adapted = system.adapt(experiment, source)
    inputs = adapted.inputs
    assert inputs.metadata_names == names and inputs.class_names == CLASS_NAMES and inputs.surveys == ("atlas",)
    first = metadata[:, names.index(PRODUCTION_FEATURES[0])]
    np.testing.assert_allclose(inputs.feature_quantiles[0][::100], [first.min(), first.max()])
    np.testing.assert_allclose(inputs.feature_mean[0], first.mean(), rtol=1e-5)
    assert read_experiment(experiment_record(adapted)["experiment"], type(adapted)) == adapted
    assert "--inputs.position none" in system.next_steps("W", "multiscale-stamps")


def test_a_run_from_before_there_were_surveys_goes_on(tmp_path):
    """They say which alerts may be asked about, not what is learned."""
    record = experiment_record(PRESETS["multiscale-stamps-rubin"]())
    (tmp_path / "checkpoints" / "1").mkdir(parents=True)
    before = json.loads(json.dumps(record))
    settings = before["experiment"]["inputs"]
    del settings["surveys"]
    write_config(tmp_path, before | {"config_hash": settings_hash(before["experiment"])})
    check_same_run(tmp_path, record)
    settings["size"] = 29
    write_config(tmp_path, before | {"config_hash": settings_hash(before["experiment"])})
    with pytest.raises(ConfigError, match=r"inputs\.size"):
        check_same_run(tmp_path, record)
