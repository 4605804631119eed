"""Domains with enough labels are recalibrated, and shown."""

import numpy as np

from lcjax.systems.domain_pairs.calibration import (
    as_values,
    assumed,
    calibration_table,
    recalibrated,
    reliability_diagram,
)
from lcjax.systems.domain_pairs.evaluation import Answered


def test_domains_are_recalibrated_and_drawn():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 60)
    logits = np.stack([np.zeros(60), 6 * (label - 0.5) + rng.normal(size=60)], -1)
    names = np.array([f"o{i}" for i in range(60)])
    few = Answered(logits[:4], logits[:4], label[:4], names[:4])
    one = Answered(logits, logits, np.zeros(60, int), names)
    answers = {"source": few, "target": Answered(logits, logits, label, names), "other": one}
    found = recalibrated(answers, np.array([0.5, 0.5]))
    assert found.keys() == {"target"} and as_values(found)["target"]["temperature"] == found["target"].temperature
    table = calibration_table(found, ("bogus", "real"))
    assert table.header[4] == "cut on real" and len(table.rows) == 1
    axis = reliability_diagram(answers, found, "real").axes[0]
    assert len(axis.lines) == 3 and len(axis.get_legend().get_texts()) == 2
    said = assumed(answers, found)
    assert [text.split(":")[0] for text in said] == ["source", "other"] and "60 labelled images of 1 classes" in said[1]
