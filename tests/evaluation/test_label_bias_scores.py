"""What is said of a labelling bias: the rows belong to the cells they name."""

import numpy as np
import pytest

from lcjax.evaluation.label_bias_catalogue import Bins, build_catalogue
from lcjax.evaluation.label_bias_draws import bootstrap_bias, permutation_test
from lcjax.evaluation.label_bias_scores import bias_scores


def test_the_biased_observable_and_classes_stand_out():
    rng = np.random.default_rng(0)
    alpha, beta, label = rng.normal(size=(3000, 1)), rng.normal(size=(3000, 2)), rng.integers(0, 3, 3000)
    label[(beta[:, 1] > 0) & (label == 1)] = 2  # the second observable hides class 1 among class 2
    catalogue = build_catalogue(alpha, beta, label, names=["size", "seeing", "depth"])
    bins = Bins(2, 5, (True, True))
    draws, test = bootstrap_bias(catalogue, bins, draws=20), permutation_test(catalogue, bins, 30)
    scores = bias_scores(catalogue, bins, draws, test, "C")
    rows = {row["of"]: row for row in scores.values["scores"]}
    assert rows["depth"]["above_floor"]["low"] > 0.13 > rows["seeing"]["bias"]["high"]
    assert rows["depth, class 0"]["p_value"] > 0.05 > rows["depth, class 1"]["p_value"]
    assert rows["all"]["bias"]["value"] == pytest.approx(draws.bias.mean())
    squares = [rows[f"depth, class {k}"]["bias"]["value"] ** 2 for k in range(3)]
    assert rows["depth"]["bias"]["value"] == pytest.approx(np.sqrt(np.mean(squares)), rel=0.02)
    assert len(scores.printed[-1].rows) == 6 and len(scores.sections[0].parts[-1].rows) == 12
    for picture in scores.sections[1].parts:
        assert picture.draw().axes
