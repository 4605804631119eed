"""The benchmark of the labelling bias runs: both loops say the same, strengths are found, stars give a catalogue."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import label_bias, label_bias_stars
from lcjax.errors import DataError
from lcjax.evaluation.label_bias_catalogue import Bins
from lcjax.transforms.frequency_grid import FrequencyGrid


def test_runs(tmp_path, capsys):
    arguments = "--galaxies 2000 --depth 3 --bins 4 --objects-per-bin 50 --draws 4 --reference-draws 2"
    more = "--strengths 0 1.4 --catalogues 2 --small 4000 --large 20000"
    out = tmp_path / "out.json"
    assert label_bias.main([*arguments.split(), *more.split(), "--out", str(out)]) == 0
    record = json.loads(out.read_text())
    assert record["speed"][1]["largest difference on equal draws"] < 1e-12
    none, strong = record["strength"]
    assert strong["above the floor"] > none["above the floor"] and strong["p < 0.05"] == "2/2"


def test_stars(tmp_path):
    """Periods are found, noisy stars have a low signal to noise, stars of other classes are left out."""
    rng, rows = np.random.default_rng(0), []
    for i in range(12):
        time = np.sort(rng.uniform(0, 40, 120))
        error = 0.01 if i % 2 else 0.1
        magnitude = 10 + 0.3 * np.sin(2 * np.pi * time / 0.8) + rng.normal(0, error, 120)
        rows.append({"label": "EC" if i < 10 else "MIRA", "time": time, "mag": magnitude, "err": np.full(120, error)})
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "stars.parquet")
    grid = FrequencyGrid(span=40.0, lowest=0.1, highest=3.0, bins=16)
    table = label_bias_stars.catalogue_of(tmp_path / "stars.parquet", grid=grid)
    assert set(table["label"]) == {"EC"} and len(table["label"]) == 10
    np.testing.assert_allclose(10 ** table["log_period"], 0.8, rtol=0.02)
    np.testing.assert_allclose(table["amplitude"], 0.59, atol=0.1)
    assert table["signal_to_noise"][1::2].min() > 3 * table["signal_to_noise"][::2].max()
    with pytest.raises(DataError, match="no stars of ED"):
        label_bias_stars.catalogue_of(tmp_path / "stars.parquet", ("ED",), grid)
    many = {name: rng.normal(size=200) for name in label_bias_stars.COLUMNS} | {"label": np.array(["a", "b"] * 100)}
    found = label_bias_stars.scores_of(many, Bins(1, 2, (False, False)))
    assert found.values["objects"] == 200 and len(found.values["scores"]) == 9
