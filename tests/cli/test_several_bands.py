"""An encoder of several bands, from raw files to one row a star: whatever file a band is in, and what cannot be told apart aside."""

import csv
import dataclasses

import numpy as np
import pyarrow.parquet as pq
import pytest

from lcjax.cli.main import main
from lcjax.pretrained.weights_folder import ImportedWeights, write_weights
from tests.inference.models import untrained
from tests.systems.base_encoder.small import small


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    settings = small()
    encoder = dataclasses.replace(settings.model.encoder, bands=6)
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, encoder=encoder))
    folder = tmp_path_factory.mktemp("bands") / "W"
    _, variables = untrained(settings)
    write_weights(folder, ImportedWeights(settings, variables, folder, None, [], []))
    return folder


def star(name, **points):
    """Fluxes of a star that pulsates, in nJy, by band."""
    rng = np.random.default_rng(len(name) + sum(points.values()))
    for band, count in points.items():
        mjd = np.sort(rng.uniform(60_000, 60_090, count))
        flux = 1e4 * (1 + 0.3 * np.sin(2 * np.pi * mjd / 7.3))
        yield from (
            [name, band.removeprefix("unnamed"), *map(float, row), 100.0] for row in zip(mjd, flux, strict=True)
        )


def write(path, rows, brightness=("psfFlux", "psfFluxErr")):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([["object_id", "band", "mjd", *brightness], *rows])
    return str(path)


def test_a_star_in_two_files_is_one_row(model, tmp_path, capsys):
    first = [*star("a", g=8, r=6), *star("b", F606W=9), *star("c", g=8), *star("e", r=3)]
    second = [*star("c", zg=8), *star("a", i=7), *star("d", unnamed=6, g=6), *star("e", g=6, i=9)]
    # The magnitudes of the same points, as another star.
    of_a = [row for row in (*first, *second) if row[0] == "a"]
    third = [["m", *row[1:3], 31.4 - 2.5 * np.log10(row[3]), 1.0857 * row[4] / row[3]] for row in of_a]
    files = [write(tmp_path / "2.csv", second), write(tmp_path / "1.csv", first)]
    files.append(write(tmp_path / "3.csv", third, ("mag", "magerr")))
    out = tmp_path / "emb.parquet"
    assert main(["predict", str(model), *files, "--out", str(out), "--cleaning.max-loss", "1"]) == 0
    rows = {row["object_id"]: row for row in pq.read_table(out).to_pylist()}
    assert {name: (row["bands"], row["n_points"]) for name, row in rows.items()} == {
        "a": ("g+r+i", 21), "b": ("F606W", 9), "e": ("g+i", 15), "m": ("g+r+i", 21),
    }  # fmt: skip
    aside = {row["object_id"]: row["reason"] for row in pq.read_table(tmp_path / "emb.rejected.parquet").to_pylist()}
    assert "'zg' and 'g' are one filter" in aside["c"] and "without a band beside those in g" in aside["d"]
    assert aside["e"] == "fewer than 5 points: 3 in band r" and len(aside) == 3
    assert "4 stars in" in capsys.readouterr().out
    embedding = {name: np.array(row["embedding"]) for name, row in rows.items()}
    np.testing.assert_allclose(embedding["m"], embedding["a"], atol=5e-3)
    assert np.abs(embedding["a"] - embedding["e"]).max() > 0.05


def test_differences_are_not_taken_for_stars(model, tmp_path, capsys):
    path = write(tmp_path / "a.csv", star("a", g=8, r=6), ("psfDiffFlux", "psfDiffFluxErr"))
    assert main(["predict", str(model), path, "--out", str(tmp_path / "e.parquet")]) == 2
    error = capsys.readouterr().err
    assert "--fluxes.difference True" in error and "Traceback" not in error
