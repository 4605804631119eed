"""A simulated night: the same whatever is asked for before, with stamps, fields and light curves that suit the class."""

import numpy as np

from data_pipelines.simulate.night import SHARES, SURVEY, simulated_night


def test_an_alert_depends_on_its_number_alone():
    whole = list(simulated_night(12, seed=3))
    (alert, name), *_ = simulated_night(1, seed=3, first=7)
    again, same = whole[7]
    assert name == same and alert.metadata == again.metadata
    for channel in ("science", "template", "difference"):
        np.testing.assert_array_equal(alert.stamps[channel].pixels, again.stamps[channel].pixels)
    assert len({a.object_id for a, _ in whole}) == 12 and {a.survey for a, _ in whole} == {SURVEY}


def test_classes_look_like_what_they_are():
    found = {}
    for alert, name in simulated_night(150):
        found.setdefault(name, []).append(alert)
        assert alert.stamps["science"].pixels.shape == (63, 63) and 0 <= alert.ra <= 360
        assert (alert.history["mjd"] < alert.mjd).all() and len(alert.history["mjd"]) + len(
            alert.non_detections["mjd"]
        ) == 16
    assert set(found) == set(SHARES)
    mean = lambda name, field: np.mean([a.metadata[field] for a in found[name]])
    assert mean("bogus", "drb") < 0.5 < mean("sn", "drb") and mean("vs", "sgscore1") > mean("sn", "sgscore1")
    assert not any(len(a.history["mjd"]) for a in found["asteroid"])
    assert np.mean([len(a.history["mjd"]) for a in found["vs"]]) > 5
