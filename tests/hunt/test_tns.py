"""Reports to TNS: as the published field list has them, and checked."""

import copy

import pytest

from lcjax.hunt.night import Reporter
from lcjax.hunt.tns import date, problems
from tests.hunt.nights import candidate, make_night, new_key


@pytest.fixture
def report(tmp_path, enter):
    """Of one accepted candidate, as the page gives it."""
    night = make_night(tmp_path, [candidate(n) for n in range(3)], reporter=Reporter(74, "A. Name (Institute)"))
    ann = enter(night)
    one = ann.get("/api/candidates").json()["rows"][0]["id"]
    assert "nothing to report" in ann.get("/api/export/tns").json()["error"]
    ann.post(f"/api/candidates/{one}/vote", {"label": "SN", "key": new_key()})
    yield ann.get("/api/export/tns").json()
    night.background.stop()
    night.database.close()


def test_the_report_is_as_tns_wants_it(report):
    assert problems(report) == []
    (one,) = report["at_report"].values()
    assert one["reporting_group_id"] == "74" and one["internal_name"] == "ZTF00002"
    assert one["discovery_datetime"] == date(60000.002 - 2) == one["photometry"]["photometry_group"]["0"]["obsdate"]
    assert one["photometry"]["photometry_group"]["0"]["filter_value"] == "111"
    assert one["non_detection"]["limiting_flux"] == "20.500" and one["non_detection"]["obsdate"] == date(60000.002 - 4)


REFUSED = [
    (lambda r: r["at_report"]["0"].pop("reporter"), "reporter is required"),
    (lambda r: r["at_report"]["0"].update(typo=1), "no field 'typo'"),
    (lambda r: r["at_report"]["0"]["ra"].update(value="400"), "ra is '400'"),
    (lambda r: r["at_report"]["0"].update(discovery_datetime="yesterday"), "discovery_datetime"),
    (lambda r: r["at_report"]["0"].update(at_type="9"), "at_type"),
    (lambda r: r["at_report"]["0"]["photometry"].update(photometry_group={}), "no photometry_group"),
    (lambda r: r["at_report"]["0"]["photometry"]["photometry_group"]["0"].update(flux="nan"), "no magnitude"),
    (lambda r: r["at_report"]["0"].update(non_detection={"archiveid": "0"}), "archival_remarks is required"),
    (lambda r: r["at_report"].update({"2": {}}), "0, 1, 2"),
    (lambda r: r.update(more=1), "one field"),
]


def test_what_tns_would_refuse_is_told(report):
    for change, why in REFUSED:
        other = copy.deepcopy(report)
        change(other)
        assert any(why in text for text in problems(other)), why


def test_simulated_objects_are_never_reported(tmp_path, enter):
    night = make_night(tmp_path, [candidate(1, survey="simulated")], reporter=Reporter(74, "A. Name"))
    ann = enter(night)
    ann.post("/api/candidates/1/vote", {"label": "SN", "key": new_key()})
    assert "survey 'simulated'" in ann.get("/api/export/tns").json()["error"]
    night.background.stop()
    night.database.close()
