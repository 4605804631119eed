"""Files and folders are whole or not there, and refused writes are one sentence."""

import os

import pytest

from lcjax import files
from lcjax.errors import StorageError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "a.txt"
    with files.new_file(target) as temporary:
        temporary.write_text("half")
        assert not target.exists() and temporary.parent == target.parent
    assert target.read_text() == "half" and names(target.parent) == ["a.txt"]
    with pytest.raises(ValueError), files.new_file(target) as temporary:
        temporary.write_text("other")
        raise ValueError
    assert target.read_text() == "half" and names(target.parent) == ["a.txt"]


def test_a_folder_replaces_another_only_when_it_is_whole(tmp_path):
    target = tmp_path / "W"
    for text in ("one", "two"):
        with files.new_folder(target) as temporary:
            (temporary / "a").write_text(text)
    assert (target / "a").read_text() == "two" and names(tmp_path) == ["W"]
    with pytest.raises(KeyError), files.new_folder(target) as temporary:
        (temporary / "a").write_text("three")
        raise KeyError
    assert (target / "a").read_text() == "two" and names(tmp_path) == ["W"]


def test_links_are_written_through(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "a.txt").symlink_to(tmp_path / "disk" / "b.txt")
    files.write_text(tmp_path / "a.txt", "text")
    assert (tmp_path / "a.txt").is_symlink() and (tmp_path / "disk" / "b.txt").read_text() == "text"
    assert names(tmp_path) == ["a.txt", "disk"]


def test_no_file_and_no_folder_replaces_a_device(tmp_path):
    """As root that would be `/dev/null` for everybody. Text goes to a pipe as it comes."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="is a device or a pipe"), files.new_file(tmp_path / "pipe"):
        pass
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    files.write_text(tmp_path / "pipe", "text")
    assert os.read(reader, 9) == b"text"
    os.close(reader)
    (tmp_path / "file").write_text("mine")
    for name in ("pipe", "file"):
        wrong = pytest.raises(StorageError, match="is no folder: give another")
        with wrong, files.new_folder(tmp_path / name, "give another"):
            pass
    assert (tmp_path / "pipe").is_fifo() and (tmp_path / "file").read_text() == "mine"


def test_a_refused_write_says_where_and_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot write '.*file/a': .*; give another --out"):
        files.write_text(tmp_path / "file" / "a", "text", "give another --out")


def test_the_old_folder_comes_back_when_the_new_one_cannot_take_its_name(tmp_path, monkeypatch):
    target = tmp_path / "W"
    with files.new_folder(target) as temporary:
        (temporary / "a").write_text("one")
    rename = type(target).rename

    def refuse(self, other):
        if ".partial" in self.name:
            raise OSError(28, "No space left on device")
        return rename(self, other)

    monkeypatch.setattr(type(target), "rename", refuse)
    with pytest.raises(StorageError, match="No space left"), files.new_folder(target) as temporary:
        (temporary / "a").write_text("two")
    assert (target / "a").read_text() == "one" and names(tmp_path) == ["W"]


def test_the_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("LCJAX_CACHE", str(tmp_path / "c"))
    assert files.cache_folder() == tmp_path / "c"
