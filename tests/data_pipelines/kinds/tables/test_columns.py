"""What a column of a table is: recognised, named, or refused with the choices."""

import pyarrow as pa
import pytest

from data_pipelines.kinds.tables.columns import FeatureColumns, recognise
from lcjax.errors import DataError

PLAIN = {"oid": ["1", "2"], "class": ["a", "b"], "x": [1.0, 2.0], "n": [3, 4], "ra": [1.0, 2.0], "dec": [0.0, 0.0]}


def found(given, **asked):
    return recognise(pa.table(given), FeatureColumns(**asked), "'t'")


def test_usual_columns():
    roles = found(PLAIN | {"band": ["g", "g"], "split": ["train", "test"], "text": ["u", "v"], "fold": [0, 1]})
    assert (roles.object_id, roles.label, roles.features, roles.ra) == ("oid", "class", ("x", "n"), "ra")


def test_columns_that_are_named():
    roles = found(PLAIN, columns=("ra", "x"), object_id="class")
    assert (roles.object_id, roles.label, roles.features) == ("class", None, ("ra", "x"))
    assert found(PLAIN, without=("n",)).features == ("x",)


def test_texts_that_are_numbers():
    assert found(PLAIN | {"t": ["1.5", "nan"]}).features == ("x", "n", "t")


@pytest.mark.parametrize(
    ("columns", "asked", "message"),
    [
        ({"type": ["u", "v"]}, {}, "2 columns that may be the class .class, type.*--features.label"),
        ({"source_id": [5, 6]}, {}, "2 columns that may be the object id .oid, source_id.*--features.object-id"),
        ({"t": ["1.5", "lost"]}, {}, "column 't' of 't' has 'lost' among numbers.*--features.without t"),
        ({"other": [2**40, 2**40 + 1]}, {}, "whole numbers beyond 16,777,216, as ids do"),
        ({}, {"columns": ("y",)}, "no column 'y'"),
        ({}, {"columns": ("class",)}, "column 'class' of 't' has 'a' where numbers are wanted"),
        ({}, {"without": ("x", "n")}, "no columns of numbers"),
    ],
)
def test_what_can_be_two_things_is_refused(columns, asked, message):
    with pytest.raises(DataError, match=message):
        found(PLAIN | columns, **asked)


def test_a_table_without_ids():
    with pytest.raises(DataError, match=r"no column of ids: name it with --features.object-id, one of x"):
        recognise(pa.table({"x": [1.0]}), FeatureColumns(), "'t'")
