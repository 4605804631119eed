"""What the classifiers of stamps share: columns asked for, classes matched, inputs adapted to data."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.inference.loaded import Loaded
from lcjax.systems import build_task, find_system
from lcjax.systems.base import Work
from lcjax.systems.classifier.prediction import RULE_COLUMNS
from lcjax.systems.classifier.service_rules import ServiceRules
from lcjax.systems.stamp_classifier.config import CLASS_NAMES
from tests.systems.classifier.stamp_alerts import AlertSource, tiny

SYSTEM = find_system("stamp_classifier")


class Named(AlertSource):
    """Alerts whose classes have other names."""

    def __init__(self, class_names, labels=(0,), columns=None):
        super().__init__(12, 4, 0, 31)
        self.class_names, self.labels = class_names, np.array(labels)
        self.metadata = self.rows["metadata"]
        if columns:
            self.metadata_names = columns

    def relabelled(self, class_names):
        return SimpleNamespace(class_names=class_names)


def with_inputs(experiment, **changes):
    return dataclasses.replace(experiment, inputs=dataclasses.replace(experiment.inputs, **changes))


def test_the_balance_is_of_training_alone():
    balanced = with_inputs(tiny(), balance="weighted")
    asked = SYSTEM.source_settings(balanced, training=True)
    assert asked["balance"] == "weighted"
    assert SYSTEM.source_settings(balanced, training=False)["balance"] is None
    assert SYSTEM.source_settings(with_inputs(balanced, balance="none"), training=True)["balance"] is None
    assert asked["metadata_names"] == tuple(sorted(asked["metadata_names"])) and "sgscore1" in asked["metadata_names"]


def test_classes_are_the_presets_where_they_hold_those_of_the_data():
    own, fewer = tuple(CLASS_NAMES), Named(("sn", "agn"))
    assert SYSTEM.matched(tiny(), fewer, training=True).class_names == own
    strange = Named(("sn", "kilonova"))
    assert SYSTEM.matched(tiny(), strange, training=True).class_names == ("sn", "kilonova")
    assert SYSTEM.matched(tiny(), strange, training=False).class_names == own
    assert SYSTEM.adapt(tiny(), strange).inputs.class_names == ("sn", "kilonova")
    with pytest.raises(ConfigError, match="no labels"):
        SYSTEM.adapt(tiny(), Named(()))
    assert SYSTEM.can_score(Named(("sn",), (-1, 0))) and not SYSTEM.can_score(Named(("sn",), (-1, -1)))


def test_a_loaded_model_takes_the_columns_of_other_data():
    experiment = tiny()
    loaded = Loaded(experiment, build_task(experiment), {})
    columns = ("more", *experiment.inputs.metadata_names)
    other = SYSTEM.on_data(loaded, Named(CLASS_NAMES, columns=columns))
    assert other.experiment.inputs.metadata_names == columns
    assert other.task.batch_spec["metadata"].shape[1] == len(columns)
    assert loaded.experiment.inputs.metadata_names != columns
    assert SYSTEM.request(other, {}) == {"metadata": columns, "columns": RULE_COLUMNS}


def test_answers_take_the_rules_and_the_batch_size():
    loaded = Loaded(tiny(), build_task(tiny()), {})
    model = SYSTEM.answers(loaded, Work({"rules": ServiceRules(False, False)}, {}, batch_size=7))
    assert model.predictor.batch_size == 7 and not model.has_rules and model.class_names == tuple(CLASS_NAMES)
