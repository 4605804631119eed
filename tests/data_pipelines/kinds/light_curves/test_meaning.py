"""What a manifest says of the brightness is read back; what cannot be in one dataset is refused."""

import dataclasses
import json

import numpy as np
import pytest

from data_pipelines.kinds.light_curves.fluxes import FluxSeries
from data_pipelines.kinds.light_curves.meaning import BrightnessFound, DatasetBrightness, brightness_of
from data_pipelines.kinds.light_curves.records import LIGHT_CURVES, WITH_FLUXES, layout_of
from data_pipelines.shards.manifest import read_manifest
from data_pipelines.shards.writing import write_manifest
from lcjax.errors import DataError
from tests.data_pipelines.curves import curves, write


def fluxes(kind, zero_point, unit=""):
    none = np.zeros(0)
    return FluxSeries(none, none, none, none, kind, zero_point, unit)


def found(*kinds):
    all_found = BrightnessFound()
    for number, kind in enumerate(kinds):
        all_found.add(fluxes(*kind) if kind else None, f"file {number}")
    return all_found.result(5)


@pytest.mark.parametrize(
    "brightness",
    [
        DatasetBrightness(),
        DatasetBrightness("difference_flux", True, 31.4, "nJy", 5),
        DatasetBrightness("relative_flux", True, np.nan, "electron / s", 7),
    ],
)
def test_it_comes_back_from_a_manifest(tmp_path, brightness):
    folder = write(tmp_path / "d", curves(4), shards=1)
    assert brightness_of(read_manifest(folder)) == DatasetBrightness()  # of manifests from before
    meaning = brightness.as_meaning("mjd_tai", {"points": 3})
    manifest = write_manifest(folder, LIGHT_CURVES, meaning=meaning)
    assert dataclasses.astuple(brightness_of(manifest))[:2] == dataclasses.astuple(brightness)[:2]
    np.testing.assert_array_equal(brightness_of(manifest).zero_point, brightness.zero_point)
    assert brightness_of(manifest).min_points == brightness.min_points
    assert json.loads((folder / "manifest.json").read_text(), parse_constant=pytest.fail)["meaning"]["time"] == {
        "scale": "mjd_tai"
    }
    assert layout_of(brightness) is (WITH_FLUXES if brightness.has_fluxes else LIGHT_CURVES)


@pytest.mark.parametrize(
    "change", [{"kind": "colour"}, {"series": "both"}, {"zero_point": "high"}, {"min_points": None}]
)
def test_unknown_statements_are_refused(tmp_path, change):
    folder = write(tmp_path / "d", curves(4), shards=1)
    meaning = DatasetBrightness("total_flux", True, 25.0, "", 5).as_meaning()
    meaning["brightness"] |= change
    with pytest.raises(DataError, match="what this lcjax does not know"):
        brightness_of(write_manifest(folder, LIGHT_CURVES, meaning=meaning))


def test_one_zero_point_for_a_dataset():
    assert found(None, None).kind == "magnitude" and not found(None).has_fluxes
    one = found(("difference_flux", 31.4, "nJy"), ("difference_flux", 31.4, "nJy"))
    assert (one.kind, one.zero_point, one.unit) == ("difference_flux", 31.4, "nJy")
    several = found(("total_flux", 31.4, "nJy"), ("total_flux", 27.5))
    assert (several.kind, several.zero_point, several.unit) == ("total_flux", 23.9, "uJy")
    beside = found(None, ("total_flux", 31.4, "nJy"))
    assert (beside.kind, beside.zero_point, beside.has_fluxes) == ("total_flux", 31.4, True)
    relative = found(("relative_flux", np.nan, "electron / s"), ("relative_flux", np.nan, "electron / s"))
    assert np.isnan(relative.zero_point) and relative.unit == "electron / s"
    assert "no zero point" in relative.said and "zero point 31.4" in beside.said


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (("total_flux", 31.4, "nJy"), "difference flux and total flux"),
        (("difference_flux", np.nan), "flux with and without a zero point"),
        (None, "difference flux and magnitude"),
    ],
)
def test_what_cannot_be_in_one_dataset_is_refused(other, why):
    with pytest.raises(DataError, match=rf"'file 0' and 'file 1' hold {why}.*--name"):
        found(("difference_flux", 31.4, "nJy"), other)
