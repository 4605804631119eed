"""Packets of both surveys as one record: real files against plain decoding, and the recorded originals."""

import csv
import gzip
import io
from collections import Counter

import fastavro
import numpy as np
import pyarrow.parquet as pq
import pytest

from data_pipelines.datasets.alert_checks import container, fits_bytes, packet, stamp
from data_pipelines.kinds.alerts.records import alert_columns, stack_stamps
from data_pipelines.sources.alerts import (
    STAMP_NAMES,
    Alert,
    SchemaSet,
    StampRules,
    decode_packet,
    read_alerts,
)
from lcjax.errors import ConfigError, Rejection


def one(changes=None, rules=None, side=63) -> Alert | Rejection:
    return decode_packet(container([packet(4, side, **(changes or {}))]), origin="x", rules=rules)


def test_a_ztf_packet():
    alert = one()
    assert (alert.survey, alert.object_id, alert.alert_id, alert.band) == ("ztf", "ZTF2", 1004, "r")
    assert (alert.mjd, alert.ra, alert.dec) == (59004.75, 14.0, -5.0)
    assert alert.metadata["isdiffpos"] == "f" and alert.number("drb") == pytest.approx(0.9)
    assert np.isnan(alert.number("isdiffpos")) and np.isnan(alert.number("nowhere"))
    for k, name in enumerate(STAMP_NAMES):
        np.testing.assert_array_equal(alert.stamps[name].pixels, stamp(40 + k))
        assert alert.stamps[name].field_of_view == (63.0, 63.0)
    assert alert.history["mjd"].tolist() == [59002.0, 59004.0]
    assert alert.history["positive"].tolist() == [False, True]
    np.testing.assert_allclose(alert.history["magnitude"], [18, 19])
    assert alert.non_detections["limit"].tolist() == [20.5] and alert.non_detections["band"].tolist() == ["r"]
    assert len(alert.forced_photometry["mjd"]) == 0
    assert alert.origin == "x#0"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cutoutTemplate": None}, "missing cutout: template"),
        ({"cutoutScience": {"fileName": "", "stampData": b"\x1f\x8b garbage"}}, "corrupt gzip"),
        ({"cutoutScience": {"fileName": "", "stampData": b""}}, "not FITS"),
        ({"objectId": ""}, "missing field: objectId"),
        ({"candidate": {"ra": float("nan")}}, "missing field: ra"),
        ({"candidate": {"jd": float("inf")}}, "missing field: the time"),
        ({"candidate": {"dec": 91.0}}, "impossible position: ra 14.0, dec 91.0"),
        ({"candidate": {"jd": 0.0}}, "impossible time: 0.0"),
    ],
)
def test_what_is_wrong_is_said(changes, reason):
    found = one(changes)
    assert isinstance(found, Rejection) and found.reason.startswith(reason)
    assert found.alert_id == 1004


def cutout(pixels):
    return {"fileName": "", "stampData": gzip.compress(fits_bytes(pixels))}


def test_rules_of_stamps():
    clipped = {"cutoutDifference": cutout(stamp(1)[:, :62])}
    assert one(clipped).reason == "stamp size: difference is 63x62, not 63x63"
    assert one(side=30).reason.startswith("stamp size: science is 30x30")
    assert one(side=30, rules=StampRules(size=30)).stamps["science"].pixels.shape == (30, 30)
    assert one(clipped, StampRules(size="any")).stamps["difference"].pixels.shape == (63, 62)
    empty = stamp(1) * np.nan
    assert one({"cutoutScience": cutout(empty)}).reason == "no valid pixel: science"
    half = stamp(1)
    half[:32] = np.nan
    assert one({"cutoutScience": cutout(half)}).missing_pixels == 32 * 63
    assert one({"cutoutScience": cutout(half)}, StampRules(max_missing=0.5)).reason == "missing pixels: 51% of science"
    assert set(one({"cutoutTemplate": None}, StampRules(need=("science",))).stamps) == {"science"}
    optional = StampRules(need=("science",), optional=("template", "difference"))
    assert set(one({"cutoutTemplate": cutout(stamp(0)) | {"stampData": b"?"}}, optional).stamps) == {
        "science",
        "difference",
    }
    assert one({"cutoutScience": None}, StampRules(need=())).stamps == {}
    for wrong in ({"need": ("sciense",)}, {"size": "large"}, {"size": 0}, {"max_missing": 2.0}):
        with pytest.raises(ConfigError):
            StampRules(**wrong)


def plain_ztf(data_root):
    """candid -> (packet as fastavro and pyarrow give it, path) of every ZTF alert at hand."""
    out = {}
    folder = data_root / "ztf_alerts"
    for path in [
        *sorted((folder / "kowalski_avro").glob("*.avro")),
        *sorted((data_root / "avro" / "ztf").glob("*.avro")),
    ]:
        with open(path, "rb") as file:
            out |= {p["candid"]: (p, path) for p in fastavro.reader(file)}
    for path in sorted((folder / "fink").glob("*.parquet")):
        if "candidate" in pq.read_schema(path).names:
            out |= {p["candid"]: (p, path) for p in pq.read_table(path).to_pylist()}
    return out


def test_every_real_ztf_alert(data_root):
    from astropy.io import fits

    plain = plain_ztf(data_root)
    if not plain:
        pytest.skip("no ZTF alerts at hand")
    paths = sorted({path for _, path in plain.values()})
    found = {a.alert_id: a for a in read_alerts(paths)}
    assert found.keys() == plain.keys()
    kinds = Counter(type(a).__name__ for a in found.values())
    with open(data_root / "ztf_alerts" / "index.csv", newline="") as file:
        index = {int(row["candid"]): row for row in csv.DictReader(file)}
    for candid, alert in found.items():
        expected, _ = plain[candid]
        assert alert.object_id == expected["objectId"]
        row = index.get(candid)
        if isinstance(alert, Rejection):
            assert alert.reason.startswith("stamp size") and row["stamp_shape"] != "63x63"
            continue
        candidate = expected["candidate"]
        assert (alert.mjd, alert.ra, alert.dec) == (candidate["jd"] - 2400000.5, candidate["ra"], candidate["dec"])
        for name, value in candidate.items():
            value = float(value) if isinstance(value, int) else value
            assert alert.metadata[name] == value or (value != value and np.isnan(alert.metadata[name]))
        previous = expected["prv_candidates"] or []
        assert len(alert.history["mjd"]) + len(alert.non_detections["mjd"]) == len(previous)
        assert np.all(np.diff(alert.history["mjd"]) >= 0) and np.all(np.isfinite(alert.history["magnitude"]))
        assert len(alert.forced_photometry["mjd"]) == len(expected.get("fp_hists") or [])
        if row:
            assert len(alert.history["mjd"]) == int(row["n_prv_detections"])
            assert alert.missing_pixels == int(row["n_nan_pixels"])
        science = expected["cutoutScience"]["stampData"]
        if candid % 7 == 0:
            with fits.open(io.BytesIO(gzip.decompress(science))) as hdus:
                np.testing.assert_array_equal(alert.stamps["science"].pixels, hdus[0].data)
    assert kinds["Alert"] >= 0.98 * len(found)


def test_the_recorded_originals(golden_root, data_root):
    path = golden_root / "stamp_classifier" / "golden_alerts.npz"
    if not path.exists():
        pytest.skip("golden_alerts.npz is not at hand")
    golden = dict(np.load(path, allow_pickle=False))
    found = {
        a.alert_id: a
        for a in read_alerts(sorted({p for _, p in plain_ztf(data_root).values()}))
        if isinstance(a, Alert)
    }
    rows = [i for i, candid in enumerate(golden["candid"].tolist()) if candid in found]
    if not any(i < len(golden["raw_stamps"]) for i in rows):
        pytest.skip("none of the recorded stamps is of an alert at hand")
    names = golden["feature_names"].tolist()
    for i in rows:
        alert = found[int(golden["candid"][i])]
        assert alert.object_id == golden["object_id"][i]
        if i < len(golden["raw_stamps"]):
            np.testing.assert_array_equal(stack_stamps(alert), golden["raw_stamps"][i])
        columns = alert_columns(alert)
        for j, name in enumerate(names):
            if name in columns:
                np.testing.assert_allclose(columns[name], golden["raw_features"][i, j], rtol=1e-6, err_msg=name)


def test_rubin_alerts(data_root):
    from astropy.io import fits

    folder = data_root / "avro" / "lsst"
    path = next(iter(sorted(folder.glob("*confluent*.avro"))), None)
    if path is None:
        pytest.skip("no Rubin alert at hand")
    raw = path.read_bytes()
    (alert,) = read_alerts(path)
    schema = SchemaSet([folder]).schema(int.from_bytes(raw[1:5], "big"))
    plain = fastavro.schemaless_reader(io.BytesIO(raw[5:]), schema)
    source = plain["diaSource"]
    assert (alert.survey, alert.object_id) == ("lsst", str(source["diaObjectId"]))
    assert (alert.alert_id, alert.mjd) == (source["diaSourceId"], source["midpointMjdTai"])
    assert alert.band == source["band"]
    assert alert.metadata["isNegative"] == float(source["isNegative"])
    assert alert.metadata["diaObject.nDiaSources"] == plain["diaObject"]["nDiaSources"]
    assert len(alert.forced_photometry["flux"]) == len(plain["prvDiaForcedSources"] or [])
    for name, part in zip(STAMP_NAMES, ("Science", "Template", "Difference"), strict=True):
        with fits.open(io.BytesIO(plain[f"cutout{part}"])) as hdus:
            np.testing.assert_array_equal(alert.stamps[name].pixels, hdus[0].data)
        assert alert.stamps[name].pixel_scale == pytest.approx(0.2, rel=0.01)
    # the same message on Kafka, without the folder of schemas and with it
    lost = decode_packet(raw, SchemaSet(), "topic:0@1")
    assert isinstance(lost, Rejection) and "id 900" in lost.reason and lost.origin == "topic:0@1#0"
    assert isinstance(decode_packet(raw, SchemaSet([folder])), Alert)
    # two messages one behind the other, and a message cut off
    from data_pipelines.sources.alerts import read_packets

    kinds = [type(a).__name__ for a in read_packets(raw + raw + raw[:9000], SchemaSet([folder]))]
    assert kinds == ["Alert", "Alert", "Rejection"]


def test_every_schema_version_of_rubin(data_root):
    paths = sorted((data_root / "avro" / "lsst").glob("schema_*/fakeAlert.avro"))
    if not paths:
        pytest.skip("no schemas at hand")
    for path in paths:
        (rejected,) = read_alerts(path)
        assert rejected.reason == "missing cutout: science" and rejected.alert_id > 0
        (alert,) = read_alerts(path, need_stamps=())
        assert alert.survey == "lsst" and len(alert.history["mjd"]) == 2 and "isNegative" in alert.metadata


def test_rubin_alerts_of_a_broker(data_root):
    path = data_root / "avro" / "lsst" / "fink_rubin_sample_data_v10_0.parquet"
    if not path.exists():
        pytest.skip("no Rubin table at hand")
    table = pq.read_table(path).to_pylist()
    alerts = list(read_alerts(path))
    assert [a.alert_id for a in alerts] == [row["diaSource"]["diaSourceId"] for row in table]
    assert all(isinstance(a, Alert) and a.stamps["science"].pixels.shape == (30, 30) for a in alerts)
    assert [len(a.history["mjd"]) for a in alerts] == [len(row["prvDiaSources"] or []) for row in table]
    solar = [a for a, row in zip(alerts, table, strict=True) if row["ssSource"]]
    assert solar and all(a.metadata["ssSource.designation"] for a in solar)


def test_history_can_be_left_out(data_root):
    """Skipping changes nothing else, for either survey, in Avro and Parquet."""
    paths = [data_root / "avro", data_root / "ztf_alerts" / "fink" / "datatest_part-00002.parquet"]
    paths += sorted((data_root / "ztf_alerts" / "kowalski_avro").glob("*.avro"))[:4]
    if not all(p.exists() for p in paths):
        pytest.skip("no alerts at hand")
    whole = read_alerts(paths, rules=StampRules())
    short = read_alerts(paths, rules=StampRules(history=False))
    longest = 0
    for a, b in zip(whole, short, strict=True):
        assert (type(a), a.alert_id, a.object_id, a.origin) == (type(b), b.alert_id, b.object_id, b.origin)
        if isinstance(a, Alert):
            np.testing.assert_equal(b.metadata, a.metadata)
            for name in STAMP_NAMES:
                np.testing.assert_array_equal(a.stamps[name].pixels, b.stamps[name].pixels)
            longest = max(longest, len(a.history["mjd"]))
            assert b.history.keys() == a.history.keys() and not len(b.history["mjd"])
            assert not len(b.non_detections["mjd"]) and not len(b.forced_photometry["mjd"])
    assert longest > 5


def test_a_newer_schema_comes_with_the_container(data_root):
    """A container of a version nobody has seen: fields added, removed and renamed."""
    path = data_root / "avro" / "lsst" / "schema_v11_0" / "fakeAlert.avro"
    if not path.exists():
        pytest.skip("no schema at hand")
    with open(path, "rb") as file:
        reader = fastavro.reader(file)
        schema, (record,) = reader.writer_schema, list(reader)
    fields = [f for f in schema["fields"] if f["name"] not in ("mpc_orbits", "ssSource")]
    newer = {**schema, "name": "lsst.v99_0.alert", "fields": [*fields, {"name": "verdict", "type": "string"}]}
    newer = {k: v for k, v in newer.items() if not k.startswith("__")}
    out = io.BytesIO()
    fastavro.writer(out, newer, [{**record, "verdict": "new"}])
    alert = decode_packet(out.getvalue(), rules=StampRules(need=()))
    assert isinstance(alert, Alert) and alert.metadata["verdict"] == "new"
