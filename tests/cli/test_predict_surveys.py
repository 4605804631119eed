"""`lcjax predict` on alerts of a survey that the network has not learned from."""

import csv

import numpy as np
import pyarrow.parquet as pq
import pytest

from data_pipelines.datasets.alert_checks import container, packet
from data_pipelines.datasets.lsst_alerts.lsst_alerts_dataset_builder_test import SCHEMA, rubin
from lcjax.systems import PRESETS
from tests.cli.blank_model import blank_model
from tests.cli.test_predict_alerts import predict


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A network that takes nothing but images, so that nothing else tells it the survey."""
    return blank_model(tmp_path_factory.mktemp("model") / "W")


@pytest.fixture
def night(tmp_path):
    (tmp_path / "lsst.avro").write_bytes(container([rubin(n) for n in range(3)], schema=SCHEMA))
    (tmp_path / "ztf.avro").write_bytes(container([packet(n) for n in range(2)]))
    np.save(tmp_path / "bare63.npy", np.random.default_rng(0).normal(size=(1, 63, 63, 3)).astype(np.float32))
    np.save(tmp_path / "bare30.npy", np.random.default_rng(0).normal(size=(1, 30, 30, 3)).astype(np.float32))
    return tmp_path


def test_alerts_of_another_survey_are_refused(images, night, capsys):
    """Stamps of Rubin, 30 x 30 pixels of 0.2 arcsec, are nothing to a network of ZTF's."""
    out = night / "F.parquet"
    assert predict(images, night / "lsst.avro", out=out) == 2
    said = capsys.readouterr().err
    assert "another survey: the alert is of lsst, and the network learned from ztf; use a network that did" in said
    assert said.count("\n") == 1 and not out.exists()
    assert predict(images, night / "lsst.avro", night / "ztf.avro", out=out) == 0
    assert pq.read_table(out)["alert_id"].to_pylist() == [1000, 1001]
    assert "3 another survey" in capsys.readouterr().out
    assert predict(images, night / "lsst.avro", out=out, more=["--alerts.any-survey"]) == 0
    assert pq.read_table(out).num_rows == 3


def test_stamps_without_a_packet_must_have_the_survey_s_size(images, night, capsys):
    out = night / "F.parquet"
    assert predict(images, night / "bare63.npy", out=out) == 0
    assert predict(images, night / "bare30.npy", out=out) == 2
    said = capsys.readouterr().err
    assert "unknown survey: stamps of 30x30 pixels of no known survey, and the network learned from ztf (63x63)" in said
    for more in (["--alerts.any-survey"], ["--alerts.size", "any"]):
        assert predict(images, night / "bare30.npy", out=out, more=more) == 0


def test_the_table_is_what_its_name_says(images, night, capsys):
    write = lambda out: predict(images, night / "lsst.avro", night / "ztf.avro", out=out)
    assert write(night / "F.csv") == 0
    with open(night / "F.csv", newline="") as file:
        assert [row["alert_id"] for row in csv.DictReader(file)] == ["1000", "1001"]
    with open(night / "F.rejected.csv", newline="") as file:
        assert [row["reason"].partition(":")[0] for row in csv.DictReader(file)] == ["another survey"] * 3
    capsys.readouterr()
    for out, words in (
        ("F.txt", "end --out in .parquet or .csv"),
        ("/dev/stdout", "--out"),
        ("/", "is no name of a file"),
    ):
        assert write(night / out) == 2
        said = capsys.readouterr()
        assert words in said.err and said.err.count("\n") == 1 and not said.out
    assert predict(images, "kafka://localhost:1/topic", out=night / "F.csv") == 2
    assert "answers to a stream are a folder of Parquet files" in capsys.readouterr().err


def test_presets_say_the_survey():
    assert {n: PRESETS[n]().inputs.surveys for n in ("alerce-stamps", "multiscale-stamps-rubin")} == {
        "alerce-stamps": ("ztf",),
        "multiscale-stamps-rubin": ("lsst",),
    }
