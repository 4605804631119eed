"""Rows of a stamp classifier whose probabilities are known."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pytest

from lcjax.errors import ConfigError, Rejection
from lcjax.systems.classifier.prediction import RULE_COLUMNS, StampAnswers
from lcjax.systems.classifier.service_rules import ServiceRules
from lcjax.training.task import Task, Update

NAMES = ("AGN", "SN", "VS", "asteroid", "bogus")


class Entry:
    """An alert whose metadata are its logits."""

    def __init__(self, number, logits, size=5, **rules):
        about = {"object_id": f"Z{number}", "alert_id": number, "mjd": 59_000.5, "ra": 10.0, "dec": -20.0}
        self.alert, self.stamps = SimpleNamespace(**about), np.zeros((size, size, 3), np.float32)
        columns = dict.fromkeys(RULE_COLUMNS, -999.0) | {"ssObjectId": np.nan, "isdiffpos": 0.0} | rules
        self.columns = [*logits, *(columns[name] for name in RULE_COLUMNS)]

    def rejection(self, reason):
        return Rejection(self.alert.object_id, reason, "here", self.alert.alert_id)


def predict(variables, batch):
    if batch["stamps"].shape[1] < 4:
        raise ConfigError("stamps of 3 pixels are too small")
    scale = variables["scale"] * jnp.isfinite(batch["stamps"]).all((1, 2, 3))
    return {"probabilities": jnp.exp(jnp.log(batch["metadata"]) * scale[:, None])}


def answers(names=NAMES, rules=None, batch_size=3):
    update = Update(lambda *a, **k: None)
    task = Task("toy", init=None, updates=(update,), evaluate=None, predict=predict)
    return StampAnswers(task, {"scale": np.float32(1)}, names, [f"m{i}" for i in range(len(names))], rules, batch_size)


SN = (0.1, 0.6, 0.1, 0.1, 0.1)


def test_rows_in_order_with_the_class_and_the_service_beside_it():
    items = [
        Entry(1, SN, ssdistnr=2.0),
        Rejection("x", "no packet", "there"),
        Entry(2, SN, isdiffpos=1.0),
        Entry(3, SN),
        Entry(4, (0.7, 0.0, 0.1, 0.1, 0.1)),
    ]
    model = answers()
    one, passed, two, three, four = model.answer(items)
    assert passed is items[1]
    assert [row["alert_id"] for row in (one, two, three, four)] == [1, 2, 3, 4]
    assert (one["object_id"], one["mjd"], one["ra"], one["dec"]) == ("Z1", 59_000.5, 10.0, -20.0)
    assert [row["class"] for row in (one, two, three, four)] == ["SN", "SN", "SN", "AGN"]
    assert one["SN"] == pytest.approx(0.6) and four["AGN"] == pytest.approx(0.7)
    assert (one["service_class"], one["service_rule"], one["service_reported"]) == ("asteroid", "solar system", True)
    assert (two["service_class"], two["service_rule"], two["service_reported"]) == ("SN", "negative supernova", False)
    assert (three["service_rule"], three["service_reported"]) == ("", True)
    pa.Table.from_pylist([one, two, three, four], schema=model.schema)
    assert set(one) == set(model.schema.names)


def test_alerts_without_an_answer_are_set_aside_by_name():
    null, small = Entry(1, (np.nan, 0.6, 0.1, 0.1, 0.1)), Entry(2, SN, size=3)
    first, second, third = answers().answer([null, small, Entry(3, SN)])
    assert isinstance(first, Rejection) and "null" in first.reason and first.object_id == "Z1"
    assert isinstance(second, Rejection) and second.reason.startswith("stamp size") and second.alert_id == 2
    assert third["class"] == "SN"


def test_rules_only_where_the_model_has_the_classes_they_speak_of():
    assert answers().has_rules and answers(("sn", "Asteroid")).has_rules
    assert not answers(("SN", "bogus")).has_rules
    assert answers(("SN", "bogus"), ServiceRules(solar_system_shortcut=False)).has_rules
    off = answers(rules=ServiceRules(False, False))
    assert not off.has_rules and not [n for n in off.schema.names if n.startswith("service")]


def test_a_class_called_like_a_column_gets_one_of_its_own():
    model = answers(("ra", "class", "SN"))
    assert model.schema.names[5:] == ["p_ra", "p_class", "SN", "class"]
    with pytest.raises(ConfigError, match="alerts"):
        answers(batch_size=0)
