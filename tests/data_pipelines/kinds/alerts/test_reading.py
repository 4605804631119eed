"""Alerts for a classifier: of files, shards and messages; entries with the columns asked for, or why not."""

import numpy as np
import pytest

from data_pipelines.datasets.alert_checks import container, packet, stamp
from data_pipelines.kinds.alerts.entries import StampEntries, StampEntry
from data_pipelines.kinds.alerts.options import AlertOptions
from data_pipelines.kinds.alerts.reading import AlertReader
from data_pipelines.kinds.reading import Request
from data_pipelines.sources.alerts import STAMP_NAMES
from data_pipelines.sources.alerts.cutting import Packets
from lcjax.errors import DataError, Rejection
from tests.data_pipelines.kinds.alerts.test_source import alert, write
from tests.data_pipelines.toy import write as write_others

TAKES = {"metadata": ("magpsf", "ra"), "columns": ("ssdistnr", "isdiffpos", "nowhere")}


def reader(takes=TAKES, **options):
    return AlertReader(Request(takes=takes, options={"alerts": AlertOptions(**options)}))


def test_files_become_entries_in_order(tmp_path):
    good = [packet(i) for i in range(3)]
    good[1] = packet(1) | {"cutoutTemplate": None}
    (tmp_path / "a.avro").write_bytes(container(good))
    one = reader()
    first, refused, last = one.items([str(tmp_path / "a.avro")])
    assert isinstance(first, StampEntry) and first.alert.object_id == "ZTF0" and first.alert.alert_id == 1000
    assert first.alert.metadata == {} and first.alert.stamps == {} and first.alert.ra == 10.0
    for k in range(3):
        np.testing.assert_array_equal(first.stamps[..., k], stamp(k))
    np.testing.assert_allclose(first.columns[:4], [18.5, 10.0, -999.0, 1.0])
    assert np.isnan(first.columns[4])
    assert isinstance(refused, Rejection) and refused.reason == "missing cutout: template"
    assert last.alert.alert_id == 1002 and one.rejection_columns == ("object_id", "alert_id", "reason", "origin")


def test_messages_are_decoded_one_for_one():
    messages = [Packets(container([packet(4)]), "topic:0@1"), Packets(b"?", "topic:0@2")]
    found = list(reader().decoded(messages))
    assert [type(f) for f in found] == [StampEntry, Rejection]
    assert found[0].alert.origin.startswith("topic:0@1") and found[1].origin.startswith("topic:0@2")


def test_the_users_rules_are_used(tmp_path):
    (tmp_path / "a.avro").write_bytes(container([packet(1, 30)]))
    (refused,) = reader().items([str(tmp_path / "a.avro")])
    (taken,) = reader(size="any").items([str(tmp_path / "a.avro")])
    assert refused.reason.startswith("stamp size") and taken.stamps.shape == (30, 30, 3)


def test_shards_and_files_in_the_order_given(tmp_path):
    folder = write(tmp_path / "toy", 12, 2)
    (tmp_path / "a.avro").write_bytes(container([packet(1)]))
    takes = {"metadata": ("fwhm",), "columns": ("isdiffpos",)}
    found = list(reader(takes, size="any").items([str(folder), str(tmp_path / "a.avro")]))
    assert [entry.alert.alert_id for entry in found[:12]] == [10**18 + i for i in range(12)]
    assert isinstance(found[12], Rejection) and "'fwhm'" in found[12].reason
    np.testing.assert_array_equal(found[5].stamps, np.stack([alert(5).stamps[n].pixels for n in STAMP_NAMES], -1))
    np.testing.assert_allclose(found[5].columns, [5 / 7, 1.0], rtol=1e-6)
    with pytest.raises(DataError, match="holds spectral stars, and this model classifies stamps"):
        list(reader().items([str(write_others(tmp_path / "other", 8, 2))]))


def test_an_alert_that_lacks_most_of_the_metadata_is_refused():
    network = ("fwhm", "rb", "sgscore1", "ra", "dec")
    entries = StampEntries(network, network)
    assert isinstance(entries(alert(1, rb=0.5)), StampEntry)  # two of three are there; ra and dec always are
    refused = entries(alert(1))
    assert refused.reason == "missing metadata: the network takes 'rb' and 1 more that the alert lacks"
    assert (refused.object_id, refused.alert_id) == ("o0", 10**18 + 1)
    bad = Rejection("x", "why", "where")
    assert entries(bad) is bad and StampEntries(network, network) == entries


def test_stamps_that_differ_are_refused_with_their_shapes():
    unequal = alert(1)
    unequal.stamps["template"] = alert(1, side=5).stamps["template"]
    refused = StampEntries(("fwhm",), ("fwhm",))(unequal)
    assert (
        refused.reason.startswith("stamp size: the stamps of one alert differ")
        and "'template': (5, 5)" in refused.reason
    )
    assert StampEntries((), ())(alert(1)).rejection("because").reason == "because"
