import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks import predict


def test_tables_and_record(tmp_path, capsys):
    model, curves, out = tmp_path / "W", tmp_path / "c.parquet", tmp_path / "r.json"
    predict._write_tiny_model(model)
    predict.make_curves(curves, 30)
    sizes = [len(x) for x in pq.read_table(curves)["mjd"].to_pylist()]
    arguments = ["--model", str(model), "--curves", str(curves), "--count", "20", "--turns", "1", "--out", str(out)]
    assert predict.main(arguments) == 0
    record = json.loads(out.read_text())
    assert record["curves"] == 20 and record["points"] == sum(sizes[:20])
    assert [row["stage"] for row in record["stages"]] == ["read", "clean", "network", "write", "whole"]
    operations = record["operations"]
    assert 0 < operations["share of the ceiling"] < 1.2 and 0 <= operations["padding (share of points)"] < 0.5
    assert "the network against the processor" in capsys.readouterr().out


def test_rates_are_of_whole_tables_of_a_level(tmp_path):
    predict._write_tiny_model(tmp_path / "W")
    curves = predict.make_curves(tmp_path / "c.parquet", 3)
    loaded, options = predict.model_of(str(tmp_path / "W")), predict.Options(count=2, turns=1)
    found = predict._level(loaded, curves, "point", tmp_path, options)
    points = [len(x) for x in pq.read_table(curves)["mjd"].to_pylist()[:2]]
    assert found["rows"] == sum(points) and found["row of"] == "point" and found["file (MB)"] > 0
    rates = found["points per processor second"], found["curves per processor second"]
    assert rates[0] / rates[1] == pytest.approx(np.mean(points))


def test_memory_is_that_of_a_real_process(tmp_path):
    found = predict.memory(tmp_path, 40)
    assert found["rows"] == 40 and 50 < found["peak memory (MB)"] < 4000


def test_made_up_curves_do_not_depend_on_their_number(tmp_path):
    few, many = (pq.read_table(predict.make_curves(tmp_path / f"{n}.parquet", n)) for n in (3, 2003))
    assert many.num_rows == 2003 and many["id"].to_pylist()[-1] == "star2002"
    assert all(np.all(np.diff(t) >= 0) and len(t) >= 5 for t in few["mjd"].to_pylist())
