"""Alert stamps through the command line: prepare packets, train, resume, evaluate; import, evaluate."""

import copy
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from data_pipelines.datasets.alert_checks import ZTF_SCHEMA, container, packet
from lcjax.cli.main import main
from lcjax.systems.stamp_classifier.config import RAW_COLUMNS
from tests.systems.stamp_classifier.test_weights import graph_arrays

SMALL = [
    "--model.filters",
    "8",
    "8",
    "--model.kernels",
    "4",
    "3",
    "--model.pool-after",
    "2",
    "--model.trunk",
    "16",
    "--model.head",
    "16",
    "--batch-size",
    "16",
    "--training.log-every",
    "4",
    "--training.evaluate-every",
    "4",
    "--training.checkpoint-every",
    "4",
]


def packets(count):
    """Made-up ZTF packets with every column of the published network: asteroids, bogus ones, and others, one an object."""
    schema = copy.deepcopy(ZTF_SCHEMA)
    (candidate,) = (field["type"] for field in schema["fields"] if field["name"] == "candidate")
    known = {field["name"] for field in candidate["fields"]}
    more = [name for name in RAW_COLUMNS if name not in known]
    candidate["fields"] += [{"name": name, "type": ["null", "float"], "default": None} for name in more]
    rng = np.random.default_rng(0)
    kinds = ({"ssdistnr": 0.5}, {"drb": 0.01}, {})
    made = [
        packet(2 * i, candidate=dict(zip(more, rng.uniform(0.5, 5, len(more)).tolist(), strict=True)) | kinds[i % 3])
        for i in range(count)
    ]
    return container(made, "deflate", schema=schema)


def prepared(source, out, *more):
    assert main(["data", "prepare", "ztf_alerts", "--source", str(source), "--out", str(out), *more]) == 0
    return out


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Made-up packets as shards, labelled by weak rules."""
    folder = tmp_path_factory.mktemp("alerts")
    (folder / "night.avro").write_bytes(packets(36))
    return prepared(folder / "night.avro", folder / "out", "--shards", "2")


def test_train_resume_and_evaluate(data, tmp_path, capfd):
    workdir, scores = tmp_path / "W", tmp_path / "scores.json"
    train = ["train", "alerce-stamps", "--data", str(data), "--workdir", str(workdir), *SMALL, "--steps"]
    schedule = ["--optimizer.schedule", "constant", "--no-report"]
    assert main([*train, "4", *schedule]) == 0
    assert main([*train, "8", *schedule]) == 0
    assert "resuming" in capfd.readouterr().err
    config = json.loads((workdir / "config.json").read_text())
    names = config["experiment"]["inputs"]["metadata_names"]
    assert set(names) >= {"sgscore1", "isdiffpos", "ra", "ncovhist"} and "gal_lat" not in names
    assert len(config["experiment"]["inputs"]["feature_mean"]) == 26
    assert config["experiment"]["inputs"]["class_names"] == ["AGN", "SN", "VS", "asteroid", "bogus"]
    assert (
        main(["evaluate", str(workdir), "--split", "train", "--json", str(scores), "--report", str(tmp_path / "R")])
        == 0
    )
    printed = capfd.readouterr().out
    assert "all inputs" in printed and "without sky position" in printed and "asteroid" in printed
    found = json.loads(scores.read_text())
    assert list(found["scores"]) == [
        "all inputs",
        *(f"without {part}" for part in ("image", "metadata", "sky position", "history")),
    ]
    assert (
        0 <= found["scores"]["all inputs"]["accuracy"]["low"] <= found["scores"]["all inputs"]["accuracy"]["high"] <= 1
    )
    assert set(found["live_units"]) == {"conv_1", "conv_2", "dense_1", "dense_2"}
    page = (tmp_path / "R" / "report" / "index.html").read_text()
    assert "Scores on held-out alerts" in page and page.count("data:image/png") == 2


@pytest.fixture(params=["made up", "real"])
def few_labels(request, tmp_path):
    """Alerts, and labels of three of their objects: classes of one object, which trains."""
    if request.param == "made up":
        source, names = tmp_path / "night.avro", ["ZTF0", "ZTF1", "ZTF2"]
        source.write_bytes(packets(24))
    else:
        source = request.getfixturevalue("data_root") / "ztf_alerts" / "fink" / "alerts.parquet"
        if not source.exists():
            pytest.skip(f"real alerts are not at hand ({source})")
        names = dict.fromkeys(pq.read_table(source, columns=["objectId"])["objectId"].to_pylist())
    rows = [f"{name},{label}" for name, label in zip(names, ("SN", "AGN", "VS"), strict=False)]
    (tmp_path / "labels.csv").write_text("\n".join(["objectId,label", *rows]))
    return source, tmp_path / "labels.csv"


def test_unlabelled_validation_and_test_splits_are_no_obstacle(few_labels, tmp_path, capfd):
    source, labels = few_labels
    rules = ["--labels.file", str(labels), "--labels.rules", "--fractions", "0.9", "0.05", "0.05", "--shards", "1"]
    prepared(source, tmp_path / "D", *rules)
    train = ["train", "alerce-stamps-image", "--data", str(tmp_path / "D"), "--workdir", str(tmp_path / "W")]
    assert main([*train, *SMALL, "--model.trunk", "16", "--model.head", "--steps", "2"]) == 0
    said = capfd.readouterr().err
    assert "nothing to score" in said and "finished after 2 updates" in said


def test_imported_weights_read_any_order_of_columns(data, tmp_path, capfd):
    arrays = graph_arrays(features=23, kernel=5)
    for name in arrays:
        if name.startswith("network/conv_4") and name.endswith("conv2d/bias"):
            arrays[name] = np.full_like(arrays[name], -1e4)
    np.savez(tmp_path / "s.npz", **{k.replace("/", "."): v for k, v in arrays.items()})
    assert main(["weights", "import", "alerce-stamps", str(tmp_path / "s.npz"), "--out", str(tmp_path / "W")]) == 0
    assert "no unit of conv_4 fires" in capfd.readouterr().out
    assert main(["evaluate", str(tmp_path / "W"), "--data", str(data), "--split", "train"]) == 0
    printed = " ".join(capfd.readouterr().out.split())
    assert "warning dead branch" in printed and "swapping the image between alerts changes no answer" in printed


@pytest.mark.parametrize(
    "arguments,words",
    [
        (["train", "alerce-stamps", "--workdir", "{}/W"], "learns from alerts: give prepared data with --data"),
        (["train", "alerce-stamps", "--data", "{}/nothing", "--workdir", "{}/W"], "nothing"),
    ],
)
def test_sentences(tmp_path, capsys, arguments, words):
    assert main([a.format(tmp_path) for a in arguments]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_a_column_the_data_lacks_is_named(data, tmp_path, capsys):
    more = ["--inputs.features", "fwhm", "moonphase", "--data", str(data), "--workdir", str(tmp_path / "W")]
    assert main(["train", "alerce-stamps", *more]) == 2
    assert "moonphase" in capsys.readouterr().err
