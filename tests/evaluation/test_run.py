"""Printing, saving and reporting are the same for every system."""

import json

import pytest

from lcjax.errors import StorageError
from lcjax.evaluation.printing import print_parts
from lcjax.evaluation.run import judged_on, print_and_write, print_scores, save_scores, write_report
from lcjax.evaluation.scores import Picture, Scores, Section, Table, Text


def figure():
    from lcjax.evaluation.figures import plots

    return plots().subplots()[0]


def scores():
    table = Table(["class", "recall [%]"], [["SN <Ia>", "0.5"], ["[AGN]", "-"]], "recalls")
    return Scores(
        title="A report",
        printed=[table, Text("a branch is dead", "warning")],
        values={"recall": float("nan"), "list": [1.0, float("inf")], "name": "NaN"},
        cards=[("0.5", "recall")],
        sections=[Section("Scores", [table, Picture(figure, "A picture")]), Section("Nothing", [])],
        commands="lcjax evaluate W",
    )


def test_printed_as_it_is(capsys):
    print_scores(scores())
    said = capsys.readouterr().out
    assert "recalls" in said and "recall [%]" in said and "SN <Ia>" in said and "[AGN]" in said
    assert "warning a branch is dead" in said


def test_a_table_without_a_header_is_its_rows(capsys):
    print_parts([Table((), [("records", "1 [a]"), ("classes", "2")])])
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["records", "1", "[a]"],
        ["classes", "2"],
    ]


def test_printed_and_written_where_it_is_asked_for(tmp_path, capsys):
    record, origin = {"system": "toy"}, judged_on([tmp_path / "D"], "test", "lcjax toy", "f00d")
    assert origin == {"data": f"{tmp_path}/D, split test", "fingerprint": "f00d", "command": "lcjax toy"}
    assert print_and_write(scores(), record, tmp_path, origin) is None and not list(tmp_path.iterdir())
    page = print_and_write(scores(), record, tmp_path, origin, tmp_path / "s.json", tmp_path)
    assert page == tmp_path / "report" / "index.html" and "lcjax toy" in page.read_text()
    assert json.loads((tmp_path / "s.json").read_text())["name"] == "NaN" and "recalls" in capsys.readouterr().out
    (tmp_path / "file").write_text("")
    for option in (None, "--workdir"):
        with pytest.raises(StorageError, match=f"choose another {option or '--json'}$"):
            print_and_write(scores(), record, tmp_path, origin, tmp_path / "file" / "s.json", option=option)


def test_saved_without_words_that_are_no_json(tmp_path):
    save_scores(tmp_path / "s" / "scores.json", scores())
    assert json.loads((tmp_path / "s" / "scores.json").read_text()) == {
        "recall": None,
        "list": [1.0, None],
        "name": "NaN",
    }
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot write .*choose another --json$"):
        save_scores(tmp_path / "file" / "scores.json", scores(), "--json")
    with pytest.raises(StorageError, match=r"cannot write .*choose another --report$"):
        write_report(tmp_path / "file", scores(), {}, tmp_path, option="--report")


def test_reported(tmp_path):
    lines = [{"step": i, "split": split, "loss": 1 / (i + 1)} for i in range(3) for split in ("train", "validation")]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    record = {"system": "toy", "experiment": {"model": {"width": 8}}, "versions": {"lcjax": "1", "jax": "2"}}
    origin = {"data": "D/macho, split test", "command": "lcjax evaluate W --data D"}
    record |= {"config_hash": "0a1b", "data": {"paths": ["D/train"], "fingerprint": "f00d"}}
    text = write_report(tmp_path / "out", scores(), record, tmp_path, origin).read_text()
    for said in ("D/macho, split test", "lcjax evaluate W --data D", "0a1b", "D/train", "f00d", " UTC", str(tmp_path)):
        assert said in text
    assert "SN &lt;Ia&gt;" in text and "<h2>Training</h2>" in text and "model.width" in text
    assert "lcjax evaluate W" in text and "<h2>Nothing</h2>" not in text and text.count("data:image/png") == 2
    assert "<h2>Training</h2>" not in write_report(tmp_path / "out", scores(), record, tmp_path / "none").read_text()
