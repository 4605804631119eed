"""FITS and ECSV tables of any columns: times, coordinates, masked cells, arrays, and what the header says."""

import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from astropy.time import Time

from data_pipelines.sources import ColumnNames, read_light_curves
from data_pipelines.sources.arrow_text import times_as_text
from data_pipelines.sources.astropy_tables import read_with_astropy
from lcjax.errors import ConfigError, DataError


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


def test_of_several_tables_the_user_says_which(tmp_path):
    """The first one alone would be half of the points."""
    table = lambda mag: Table({"mjd": np.arange(8) + 59_000.0, "mag": np.full(8, mag), "err": np.full(8, 0.1)})
    image = fits.CompImageHDU(np.ones((16, 16), np.float32), name="MASK")
    units = [fits.PrimaryHDU(), image, *(fits.BinTableHDU(table(m), name=n) for m, n in ((15.0, "G"), (16.0, "R")))]
    path = tmp_path / "star.fits"
    fits.HDUList(units).writeto(path)
    with pytest.raises(ConfigError, match=r"star.fits' has the tables 2 G, 3 R: say which .* --columns.table NAME"):
        list(read_light_curves([path]))
    for which, mag in (("r", 16.0), ("2", 15.0)):
        (curve,) = read_light_curves([path], ColumnNames(table=which))
        assert curve.magnitude.tolist() == [mag] * 8
    with pytest.raises(ConfigError, match="none of them called 'I'"):
        read_with_astropy(path, "I")
    fits.HDUList(units[:3]).writeto(tmp_path / "one.fits")
    assert read_with_astropy(tmp_path / "one.fits").num_rows == 8


@pytest.mark.filterwarnings("ignore:File may have been truncated")
def test_a_table_of_fewer_rows_than_its_header_says_is_damaged(tmp_path):
    Table({"mjd": np.arange(3000.0), "mag": np.ones(3000), "err": np.ones(3000)}).write(tmp_path / "a.fits")
    whole = (tmp_path / "a.fits").read_bytes()
    for cut in (whole[: -2 * 2880], whole.replace(b"= " + b" " * 16 + b"3000", b"= " + b" " * 16 + b"4000")):
        assert cut != whole
        (tmp_path / "a.fits").write_bytes(cut)
        with pytest.raises(DataError, match=r"a\.fits' cannot be read as a table"):
            read_with_astropy(tmp_path / "a.fits")
