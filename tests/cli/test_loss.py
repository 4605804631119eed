"""Losing most of the data is not success: exit code 2 and the main reasons, unless it is wanted."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.kinds.light_curves.cleaning import CleaningReport, CleaningSettings
from data_pipelines.kinds.light_curves.loss import check_loss
from data_pipelines.shards.manifest import read_manifest
from lcjax.cli.main import main
from lcjax.errors import ConfigError, DataError, Rejection
from tests.inference.models import experiment, weights_folder


def table(path, bad, factor):
    """20 stars of 20 points in Rubin's columns; so many of the first stars have fluxes times `factor` at all but 4 points."""
    rng = np.random.default_rng(1)
    flux = rng.uniform(1e4, 2e4, (20, 20))
    flux[:bad, 4:] *= factor
    columns = {"midpointMjdTai": np.sort(rng.uniform(60_800, 61_000, (20, 20)), axis=1), "psfFlux": flux}
    columns["psfFluxErr"] = np.full((20, 20), 100.0)
    pq.write_table(pa.table({"diaObjectId": np.arange(20)} | {k: list(v) for k, v in columns.items()}), path)
    return path


def prepare(source, out, *more):
    return main(
        ["data", "prepare", "light_curve_files", "--source", str(source), "--out", str(out), "--shards", "2", *more]
    )


def test_prepare(tmp_path, capsys):
    assert prepare(table(tmp_path / "few.parquet", 4, np.nan), tmp_path / "A") == 0
    many = table(tmp_path / "many.parquet", 5, np.nan)
    capsys.readouterr()
    assert prepare(many, tmp_path / "D") == 2
    said = capsys.readouterr().err
    assert len(said.strip().splitlines()) == 1 and "Traceback" not in said
    for words in (
        "5 of 20 light curves (5 fewer than 5 points)",
        "80 flux not finite",
        "more than 20%",
        "--cleaning.max-loss 0.2",
    ):
        assert words in said
    assert not list((tmp_path / "D").rglob("*.tfrecord*"))
    assert prepare(many, tmp_path / "D", "--cleaning.max-loss", "0.26") == 0
    assert "magnitudes of flux 'psfFlux' in nJy, zero point 31.4" in " ".join(capsys.readouterr().out.split())
    folder = next((tmp_path / "D" / "light_curve_files").iterdir())
    assert read_manifest(folder).facts["brightness"] == "magnitudes of flux 'psfFlux' in nJy, zero point 31.4"
    assert read_manifest(folder).facts["times"] == "MJD (its name)"
    assert json.loads((folder / "cleaning.json").read_text())["points_dropped"]["flux not finite"] == 80
    assert main(["data", "describe", str(folder)]) == 0
    assert "in nJy, zero point 31.4" in " ".join(capsys.readouterr().out.split())


def test_negative_fluxes_are_no_loss_until_magnitudes_are_wanted(tmp_path, capsys):
    weights_folder(tmp_path / "W", experiment(parity=True))
    assert prepare(table(tmp_path / "n.parquet", 8, -1), tmp_path / "D") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "points kept 400 of 400" in said and "400 points (128 negative, 0 upper limits)" in said
    assert "160 of 400 points (128 flux not positive, 32 of light curves with too few magnitudes), 8 of 20" in said
    out = tmp_path / "e.parquet"
    command = ["predict", str(tmp_path / "W"), str(tmp_path / "D"), "--out", str(out)]
    assert main(command) == 2
    said = capsys.readouterr()
    assert "8 of 20 light curves (8 fewer than 5 points) and 160 of 400 points (128 flux not positive" in said.err
    reasons = pq.read_table(tmp_path / "e.rejected.parquet")["reason"].to_pylist()
    assert reasons == ["fewer than 5 points: 4 (16 flux not positive)"] * 8 and pq.read_table(out).num_rows == 12
    assert main([*command, "--cleaning.max-loss", "0.5"]) == 0


def test_predict_writes_what_it_found(tmp_path, capsys):
    weights_folder(tmp_path / "W", experiment(parity=True))
    source, out = table(tmp_path / "s.parquet", 8, -1), tmp_path / "e.parquet"
    command = ["predict", str(tmp_path / "W"), str(source), "--out", str(out)]
    assert main(command) == 2
    said = capsys.readouterr()
    assert "8 of 20 light curves (8 fewer than 5 points)" in said.err and "--cleaning.max-loss" in said.err
    assert "zero point 31.4" in said.err and "flux not positive" in said.out
    assert pq.read_table(out).num_rows == 12
    assert pq.read_table(tmp_path / "e.rejected.parquet").num_rows == 8
    assert main([*command, "--cleaning.max-loss", "1"]) == 0


def test_copies_are_no_loss():
    report = CleaningReport(points_read=100, points_kept=30, curves_kept=3)
    report.points_dropped.update({"copy of a point": 65, "time repeated": 5})
    check_loss(report, CleaningSettings())
    report.points_dropped.update({"time repeated": 5})
    with pytest.raises(DataError, match=r"10 of 40 points \(10 time repeated\)"):
        check_loss(report, CleaningSettings())
    report.rejected.append(Rejection("a", "fewer than 5 points: 1", ""))
    with pytest.raises(DataError, match=r"1 of 4 light curves .* and 10 of 40 points"):
        check_loss(report, CleaningSettings())
    check_loss(report, CleaningSettings(max_loss=0.25))
    with pytest.raises(ConfigError, match="between 0 and 1"):
        check_loss(report, CleaningSettings(max_loss=20))
