"""The minimal decoder against astropy; bounds; damage."""

import gzip
import io
import re
import time

import fastavro
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipelines.datasets.alert_checks import fits_bytes, stamp
from data_pipelines.sources.alerts.fits_stamp import MAX_BYTES, StampError, decode_stamp, gunzip


def written(hdus) -> bytes:
    out = io.BytesIO()
    fits.HDUList(hdus).writeto(out)
    return out.getvalue()


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "i2", "i4", "i8"])
def test_every_pixel_type_and_shape(dtype):
    pixels = np.random.default_rng(0).integers(0, 200, (7, 5)).astype(dtype)
    found, scale, _ = decode_stamp(gzip.compress(written([fits.PrimaryHDU(pixels)])))
    assert found.dtype == np.float32 and scale is None
    np.testing.assert_array_equal(found, pixels.astype(np.float32))


def test_scaled_integers_and_blanks():
    hdu = fits.PrimaryHDU(np.array([[1, 2], [3, -99]], np.int16))
    hdu.header.update({"BSCALE": 0.5, "BZERO": 10.0, "BLANK": -99})
    found, _, _ = decode_stamp(written([hdu]))
    np.testing.assert_array_equal(found, np.array([[10.5, 11], [11.5, np.nan]], np.float32))


@pytest.mark.parametrize(
    ("cards", "arcsec"),
    [
        ({"CD1_1": -2e-5, "CD1_2": 3e-5, "CD2_1": 3e-5, "CD2_2": 2e-5}, 3600 * np.sqrt(13e-10)),
        ({"PC1_1": 0.6, "PC1_2": 0.8, "PC2_1": -0.8, "PC2_2": 0.6, "CDELT1": -1e-4, "CDELT2": 1e-4}, 0.36),
        ({"CDELT1": -2.5e-4, "CDELT2": 2.5e-4}, 0.9),
        ({"CRPIX1": 1.0}, None),
        ({"CD1_1": 0.0, "CD2_2": 0.0}, None),
        ({"CDELT1": 1.0, "CDELT2": 1.0}, None),
    ],
)
def test_pixel_scale_of_the_wcs(cards, arcsec):
    _, scale, _ = decode_stamp(fits_bytes(stamp(0, 9), cards))
    assert scale is None if arcsec is None else scale == pytest.approx(arcsec)


def test_what_is_not_simple_goes_to_astropy():
    pixels = stamp(1, 20)
    image = fits.ImageHDU(pixels)
    image.header.update({"CDELT1": 1e-4, "CDELT2": 1e-4})
    found, scale, _ = decode_stamp(written([fits.PrimaryHDU(), image]))
    np.testing.assert_array_equal(found, pixels)
    assert scale == pytest.approx(0.36)
    tiled = decode_stamp(
        written([fits.PrimaryHDU(), fits.CompImageHDU(pixels, compression_type="GZIP_1", quantize_level=0)])
    )
    np.testing.assert_array_equal(tiled[0], pixels)


def compressed(pixels, kind="GZIP_1", **settings) -> bytes:
    if pixels.dtype.kind == "f" and kind.startswith("GZIP"):
        settings.setdefault("quantize_level", 0)
    return written([fits.PrimaryHDU(), fits.CompImageHDU(pixels, compression_type=kind, **settings)])


def changed(data: bytes, **cards) -> bytes:
    """With other values of some cards."""
    for name, value in cards.items():
        at = data.find(f"{name:8s}= ".encode())
        data = data[:at] + f"{name:8s}= {value:>20}".ljust(80).encode() + data[at + 80 :]
    return data


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "GZIP_2"])
@pytest.mark.parametrize("dtype", ["f4", "i4", "i2"])
def test_tiles_as_astropy_reads_them(kind, dtype):
    data = compressed(stamp(3, 30).astype(dtype), kind)
    with fits.open(io.BytesIO(data)) as hdus:
        np.testing.assert_array_equal(decode_stamp(data)[0], np.asarray(hdus[1].data, np.float32))


def test_a_compressed_image_without_tiles():
    """astropy gives no pixels at all for it: an array without axes, of one NaN."""
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(stamp(1, 20), compression_type="GZIP_1")]).writeto(out)
    at = out.getvalue().index(b"NAXIS2  =", 2880)
    data = out.getvalue()[:at] + b"NAXIS2  =                    0".ljust(80) + out.getvalue()[at + 80 :]
    with pytest.raises(StampError, match="no pixels where 20x20 are due"):
        decode_stamp(data)


def test_unsigned_64_bit_pixels():
    pixels = np.array([[0, 69], [2**40, 2**63 + 2**45]], np.uint64)
    np.testing.assert_array_equal(decode_stamp(written([fits.PrimaryHDU(pixels)]))[0], pixels.astype(np.float32))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (changed(compressed(stamp(1, 8)), NAXIS=999_999_990), "damaged FITS: a header claims 999,999,990 axes"),
        (changed(compressed(stamp(1, 8)), TFIELDS=78_440), "damaged FITS: a header claims 2 axes and 78,440 columns"),
        (changed(compressed(stamp(1, 8)), ZTILE1=0), "damaged FITS: the tiles"),
        (changed(compressed(stamp(1, 8)), ZNAXIS1=10**6, ZTILE1=1), "damaged FITS: the tiles"),
        (changed(compressed(stamp(1, 8)), PCOUNT=-9), "damaged FITS: a header claims a negative size"),
        (changed(compressed(stamp(1, 8), "RICE_1"), ZVAL2=586_454), "damaged FITS: BYTEPIX"),
        (changed(compressed(stamp(1, 8), "RICE_1"), ZVAL1=0), "damaged FITS: BLOCKSIZE"),
        (compressed(stamp(1, 16).astype(int), "HCOMPRESS_1"), "unsupported compression: 'HCOMPRESS_1' tiles"),
        (
            written([fits.PrimaryHDU()] + [fits.ImageHDU() for _ in range(40)]),
            "damaged FITS: it has more than 32 parts",
        ),
    ],
)
def test_what_would_hang_or_crash_a_generic_reader_never_gets_there(data, reason):
    began = time.perf_counter()
    with pytest.raises(StampError, match=re.escape(reason)):
        decode_stamp(data)
    assert time.perf_counter() - began < 1


def test_a_bomb_in_a_tile():
    data = compressed(np.zeros((8, 8), np.float32), tile_shape=(8, 8))
    bomb = gzip.compress(bytes(30 << 20))
    data = changed(data, PCOUNT=len(bomb), TFORM1=f"'1PB({len(bomb)})'")
    begin = len(data) - 2880
    table = np.array([len(bomb), 0], ">i4").tobytes() + bomb
    with pytest.raises(StampError, match="gzip too large: a tile of more than 512 bytes"):
        decode_stamp(data[:begin] + table + bytes(-len(table) % 2880))


def test_nan_and_infinity_are_kept():
    pixels = stamp(2, 6)
    pixels[0, 0], pixels[1, 1] = np.nan, -np.inf
    np.testing.assert_array_equal(decode_stamp(fits_bytes(pixels))[0], pixels)


def header(**cards) -> bytes:
    lines = [f"{k:8s}= {v:>20}" for k, v in ({"SIMPLE": "T"} | cards).items()] + ["END"]
    raw = "".join(f"{line:80s}" for line in lines).encode()
    return raw + b" " * (-len(raw) % 2880)


good = {"BITPIX": -32, "NAXIS": 2, "NAXIS1": 4, "NAXIS2": 4}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not FITS"),
        (b"not fits at all", "not FITS"),
        (gzip.compress(b"hello", mtime=0), "not FITS"),
        (gzip.compress(fits_bytes(stamp(0)))[:-20], "corrupt gzip"),
        (gzip.compress(fits_bytes(stamp(0)))[:-8] + bytes(8), "corrupt gzip"),
        (gzip.compress(fits_bytes(stamp(0)), mtime=0)[:200] + b"\xff" * 400, "corrupt gzip"),
        (gzip.compress(bytes(MAX_BYTES + 1)), "gzip too large"),
        (fits_bytes(stamp(0))[:2000], "no END"),
        (b"SIMPLE  =" + b" " * 2880 * 70, "no END"),
        (fits_bytes(stamp(0))[:5000], "damaged FITS: 2,120 bytes"),
        (header(**good | {"BITPIX": 7}), "BITPIX is 7"),
        (header(**good | {"NAXIS1": "many"}), "no such number"),
        (header(**good | {"NAXIS1": -4}), "stamp size"),
        (header(**good | {"NAXIS1": 10**9, "NAXIS2": 10**9}), "stamp size"),
        (header(BITPIX=-32, NAXIS=0), "no image"),
    ],
)
def test_damage_and_bombs_are_named(data, reason):
    with pytest.raises(StampError, match=reason):
        decode_stamp(data)


def test_gzip_of_many_members_is_bounded_in_all():
    assert gunzip(gzip.compress(b"ab") + gzip.compress(b"cd")) == b"abcd"
    with pytest.raises(StampError, match="too large"):
        gunzip(gzip.compress(bytes(600)) * 3, limit=1000)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_random_damage_never_escapes(data):
    raw = bytearray(fits_bytes(stamp(3, 12), {"CDELT1": 1e-4, "CDELT2": 1e-4}))
    if data.draw(st.booleans()):
        raw = bytearray(gzip.compress(bytes(raw), 1))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw
    try:
        pixels, scale, _ = decode_stamp(bytes(raw))
    except StampError as error:
        assert str(error)
    else:
        assert pixels.dtype == np.float32 and pixels.ndim == 2
        assert scale is None or scale > 0


def generic(data: bytes) -> np.ndarray:
    """The way of the published service: gzip, then astropy."""
    with gzip.open(io.BytesIO(data)) as file, fits.open(io.BytesIO(file.read()), ignore_missing_simple=True) as hdus:
        return hdus[0].data


def test_real_cutouts_equal_and_four_times_as_fast(data_root):
    files = sorted((data_root / "ztf_alerts" / "kowalski_avro").glob("*.avro"))
    cutouts = []
    for file in files:
        with open(file, "rb") as stream:
            for record in fastavro.reader(stream):
                cutouts += [record[f"cutout{k}"]["stampData"] for k in ("Science", "Template", "Difference")]
    if not cutouts:
        pytest.skip("no ZTF packets at hand")
    for data in cutouts:
        np.testing.assert_array_equal(decode_stamp(data)[0], generic(data))

    def seconds(decode) -> float:
        begin = time.process_time()
        for data in cutouts[:60]:
            decode(data)
        return time.process_time() - begin

    assert min(seconds(generic) for _ in range(4)) >= 4 * min(seconds(lambda d: decode_stamp(d)) for _ in range(8))
