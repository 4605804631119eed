"""A packet goes to the reader of its survey, and whatever that cannot use is one rejection."""

import pytest

from data_pipelines.datasets.alert_checks import packet
from data_pipelines.sources.alerts import Alert, StampRules
from data_pipelines.sources.alerts.surveys import alert_from_packet
from lcjax.errors import Rejection
from tests.data_pipelines.alerts import rubin

ANY = StampRules(need=())


def atlas(**candidate):
    about = {"mjd": 60001.25, "RA": 10.0, "Dec": -5.0, "filter": "o", "candid": "01a60001o0002c_000003", "Mag": 18.5}
    return {"objectId": "1103", "candid": about["candid"], "publisher": "ATLAS-01a", "candidate": about | candidate}


def test_each_survey_is_known_by_its_packets():
    found = [alert_from_packet(p, ANY, "here") for p in (packet(3, 5), rubin.packet(0), atlas())]
    assert [a.survey for a in found] == ["ztf", "lsst", "atlas"]
    assert all(isinstance(a, Alert) and a.origin == "here" for a in found)


@pytest.mark.parametrize(
    ("content", "alert_id", "object_id", "reason"),
    [
        (packet(3, 5, candidate={"ra": None}), 1003, "ZTF1", "missing field: ra"),
        (
            packet(3, 5) | {"candidate": {"jd": 2459000.5, "ra": 1.0, "dec": 1.0, "fid": []}},
            1003,
            "ZTF1",
            "unusable packet: TypeError",
        ),
        (rubin.packet(4, dec=100.0), 10**17 + 4, str(2 * 10**17 + 4), "impossible position"),
        ({"objectId": "x", "candid": "7a", "candidate": {}}, 0, "", "unusable id: candid"),
        ({}, 0, "", "missing field: objectId"),
    ],
)
def test_what_cannot_be_used_is_named(content, alert_id, object_id, reason):
    found = alert_from_packet(content, ANY, "here")
    assert isinstance(found, Rejection) and found.reason.startswith(reason), found
    assert (found.alert_id, found.object_id, found.origin) == (alert_id, object_id, "here")


def test_a_stamp_that_does_not_do_is_a_rejection_too():
    found = alert_from_packet(packet(3, 5), StampRules(), "here")
    assert isinstance(found, Rejection) and found.reason.startswith("stamp size")
