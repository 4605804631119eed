"""`lcjax data prepare ztf_alerts`, `verify`, `describe`: what is printed, what is written, what goes wrong and how it is said."""

import json

import pytest

from data_pipelines.datasets.alert_checks import container, packet
from lcjax.cli.main import main


@pytest.fixture(scope="module")
def alerts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alerts")
    kinds = ({"ssdistnr": 0.5}, {"drb": 0.01})
    data = container([packet(i, candidate=kinds[i // 2 % 2]) for i in range(40)])
    (folder / "night.avro").write_bytes(data + container([packet(90, side=62)]))
    (folder / "broken.avro").write_bytes(container([packet(80)])[:-100])
    return folder


def test_prepare_verify_describe(alerts, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["data", "prepare", "ztf_alerts", "--source", str(alerts), "--out", str(out), "--shards", "1"]) == 0
    said = capsys.readouterr().out
    for part in (
        "40 of 42, 20 objects",
        "1 truncated Avro",
        "1 stamp size",
        "20 asteroid (solar-system)",
        "asteroid, bogus",
    ):
        assert part in " ".join(said.split()), said
    assert main(["data", "verify", str(out)]) == 0
    assert "40 records, all as written" in capsys.readouterr().out
    assert main(["data", "describe", str(out), "--out", str(tmp_path / "pictures")]) == 0
    said = capsys.readouterr().out
    assert "40 alerts" in said and "asteroid" in said and "magpsf" not in said  # a column that does not vary
    assert "40 of 63 x 63 pixels, 3 an alert, 1.00 arcsec a pixel" in said
    facts = json.loads((tmp_path / "pictures" / "ztf_alerts" / "description.json").read_text())
    assert facts["alerts"] == 40 and facts["quantiles"]["missing"] == [0.0] * 5
    shard = next(iter(out.rglob("*train*tfrecord*")))
    shard.write_bytes(shard.read_bytes()[:-5])
    assert main(["data", "verify", str(out)]) == 2
    assert shard.name in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--source", "nowhere"], "no file or folder 'nowhere'"),
        ([], "needs alert files"),
        (["--alerts.size", "huge"], "stamp size"),
        (["--alerts.schemas", "nowhere"], "no schema file or folder 'nowhere'"),
        (["--labels.file", "nowhere.csv"], "table 'nowhere.csv' cannot be read"),
    ],
)
def test_mistakes_are_one_sentence(alerts, tmp_path, capsys, options, said):
    source = [] if "--source" in options or not options else ["--source", str(alerts)]
    assert main(["data", "prepare", "ztf_alerts", "--out", str(tmp_path), *source, *options]) == 2
    error = capsys.readouterr().err
    assert said in " ".join(error.split()) and "Traceback" not in error
    assert not list(tmp_path.iterdir())
