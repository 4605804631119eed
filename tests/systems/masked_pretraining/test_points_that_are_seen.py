"""Scores say what they are: of hidden points, or of points that the published network sees."""

import json

import numpy as np
import pytest

from lcjax.evaluation.run import print_scores, save_scores, write_report
from lcjax.inference.loaded import Loaded
from lcjax.systems import find_system
from lcjax.systems.masked_pretraining.system import ReconstructionOptions
from tests.inference.models import experiment, untrained
from tests.training.curves import CurveSource


class HeldOutCurves:
    """Two batches of eight curves of two classes."""

    class_names = ("RRLYR", "MIRA")
    dataset_of_record = np.full(16, "survey")

    def evaluation_batches(self):
        source = CurveSource(length=40)
        for number in range(2):
            record = np.arange(8) + 8 * number
            about = {"record": record, "object_id": [f"star {i}" for i in record], "band": [""] * 8}
            yield {**source.batch(0, number), **about, "label": np.arange(8) % 2}


@pytest.fixture(scope="module", params=["shipped", "made strict", "strict"])
def evaluated(request):
    settings = experiment(parity=request.param != "strict")
    task, variables = untrained(settings)
    options = {"reconstruction": ReconstructionOptions(strict=request.param == "made strict")}
    loaded = Loaded(settings, task, variables)
    return request.param, find_system(settings.system).evaluate(loaded, HeldOutCurves(), options)


def test_scores_of_points_that_are_seen_are_never_called_hidden(evaluated, tmp_path, capsys):
    how, scores = evaluated
    print_scores(scores)
    save_scores(tmp_path / "s.json", scores)
    page = write_report(tmp_path, scores, {}, tmp_path).read_text()
    printed, saved = capsys.readouterr().out, json.loads((tmp_path / "s.json").read_text())
    cards = " ".join(name for _, name in scores.cards)
    ours = page.replace("<th>R² of hidden points</th>", "", 1) if how == "shipped" else page  # that of the baselines
    for text in (printed, cards, scores.curve[1], saved[0]["points"], ours):
        assert ("hidden points" in text.replace("no scores of hidden points", "")) == (how != "shipped")
        assert ("shown points" in text) == (how == "shipped")
    for text in (printed, page):
        assert ("--strict hides them" in text) == (how == "shipped")


def test_the_report_names_baselines(evaluated, tmp_path):
    _, scores = evaluated
    page = write_report(tmp_path, scores, {}, tmp_path).read_text()
    assert "linear interpolation" in page and "window mean" in page
    found = scores.values[0]["baselines"]
    # A mean of other points cannot beat the mean of the very points.
    assert found["window mean"]["r2"] < 0 and found["linear interpolation"]["rmse"] > 0
