"""Names that load on first use."""

import sys

import pytest

from lcjax.lazy import loader


def test_names_come_from_their_homes_and_load_nothing_before(monkeypatch, tmp_path):
    package = tmp_path / "lazy_toy"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "home.py").write_text("value = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    load = loader("lazy_toy", {"value": "home", "absent": "home"})
    assert "lazy_toy.home" not in sys.modules
    assert load("value") == 3 and "lazy_toy.home" in sys.modules
    with pytest.raises(AttributeError, match="module 'lazy_toy' has no attribute 'other'"):
        load("other")
    with pytest.raises(AttributeError, match="absent"):
        load("absent")
    for name in ("lazy_toy", "lazy_toy.home"):
        sys.modules.pop(name)
