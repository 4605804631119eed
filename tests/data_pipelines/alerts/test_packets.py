"""Values of packets: numbers, ids, positions, columns; and what stamps must be like."""

from decimal import Decimal

import numpy as np
import pytest

from data_pipelines.datasets.alert_checks import fits_bytes, stamp
from data_pipelines.sources.alerts.fits_stamp import StampError
from data_pipelines.sources.alerts.packets import (
    PacketError,
    StampRules,
    as_cutout,
    check_named,
    columns,
    identifier,
    integer,
    position,
    real,
    records,
    scalars,
)
from data_pipelines.sources.alerts.record import Stamp
from lcjax.errors import ConfigError


def test_numbers_and_what_is_none():
    assert (real(1), real(2.5), real(True)) == (1.0, 2.5, 1.0)
    assert all(np.isnan(real(value)) for value in (None, "3", [1], float("nan")))
    assert (integer(7), integer(7.9), integer(None), integer(float("nan")), integer("7")) == (7, 7, 0, 0, 0)
    assert records([{"a": 1}, None, "x"]) == [{"a": 1}] and records(None) == [] and records({"a": 1}) == []
    assert as_cutout({"stampData": b"x"}) == as_cutout(b"x") == b"x" and as_cutout(None) is None


def test_ids_are_exact_or_refused():
    assert identifier("2475433850415015017", "id") == identifier(Decimal(2475433850415015017), "id")
    assert identifier(2**53, "id") == identifier(float(2**53), "id") == 2**53
    assert [identifier(value, "id") for value in (None, "", float("nan"), 0)] == [0] * 4
    with pytest.raises(PacketError, match="inexact id: candid"):
        identifier(float(2**54), "candid")
    for value in ("7a", 1.5, 2**63, [1], "9" * 30):
        with pytest.raises(PacketError, match="unusable id: candid"):
            identifier(value, "candid")
    check_named(a=1, b="x")
    with pytest.raises(PacketError, match="missing field: b"):
        check_named(a=1, b="")


def test_positions_and_times():
    assert position(2459000.5, 0, -90, 2400000.5) == (59000.0, 0.0, -90.0)
    assert position(1.48e9, 360, 90) == (1.48e9, 360.0, 90.0)
    for values, reason in (
        ((None, 1, 1), "missing field: the time of the detection$"),
        ((1.0, float("inf"), 1), "missing field: ra is 'inf', no finite number"),
        ((1.0, 1, "x"), "missing field: dec is 'x'"),
        ((0.0, 1, 1), "impossible time: 0.0"),
        ((1e11, 1, 1), "impossible time"),
        ((1.0, 360.1, 1), "impossible position: ra 360.1, dec 1"),
        ((1.0, 1, 90.1), "impossible position"),
    ):
        with pytest.raises(PacketError, match=reason):
            position(*values)


def test_scalars_leave_out_parts_lists_and_bytes():
    record = {"a": 1, "b": True, "c": None, "d": "t", "e": [1], "f": {"g": 1}, "h": b"x", "candidate": None}
    assert scalars(record) == {"a": 1.0, "b": 1.0, "c": None, "d": "t"}
    assert scalars({"a": 1}, "diaObject.") == {"diaObject.a": 1.0}


def test_columns_are_in_time_order_and_stable():
    spec = {"mjd": (np.float64, lambda row: row["t"]), "n": (np.int64, lambda row: row["n"])}
    found = columns([{"t": 2, "n": 0}, {"t": 1, "n": 1}, {"t": 2, "n": 2}], spec)
    assert found["mjd"].tolist() == [1, 2, 2] and found["n"].tolist() == [1, 0, 2]
    empty = columns([], spec)
    assert [(empty[name].dtype, len(empty[name])) for name in spec] == [(np.float64, 0), (np.int64, 0)]


def made(missing=0, side=63):
    pixels = stamp(1, side)
    pixels.ravel()[:missing] = np.nan
    return pixels


def test_sizes_and_missing_pixels_at_their_limits():
    check = lambda rules, pixels, survey="ztf": rules.check({"science": Stamp(pixels, 1.0)}, survey)
    check(StampRules(), made())
    check(StampRules(), made(side=30), "lsst")
    check(StampRules(), made(side=5), "")  # a survey without a nominal size
    check(StampRules(size="any"), made(side=5))
    check(StampRules(max_missing=0.5), made(missing=63 * 63 // 2))
    check(StampRules(), made(missing=63 * 63 - 1))
    for rules, pixels, reason in (
        (StampRules(), made(side=62), "stamp size: science is 62x62, not 63x63"),
        (StampRules(size=30), made(), "not 30x30"),
        (StampRules(), made(missing=63 * 63), "no valid pixel: science"),
        (StampRules(max_missing=0.5), made(missing=63 * 63 // 2 + 1), "missing pixels: 50% of science"),
    ):
        with pytest.raises(StampError, match=reason):
            check(rules, pixels)


def test_optional_cutouts_that_are_damaged_are_left_out():
    rules = StampRules(need=("science",), optional=("template", "difference"), size="any")
    cutouts = {"science": fits_bytes(made(side=9)), "template": b"SIMPLE  = damaged", "difference": None}
    assert set(rules.decode(cutouts, "lsst")) == {"science"}
    assert rules.decode(cutouts, "lsst")["science"].pixel_scale == 0.2
    assert rules.decode(cutouts, "")["science"].pixel_scale == 1.0
    scaled = {"science": fits_bytes(made(side=9), {"CD1_1": -1e-4, "CD2_2": 1e-4})}
    assert rules.decode(scaled, "ztf")["science"].pixel_scale == pytest.approx(0.36)
    with pytest.raises(StampError, match="missing cutout: science"):
        rules.decode({"science": None}, "ztf")
    with pytest.raises(StampError, match="damaged cutout: science is not bytes"):
        rules.decode({"science": "text"}, "ztf")
    with pytest.raises(StampError, match=r"\(science\)"):
        rules.decode({"science": b"SIMPLE  = damaged"}, "ztf")


def test_rules_that_make_no_sense_name_the_choices():
    for wrong, reason in (
        ({"need": ("sky",)}, "no stamp 'sky': use science, template, difference"),
        ({"size": "large"}, "give pixels, nominal or any"),
        ({"size": 0}, "give pixels"),
        ({"max_missing": 1.01}, "must be in 0 to 1"),
    ):
        with pytest.raises(ConfigError, match=reason):
            StampRules(**wrong)
