"""Alert stamps through the command line: prepare real packets, train, resume, evaluate; import, evaluate."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from lcjax.cli.main import main
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


@pytest.fixture(scope="module")
def data(data_root, tmp_path_factory):
    """Real ZTF packets as shards, labelled by weak rules."""
    source = data_root / "ztf_alerts" / "kowalski_avro"
    if not source.is_dir():
        pytest.skip(f"real alert packets are not at hand ({source})")
    out = tmp_path_factory.mktemp("alerts")
    assert main(["data", "prepare", "ztf_alerts", "--source", str(source), "--out", str(out), "--shards", "2"]) == 0
    return out


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


def test_unlabelled_validation_and_test_splits_are_no_obstacle(data_root, tmp_path, capfd):
    source = data_root / "ztf_alerts" / "fink" / "alerts.parquet"
    if not source.exists():
        pytest.skip(f"real alerts are not at hand ({source})")
    names = dict.fromkeys(pq.read_table(source, columns=["objectId"])["objectId"].to_pylist())
    rows = [f"{name},{label}" for name, label in zip(names, ("SN", "AGN", "VS"), strict=False)]
    (tmp_path / "labels.csv").write_text("\n".join(["objectId,label", *rows]))  # classes of one object, which trains
    rules = [
        "--labels.file",
        str(tmp_path / "labels.csv"),
        "--labels.rules",
        "--fractions",
        "0.9",
        "0.05",
        "0.05",
        "--shards",
        "1",
    ]
    prepare = ["data", "prepare", "ztf_alerts", "--source", str(source), "--out", str(tmp_path / "D")]
    assert main([*prepare, *rules]) == 0
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
