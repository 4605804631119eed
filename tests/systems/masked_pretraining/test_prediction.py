"""Rows of light curves: one for each, in order, with the outputs of the predictor."""

import numpy as np
import pyarrow as pa
import pytest

from lcjax.errors import ConfigError, Rejection
from lcjax.inference.light_curves import LightCurvePredictor
from lcjax.inference.loaded import Loaded
from lcjax.inference.output import OutputOptions
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


def test_rows_of_windows_and_points(loaded):
    curves = [light_curve(n, seed) for seed, n in enumerate((30, 90))]
    curves[1].band = "R"
    windows = LightCurveAnswers(loaded, 4, OutputOptions("window"))
    table = pa.Table.from_batches(list(windows.answer(curves)), windows.schema)
    assert table.column_names == [*("object_id", "band", "window", "first_mjd", "last_mjd", "embedding", "n_points")]
    assert table["object_id"].to_pylist() == ["star-0"] + ["star-1"] * 3 and table["band"].to_pylist()[-1] == "R"
    assert table["window"].to_pylist() == [0, 0, 1, 2] and table["n_points"].to_pylist() == [30, 30, 30, 30]
    mjd = curves[1].mjd
    assert table["first_mjd"].to_pylist()[1:] == mjd[[0, 30, 60]].tolist()
    assert table["last_mjd"].to_pylist()[1:] == mjd[[29, 59, 89]].tolist()
    points = LightCurveAnswers(loaded, 4, OutputOptions("point"))
    by_point = pa.Table.from_batches(list(points.answer(curves)), points.schema)
    assert by_point.column_names == ["object_id", "band", "mjd", "embedding"] and by_point.num_rows == 120
    assert by_point["mjd"].to_pylist() == [*curves[0].mjd, *mjd]
    means = np.array(by_point["embedding"].to_pylist()).reshape(4, 30, -1).mean(1)
    np.testing.assert_allclose(table["embedding"].to_pylist(), means, rtol=1e-4, atol=1e-5)


def test_half_precision_and_what_it_cannot_hold(loaded):
    curves = [light_curve(30)]
    model = LightCurveAnswers(loaded, 4, OutputOptions(precision="float16"))
    row = next(model.answer(curves))
    exact = next(model._predictor.predict(curves)).outputs["embedding"]
    assert model.schema.field("embedding").type == pa.list_(pa.float16()) and row["embedding"].dtype == np.float16
    np.testing.assert_array_equal(row["embedding"], exact.astype(np.float16))
    with pytest.raises(ConfigError, match="float16 holds numbers up to 65504"):
        model._rounded(np.array([1.0, -7e4], np.float32))
