"""The report of lcjax-base: scores of hidden points and pictures, none of an attention that the network has not."""

import jax
import jax.export
import numpy as np

from lcjax.systems.base_encoder.parts import views_of
from lcjax.systems.masked_pretraining.evaluation import evaluate
from tests.systems.base_encoder.small import LENGTH, model, small
from tests.systems.masked_pretraining.test_evaluation import ROWS, Curves


def test_a_report_is_made_of_a_network_that_takes_no_windows():
    scores = evaluate(model(), Curves(ROWS, LENGTH), "next")
    assert scores.values[0]["stars"] == "all" and scores.values[0]["objects"] > 0
    assert all(np.isfinite(row["rmse"]["value"]) for row in scores.values if row["objects"])
    parts = {section.title: section.parts for section in scores.sections}
    assert len(parts["Reconstructions"]) == 1
    assert len(parts["Reconstructions"][0].draw().axes) > 0


def test_an_exported_program_takes_any_number_of_stars():
    rows = jax.export.symbolic_shape("rows")[0]
    shape = lambda kind: jax.ShapeDtypeStruct((rows, LENGTH), kind)
    batch = {name: shape(np.float32) for name in ("time", "magnitude", "magnitude_error")} | {"mask": shape(np.bool_)}
    found = jax.export.export(jax.jit(lambda batch: views_of(small())(batch).scalars))(batch)
    assert found.out_avals[0].shape[0] == rows
