"""Whose alerts a network may be asked about: arrays and settings of earlier versions."""

import json

import jax
import numpy as np
import pytest

from data_pipelines.kinds.alerts.options import AlertOptions
from data_pipelines.sources.alerts.record import STAMP_SIZES
from lcjax.errors import ConfigError, DataError
from lcjax.systems import PRESETS, build_task, find_system
from lcjax.systems.classifier.surveys import STAMP_SIDES, check_survey, surveys_given_away, usual_side
from lcjax.systems.loading import load
from lcjax.training.workdir import experiment_record, settings_hash
from tests.cli.blank_model import blank_model


def test_sizes_are_those_of_the_readers():
    assert STAMP_SIDES == STAMP_SIZES


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Of ZTF's stamps alone."""
    return load(blank_model(tmp_path_factory.mktemp("model") / "W"))


def stamps(side, rows=2):
    return {"stamps": np.random.default_rng(0).normal(size=(rows, side, side, 3))}


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (stamps(30), "stamps of 30x30 pixels are those of lsst, and the network learned from ztf .63x63."),
        (stamps(40), "stamps of 40x40 pixels, and the network learned from ztf .63x63.: give the batch survey='ztf'"),
        (stamps(63) | {"survey": "lsst"}, "alerts of 'lsst' are among these, and the network learned from ztf"),
        (stamps(63) | {"survey": ["ztf", "atlas"]}, "alerts of 'atlas' are among these"),
        (stamps(63) | {"survey": "ZTF"}, "'survey' is 'ZTF': it is one of ztf, lsst, atlas, any"),
    ],
)
def test_what_cannot_be_the_network_s_alerts_is_refused(network, batch, words):
    with pytest.raises(DataError, match=words):
        network.predict(batch)


def test_what_may_be_is_answered(network):
    for batch in (
        stamps(63),
        stamps(63) | {"survey": np.array(["ztf", "ztf"])},
        stamps(40) | {"survey": "ztf"},
        stamps(30) | {"survey": "any"},
    ):
        assert network.predict(batch)["probabilities"].shape == (2, 5)
    with pytest.raises(DataError, match="30x30"):  # shapes are known inside of jit too
        jax.jit(network.predict)(stamps(30))
    check_survey(stamps(30), (), (63, 63))
    check_survey(stamps(31), ("ztf",), (31, 31))  # of a network that takes no others
    assert network.task.meaning["surveys"] == ["ztf"]


def before(name, **more):
    """What was written of a preset before there were surveys."""
    record = json.loads(json.dumps(experiment_record(PRESETS[name](), **more)))
    del record["experiment"]["inputs"]["surveys"]
    return record


@pytest.mark.parametrize(
    ("name", "data", "surveys"),
    [
        ("multiscale-stamps-rubin", {"data": {"paths": ["D"]}}, ("lsst",)),
        ("multiscale-stamps-2025", {"data": {"paths": ["D"]}}, ("ztf",)),
        ("multiscale-stamps", {"data": {"paths": ["/somewhere/lsst_alerts/1.0.0"]}}, ("lsst",)),
        ("multiscale-stamps", {"data": {"paths": ["a/lsst_alerts", "a/ztf_alerts"]}}, ("lsst", "ztf")),
        ("multiscale-stamps", {"data": {"paths": ["a/lsst_alerts", "mine"]}}, ("unknown",)),
        ("alerce-stamps", {}, ("ztf",)),
        ("alerce-stamps-image", {}, ("ztf",)),
    ],
)
def test_settings_of_before_give_the_survey_away(name, data, surveys):
    record = before(name, **data)
    assert surveys_given_away(record) == surveys
    system = find_system(record["system"])
    assert tuple(system.settings_of(record)["inputs"]["surveys"]) == surveys
    now = experiment_record(PRESETS[name]())
    assert system.settings_of(now) is now["experiment"]


def test_the_size_of_whole_stamps_gives_it_away():
    for side, survey in ((30, "lsst"), (63, "ztf"), (61, "atlas"), (31, "unknown")):
        record = {"experiment": {"inputs": {"scenario": "full", "size": side}}, "data": {"paths": ["D"]}}
        assert surveys_given_away(record) == (survey,)


def test_a_network_of_unknown_alerts_asks_the_user(tmp_path):
    folder = blank_model(tmp_path / "W")
    record = json.loads((folder / "config.json").read_text())
    del record["experiment"]["inputs"]["surveys"]
    record |= {"data": {"paths": ["mine"]}, "config_hash": settings_hash(record["experiment"])}
    (folder / "config.json").write_text(json.dumps(record))
    loaded = load(folder)
    with pytest.raises(DataError, match="before its settings said whose alerts"):
        loaded.predict(stamps(63))
    assert loaded.predict(stamps(30) | {"survey": "any"})["probabilities"].shape == (2, 5)
    system = find_system(record["system"])
    with pytest.raises(ConfigError, match=r"whose alerts it learned from.*--alerts.any-survey"):
        system.request(loaded, {"alerts": AlertOptions()})
    assert system.request(loaded, {"alerts": AlertOptions(any_survey=True)})["metadata"] == ()


def test_networks_are_made_for_stamps_of_their_survey(tmp_path):
    """An exported program has this size for ever."""
    task = build_task(PRESETS["multiscale-stamps-rubin"]())
    assert task.batch_spec["stamps"].shape == (2, 30, 30, 3) and usual_side(("ztf", "lsst"), 8) == 63
    assert build_task(PRESETS["alerce-stamps"]()).batch_spec["stamps"].shape == (2, 63, 63, 3)
