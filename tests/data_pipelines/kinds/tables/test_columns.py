"""What a column of a table is: recognised, named, or refused with the choices."""

import numpy as np
import pyarrow as pa
import pytest

from data_pipelines.kinds.tables.columns import FeatureColumns, recognise
from lcjax.errors import ConfigError, DataError

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


def test_row_numbers_are_no_features():
    numbered = {"": [0, 1], "Unnamed: 0": [0, 1], "__index_level_0__": [0, 1]}
    assert found(numbered | PLAIN).features == found(PLAIN).features


def test_numbers_that_stand_for_no_value_are_refused_until_said():
    values = np.array([1.0, -999.0, 3.0, -999.0, 0.5])
    with pytest.raises(
        DataError, match=r"'x' of t has -999 in 2 rows.*--features.missing -999.*--features.missing none"
    ):
        FeatureColumns().without_stand_ins(values, "x", "t")
    said = FeatureColumns(missing=("-999",)).without_stand_ins(values, "x", "t")
    assert np.isnan(said[[1, 3]]).all() and said[[0, 2, 4]].tolist() == [1, 3, 0.5]
    assert FeatureColumns(missing=("none",)).without_stand_ins(values, "x", "t").tolist() == values.tolist()
    with pytest.raises(DataError, match=r"'x' of t has -999 in 2 rows"):  # of what is positive otherwise, however large
        FeatureColumns().without_stand_ins(np.array([700.0, -999.0, 2.0, -999.0]), "x", "t")
    usual = np.array([99.0, 99.0, 25.0, 3.0])  # a long tail
    assert FeatureColumns().without_stand_ins(usual, "x", "t") is usual
    with pytest.raises(ConfigError, match=r"--features.missing lost is no number"):
        FeatureColumns(missing=("lost",))
