"""Columns of the brightness: the user's, then common ones; an error is that of its own column before any other."""

import pytest

from data_pipelines.kinds.light_curves.brightness_columns import find, first, named
from data_pipelines.kinds.light_curves.columns import ColumnNames
from lcjax.errors import ConfigError


def test_an_error_is_that_of_its_own_column():
    found = find(["err", "psfmag", "e_psfmag"], ColumnNames(), "t", ())
    assert found.columns == {"magnitude": "psfmag", "magnitude_error": "e_psfmag"}
    assert find(["Dmag", "mag", "err"], ColumnNames(), "t", ()).columns["magnitude_error"] == "err"
    assert find(["err", "flux"], ColumnNames(), "t", ("err",)).missing == ["for the flux error"]


def test_a_magnitude_is_taken_before_a_flux_where_it_has_an_error():
    names = ["mag", "flux", "flux_err"]
    assert find(names, ColumnNames(), "t", ()).columns == {"flux": "flux", "flux_error": "flux_err"}
    assert "magnitude" in find([*names, "magerr"], ColumnNames(), "t", ()).columns
    assert "flux" in find([*names, "magerr"], ColumnNames(flux="flux"), "t", ()).columns


def test_names_match_by_their_last_part_and_the_users_in_the_case_given():
    assert first(("mag",), ["lc.MAG"]) == "lc.MAG" and named("mag", ["lc.MAG"]) is None
    assert named("mag", ["lc.mag"]) == "lc.mag" and named("mag", ["lc.mag", "mag"]) == "mag"
    with pytest.raises(ConfigError, match="exclude each other"):
        find(["a", "b"], ColumnNames(magnitude="a", flux_error="b"), "t", ())
