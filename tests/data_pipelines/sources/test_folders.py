"""Folders with links: followed, once; those that lead nowhere are said."""

import pytest

from data_pipelines.sources import list_files, read_light_curves
from data_pipelines.sources.folders import each_once, files_below, names_of

ROWS = "id,mjd,mag,err\n" + "\n".join(f"a,{58_000 + i},15,0.1" for i in range(6))


@pytest.fixture
def folder(tmp_path):
    for place in ("here/night", "elsewhere"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / f"{place[0]}.csv").write_text(ROWS.replace("a,", f"{place[0]},"))
    (tmp_path / "here" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "here" / "night" / "up").symlink_to(tmp_path / "here")
    (tmp_path / "here" / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    (tmp_path / "here" / "self.csv").symlink_to(tmp_path / "here" / "self.csv")
    (tmp_path / "here" / "x.csv").mkdir()
    return tmp_path / "here"


def test_linked_folders_are_read_once_and_lost_links_are_named(folder):
    names = ["e.csv", "gone.csv", "h.csv", "self.csv"]
    assert sorted(path.name for path in files_below(folder)) == names == sorted(p.name for p in list_files([folder]))
    bad = {}
    found = read_light_curves([folder], on_bad_file=lambda path, reason: bad.__setitem__(path.name, reason))
    assert sorted(curve.object_id for curve in found) == ["e", "h"]
    assert sorted(bad) == ["gone.csv", "self.csv"] and "No such file" in bad["gone.csv"]


def test_rows_are_called_by_names_that_files_do_not_share(folder):
    files = sorted(files_below(folder))
    assert each_once([*files, *files]) == files
    assert [names_of(files)[file] for file in files] == [file.stem for file in files]
    night, other = folder / "night" / "h.csv", folder / "h.csv"
    assert list(names_of([night, other, folder / "night" / "h.npz"]).values()) == [
        "night-h.csv",
        "here-h.csv",
        "night-h.npz",
    ]
