"""The usual path as re-created: packets by general tools, crops, features by hand, and models it is not for."""

import dataclasses

import numpy as np
import pytest

from benchmarks.alerts_reference import ReferencePath, crop_and_scale, read_packet, read_stamps
from data_pipelines.datasets.alert_checks import container, packet, stamp
from lcjax.errors import ConfigError
from lcjax.inference.loaded import Loaded
from lcjax.systems.stamp_classifier.task import feature_statistics, resolve
from tests.systems.classifier.stamp_alerts import tiny


def test_packets_and_stamps_are_what_was_written():
    record = read_packet(container([packet(3)]))
    assert record["candid"] == 1003
    np.testing.assert_array_equal(read_stamps(record), np.stack([stamp(30 + k) for k in range(3)], -1))


def test_crops_are_central_and_scaled_channel_by_channel():
    stamps = np.stack([stamp(k) for k in range(3)], -1)
    stamps[31, 31, 1] = np.nan
    found = crop_and_scale(stamps, 21)
    centre = stamps[21:42, 21:42]
    low, high = np.nanmin(centre, (0, 1)), np.nanmax(centre, (0, 1))
    expected = np.nan_to_num((centre - low) / (high - low))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.shape == (21, 21, 3) and found[10, 10, 1] == 0 and found.max() == 1


@pytest.fixture
def path(monkeypatch):
    """Of a tiny network whose graph is left out."""
    monkeypatch.setattr("benchmarks.alerts_reference.tensorflow_network", lambda variables, config: lambda *pair: pair)
    model = dataclasses.replace(tiny().model, num_features=26)
    return ReferencePath(Loaded(dataclasses.replace(tiny(), model=model), None, {}))


def test_features_by_hand(path):
    """The position of the vernal equinox; a positive difference; a null; a history."""
    made = ("ecl_lat", "ecl_long", "gal_lat", "gal_long", "non_detections")
    candidate = dict.fromkeys((name for name in path.inputs.features if name not in made), 1.0)
    candidate |= {
        "ra": 0.0,
        "dec": 0.0,
        "isdiffpos": "t",
        "ncovhist": 30,
        "ndethist": 10,
        "sgscore1": None,
        "fwhm": 2.5,
    }
    (row,) = path._features([candidate])
    mean, std = feature_statistics(path.inputs)
    values = dict(zip(path.inputs.features, row * std + mean, strict=True))
    close = lambda name, value: values[name] == pytest.approx(value, abs=0.02)
    assert close("ecl_lat", 0.0) and (close("ecl_long", 0.0) or close("ecl_long", 360.0))
    assert close("gal_lat", -60.19) and close("gal_long", 96.34)
    assert close("non_detections", 20.0) and close("isdiffpos", 0.0) and close("fwhm", 2.5)
    (negative,) = path._features([candidate | {"isdiffpos": "f"}])
    changed = np.flatnonzero(negative != row)
    assert [path.inputs.features[i] for i in changed] == ["isdiffpos"]


def test_it_is_the_path_of_the_published_classifier_alone():
    other = dataclasses.replace(tiny(), model=dataclasses.replace(tiny().model, norm="group", norm_groups=2))
    with pytest.raises(ConfigError, match="--no-reference"):
        ReferencePath(Loaded(other, None, {}))
    assert resolve(tiny()).inputs.features
