"""The map holds every object once, loads nothing, and no name can break out of it."""

import json
import re

import numpy as np
import pytest

from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.embedding_map import kept_classes, write_map
from lcjax.evaluation.projection import project


def test_the_page(tmp_path):
    names = ["a", "</script><b>", "c"]
    path = write_map(tmp_path / "m.html", [[0, 0], [2, 1], [1, 5]], names, ["x", "y", "x"], "<T>", "lead")
    text = path.read_text()
    assert not re.search(r"https?://|src=|@import", text) and "<T>" not in text and text.count("</script>") == 2
    data = json.loads(re.search(r'type="application/json">(.*?)</script>', text, re.S)[1])
    assert data["names"] == names and data["c"] == [0, 1, 0] and data["classes"] == ["x", "y"]
    assert data["x"] == [0.03, 0.97, 0.5] and min(data["y"]) == 0.03
    with pytest.raises(DataError, match="not finite"):
        write_map(tmp_path / "m.html", [[0, np.nan]], ["a"], ["x"], "", "")


def test_what_a_map_keeps_of_the_classes():
    """A map that throws the classes together is told from one that keeps them; objects without a class are not asked."""
    x, label = np.repeat(np.eye(3), 8, axis=0) * 9, np.repeat([0, 1, 2], 8)
    mixed = np.random.default_rng(1).normal(size=(24, 2))
    assert "class of 100 % of the objects on the map and of 100 %" in kept_classes(x, x[:, :2], label)
    share, whole = map(int, re.findall(r"(\d+) %", kept_classes(x, mixed, label)))
    assert share < 70 and whole == 100
    assert "16 objects" in kept_classes(x, x[:, :2], np.where(label == 2, -1, label))
    assert kept_classes(x, mixed, np.zeros(24, int)) == ""


def test_projections():
    x = np.random.default_rng(0).normal(size=(30, 4)) * [9, 3, 1, 1]
    assert project(x).shape == (30, 2)
    with pytest.raises(ConfigError, match="no map 'tsne'"):
        project(x, "tsne")
    with pytest.raises(DataError, match="2 objects make no map"):
        project(x[:2])
