"""The report of lcjax-base: scores of hidden points and pictures, none of an attention that the network has not."""

import numpy as np

from lcjax.systems.masked_pretraining.evaluation import evaluate
from tests.systems.base_encoder.small import LENGTH, model
from tests.systems.masked_pretraining.test_evaluation import ROWS, Curves


def test_a_report_is_made_of_a_network_that_takes_no_windows():
    scores = evaluate(model(), Curves(ROWS, LENGTH), "next")
    assert scores.values[0]["stars"] == "all" and scores.values[0]["objects"] > 0
    assert all(np.isfinite(row["rmse"]["value"]) for row in scores.values if row["objects"])
    parts = {section.title: section.parts for section in scores.sections}
    assert len(parts["Reconstructions"]) == 1
    assert len(parts["Reconstructions"][0].draw().axes) > 0
