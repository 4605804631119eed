"""FITS files that astropy alone would read without end or without a look at their sums."""

import gzip

import numpy as np
import pytest
from astropy.io import fits

from data_pipelines.kinds.host_fields.images import read_field
from data_pipelines.sources.astropy_tables import read_with_astropy
from data_pipelines.sources.whole_fits import FitsSource, check_sums
from lcjax.errors import DataError


def table_file(path):
    column = fits.Column("mag", "D", array=np.arange(30.0))
    fits.BinTableHDU.from_columns([column]).writeto(path, checksum=True)
    return path


def changed(path, before, after):
    """The same file with these bytes in place of others."""
    data = path.read_bytes()
    assert data.count(before) >= 1 and len(before) == len(after)
    path.write_bytes(data.replace(before, after, 1))
    return path


def test_a_packed_file_is_opened_as_often_as_wanted(tmp_path):
    path = table_file(tmp_path / "a.fits")
    assert FitsSource(path).opened() == path
    (tmp_path / "a.fits.gz").write_bytes(gzip.compress(path.read_bytes()))
    source = FitsSource(tmp_path / "a.fits.gz")
    assert source.opened().read() == source.opened().read() == path.read_bytes()
    assert read_with_astropy(tmp_path / "a.fits.gz")["mag"].to_pylist() == list(range(30))
    with pytest.raises(DataError, match="too large"):
        FitsSource(tmp_path / "a.fits.gz", limit=100)


def test_packed_damage_is_named_and_read_to_its_end(tmp_path):
    """A unit that is no unit, in a file that is packed: astropy would go back to its beginning for ever."""
    path = changed(table_file(tmp_path / "a.fits"), b"XTENSION= 'BINTABLE'", b"XTENSION= BBINTABLE'")
    (tmp_path / "a.fits.gz").write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(DataError, match="cannot be read as a table"):
        read_with_astropy(tmp_path / "a.fits.gz")
    packed = bytearray(gzip.compress(b"SIMPLE" * 1000))
    packed[-6] ^= 1  # the checksum at the end
    (tmp_path / "b.fits.gz").write_bytes(packed)
    with pytest.raises(DataError, match="corrupt gzip"):
        FitsSource(tmp_path / "b.fits.gz")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (np.array(7.0, ">f8").tobytes(), np.array(8.5, ">f8").tobytes(), "data have changed since DATASUM"),
        (b"TTYPE1  = 'mag", b"TTYPE1  = 'mug", "header has changed since its CHECKSUM"),
    ],
)
def test_what_the_sums_of_a_table_tell(tmp_path, before, after, words):
    path = table_file(tmp_path / "a.fits")
    assert len(read_with_astropy(path)) == 30
    with pytest.raises(DataError, match=words) as said:
        read_with_astropy(changed(path, before, after))
    assert "restore a copy" in str(said.value)


def test_sums_of_scaled_pixels_are_of_what_is_stored(tmp_path):
    path = tmp_path / "a.fits"
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8)  # kept as signed numbers and a BZERO
    fits.PrimaryHDU(pixels).writeto(path, checksum=True)
    np.testing.assert_array_equal(read_field(path, pixel_scale=1.0).pixels, pixels)
    stored = (pixels[1].astype(np.int32) - 2**15).astype(">i2").tobytes()
    with pytest.raises(DataError, match="data have changed"):
        read_field(changed(path, stored, stored[::-1]), pixel_scale=1.0)


def test_files_without_sums_are_as_they_are(tmp_path):
    fits.PrimaryHDU(np.ones((4, 4))).writeto(tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits") as units:
        check_sums(units)
