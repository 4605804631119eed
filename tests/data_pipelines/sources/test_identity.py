"""Which star and band a file is of: its header, its neighbours, its name; and what can mean two things."""

from pathlib import Path

import pytest

from data_pipelines.sources.identity import bare_name, check_one_star, comments, file_names
from lcjax.errors import DataError


def names(*paths, whole=False):
    return file_names(map(Path, paths), whole)


def test_endings_of_formats_are_no_part_of_a_name():
    found = [bare_name(Path(name)) for name in ("s.csv", "s.fits.fz", "a.b.tar.bz2", "s")]
    assert found == ["s", "s", "a.b", "s"]


def test_bands_are_told_by_files_and_folders_side_by_side():
    found = names("s1_g.csv", "s1_r.csv", "s2_g.csv", "I/s3.dat", "V/s3.dat", "x_A.csv", "x_B.csv")
    star = lambda name: (found.star(Path(name), {}), found.band(Path(name), {}))
    assert star("s1_g.csv") == ("s1", "g") and star("s1_r.csv") == ("s1", "r")
    assert star("s2_g.csv") == ("s2_g", "")  # alone, it may be a name
    assert star("I/s3.dat") == ("s3", "I") and star("x_B.csv") == ("x_B", "")  # A is no band


def test_what_the_header_says_comes_first():
    found = names("s1_g.csv", "s1_r.csv")
    assert (
        found.star(Path("s1_g.csv"), {"OBJECT": " M31 "}) == "M31" and found.star(Path("s1_g.csv"), {"ID": ""}) == "s1"
    )
    assert found.band(Path("s1_g.csv"), {"Filter": "V"}) == "V"


def test_files_of_one_name_are_refused_unless_they_are_parts_of_one_star():
    found = names("a/s.csv", "b/s.csv")
    with pytest.raises(DataError, match="have one name"):
        found.star(Path("a/s.csv"), {})
    assert found.star(Path("a/s.csv"), {"id": "7"}) == "7"
    assert names("a/s.csv", "b/s.csv", whole=True).star(Path("a/s.csv"), {}) == "s"


def test_a_column_that_may_be_the_id_is_named():
    check_one_star(Path("a.csv"), {"flag": False, "width": False, "airmass": False})
    for others in ({"flag": True}, {"gaia_id": False}, {"starname": False}, {"target": False}):
        with pytest.raises(DataError, match=f"'{next(iter(others))}' may be one"):
            check_one_star(Path("a.csv"), others)


def test_comments_of_text_tables():
    said = comments(["# Star: V1", "## filter = g", "# star: other", "mjd,mag", "# a sentence without a key"])
    assert said["Star"] == "V1" and said["filter"] == "g" and said.get("star", "other") == "other"
