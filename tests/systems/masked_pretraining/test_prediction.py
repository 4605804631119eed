"""Rows of light curves: one for each, in order, with the outputs of the predictor."""

import numpy as np
import pyarrow as pa
import pytest

from lcjax.errors import Rejection
from lcjax.inference.light_curves import LightCurvePredictor
from lcjax.inference.loaded import Loaded
from lcjax.systems.masked_pretraining.prediction import LightCurveAnswers
from tests.inference.models import experiment, light_curve, untrained


@pytest.fixture(scope="module")
def loaded():
    settings = experiment()
    return Loaded(settings, *untrained(settings))


def test_rows_in_order_with_rejections_among_them(loaded):
    curves = [light_curve(n, seed) for seed, n in enumerate((30, 90, 12))]
    curves[1].band = "R"
    bad = Rejection("x", "too few points", "there")
    model = LightCurveAnswers(loaded, 4)
    one, passed, two, three = model.answer([curves[0], bad, *curves[1:]])
    assert passed is bad
    assert [row["n_points"] for row in (one, two, three)] == [30, 90, 12]
    assert [(row["object_id"], row["band"]) for row in (one, two, three)] == [
        ("star-0", ""),
        ("star-1", "R"),
        ("star-2", ""),
    ]
    expected = list(LightCurvePredictor.of(loaded, 4).predict(curves))
    for row, found in zip((one, two, three), expected, strict=True):
        np.testing.assert_array_equal(row["embedding"], found.outputs["embedding"])
    table = pa.Table.from_pylist([one, two, three], schema=model.schema)
    assert table.column_names == ["object_id", "band", "embedding", "n_points"]
    assert table.schema.field("embedding").type == pa.list_(pa.float32())
    assert model.constant_columns == ("band",) and model.unit == "light curves"
