"""The benchmark of the triage page on a small night: everything is asked for and answered."""

import json

import pytest

pytest.importorskip("fastapi", reason="the triage page needs the extra hunt")

from benchmarks import hunt


def test_a_small_night(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(hunt.shutil, "which", lambda name: None)  # the browser has tests of its own
    monkeypatch.setattr(hunt, "PROMISES", {"first page": 1e9})
    out, database = tmp_path / "o.json", tmp_path / "h.sqlite"
    command = ["--candidates", "600", "--stamps", "8", "--repeats", "1", "--out", str(out), "--database", str(database)]
    assert hunt.main(command) == 0
    rows = {row["what"]: row["median"] for row in json.loads(out.read_text())["rows"]}
    assert len(rows) == 11 and min(rows.values()) > 0
    assert "no Chromium" in capsys.readouterr().out
    monkeypatch.setattr(hunt, "PROMISES", {"first page": 0.0})
    assert hunt.main(command) == 1 and "slower than promised: first page" in capsys.readouterr().out
