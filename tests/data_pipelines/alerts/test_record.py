"""The record of an alert: numbers as they are kept, missing pixels, fields of view."""

import numpy as np

from data_pipelines.sources.alerts.record import (
    PIXEL_SCALES,
    STAMP_NAMES,
    STAMP_SIZES,
    ZTF_BANDS,
    Alert,
    Stamp,
    as_number,
)


def test_numbers_text_and_nulls():
    assert as_number(np.float32(0.5)) == 0.5 and type(as_number(np.int64(3))) is float
    assert as_number(np.bool_(True)) == 1.0 and as_number(b"\xff") == "\ufffd" and as_number((1, 2)) == "(1, 2)"
    alert = Alert("ztf", "o", 1, 0.0, 0.0, 0.0, "g", {"a": 2, "b": True, "c": None, "d": "4"})
    assert (alert.number("a"), alert.number("b")) == (2.0, 1.0)
    assert all(np.isnan(alert.number(name)) for name in ("c", "d", "e"))


def test_pixels_of_all_stamps_are_counted():
    one, other = np.zeros((3, 4), np.float32), np.zeros((2, 2), np.float32)
    one[0] = np.nan
    other[1, 1] = np.inf
    alert = Alert("", "o", 1, 0.0, 0.0, 0.0, "", stamps={"science": Stamp(one, 0.5), "template": Stamp(other, 1.0)})
    assert alert.missing_pixels == 5 and Alert("", "o", 1, 0, 0, 0, "").missing_pixels == 0
    assert alert.stamps["science"].field_of_view == (1.5, 2.0)


def test_what_is_nominal_of_the_surveys():
    """Masci et al. 2019 (ZTF), the Rubin alert schema, Tonry et al. 2018 (ATLAS)."""
    assert STAMP_NAMES == ("science", "template", "difference")
    assert PIXEL_SCALES == {"ztf": 1.0, "lsst": 0.2, "atlas": 1.86}
    assert STAMP_SIZES == {"ztf": 63, "lsst": 30, "atlas": 61} and ZTF_BANDS == {1: "g", 2: "r", 3: "i"}
