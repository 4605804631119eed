"""Weak labels: each rule, their order, the user's tables; and agreement with the labels beside the real alerts."""

import csv
import dataclasses

import pytest

from data_pipelines.kinds.alerts.label_tables import ContradictoryLabelsError
from data_pipelines.kinds.alerts.weak_labels import Labeler, LabelSettings, class_of_type
from data_pipelines.sources.alerts import Alert, read_alerts
from lcjax.errors import DataError


def alert(survey="ztf", ra=10.0, dec=20.0, **metadata) -> Alert:
    return Alert(survey, "o1", 7, 59000.0, ra, dec, "g", metadata)


@pytest.mark.parametrize(
    ("found", "label", "rule"),
    [
        (alert(ssdistnr=0.0), "asteroid", "solar-system"),
        (alert(ssdistnr=5.1), None, ""),
        (alert(ssdistnr=-999.0, drb=0.05), "bogus", "real-bogus"),
        (alert(drb=0.5, rb=0.1), None, ""),
        (alert(drb=None, rb=0.1), "bogus", "real-bogus"),
        (alert(cdsxmatch="QSO", drb=0.01), "AGN", "cross-match"),
        (alert(cdsxmatch="QSO", tnsclass="(TNS) SN Ia"), "SN", "cross-match"),
        (alert(cdsxmatch="Unknown"), None, ""),
        (alert("lsst", ssObjectId=12.0), "asteroid", "solar-system"),
        (alert("lsst", ssObjectId=0.0, reliability=0.01), "bogus", "real-bogus"),
        (alert("lsst", **{"ssSource.designation": "2020 AB"}), "asteroid", "solar-system"),
        (alert("lsst", reliability=0.9), None, ""),
    ],
)
def test_rules(found, label, rule):
    assert Labeler(LabelSettings())(found) == (label, rule)
    assert Labeler(LabelSettings(rules=()))(found) == (None, "")


def test_types():
    for name in ("RRLyr", "EB*Algol", "Mira", "V*?", "C*", "(SIMBAD) CataclyV*"):
        assert class_of_type(name) == "VS", name
    for name in ("(TNS) SLSN-II", "(TNS) SN", "(SIMBAD) Supernova", "SN IIn"):
        assert class_of_type(name) == "SN", name
    for name in ("Seyfert_2", "LINER", "Blazar", "AGN_Candidate"):
        assert class_of_type(name) == "AGN", name
    for name in ("", "Unknown", "Fail", "(TNS) Impostor-SN", "Candidate_SN*", "Star", "WD*", "(TNS) FRB"):
        assert class_of_type(name) is None, name


def test_tables_of_the_user(tmp_path):
    own, sky = tmp_path / "own.csv", tmp_path / "sky.csv"
    own.write_text("objectId,label\no1,TDE\n")
    sky.write_text("ra,dec,label\n10.0,20.0003,far\n10.0002,20.0001,near\n200,-80,other\n")
    labeler = Labeler(LabelSettings(file=own, catalog=sky))
    assert labeler(alert(drb=0.0)) == ("TDE", "file")
    by_sky = Labeler(LabelSettings(catalog=sky))
    assert by_sky(alert(drb=0.0)) == ("near", "catalog")
    assert by_sky(alert(dec=20.01)) == (None, "")
    assert by_sky(alert(ra=float("nan"))) == (None, "")
    wide = Labeler(LabelSettings(catalog=sky, catalog_arcsec=3600 * 12))
    assert wide(alert(ra=230.0, dec=-85.0)) == ("other", "catalog")
    own.write_text("candid,label\n7,one\n")
    assert Labeler(LabelSettings(file=own))(alert()) == ("one", "file")
    for path, text, reason in (
        (own, "a,label\n1,2\n", "no column 'object_id'"),
        (sky, "ra,dec\n1,2\n", "no column 'label'"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=reason):
            Labeler(LabelSettings(file=own if path == own else None, catalog=sky if path == sky else None))
    sky.write_text("ra,dec,label\nx,2,a\n")
    with pytest.raises(DataError, match="no number"):
        Labeler(LabelSettings(catalog=sky))
    with pytest.raises(DataError, match="cannot be read"):
        Labeler(LabelSettings(file=tmp_path / "nowhere.csv"))


def test_rows_that_match_nothing_and_rows_that_contradict_each_other(tmp_path):
    own, sky = tmp_path / "own.csv", tmp_path / "sky.csv"
    own.write_text("objectId,label\no1,SN\no1,SN\no2,AGN\no2,VS\no3,SN\no4,\no5,SN\n")
    sky.write_text("ra,dec,label\n10,20,SN\n30,40,VS\n30,40,AGN\n50,60,VS\n")
    labeler = Labeler(LabelSettings(file=own, catalog=sky, rules=()))
    assert labeler(alert()) == ("SN", "file")
    assert labeler(dataclasses.replace(alert(), object_id="o9")) == ("SN", "catalog")
    for found in (
        dataclasses.replace(alert(), object_id="o2"),
        dataclasses.replace(alert(ra=30, dec=40), object_id="o9"),
    ):
        with pytest.raises(
            ContradictoryLabelsError, match=r"contradictory labels: the table says (AGN and VS|VS and AGN)"
        ):
            labeler(found)
    tables = labeler.tables()
    assert str(tables["--labels.file"]) == (
        "objects with usable alerts: 1; without: 2 (o3, o5); contradictory: 1 (o2 is AGN and VS); rows without a label or object: 1"
    )
    assert tables["--labels.catalog"].as_dict() == {
        "names": "positions",
        "used": 1,
        "unmatched": ["50.0 60.0"],
        "contradictory": {"30.0 40.0": ["VS", "AGN"]},
        "rows_without_label": 0,
    }


@pytest.mark.parametrize(("option", "columns"), [("file", "objectId"), ("catalog", "ra,dec")])
def test_a_label_of_several_lines(tmp_path, option, columns):
    """Class names are kept one a line; and a quote that is not closed swallows the rows behind it."""
    table, place = tmp_path / "own.csv", ",".join(["1"] * len(columns.split(",")))
    for text, words in (
        (f'{place},"AGN\nVS"', r"a label of several lines \('AGN\\nVS', up to line 4\): close its quotes"),
        (f'{place},"AGN\n{place},VS"', "a quotation mark in line 3 that is closed in line 4 or never"),
        (f'"{place},AGN\n{place},VS\n{place},SN', "a quotation mark in line 3 that is closed in line 5 or never"),
    ):
        table.write_text(f"{columns},label\n{place},SN\n{text}\n")
        with pytest.raises(DataError, match=words):
            Labeler(LabelSettings(**{option: table}))


def test_agreement_on_real_alerts(data_root):
    folder = data_root / "ztf_alerts"
    if not (folder / "index.csv").exists():
        pytest.skip("no ZTF alerts at hand")
    with open(folder / "index.csv", newline="") as file:
        expected = {int(row["candid"]): row["weak_label"] for row in csv.DictReader(file)}
    labeler = Labeler(LabelSettings())
    paths = [folder / "fink", folder / "kowalski_avro"]
    found = {a.alert_id: labeler(a)[0] or "" for a in read_alerts(paths, need_stamps=()) if a.alert_id in expected}
    labelled = [candid for candid, label in expected.items() if label and candid in found]
    assert labelled
    agree = sum(found[candid] == expected[candid] for candid in labelled)
    assert agree >= 0.95 * len(labelled), [(expected[c], found[c]) for c in labelled if found[c] != expected[c]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ra,dec,label\n10,5,SN\n400,-5,SN\n", "has ra 400 and dec -5 in line 3, no degrees"),
        ("ra,dec,label\n10,95,SN\n", "has ra 10 and dec 95 in line 2"),
        ("ra,dec,label\nnan,5,SN\n", "has ra nan and dec 5 in line 2"),
        ("ra,dec,label,label\n1,5,SN,AGN\n", "has 2 columns called 'label'"),
    ],
)
def test_a_catalog_of_impossible_positions_is_refused(tmp_path, text, words):
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        Labeler(LabelSettings(catalog=tmp_path / "c.csv"))


def test_what_programs_write_for_no_label_is_none(tmp_path):
    (tmp_path / "own.csv").write_text("objectId,label\na,nan\nb,SN\nc,None\n")
    labeler = Labeler(LabelSettings(file=tmp_path / "own.csv", rules=()))
    found = [labeler(Alert("ztf", name, 1, 0.0, 0.0, 0.0, "g"))[0] for name in "abc"]
    assert found == [None, "SN", None]
