"""FITS and ECSV tables of any columns: times, coordinates, masked cells, arrays, and what the header says."""

import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from astropy.time import Time

from data_pipelines.sources.arrow_text import times_as_text
from data_pipelines.sources.astropy_tables import read_with_astropy
from lcjax.errors import DataError


def test_times_coordinates_and_masked_cells(tmp_path):
    table = Table({"t": Time([59000.5, 59001.5], format="mjd"), "mag": MaskedColumn([1.0, 2.0], mask=[False, True])})
    table["place"] = SkyCoord([10.0, 20.0], [-5.0, 5.0], unit="deg")
    table["band"] = ["g", "r"]
    table.meta["OBJECT"] = "M31"
    table.write(tmp_path / "a.ecsv")
    found = read_with_astropy(tmp_path / "a.ecsv")
    assert found["t"].to_pylist() == [59000.5, 59001.5] and found["mag"].to_pylist() == [1.0, None]
    assert found["ra"].to_pylist() == [10.0, 20.0] and found["dec"].to_pylist() == [-5.0, 5.0]
    assert found["band"].to_pylist() == ["g", "r"] and found.schema.metadata[b"OBJECT"] == b"M31"


def test_fits_has_native_numbers_arrays_and_both_headers(tmp_path):
    columns = [
        fits.Column("n", "J", array=np.array([1, 2])),
        fits.Column("mags", "3E", array=np.arange(6.0).reshape(2, 3)),
        fits.Column("id", "5A", array=np.array(["ab", "c"])),
    ]
    unit = fits.BinTableHDU.from_columns(columns)
    unit.header["FILTER"] = "V"
    first = fits.PrimaryHDU()
    first.header["OBJECT"] = "Mira"
    fits.HDUList([first, unit]).writeto(tmp_path / "a.fits")
    found = read_with_astropy(tmp_path / "a.fits")
    assert found["n"].to_pylist() == [1, 2] and found["id"].to_pylist() == ["ab", "c"]
    assert found["mags"].to_pylist() == [[0, 1, 2], [3, 4, 5]] and pa.types.is_list(found.schema.field("mags").type)
    assert found.schema.metadata[b"OBJECT"] == b"Mira" and found.schema.metadata[b"FILTER"] == b"V"


def test_damage_is_one_sentence(tmp_path):
    (tmp_path / "a.fits").write_bytes(b"SIMPLE nothing")
    with pytest.raises(DataError, match=r"a\.fits' cannot be read as a table \("):
        read_with_astropy(tmp_path / "a.fits")


def test_times_of_arrow_as_text():
    zoned = pa.array([0, None], pa.timestamp("ns", "Europe/Vienna"))
    assert times_as_text(zoned).to_pylist() == ["1970-01-01 00:00:00.000000000", None]
    assert times_as_text(pa.array([1], pa.date32())).to_pylist() == ["1970-01-02"]
