"""Names of datasets, and that nothing is replaced but what the same request made."""

import json
from pathlib import Path

import pytest

from data_pipelines.datasets import find_builder
from data_pipelines.datasets.naming import REPORT, REQUEST, check_name, check_place, named, request_hash
from data_pipelines.kinds.light_curves.cleaning import CleaningSettings
from data_pipelines.kinds.reading import PrepareSettings
from lcjax.errors import ConfigError


def test_names_are_words():
    assert check_name("My_stars2") == "My_stars2"
    for wrong in ("", "2stars", "my stars", "../up", "a-b", "ä"):
        with pytest.raises(ConfigError, match="cannot name a dataset"):
            check_name(wrong)


def test_a_builder_under_another_name():
    builder = find_builder("light_curve_files")
    assert named(builder, builder.name) is builder
    other = named(builder, "mine")
    assert other.name == "mine" and issubclass(other, builder) and other.__doc__ == builder.__doc__
    assert find_builder("light_curve_files").name == "light_curve_files"


def test_a_request_is_what_was_asked_for_and_nothing_else():
    plain = PrepareSettings(sources=(Path("a"),))
    asked = request_hash("x", plain, 8)
    same = [
        PrepareSettings(sources=(Path.cwd() / "a",), processes=4),
        PrepareSettings(sources=(Path("a"),), options={"cleaning": CleaningSettings(), "columns": None}),
    ]
    assert {request_hash("x", settings, 8) for settings in same} == {asked}
    others = [
        PrepareSettings(sources=(Path("b"),)),
        PrepareSettings(sources=(Path("a"),), seed=1),
        PrepareSettings(sources=(Path("a"),), options={"cleaning": CleaningSettings(min_points=9)}),
    ]
    hashes = [request_hash("x", settings, 8) for settings in others]
    assert len({asked, *hashes, request_hash("y", plain, 8), request_hash("x", plain, 4)}) == 6


def test_only_the_same_request_or_the_user_replaces(tmp_path):
    folder = tmp_path / "mine"
    check_place(folder, "r", False)
    folder.mkdir()
    check_place(folder, "r", False)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is no dataset"):
        check_place(folder, "r", False)
    report = folder / "1.0.0" / REPORT
    report.parent.mkdir()
    report.write_text(json.dumps({REQUEST: "r"}))
    check_place(folder, "r", False)
    with pytest.raises(ConfigError, match=r"other files or with other settings.*--overwrite"):
        check_place(folder, "other", False)
    check_place(folder, "other", True)
    report.write_text("{")
    with pytest.raises(ConfigError, match="already there"):
        check_place(folder, "r", False)
