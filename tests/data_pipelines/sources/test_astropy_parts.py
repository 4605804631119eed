"""Tables that are read in parts are those that are read whole: every kind of column, and stars that go on in the next part."""

import numpy as np
import pytest

pytest.importorskip("astropy", reason="FITS and ECSV need astropy (extra data)")

from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from astropy.time import Time

from data_pipelines.sources import astropy_parts, read_light_curves, tables
from data_pipelines.sources.astropy_tables import astropy_batches, read_with_astropy
from lcjax.errors import DataError

ROWS = 23


@pytest.fixture
def small_parts(monkeypatch):
    def small(number):
        monkeypatch.setattr(astropy_parts, "BYTES_AT_ONCE", number)
        monkeypatch.setattr(astropy_parts, "_LISTS_AT_ONCE", 4)

    return small


def of_all_kinds(path):
    rng, lists = np.random.default_rng(0), np.empty(ROWS, object)
    lists[:] = [np.arange(i % 3, dtype=np.float64) if i > 8 else np.zeros(0) for i in range(ROWS)]
    columns = [
        fits.Column("mjd", "D", unit="d", array=np.arange(ROWS) + 59000.25),
        fits.Column("mag", "E", array=np.where(np.arange(ROWS) % 5, rng.normal(15, 1, ROWS), np.nan)),
        fits.Column("n", "J", null=-99, array=np.where(np.arange(ROWS) % 4, np.arange(ROWS), -99)),
        fits.Column("big", "J", bzero=2**31, array=np.arange(ROWS, dtype=np.uint32) + 2**31),
        fits.Column("scaled", "I", array=np.arange(ROWS, dtype=np.int16)),
        fits.Column("id", "6A", array=[f"s{i // 7}" if i % 6 else "" for i in range(ROWS)]),
        fits.Column("good", "L", array=np.arange(ROWS) % 2 == 0),
        fits.Column("pair", "2E", array=rng.normal(size=(ROWS, 2))),
        fits.Column("some", "PD()", array=lists),
    ]
    unit = fits.BinTableHDU.from_columns(columns)
    unit.header["FILTER"] = "V"
    unit.writeto(path)
    fits.setval(path, "TSCAL5", value=0.01, ext=1)


def test_fits_in_parts_is_fits(tmp_path, small_parts):
    of_all_kinds(tmp_path / "a.fits")
    whole = read_with_astropy(tmp_path / "a.fits")
    small_parts(1)
    batches = list(astropy_batches(tmp_path / "a.fits"))
    assert [batch.num_rows for batch in batches] == [4, 4, 4, 4, 4, 3]
    parts = read_with_astropy(tmp_path / "a.fits")
    assert str(parts.slice(9).to_pylist()) == str(whole.slice(9).to_pylist())  # NaN is not itself
    assert str(parts.to_pylist()) == str(whole.to_pylist()) and parts.schema.metadata == whole.schema.metadata
    assert parts.schema.field("mjd").metadata == whole.schema.field("mjd").metadata
    (only,) = {tuple(b.schema.names) for b in astropy_batches(tmp_path / "a.fits", wanted={"id", "mjd"})}
    assert only == ("mjd", "id")


def test_ecsv_in_parts_is_ecsv(tmp_path, small_parts):
    table = Table(
        {
            "t": Time(np.arange(ROWS) + 59000.5, format="mjd"),
            "n": MaskedColumn(np.arange(ROWS), mask=np.arange(ROWS) % 3 == 0),
        }
    )
    table["place"] = SkyCoord(np.arange(ROWS), -np.arange(ROWS), unit="deg")
    table["said"] = [f'a "b"\n{i}' if i % 5 == 0 else f"c {i}" for i in range(ROWS)]
    table.meta["OBJECT"] = "M31"
    table.write(tmp_path / "a.ecsv")
    whole = read_with_astropy(tmp_path / "a.ecsv")
    small_parts(100)
    batches = list(astropy_batches(tmp_path / "a.ecsv"))
    assert len(batches) > 3
    parts = read_with_astropy(tmp_path / "a.ecsv")
    assert parts.to_pylist() == whole.to_pylist() and parts.schema.metadata == whole.schema.metadata
    with open(tmp_path / "a.ecsv", "a") as file:
        file.write('59999.5 1 1.0 1.0 "never closed\n')
    with pytest.raises(DataError, match="never closed"):
        read_with_astropy(tmp_path / "a.ecsv")


@pytest.mark.parametrize("ending", ["fits", "ecsv"])
def test_a_star_in_two_parts_is_one(tmp_path, monkeypatch, small_parts, ending):
    small_parts(200)
    for module in ("tables", "arrow_batches"):
        monkeypatch.setattr(f"data_pipelines.sources.{module}.POINTS_AT_ONCE", 8)
    monkeypatch.setattr(tables, "_SURELY_WHOLE", 8)
    stars = np.repeat(["a", "b", "c"], 10)
    Table({"id": stars, "mjd": np.arange(30) + 59000.0, "mag": np.full(30, 15.0), "magerr": np.full(30, 0.1)}).write(tmp_path / f"x.{ending}")  # fmt: skip
    found = {c.object_id: len(c.mjd) for c in read_light_curves([tmp_path / f"x.{ending}"])}
    assert found == {"a": 10, "b": 10, "c": 10}
