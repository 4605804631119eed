"""Host finders from the command line: prepare, train, evaluate, import."""

import json

import pytest

from data_pipelines.kinds.host_fields.options import HostOptions
from data_pipelines.kinds.host_fields.reading import FieldReader, read_positions
from data_pipelines.kinds.reading import Request
from lcjax.cli.main import main
from lcjax.errors import ConfigError, DataError
from tests.systems.delight.delight_files import random_layers, write_keras3

pytest.importorskip("sep", reason="needs sep (extra test or hosts)")


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    out = tmp_path_factory.mktemp("fields")
    split = ["--fractions", "0.5", "0.25", "0.25", "--shards", "2"]
    assert main(["data", "prepare", "simulated_hosts", "--out", str(out), "--n-objects", "24", *split]) == 0
    return out


def test_train_evaluate_and_resume(fields, tmp_path, capsys):
    work = tmp_path / "W"
    small = ["--model.filters", "4", "4", "4", "--model.hidden", "8", "--training.evaluate-every", "2"]
    train = ["train", "delight-hosts", "--data", str(fields), "--workdir", str(work), "--batch-size", "4", *small]
    assert main([*train, "--steps", "2"]) == 0
    assert (work / "report" / "index.html").is_file()
    scores = json.loads((work / "scores.json").read_text())
    assert scores["by_size"]["all"]["fields"] > 0 and "hostless" in scores["calibration"]
    capsys.readouterr()
    assert main(["evaluate", str(work), "--data", str(fields), "--json", str(tmp_path / "s.json")]) == 0
    printed = capsys.readouterr().out
    assert "median error" in printed and "calibration" in printed
    assert json.loads((tmp_path / "s.json").read_text()) == scores


def test_stacks_of_another_shape(fields, tmp_path, capsys):
    more = ["--model.side", "24", "--image.image-size", "384", "--batch-size", "4"]
    assert main(["train", "delight", "--data", str(fields), "--workdir", str(tmp_path / "W"), *more]) == 2
    assert "shape" in capsys.readouterr().err


def test_import(tmp_path, capsys):
    source = write_keras3(tmp_path / "w.h5", random_layers())
    assert main(["weights", "import", "delight", str(source), "--out", str(tmp_path / "W")]) == 0
    assert "5 planes of 30 x 30" in capsys.readouterr().out
    assert main(["weights", "import", "delight", str(tmp_path / "none"), "--out", str(tmp_path / "W2")]) == 2
    assert "there is no file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text,why",
    [
        ("object_id,RA,dec\na,1,2\n", "lacks ra"),
        ("", "lacks object_id, ra, dec"),
        ("object_id,ra,dec\na,1,2\nb,x,2\n", "line 3"),
        ("object_id,ra,dec\na,nan,2\n", "line 2"),
        ("object_id,ra,dec\na,1,95\n", "line 2"),
        ("object_id,ra,dec\na,1\n", "line 2"),
        ("object_id,ra,dec\na,1,2\na,1,2\na,1,3\n", "line 4 of .* another position of 'a'"),
        ('object_id,ra,dec\na,1,2\nb,3,"4\nc,5,6\nd,7,8\n', "quotation mark in line 3"),
        ('object_id,ra,dec\n"a\nb",1,x\n', r"line 3 of .* '1', 'x'$"),
        ("object_id,ra,ra,dec\na,1,5,2\n", "2 columns called 'ra'"),
    ],
)
def test_positions_that_cannot_be_used(text, why, tmp_path):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(DataError, match=why):
        read_positions(tmp_path / "p.csv")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_positions(tmp_path / "none.csv")


def test_positions_of_no_image(tmp_path):
    """As spreadsheets save them; names that fit no image are a mistake and not transients in the middle."""
    (tmp_path / "p.csv").write_bytes(b"\xef\xbb\xbfobject_id,ra,dec\nsn-b.fits,150,-2\n")
    positions = read_positions(tmp_path / "p.csv")
    assert positions == {"sn-b.fits": (150.0, -2.0)}
    (tmp_path / "sn-b.fits").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"without \.fits"):
        list(FieldReader(Request(options={"hosts": HostOptions(tmp_path / "p.csv")})).items([str(tmp_path)]))
