"""Rows of a host finder whose answers are known."""

import dataclasses
from types import SimpleNamespace

import pyarrow as pa
import pytest

from lcjax.errors import Rejection
from lcjax.systems.delight.answer import HostAnswer
from lcjax.systems.delight.prediction import HostAnswers

NAN = float("nan")


def answer(number, **more):
    where = dict(x=30.0 + number, y=20.0, pixel_scale=0.5, ra=NAN, dec=NAN, separation=1.5, scatter=0.25)
    source = dict(semi_major_axis=NAN, size_doubtful=True, nearest_ra=1.0, nearest_dec=2.0, nearest_separation=NAN)
    return HostAnswer(f"sn{number}", f"f{number}.fits", "network", **where, **source, **more)


def field(number):
    return SimpleNamespace(alert_id=100 + number, x=28.0, y=24.0, pixel_scale=0.5)


class Finder:
    """Answers the first and the third of three fields."""

    def predict(self, fields):
        for number, found in enumerate(fields):
            if isinstance(found, Rejection):
                yield found
            elif number == 2:
                yield Rejection("sn2", "nothing to see", "f2.fits")
            else:
                yield answer(number, probability=0.5, variant_x=(1.0, 2.0))


def test_rows_follow_the_fields_and_lengths_are_arcsec():
    bad = Rejection("x", "damaged", "there")
    model = HostAnswers(Finder())
    zero, one, two, three = model.answer([field(0), bad, field(2), field(3)])
    assert one is bad and two.reason == "nothing to see"
    assert (zero["object_id"], zero["alert_id"], zero["method"]) == ("sn0", 100, "network")
    assert (zero["dx"], zero["dy"]) == (1.0, -2.0)
    assert (three["alert_id"], three["dx"]) == (103, 2.5)
    assert zero["ra"] is None and zero["semi_major_axis"] is None and zero["scatter"] == 0.25
    table = pa.Table.from_pylist([zero, three], schema=model.schema)
    assert table["variant_x"].to_pylist() == [[1.0, 2.0]] * 2 and table["second_ra"].null_count == 2


def test_the_table_has_every_part_of_an_answer_in_a_fixed_order():
    schema = HostAnswers(Finder()).schema
    assert schema.names[:7] == ["object_id", "alert_id", "method", "ra", "dec", "dx", "dy"]
    assert set(schema.names) == {f.name for f in dataclasses.fields(HostAnswer)} | {"alert_id", "dx", "dy"}
    kinds = {name: schema.field(name).type for name in ("alert_id", "method", "size_doubtful", "ra", "variant_dec")}
    assert kinds == {
        "alert_id": pa.int64(),
        "method": pa.string(),
        "size_doubtful": pa.bool_(),
        "ra": pa.float64(),
        "variant_dec": pa.list_(pa.float64()),
    }


def test_an_answer_as_a_row_keeps_names_and_values():
    row = answer(1, second_ra=3.0).as_row()
    assert list(row) == [f.name for f in dataclasses.fields(HostAnswer)]
    assert row["x"] == 31.0 and row["second_ra"] == 3.0 and row["variant_ra"] is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer(1).x = 0.0
