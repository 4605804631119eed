"""Reports to TNS: as the published field list has them, and checked."""

import copy

import pytest

from lcjax.errors import ConfigError
from lcjax.hunt.candidates import Delivery, LightCurve
from lcjax.hunt.database import Database, sqlite_url
from lcjax.hunt.search import Query, everything
from lcjax.hunt.storing import store
from lcjax.hunt.tns import Reporter, _report, bulk_report, date, problems
from lcjax.hunt.tns_numbers import KNOWN, with_given
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


def test_what_cannot_be_known_is_asked_for(tmp_path):
    """Of simulated objects, of ATLAS's cameras, of Rubin's numbers; of sources that have only faded."""
    faded = LightCurve({"mjd": [60000.0], "band": ["o"], "magnitude": [17.0], "error": [0.1], "positive": [False]})
    risen = LightCurve({name: column * 2 for name, column in faded.detections.items()})
    risen.detections.update(mjd=[59999.0, 60000.5], positive=[False, True], magnitude=[16.0, 18.0])
    made = {
        "simulated": candidate(1, survey="simulated"),
        "atlas": candidate(2, survey="atlas", light_curve=risen, band="o"),
        "lsst": candidate(3, survey="lsst"),
        "faded": candidate(4, survey="atlas", light_curve=faded, band="o"),
    }
    database = Database(sqlite_url(tmp_path / "d.sqlite"))
    try:
        with database.write() as connection:
            store(connection, Delivery(list(made.values())))
            rows = dict(zip(made, everything(connection, Query(sort="object_id", descending=False)), strict=True))
            of = lambda name, *given: bulk_report(
                connection, [rows[name]], Reporter(18, "A. Name", with_given(given) if given else KNOWN)
            )["at_report"]["0"]
            with pytest.raises(ConfigError, match="survey 'simulated'"):
                of("simulated")
            with pytest.raises(ConfigError, match="brighter than the template"):
                of("faded", "atlas.source=18", "atlas.instrument=159")
            with pytest.raises(ConfigError, match=r"153, 159, .* --tns-numbers atlas.source=N atlas.instrument=N$"):
                of("atlas")
            with pytest.raises(ConfigError, match=r"lsst.source=N lsst.instrument=N lsst.filter.g=N lsst.filter.r=N"):
                of("lsst")
            one = of("atlas", "atlas.source=18", "atlas.instrument=159")
            (point,) = list(one["photometry"]["photometry_group"].values())[:1]
            assert (
                one["discovery_datetime"] == date(60000.5)
                and point["flux"] == "18.000"
                and point["filter_value"] == "72"
            )
            assert (point["instrument_value"], one["discovery_data_source_id"]) == ("159", "18")
            assert one["non_detection"]["archival_remarks"] == "ATLAS reference images"
            numbers = [f"lsst.{what}=7" for what in ("source", "instrument", "filter.g", "filter.r")]
            assert of("lsst", *numbers)["photometry"]["photometry_group"]["0"]["filter_value"] == "7"
    finally:
        database.close()


def test_the_first_rise_is_the_discovery_and_the_last_limit_before_it_the_non_detection():
    """Of points in any order, the first faded, some without a magnitude or of a sign that nobody tells."""
    mjd = [60009.0, 60003.0, 60001.0, 60002.0, *(60010.0 + i for i in range(9))]
    positive = [True, None, False, True, *[True] * 9]
    magnitude = [18.9, 18.3, 18.1, None, *[19.0] * 9]
    detections = {"mjd": mjd, "band": ["r"] * 13, "magnitude": magnitude, "error": [0.1] * 13, "positive": positive}
    limits = {
        "mjd": [60000.0, 60002.5, 60001.5, 60005.0, 60002.7],
        "band": ["r"] * 5,
        "limit": [20.0, 20.2, 20.1, 20.3, None],
    }
    row = {"object_id": "ZTF1", "survey": "ztf", "ra": 10.0, "dec": -5.0}
    one = _report(row, {"detections": detections, "limits": limits}, Reporter(18, "A. Name"))
    points = list(one["photometry"]["photometry_group"].values())
    assert one["discovery_datetime"] == date(60003.0) == points[0]["obsdate"] and points[0]["flux"] == "18.300"
    assert [p["obsdate"] for p in points] == [date(60003.0), date(60009.0), *(date(60010.0 + i) for i in range(8))]
    assert (one["non_detection"]["obsdate"], one["non_detection"]["limiting_flux"]) == (date(60002.5), "20.200")


@pytest.mark.parametrize(
    "word", ["atlas.source", "des.source=4", "atlas.source=x", "atlas.colour=3", "atlas.filter.=3"]
)
def test_numbers_that_are_none(word):
    with pytest.raises(ConfigError, match=r"SURVEY.WHAT=N|filter.BAND"):
        with_given([word])
