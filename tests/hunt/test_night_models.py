"""The models of a night: given ones once each, and one that can rank."""

from types import SimpleNamespace

import pytest

from lcjax.errors import ConfigError
from lcjax.hunt import night_models
from lcjax.hunt.settings import HuntOptions


def test_given_models_are_loaded_once_each_and_the_first_must_rank(monkeypatch):
    monkeypatch.setattr(night_models, "load", lambda name, say: f"loaded {name}")
    monkeypatch.setattr(
        night_models,
        "StampClassifier",
        lambda name, *given: SimpleNamespace(name=name, given=given, class_names=("SN",)),
    )
    one, two = night_models.given_classifiers(HuntOptions(model=("a", "b"), batch_size=4), "alerts", "entries", print)
    assert (one.name, two.name) == ("a", "b") and one.given == ("loaded a", "alerts", "entries", 4)
    with pytest.raises(ConfigError, match="given twice"):
        night_models.given_classifiers(HuntOptions(model=("a", "a")), "alerts", "entries", print)
    with pytest.raises(ConfigError, match="has no class 'TDE' to rank by"):
        night_models.given_classifiers(HuntOptions(model=("a",), hunted="TDE"), "alerts", "entries", print)
    assert night_models.given_classifiers(HuntOptions(), "alerts", "entries", print) == []
    assert night_models.given_finder(HuntOptions(), None, None, {}, print) is None
