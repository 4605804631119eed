"""A probe of several datasets: what is of no use is said, and only where nothing is left it is an error."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.probe_run import ProbeSettings, probe_stars

SETTINGS = ProbeSettings(shots=(4,), draws=2, band="g", classes=("a", "b"))


class Stars:
    """Twenty stars of two classes, or none."""

    class_names = ("a", "b")

    def __init__(self, name, labelled=True, embedded=True):
        self.name, self.folder = name, Path(name)
        self.label = {f"s{i}": i % 2 for i in range(20)} if labelled else {}
        self.rows = np.arange(20 if embedded else 0)

    def matched(self, table, band, where):
        assert (table, band, where) == (f"of {self.name}", "g", "W")
        label = self.rows % 2
        ids = np.array([f"s{i}" for i in self.rows])
        vectors = np.stack([label, self.rows / 20], 1).astype(np.float32)
        found = SimpleNamespace(
            object_id=ids, embedding=vectors, label=label, train=self.rows[:12], test=self.rows[12:]
        )
        return found, ["note"]


def probed(*stars):
    said = []
    return probe_stars(stars, lambda folder: f"of {folder}", "W", SETTINGS, said.append), said


def test_what_is_of_use_is_judged_and_the_others_are_said():
    scores, said = probed(Stars("D"), Stars("none", labelled=False), Stars("other", embedded=False))
    assert [one["dataset"] for one in scores.values] == ["D"] and scores.values[0]["notes"] == ["note"]
    assert said == ["none: no star has a class, so there is nothing to judge by", "other: none of its stars is in 'W'"]


def test_nothing_to_judge_by():
    with pytest.raises(DataError, match="'W' has none of the labelled stars of other"):
        probed(Stars("other", embedded=False))
    with pytest.raises(DataError, match="could not be judged on any"):
        probed(Stars("none", labelled=False))


def test_settings_that_make_no_sense():
    for settings, split, said in (
        (SETTINGS, "train", "learns from the training split"),
        (ProbeSettings(draws=0), "test", "--draws is 1 or more"),
        (ProbeSettings(shots=()), "test", "--shots are numbers"),
        (ProbeSettings(shots=(-1,)), "test", "--shots are numbers"),
    ):
        with pytest.raises(ConfigError, match=said):
            settings.check(split)
    SETTINGS.check("validation")
