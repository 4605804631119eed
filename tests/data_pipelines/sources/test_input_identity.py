"""Files that were changed, added or led to by links are another input; what a command writes is none."""

from data_pipelines.sources.input_identity import input_identity
from lcjax.files import unfinished_parts


def test_input_identity(tmp_path):
    (tmp_path / "in").mkdir()
    one, out = tmp_path / "in" / "a.csv", tmp_path / "in" / "z.parquet"
    one.write_text("1")
    first = input_identity([str(tmp_path / "in")], [out])
    out.write_text("x")
    unfinished_parts(out).mkdir()
    (unfinished_parts(out) / "lock").touch()
    assert input_identity([str(tmp_path / "in")], [out]) == first
    one.write_text("12")
    assert input_identity([str(tmp_path / "in")], [out]) != first


def test_input_identity_follows_links(tmp_path):
    """As the readers do: files in linked folders are input too."""
    for place in ("in", "far"):
        (tmp_path / place).mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "far")
    (tmp_path / "in" / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    (tmp_path / "far" / "a.csv").write_text("a")
    first = input_identity([str(tmp_path / "in")], [])
    (tmp_path / "far" / "a.csv").write_text("ab")
    assert input_identity([str(tmp_path / "in")], []) != first
