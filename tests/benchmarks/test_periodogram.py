"""The benchmark of periodograms runs, on stars whose periods it must find."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

import benchmarks.periodogram as module
from benchmarks import periods_found
from benchmarks.periods_found import relation, shares, stars_of
from lcjax.errors import DataError


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Six stars in two bands, periods of half a day and less, one star without a period."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(7):
        time = 50000 + np.sort(rng.uniform(0, 25, 80))
        period = (0.31, 0.4217)[i % 2]
        magnitude = 15 + 0.3 * np.sin(2 * np.pi * time / period) + rng.normal(0, 0.02, 80)
        bands = ["g", "r"] * 40
        magnitude[1::2] = 20 + 0.1 * np.sin(2 * np.pi * time[1::2] / period) + rng.normal(0, 0.02, 40)
        error = np.full(80, 0.02)
        row = {"id": f"star {i}", "label": "AB"[i % 2], "period": period if i else 0.0}
        rows.append({**row, "time": time.tolist(), "mag": magnitude.tolist(), "err": error.tolist(), "band": bands})
    path = tmp_path_factory.mktemp("stars") / "stars.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_runs_and_finds_them(table, tmp_path, capsys, monkeypatch):
    pytest.importorskip("astropy.timeseries", reason="needs astropy (extra test or data)")
    small = module.FrequencyGrid(span=26.0, lowest=0.1, highest=4.0, bins=32)
    monkeypatch.setattr(module, "FrequencyGrid", lambda **_: small)
    monkeypatch.setattr(periods_found, "FrequencyGrid", lambda **_: small)
    quick = module.PeakSearch(candidates=1, peaks=3, harmonics=1, refined_with=1)
    for home in (module, periods_found):
        monkeypatch.setattr(home, "PeakSearch", lambda: quick)
    out = tmp_path / "out.json"
    arguments = [
        "--tables",
        str(table),
        "--stars",
        "2",
        "--turns",
        "1",
        "--half",
        "0",
        "--harmonics",
        "2",
        "--out",
        str(out),
    ]
    assert module.main(arguments) == 0
    record = json.loads(out.read_text())
    assert all(row["stars per CPU second"] > 0 for row in record["speed"])
    for name in ("stars, g", "stars, all"):
        rows = [row for row in record[name] if row["method"] == "lcjax"]
        assert rows and all(row["period"] == 100 and row["among candidates"] == 100 for row in rows), name
        assert sum(row["stars"] for row in rows) == len(stars_of(table, 40, 0, "g"))
    assert "lcjax, all views, points in 6 bands" in capsys.readouterr().out


def test_all_bands_have_their_slots(table):
    stars, one = stars_of(table, 40, 0, "all"), stars_of(table, 40, 0, "g")
    for star, single in zip(stars, one, strict=True):
        assert "slot" not in single and len(star["time"]) == 2 * len(single["time"])
        assert np.all(np.diff(star["time"]) >= 0) and set(star["slot"]) == {1, 2}
        np.testing.assert_array_equal(star["mag"][star["slot"] == 1], single["mag"])


def test_halves_share_no_star_and_lose_none_that_has_a_period(table):
    halves = [{star["time"][0] for star in stars_of(table, 40, half, "g")} for half in (0, 1)]
    assert not halves[0] & halves[1] and len(halves[0] | halves[1]) == 6
    assert all((star["mag"] < 19).all() for star in stars_of(table, 40, 0, "g"))


def test_tables_that_cannot_be(table, tmp_path):
    with pytest.raises(DataError, match="no Parquet"):
        stars_of(tmp_path / "none.parquet", 1, 0, "g")
    with pytest.raises(DataError, match="no star of 10 points"):
        stars_of(table, 1, 0, "z")
    less = tmp_path / "less.parquet"
    parquet.write_table(parquet.read_table(table).drop_columns(["period"]), less)
    with pytest.raises(DataError, match="no column period"):
        stars_of(less, 1, 0, "g")


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        (1 / 0.57, "period"),
        (1 / 0.574, "period"),
        (2 / 0.57, "multiple"),
        (1 / 0.57 / 3, "multiple"),
        (1 / 0.57 + 1.00274, "alias"),
        (2 - 1 / 0.57, "alias"),
        (0.5 / 0.57 - 1 / 365.25, "multiple"),
        (1 / 0.57 + 0.02, "other"),
        (0.05, "other"),
    ],
)
def test_relations(frequency, expected):
    assert relation(frequency, 0.57, 2500.0) == expected


def test_shares_add_up():
    stars = [
        {"label": "A", "lcjax": k, "astropy": "other", "among": k != "other"}
        for k in ("period", "alias", "other", "period")
    ]
    mine, astropy = shares(stars)
    assert (mine["period"], mine["alias"], mine["other"], mine["among candidates"]) == (50, 25, 25, 75)
    assert astropy["other"] == 100 and astropy["among candidates"] is None
