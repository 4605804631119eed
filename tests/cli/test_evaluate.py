"""`lcjax evaluate`: the data that is meant, the split, what is written, and what is refused."""

import json
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.kinds import find_kind
from data_pipelines.prepare import prepare
from lcjax.cli import evaluate as command
from lcjax.cli.main import main
from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.scores import Scores, Table
from lcjax.inference.loaded import Loaded
from lcjax.systems import find_system
from lcjax.systems.splits import held_out_data
from tests.data_pipelines.kinds.alerts.test_source import write as write_alerts
from tests.inference.models import experiment, light_curve, untrained, weights_folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "W"
    weights_folder(folder, experiment())
    return folder


@pytest.fixture(scope="module")
def curves_folder(tmp_path_factory):
    """A dataset of sixty light curves, most of them longer than a window."""
    folder = tmp_path_factory.mktemp("curves")
    stars = [light_curve(60 + seed, seed) for seed in range(60)]
    rows = {"id": [s.object_id for s in stars], "time": [s.mjd for s in stars], "mag": [s.magnitude for s in stars]}
    pq.write_table(pa.table(rows | {"err": [s.magnitude_error for s in stars]}), folder / "curves.parquet")
    return prepare("light_curve_files", [folder / "curves.parquet"], folder / "out", shards=1).manifest.folder


@pytest.fixture
def asked(monkeypatch):
    """What the system was asked to score; it answers with one number."""
    seen = []

    def answer(self, loaded, data, options):
        rows = sum(int((batch["weight"] > 0).sum()) for batch in data.evaluation_batches())
        seen.append(SimpleNamespace(loaded=loaded, data=data, rows=rows, options=options))
        return Scores("T", [Table(("a",), [("b",)])], {"value": 1.5}, [("1.5", "value")], [])

    monkeypatch.setattr(type(find_system("astromer2")), "evaluate", answer)
    return seen


def test_scores_are_printed_and_written(model, curves_folder, tmp_path, asked, capsys):
    written = ["--json", str(tmp_path / "s.json"), "--report", str(tmp_path / "R")]
    assert main(["evaluate", str(model), "--data", str(curves_folder), *written]) == 0
    assert json.loads((tmp_path / "s.json").read_text())["value"] == 1.5
    assert str(tmp_path / "R" / "report" / "index.html") in capsys.readouterr().out.replace("\n", "")
    (tested,) = asked
    assert tested.rows > 0
    assert main(["evaluate", str(model), "--data", str(curves_folder), "--split", "train"]) == 0
    assert asked[1].rows > tested.rows


def test_a_model_without_data_and_data_of_another_kind_are_refused(model, tmp_path):
    with pytest.raises(ConfigError, match="does not say what it was trained on: give prepared data with --data"):
        command.main([str(model)])
    alerts = write_alerts(tmp_path / "toy", 4, 2)
    with pytest.raises(DataError, match="holds stamps, not light curves"):
        command.main([str(model), "--data", str(alerts)])


def test_the_split_is_opened_as_the_system_wants_it(curves_folder):
    settings = experiment()
    loaded = Loaded(settings, *untrained(settings))
    kind = find_kind("light_curves")
    same, data = held_out_data(loaded, kind, [curves_folder], "validation", print, reader="plain")
    assert same.experiment == settings
    batches = list(data.evaluation_batches())
    assert all(batch["magnitude"].shape == (64, 40) for batch in batches)
    lengths = np.concatenate([batch["length"][batch["weight"] > 0] for batch in batches])
    assert lengths.max() <= 40
    with pytest.raises(DataError, match="no reader 'other'"):
        held_out_data(loaded, kind, [curves_folder], "validation", print, reader="other")
    assert find_kind("host_fields").evaluation_rows == 32 and find_kind("alerts").evaluation_rows == 64
