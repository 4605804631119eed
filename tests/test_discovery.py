"""Rooms are found by looking, and a stranger's broken package stops nothing."""

import importlib.metadata
import sys

import pytest

from lcjax import discovery


@pytest.fixture
def package(tmp_path, monkeypatch):
    root = tmp_path / "house_of_rooms"
    for name, text in {"a": "ROOM = 'one'", "b": "ROOM = ('two', 'three')", "shared": ""}.items():
        (root / name).mkdir(parents=True)
        (root / name / "__init__.py").write_text(text)
    (root / "__init__.py").write_text("")
    (root / "plain.py").write_text("ROOM = 'no room: a module'")
    monkeypatch.syspath_prepend(tmp_path)
    import house_of_rooms

    yield house_of_rooms
    for name in [n for n in sys.modules if n.startswith("house_of_rooms")]:
        del sys.modules[name]


def points(*pairs):
    return tuple(importlib.metadata.EntryPoint(name, value, "g") for name, value in pairs)


def test_rooms_are_packages_with_the_attribute(package, monkeypatch):
    monkeypatch.setattr(discovery, "entry_points", lambda group: points(("x", "house_of_rooms.b:ROOM")))
    assert list(discovery.rooms(package, "ROOM", "g")) == ["one", "two", "three", "two", "three"]


def test_a_broken_entry_point_is_named_and_left_out(package, monkeypatch):
    broken = points(("bad", "no_such_package_at_all:ROOM"), ("good", "house_of_rooms.a:ROOM"))
    monkeypatch.setattr(discovery, "entry_points", lambda group: broken)
    with pytest.warns(UserWarning, match="'bad' of the entry points 'g'.*left out: ModuleNotFoundError"):
        assert list(discovery.rooms(package, "ROOM", "g"))[-1] == "one"
