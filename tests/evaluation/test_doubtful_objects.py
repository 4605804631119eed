"""Objects whose class is in doubt: the order, what is said of each, who has no class."""

from pathlib import Path

import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.evaluation.doubtful_objects import DoubtSettings, find_doubtful, labelled, planted_sentence
from tests.evaluation.objects import objects


@pytest.fixture(scope="module")
def some():
    """Two classes apart; the sixth object lies among the other class."""
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 5)
    x = np.eye(2)[label] + 0.05 * rng.normal(size=(10, 2))
    x[5] = [1.0, 0.02]
    return objects(x, label)


def test_the_most_doubtful_first(some):
    found, printed = find_doubtful(some, DoubtSettings(3, top=2), Path("t"), print)
    columns = found.columns()
    assert columns["object_id"][0] == "s5" and (columns["class"][0], columns["suggested"][0]) == ("b", "a")
    assert columns["candidate"][0] and not columns["candidate"][1:].any()
    (table,) = printed.printed
    assert len(table.rows) == 2 and table.rows[0][4] == "likely misclassified" and table.rows[1][4] == ""
    assert table.title == "1 of 10 objects are likely misclassified"
    assert "2 of 10 classes changed on purpose" in planted_sentence(some, 0.2, 3)
    planted, below = find_doubtful(some, DoubtSettings(3, 2, check=0.2), Path("t"), print)[1].printed
    assert planted.text == planted_sentence(some, 0.2, 3) and below == table


def test_objects_without_a_class_are_counted(some):
    said = []
    kept = labelled(objects(np.eye(3), [0, -1, 1]), Path("t"), said.append)
    assert kept.object_id == ["s0", "s2"] and said == ["left out: 1 objects without a class"]
    assert labelled(some, Path("t"), said.append) is some and len(said) == 1
    with pytest.raises(DataError, match="'t' has no classes"):
        labelled(objects(np.eye(2)), Path("t"), said.append)
