"""Which column is the id of the star, and ids that are no longer ids."""

import numpy as np
import pytest

from data_pipelines.kinds.light_curves.id_columns import check_text, check_whole_numbers, id_column
from lcjax.errors import DataError


def test_one_column_of_ids_the_outer_before_the_inner_and_names_last():
    assert id_column(["mjd", "OID", "name"], "t") == "OID"
    assert (
        id_column(["lightcurve.oid", "id"], "t") == "id"
        and id_column(["lightcurve.oid", "mjd"], "t") == "lightcurve.oid"
    )
    assert id_column(["star", "mjd"], "t") == "star" and id_column(["star", "name"], "t") == "name"
    assert id_column(["mjd", "mag"], "t") is None


def test_two_columns_are_refused_with_both_names():
    with pytest.raises(DataError, match=r"'t' has 2 columns .*\(objectId, oid\).*--columns\.object-id"):
        id_column(["oid", "objectId"], "t")


@pytest.mark.parametrize(("dtype", "limit"), [(np.float64, 2.0**53), (np.float32, 2.0**24)])
def test_floating_point_ids_are_small(dtype, limit):
    check_whole_numbers(np.array([limit - 1, np.nan, np.inf], dtype), "here")
    with pytest.raises(DataError, match=rf"ids in here are floating-point numbers beyond 2\^{int(np.log2(limit))}"):
        check_whole_numbers(np.array([1, -limit], dtype), "here")


def test_ids_rounded_by_a_spreadsheet_are_refused():
    for sound in (None, "", "123", "1e", "sn2019abc", "4E-B", "J1E5"):
        check_text(sound, "here")
    for rounded in ("1.23457E+18", "1E+18", "2.5e9"):
        with pytest.raises(DataError, match="is a rounded number"):
            check_text(rounded, "here")
