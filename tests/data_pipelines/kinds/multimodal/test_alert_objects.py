"""Objects of alerts: the first alert's stamps, the light curve of all, one survey, labels by most of them."""

import dataclasses

import numpy as np
import pytest

from data_pipelines.kinds.multimodal import alert_objects
from data_pipelines.kinds.multimodal.alert_curves import as_curve, difference_points
from data_pipelines.kinds.multimodal.alert_objects import AlertObjects
from data_pipelines.kinds.multimodal.options import ImageOptions, MultimodalOptions
from data_pipelines.kinds.multimodal.reading import read_objects
from data_pipelines.kinds.report import RecordReport
from data_pipelines.simulate.hosted_alerts import simulate_hosted_alert
from data_pipelines.simulate.night import simulated_night
from data_pipelines.sources.alerts import Stamp
from lcjax.errors import ConfigError, DataError, Rejection


@pytest.fixture
def packets(monkeypatch):
    """Alerts that `read_alerts` finds; without stamps where none are asked for."""
    given = [dataclasses.replace(alert, survey="ztf") for alert, _ in simulated_night(4)]
    late = dataclasses.replace(
        given[0],
        alert_id=99,
        mjd=given[0].mjd + 2,
        band="i",
        metadata=given[0].metadata | {"magpsf": 18.0},
        stamps={name: Stamp(stamp.pixels + 1, 1.0) for name, stamp in given[0].stamps.items()},
    )
    small = {name: Stamp(stamp.pixels[:, :-1], 1.0) for name, stamp in given[2].stamps.items()}
    given[2] = dataclasses.replace(given[2], stamps=small)
    given[3] = dataclasses.replace(given[3], stamps={}, stamp_faults={"science": "damaged cutout: science"})
    given.insert(0, late)

    def read(paths, need_stamps=(), rules=None):
        bare = lambda alert: alert if rules else dataclasses.replace(alert, stamps={}, stamp_faults={})
        yield from map(bare, given)

    monkeypatch.setattr(alert_objects, "read_alerts", read)
    return given


def test_an_object_is_its_first_alert_with_the_light_curve_of_all(packets):
    objects = AlertObjects([], ImageOptions(), None, lambda alert: ("late" if alert.alert_id == 99 else "", "rule"))
    found = {one.object_id: one for one in objects}
    assert list(found) == objects.ids and len(found) == 4
    first = found[packets[1].object_id]
    np.testing.assert_array_equal(first.stamps.pixels[..., 0], packets[1].stamps["science"].pixels)
    assert first.label == "late" and "ra" not in first.numbers and first.ra == packets[1].ra
    reasons = {one.object_id: [fault.reason for fault in one.faults] for one in found.values()}
    assert (
        "63 x 62 pixels, not 63 x 63" in reasons[packets[3].object_id][0] and found[packets[3].object_id].stamps is None
    )
    assert "damaged cutout" in reasons[packets[4].object_id][0]
    cut = {one.object_id: one for one in AlertObjects([], ImageOptions(size=21), None)}
    assert cut[packets[3].object_id].stamps.pixels.shape == (21, 21, 3)


def test_alerts_of_several_surveys_are_refused(packets):
    packets[1] = dataclasses.replace(packets[1], survey="lsst")
    with pytest.raises(ConfigError, match="several surveys"):
        AlertObjects([], ImageOptions(), None)


def test_fluxes_have_the_sign_of_the_difference_and_no_moment_counts_twice(packets):
    alert = dataclasses.replace(
        packets[1],
        band="r",
        mjd=60000.0,
        metadata={"magpsf": 18.9, "sigmapsf": 0.1, "isdiffpos": "f"},
        history={
            "mjd": np.array([60000.0, 59990.0]),
            "band": np.array(["r", "r"]),
            "magnitude": np.array([15.0, 21.4]),
            "error": np.array([0.1, np.nan]),
            "positive": np.array([True, True]),
        },
        forced_photometry={
            "mjd": np.array([59980.0, 59970.0]),
            "band": np.array(["r", "g"]),
            "flux": np.array([100.0, np.nan]),
            "error": np.array([5.0, 5.0]),
            "zeropoint": np.array([26.4, 26.4]),
        },
    )
    curve, band = as_curve(difference_points(alert))
    assert band == "r" and curve[:, 0].tolist() == [59980, 59990, 60000]
    np.testing.assert_allclose(curve[:, 1], [10.0, 10.0, -100.0], rtol=1e-5)
    np.testing.assert_allclose(curve[:, 2], [0.5, 0.0, 100 * 0.1 * np.log(10) / 2.5], rtol=1e-5)
    assert as_curve(difference_points(alert), "g") == (None, "g")


def test_simulated_hosts_are_of_supernovae():
    one = next(found for i in range(40) if (found := simulate_hosted_alert(i, 0, missing=0)).label == "sn")
    again = simulate_hosted_alert(int(one.alert.object_id[3:]), 0, missing=0)
    np.testing.assert_array_equal(one.host, again.host)
    assert one.host.shape == (64, 64) and set(one.numbers) == {"host_offset_arcsec", "host_radius_arcsec"}
    other = next(found for i in range(40) if (found := simulate_hosted_alert(i, 0)).label != "sn")
    assert other.host is None and np.isnan(list(other.numbers.values())).all()


def test_alerts_are_joined_to_a_catalogue(packets, tmp_path):
    (tmp_path / "alerts").mkdir()
    (tmp_path / "alerts" / "night.avro").write_text("")
    names = [packet.object_id for packet in packets[1:]]
    (tmp_path / "catalogue.csv").write_text(
        f"id,class,redshift\n{names[0]},SN,0.1\n{names[1].lower()},SN,0.2\nother,AGN,0.3\n"
    )
    found = list(read_objects([tmp_path], MultimodalOptions(), RecordReport()))
    records = {r["object_id"]: r for r in found if not isinstance(r, Rejection)}
    assert list(records) == [names[0], names[1].lower(), "other"] and records[names[0]]["label"] == "SN"
    one = records[names[0]]
    assert one["stamps"].shape == (63, 63, 3) and {"redshift", "fwhm"} <= set(one["metadata"])
    assert not records["other"]["stamps"].size and set(records["other"]["metadata"]) == {"redshift"}
    said = {r.object_id: r.reason for r in found if isinstance(r, Rejection)}
    assert f"'{names[1]}' is called like it but for case" in said[names[1].lower()]
    (tmp_path / "catalogue.csv").write_text("id,x\nother,1\n")
    with pytest.raises(DataError, match="none of the 4 objects of the alerts"):
        list(read_objects([tmp_path], MultimodalOptions(), RecordReport()))
