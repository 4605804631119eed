"""What values of classes, axes and columns mean, or that it is open."""

import math

import numpy as np
import pytest

from data_pipelines.kinds.images.annotations import bare, number
from data_pipelines.kinds.images.arrays import read_arrays
from data_pipelines.kinds.images.channels import as_channels_last, names_of_channels
from data_pipelines.kinds.images.fields import NAMES, choose
from data_pipelines.kinds.images.labels import class_name
from data_pipelines.kinds.images.options import ImageSettings
from lcjax.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("value", "classes", "name"),
    [
        ("RRab", (), "RRab"),
        (b" AGN ", (), "AGN"),
        (None, (), None),
        (math.nan, (), None),
        ("nan", (), None),
        ("", (), None),
        (True, ("bogus", "real"), "real"),
        (0.0, ("bogus", "real"), "bogus"),
        ("1", ("bogus", "real"), "real"),
        ("3", ("numbers",), "3"),
        (np.int64(9), ("numbers",), "9"),
    ],
)
def test_class_name(value, classes, name):
    assert class_name(value, ImageSettings(classes=classes), "f") == name


@pytest.mark.parametrize("value", [2, -1, "star", 0.5])
def test_values_that_are_no_class(value):
    with pytest.raises(DataError, match="unknown class"):
        class_name(value, ImageSettings(classes=("bogus", "real")), "f")


def test_numbers_without_names():
    with pytest.raises(ConfigError, match="such as 1, which says nothing"):
        class_name("1", ImageSettings(), "f")
    assert class_name("-1", ImageSettings(unlabelled="-1"), "f") is None


@pytest.mark.parametrize("shape", [(3, 3, 3), (5, 6, 7), (64, 64, 40), (2, 2, 2)])
def test_open_axes(shape):
    with pytest.raises(ConfigError, match="first or the last axis"):
        as_channels_last(np.zeros(shape), ImageSettings(), "f")
    assert as_channels_last(np.zeros(shape), ImageSettings(channels="first"), "f").shape == (*shape[1:], shape[0])


def test_names_of_channels():
    assert names_of_channels(1, ImageSettings(), "f") == ("grey",)
    assert names_of_channels(3, ImageSettings(), "f", ("red", "green", "blue")) == ("red", "green", "blue")
    assert names_of_channels(2, ImageSettings(channel_names=("g", "r")), "f", ("a", "b")) == ("g", "r")


def test_one_column_of_a_usual_name():
    assert choose(None, NAMES, ["ID", "x"], "f", "object-id") == "ID"
    with pytest.raises(DataError, match="has no 'key'"):
        choose("key", NAMES, ["ID"], "f", "object-id")
    assert bare("x/s1.fits.fz") == "s1" and bare("v1.5") == "v1.5"
    assert number("0.5") == 0.5 and math.isnan(number(None))


def test_rows_of_one_survey(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 4, 4)), of=np.array(["p", "q", "p"]), y=np.array(["a", "b", "c"]))
    settings = ImageSettings(survey="p", survey_column="of")
    assert [image.label for image in read_arrays(tmp_path / "a.npz", settings, {})] == ["a", "c"]
    with pytest.raises(ConfigError, match="say which with"):
        ImageSettings(survey_column="of")
    np.save(tmp_path / "b.npy", np.zeros((3, 4, 4)))
    with pytest.raises(ConfigError, match="no place for classes"):
        list(read_arrays(tmp_path / "b.npy", ImageSettings(), {}))
