"""From a table of fluxes, half of them negative, to predictions through the command line; each command says what magnitudes lack."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lcjax.cli.main import main
from lcjax.cli.remarks import warn

STARS, POINTS = 48, 40
SMALL = ["--model.num-layers", "1", "--model.width", "16", "--model.num-heads", "2", "--model.ffn-width", "16"]
QUICK = [
    "--steps",
    "3",
    "--batch-size",
    "4",
    "--window.length",
    "20",
    "--training.evaluate-batches",
    "1",
    "--no-report",
]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Rubin's forced photometry of differences; the first six stars have three positive fluxes each."""
    rng = np.random.default_rng(1)
    flux = rng.choice([-1, 1], (STARS, POINTS)) * rng.uniform(5e3, 2e4, (STARS, POINTS))
    flux[:6, 3:] = -np.abs(flux[:6, 3:])
    flux[:6, :3] = np.abs(flux[:6, :3])
    columns = {"midpointMjdTai": np.sort(rng.uniform(60_800, 61_000, (STARS, POINTS)), axis=1), "psfDiffFlux": flux}
    columns["psfDiffFluxErr"] = np.full((STARS, POINTS), 500.0)
    path = tmp_path_factory.mktemp("rubin") / "forced.parquet"
    pq.write_table(pa.table({"diaObjectId": np.arange(STARS)} | {k: list(v) for k, v in columns.items()}), path)
    return path, flux


def test_the_whole_path(table, tmp_path, capsys):
    source, flux = table
    negative = int((flux < 0).sum())
    said = lambda stream: " ".join(stream.split())
    prepare = [
        "data",
        "prepare",
        "light_curve_files",
        "--source",
        str(source),
        "--out",
        str(tmp_path / "D"),
        "--shards",
        "2",
    ]
    assert main(prepare) == 0
    assert f"{flux.size:,} points ({negative:,} negative, 0 upper limits)" in said(capsys.readouterr().out)
    (folder,) = (tmp_path / "D" / "light_curve_files").iterdir()
    assert main(["data", "verify", str(folder)]) == 0
    assert main(["data", "describe", str(folder)]) == 0
    out = said(capsys.readouterr().out)
    assert (
        "difference flux in nJy, zero point 31.4" in out
        and "median flux / error" in out
        and "6 of 48 light curves" in out
    )
    data, workdir = ["--data", str(folder)], str(tmp_path / "W")
    assert main(["train", "astromer2-small", *data, "--workdir", workdir, *SMALL, *QUICK]) == 0
    err = said(capsys.readouterr().err)
    assert "magnitudes of fluxes, split 'train'" in err and "most of its data" in err
    assert main(["evaluate", workdir, *data, "--json", str(tmp_path / "scores.json")]) == 0
    assert "magnitudes of fluxes, split 'test'" in said(capsys.readouterr().err)
    answers, limits = [], ([], ["--cleaning.max-loss", "1"])
    for inputs, limit in zip((folder, source), limits, strict=True):
        command = ["predict", workdir, str(inputs), "--out", str(tmp_path / "answers.parquet"), *limit]
        assert main(command) == (0 if limit else 2)
        told = capsys.readouterr()
        assert f"{negative:,} flux not positive" in said(told.out if limit else told.err)
        answers.append({row["object_id"]: row for row in pq.read_table(tmp_path / "answers.parquet").to_pylist()})
        rejected = pq.read_table(tmp_path / "answers.rejected.parquet").to_pylist()
        assert sorted(row["object_id"] for row in rejected) == [str(i) for i in range(6)]
        assert {row["reason"] for row in rejected} == {"fewer than 5 points: 3 (37 flux not positive)"}
    prepared, raw = answers
    assert prepared.keys() == raw.keys() == {str(i) for i in range(6, STARS)}
    for name, row in raw.items():
        assert row["n_points"] == prepared[name]["n_points"] == int((flux[int(name)] > 0).sum())
        np.testing.assert_allclose(row["embedding"], prepared[name]["embedding"], atol=2e-4)


def test_remarks_are_lines_beside_the_output(capsys):
    for text in ("one [thing]", "another"):
        warn(text)
    assert capsys.readouterr() == ("", "one [thing]\nanother\n")
