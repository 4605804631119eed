"""Labels in tables beside light curves: of every format, by star or file; what does not agree is reported."""

import json

import numpy as np
import pytest

from data_pipelines.prepare import prepare
from data_pipelines.sources import read_light_curves
from lcjax.errors import DataError
from tests.data_pipelines.test_whole_stars import csv, points, stacked, star


def labels_of(folder, **more):
    return {c.object_id: c.label for c in read_light_curves([folder], **more)}


def mjd_file(path, n=9):
    path.write_text("#MJD Mag Err\n" + "\n".join(f"{50_000 + i} 12.{i} 0.1" for i in range(n)))


def test_labels_beside_tables_and_originals(tmp_path):
    csv(tmp_path / "photometry.csv", stacked(star("a"), star("b")))
    csv(tmp_path / "V9.csv", points())
    mjd_file(tmp_path / "lc_1.2.3.B.mjd")
    mjd_file(tmp_path / "OGLE.7.dat")
    (tmp_path / "by_star.csv").write_text("id;class\na;RRab\n1.2.3;Cep\nOGLE.7;EB\nnobody;X\n")
    (tmp_path / "labels.csv").write_text("file,label\nV9.csv,Mira\nOGLE.7.dat,EB\n")
    seen = []
    found = labels_of(tmp_path, on_labels=lambda labels: seen.append(labels.unused()))
    assert found == {"a": "RRab", "b": None, "V9": "Mira", "1.2.3": "Cep", "OGLE.7": "EB"}
    assert seen == [["nobody"]]


def test_what_a_table_is_says_its_content(tmp_path):
    csv(tmp_path / "labelled_stars.csv", star("a") | {"label": ["x"] * 40})
    csv(tmp_path / "more.csv", star("b"))
    assert labels_of(tmp_path) == {"a": "x", "b": None}
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "labels.csv").write_text("id,label\na,x\n")
    (tmp_path / "only" / "types.csv").write_text("id,type\nb,x\n")
    with pytest.raises(DataError, match=r"labels.csv' holds labels, and there are no light curves"):
        labels_of(tmp_path / "only")


def test_labels_that_do_not_agree_are_reported_and_left_out(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    table = stacked(*(star(f"s{i}", n=8) for i in range(8)))
    csv(source / "points.csv", table | {"label": np.repeat(["x", "y"] * 4, 8)})
    (source / "labels.csv").write_text("id,label\ns0,y\ns1,y\ns2,x\ngone,x\n")
    done = prepare("light_curve_files", [source], tmp_path / "D", shards=1)
    written = json.loads((done.manifest.folder / "cleaning.json").read_text())
    assert written["label_conflicts"] == {"s0": ["x", "y"]} and written["labels_of_none"] == ["gone"]
    assert done.rows()["left unlabelled"] == "1 of several classes (s0: x or y)"
    assert done.rows()["labels not used"].startswith("1, ")
    index = [done.manifest.index(split) for split in ("train", "validation", "test")]
    unlabelled = [name for i in index for name, label in zip(i.object_ids(), i.label, strict=True) if label < 0]
    assert unlabelled == ["s0"]
