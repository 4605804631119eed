"""Made-up Rubin packets: every field where it belongs, in containers, messages and tables, of old and new versions."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.datasets.alert_checks import container, stamp
from data_pipelines.sources.alerts import (
    STAMP_NAMES,
    Alert,
    SchemaSet,
    StampRules,
    decode_packet,
    read_alerts,
    read_packets,
)
from data_pipelines.sources.alerts.lsst import identity, read_packet
from data_pipelines.sources.alerts.packets import PacketError
from lcjax.errors import Rejection
from tests.data_pipelines.alerts import rubin

RULES = StampRules()


def assert_whole(alert, number=0):
    assert (alert.survey, alert.object_id, alert.alert_id) == ("lsst", str(2 * 10**17 + number), 10**17 + number)
    assert (alert.mjd, alert.ra, alert.dec, alert.band) == (61000.5, 10.0, 5.0, "r")
    for k, name in enumerate(STAMP_NAMES):
        np.testing.assert_array_equal(alert.stamps[name].pixels, stamp(number + k, 30))
        assert alert.stamps[name].pixel_scale == 0.2
    history, limits, forced = alert.history, alert.non_detections, alert.forced_photometry
    assert history["mjd"].tolist() == [60898.0, 60899.0] and history["alert_id"].tolist() == [2, 1]
    assert history["band"].tolist() == ["g", "i"] and history["flux"].tolist() == [2, 1]
    assert history["error"].tolist() == [1, 1]
    assert limits["mjd"].tolist() == [60700.0, 60800.0] and np.isnan(limits["limit"][0])
    assert limits["limit"][1] == pytest.approx(31.4 - 2.5 * np.log10(5 * 20.0))
    assert [forced[name].tolist() for name in ("mjd", "band", "flux", "error")] == [[60950.0], ["z"], [5.0], [2.0]]
    assert alert.metadata["isNegative"] == 1.0 and alert.metadata["psfFlux"] == -3.0
    assert alert.metadata["diaObject.nDiaSources"] == 3.0 and alert.metadata["mpc_orbits.a"] == 2.5
    assert alert.metadata["ra"] == 10.0 and alert.metadata["diaObject.ra"] == 10.5
    assert not [name for name in alert.metadata if name.startswith(("ssSource", "cutout", "prv"))]


def test_one_alert_in_every_form(tmp_path):
    written = rubin.schema()
    (tmp_path / "a.avro").write_bytes(container([rubin.packet(0)], schema=written))
    pq.write_table(pa.Table.from_pylist([rubin.packet(0)]), tmp_path / "b.parquet")
    for alert in read_alerts(tmp_path):
        assert_whole(alert)
    assert_whole(read_packet(rubin.packet(7), RULES, "here"), 7)


def test_messages_need_the_folder_of_schemas(tmp_path):
    written = rubin.schema()
    (tmp_path / "1000.avsc").write_text(json.dumps(written))
    schemas = SchemaSet([tmp_path])
    raw = rubin.message(rubin.packet(0), 1000, written)
    assert_whole(decode_packet(raw, schemas))
    lost = decode_packet(raw, SchemaSet(), "topic:0@1")
    assert isinstance(lost, Rejection) and "id 1000" in lost.reason and lost.origin == "topic:0@1#0"
    kinds = [type(a).__name__ for a in read_packets(raw + raw + raw[:9000], schemas)]
    assert kinds == ["Alert", "Alert", "Rejection"]


def test_old_names_and_versions_nobody_has_seen():
    written = rubin.schema("v7_4", "MPCORB", "is_negative")
    old = rubin.packet(0)
    old["MPCORB"] = old.pop("mpc_orbits")
    old["diaSource"] = {**old["diaSource"], "is_negative": True}
    del old["diaSource"]["isNegative"]
    assert_whole(decode_packet(container([old], schema=written)))
    newer = rubin.schema("v99_0")
    newer["fields"] = [f for f in newer["fields"] if f["name"] not in ("mpc_orbits", "ssSource")]
    newer["fields"].append({"name": "verdict", "type": "string"})
    alert = decode_packet(container([rubin.packet(0) | {"verdict": "new"}], schema=newer))
    assert alert.metadata["verdict"] == "new" and "mpc_orbits.a" not in alert.metadata
    both = {**rubin.packet(0)["diaSource"], "is_negative": False}
    assert read_packet(rubin.packet(0) | {"diaSource": both}, RULES, "").metadata["isNegative"] == 1.0


def test_an_object_is_the_diaobject_the_solar_system_object_or_the_detection():
    source = lambda **more: {"diaSource": {"diaSourceId": 7} | more}
    assert identity(source(diaObjectId=3, ssObjectId=4)) == (7, "3")
    assert identity(source(diaObjectId=None, ssObjectId=4)) == (7, "4")
    assert identity(source()) == (7, "7") and identity({}) == (0, "")
    assert identity({"diaSource": {}, "alertId": 9}) == identity({"diaSource": {}, "diaSourceId": 9}) == (9, "9")
    solar = rubin.packet(0, diaObjectId=0, ssObjectId=12) | {"ssSource": {"designation": "2020 AB"}}
    alert = read_packet(solar, RULES, "")
    assert alert.object_id == "12" and alert.metadata["ssSource.designation"] == "2020 AB"


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        ({"diaSource": None}, "missing field: diaSource"),
        (rubin.packet(0, diaSourceId=0), "missing field: diaSourceId"),
        (rubin.packet(0, midpointMjdTai=None), "missing field: the time"),
        (rubin.packet(0, dec=-91.0), "impossible position"),
    ],
)
def test_what_is_wrong_is_said(packet, reason):
    with pytest.raises(PacketError, match=reason):
        read_packet(packet, RULES, "here")


@pytest.mark.parametrize("form", ["avro", "parquet"])
def test_without_history_nothing_else_changes(tmp_path, form):
    path = tmp_path / f"a.{form}"
    if form == "avro":
        path.write_bytes(container([rubin.packet(0)], schema=rubin.schema()))
    else:
        pq.write_table(pa.Table.from_pylist([rubin.packet(0)]), path)
    (whole,), (short,) = read_alerts(path), read_alerts(path, rules=StampRules(history=False))
    assert isinstance(short, Alert) and len(whole.history["mjd"]) == 2
    np.testing.assert_equal(short.metadata, whole.metadata)
    for name in STAMP_NAMES:
        np.testing.assert_array_equal(short.stamps[name].pixels, whole.stamps[name].pixels)
    for part in ("history", "non_detections", "forced_photometry"):
        assert getattr(short, part).keys() == getattr(whole, part).keys() and not len(getattr(short, part)["mjd"])


def test_cutouts_are_asked_for_by_name(tmp_path):
    lacking = rubin.packet(0) | {"cutoutScience": None}
    (tmp_path / "a.avro").write_bytes(container([lacking], schema=rubin.schema()))
    (rejected,) = read_alerts(tmp_path)
    assert rejected.reason == "missing cutout: science" and rejected.alert_id == 10**17
    (alert,) = read_alerts(tmp_path, need_stamps=())
    assert alert.survey == "lsst" and len(alert.history["mjd"]) == 2 and alert.stamps == {}
