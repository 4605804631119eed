"""Scores of a classifier whose answers are known, and of an untrained network."""

import dataclasses

import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.evaluation.classification import score_classes
from lcjax.systems.classifier.evaluation import HeldOutAlerts, class_table, evaluate, held_out_alerts, part_table
from lcjax.systems.classifier.health import WHOLE, StampAnswers
from tests.systems.classifier.stamp_alerts import AlertSource, tiny, untrained

NAMES = ("AGN", "SN", "VS")
LABEL = np.array([0, 0, 1, 1, -1])
OBJECTS = np.array(list("aabcd"))


def model(**inputs):
    """The tiny network with random weights and other inputs."""
    experiment = tiny()
    return untrained(dataclasses.replace(experiment, inputs=dataclasses.replace(experiment.inputs, **inputs)))


def sharp(best):
    return np.eye(3)[best] * 0.8 + 0.1


@pytest.fixture(scope="module")
def held_out():
    probabilities = {WHOLE: sharp([0, 1, 1, 1, 2]), "without image": sharp([0, 1, 1, 1, 0])}
    answers = StampAnswers(probabilities, LABEL, OBJECTS, {"conv_1": 1.0})
    scores = {name: score_classes(p, LABEL, OBJECTS, NAMES) for name, p in probabilities.items()}
    return HeldOutAlerts(scores, answers, [], 1)


def test_tables_of_known_answers(held_out):
    parts = part_table(held_out, "title")
    assert parts.title == "title"
    assert [row[0] for row in parts.rows] == [WHOLE, "without image"]
    assert parts.rows[0][1].startswith("0.75") and parts.rows[0][3] == "-"
    assert parts.rows[1][3] == "0.1600"  # one of five answers moves 0.8 from one class to another
    classes = class_table(held_out.scores[WHOLE])
    assert [row[:2] for row in classes.rows] == [["AGN", "2"], ["SN", "2"]]  # nothing is said of a class without labels
    recall, precision, f1 = classes.rows[0][2:]
    assert recall.startswith("0.5") and precision.startswith("1.0") and f1.startswith("0.67")


def test_an_untrained_network_is_scored_on_what_has_labels():
    source = AlertSource(40, 16, 3, 31)
    source.rows["label"][:5] = -1
    scores = evaluate(model(), source, "what next")
    held = scores.facts["held_out"]
    assert held.unlabelled == scores.values["unlabelled"] == 5 and scores.commands == "what next"
    assert held.answers.label.shape == (40,) and held.scores[WHOLE].alerts == 35
    known = held.answers.label >= 0
    right = held.answers.probabilities[WHOLE].argmax(1)[known] == held.answers.label[known]
    assert scores.values["scores"][WHOLE]["accuracy"]["value"] == pytest.approx(right.mean())
    assert scores.cards[0] == (f"{right.mean():.1%}", "accuracy")
    assert {"without image", "without metadata", "without sky position", "without history"} < set(held.scores)
    assert scores.values["effects"]["image"] == held.answers.effect("image")
    assert any("5 alerts without a label" in getattr(part, "text", "") for part in scores.printed)
    # Of another survey the numbers are given, but not without a word.
    strange = "alerts of lsst are among these, and the network learned from ztf"
    assert not any(text.startswith(strange) for text in scores.values["warnings"])
    source.surveys = ("ztf", "lsst")
    scores = evaluate(model(), source, "what next")
    assert any(text.startswith(strange) for text in scores.values["warnings"])
    assert any(getattr(part, "text", "").startswith(strange) for part in scores.printed)


def test_alerts_that_a_null_spoils_are_left_out_and_counted():
    source = AlertSource(20, 8, 3, 31)
    source.rows["metadata"] = np.nan_to_num(source.rows["metadata"])
    source.rows["metadata"][3] = np.nan
    scores = evaluate(model(missing="nan"), source, "")
    held = scores.facts["held_out"]
    # Its own answer is spoilt, and that of the alert which is given its metadata.
    assert scores.values["unanswered"] == 2 and held.scores[WHOLE].alerts == 18
    assert "ZTF3x3" not in held.answers.object_id
    assert any("2 alerts without a finite answer" in getattr(part, "text", "") for part in scores.printed)
    source.rows["metadata"][:] = np.nan
    with pytest.raises(DataError, match="null in all"):
        evaluate(model(missing="nan"), source, "")


def test_nothing_to_score_is_said():
    empty = AlertSource(4, 4, 0, 31)
    empty.rows["label"][:] = -1
    with pytest.raises(DataError, match="label"):
        held_out_alerts(model(), empty)
    empty.n_objects = 0
    with pytest.raises(DataError, match="no alerts"):
        held_out_alerts(model(), empty)
