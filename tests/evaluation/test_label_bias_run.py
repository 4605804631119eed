"""The labelling bias of a catalogue from its columns: settings that make no sense are refused before anything is read."""

import dataclasses

import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.evaluation import label_bias_simulation as simulation
from lcjax.evaluation.label_bias_run import BiasSettings, labelling_bias

SETTINGS = BiasSettings(
    ("kind",), simulation.INTRINSIC, simulation.OBSERVED, depth=2, bins=3, draws=3, permutations=3, seed=1
)


class Columns:
    """A table in memory."""

    name = "toy"

    def __init__(self, columns):
        self.columns = columns

    def numbers(self, column):
        return self.columns[column]

    def classes(self, column):
        return self.columns[column]


def test_columns_to_scores():
    rng = np.random.default_rng(0)
    table = simulation.simulated_catalogue(rng, 600)
    table["kind"] = ["ES"[k] for k in simulation.biased_labels(rng, table, 1.0)]
    asked = []
    scores = labelling_bias(lambda wanted: asked.append(wanted) or Columns(table), SETTINGS, "there")
    assert asked == [["kind", *simulation.INTRINSIC, *simulation.OBSERVED]]
    assert scores.values["objects"] == 600 and scores.values["catalogue"] == "there" and scores.values["draws"] == 3
    assert scores.values["bins"]["depth"] == 2 and scores.values["all_objects"]["permutations"] == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": ()}, "--labels names no column"),
        ({"intrinsic": ("kind",)}, "'kind' is given twice"),
        ({"observed": ("a",)}, "not known of 1 observables"),
        ({"reference": ("low",)}, "1 ends for 2 observables"),
        ({"draws": 1}, "--draws is 2 or more"),
        ({"permutations": 0}, "--permutations 1 or more"),
        ({"seed": -1}, "--seed is -1"),
        ({"depth": 31}, "--depth is 31"),
        ({"bins": 1}, "--bins is 1"),
        ({"objects_per_bin": 0}, "--objects-per-bin is 0"),
    ],
)
def test_what_makes_no_sense(changes, said):
    with pytest.raises(ConfigError, match=said):
        labelling_bias(lambda wanted: pytest.fail("read"), dataclasses.replace(SETTINGS, **changes), "there")
