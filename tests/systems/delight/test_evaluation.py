"""Scores of answers that are known: ten hosts and two fields without one."""

from types import SimpleNamespace

import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.inference.loaded import Loaded
from lcjax.systems.delight.answers import HostAnswers
from lcjax.systems.delight.evaluation import HEADER, evaluate, score_rows, summary
from lcjax.training.task import Task, Update

SCALE = 0.5
HOSTLESS = np.arange(12) >= 10
RADIUS = np.where(HOSTLESS, 0, np.where(np.arange(12) < 6, 8.0, 20.0)).astype(np.float32)
OFFSET = np.where(HOSTLESS[:, None], 0, np.stack([np.arange(12), -np.arange(12)], -1)).astype(np.float32)
ERROR = np.array([1, 2, 3, 4, 50, 60, 4, 5, 6, 70, 0, 0], np.float32)
"""Pixels, along x; catastrophic beyond 8 pixels of small hosts and 20 of large ones."""


def outputs(mixture):
    found = {"offset": OFFSET + np.stack([ERROR, 0 * ERROR], -1), "scatter": ERROR}
    if mixture:
        found["second_offset"] = OFFSET  # always right, where it says anything
        found["second_probability"] = np.where(np.arange(12) == 4, 0.3, 0.05).astype(np.float32)
        found["probability"] = np.where(ERROR < 10, 0.6, 0.4).astype(np.float32)
        found["hostless_probability"] = np.where(HOSTLESS, 0.9, 0.1).astype(np.float32)
    return found


def loaded(mixture):
    """A model whose stamps are the numbers of its answers."""
    table = outputs(mixture)

    def predict(variables, batch):
        return {name: variables[name][batch["stamps"]] for name in table}

    task = Task("toy", init=None, updates=(Update(lambda *a, **k: None),), evaluate=None, predict=predict)
    settings = SimpleNamespace(image=SimpleNamespace(pixel_scale=SCALE), objective=SimpleNamespace(answer_radius=3.0))
    return Loaded(settings, task, table)


class Fields:
    """Two batches; the last row of the second fills it up."""

    def evaluation_batches(self):
        for index in (np.arange(8), np.array([8, 9, 10, 11, 0])):
            weight = np.ones(len(index), np.float32)
            weight[4 if len(index) == 5 else len(index) :] = 0
            truth = {"offset": OFFSET[index], "hostless": HOSTLESS[index], "host_radius": RADIUS[index]}
            yield truth | {"stamps": index, "weight": weight}


def test_scores_by_hand():
    scores = evaluate(loaded(False), Fields(), "next")
    by_size = scores.values["by_size"]
    assert [by_size[name]["fields"] for name in ("all", "up to 10 arcsec", "10 to 60 arcsec")] == [10, 6, 4]
    assert by_size["all"]["catastrophic"] == pytest.approx(0.3)
    assert by_size["up to 10 arcsec"]["catastrophic"] == pytest.approx(2 / 6)
    assert by_size["all"]["median"] == np.sort(ERROR[:10])[5] * SCALE
    assert scores.cards == [
        ("2.50", "median error, arcsec"),
        ("30.0 %", "catastrophic answers"),
        ("10", "held-out hosts"),
    ]
    assert scores.commands == "next" and len(scores.sections[1].parts) == 1
    (quarters,) = [part.text for part in scores.printed if hasattr(part, "text")]
    assert quarters.endswith("0.0 %, 0.0 %, 50.0 %, 100.0 %")  # 3 + 3 + 2 + 2 fields by scatter
    assert {"top2_recall", "calibration"}.isdisjoint(scores.values)


def test_a_mixture_tells_more():
    scores = evaluate(loaded(True), Fields(), "")
    assert scores.values["top2_recall"] == pytest.approx(0.8)  # the second answer finds one of the three
    assert scores.values["hostless_auroc"] == 1.0
    assert set(scores.values["calibration"]) == {"host is there", "hostless"}
    assert scores.values["calibration"]["hostless"]["brier"] == pytest.approx(0.01)
    assert scores.cards[-1] == ("80.0 %", "found by one of two answers")
    said = [part.text for part in scores.printed if hasattr(part, "text")]
    assert "80.0 % of the fields" in said[1] and said[2].endswith("1.000")
    assert len(scores.sections[1].parts) == 2


def test_rows_and_numbers_are_of_one_table():
    answers = HostAnswers(outputs(False), OFFSET, HOSTLESS, RADIUS, SCALE, 3.0)
    for row, score in zip(score_rows(answers), summary(answers)["by_size"].values(), strict=True):
        assert len(row) == len(HEADER) and row[1] == str(score["fields"])
        assert row[2] == f"{score['median']:.2f} ({score['median_low']:.2f} to {score['median_high']:.2f})"
        low, high = (f"{100 * score[f'catastrophic_{end}']:.1f}" for end in ("low", "high"))
        assert row[3].endswith(f"({low} to {high})")


def test_no_fields_are_said():
    with pytest.raises(DataError, match="no fields"):
        evaluate(loaded(False), SimpleNamespace(evaluation_batches=lambda: iter(())), "")
