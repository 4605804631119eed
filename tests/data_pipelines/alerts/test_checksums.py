"""Checksums of cutouts against astropy's, and what is said of a cutout whose pixels are not those that were summed."""

import io

import numpy as np
import pytest

from data_pipelines.sources.alerts import StampRules
from data_pipelines.sources.alerts.checksums import ones_complement_sum, wrong_checksum
from data_pipelines.sources.alerts.fits_stamp import StampError, decode_stamp

fits = pytest.importorskip("astropy.io.fits", reason="the FITS of these tests is written by astropy (extra data)")
PIXELS = np.arange(63 * 63, dtype=np.float32).reshape(63, 63)


def cutout(*cards, extension=False, compressed=False) -> bytes:
    """A cutout with both checksums, then `cards` in its header."""
    kind = fits.CompImageHDU if compressed else fits.ImageHDU if extension else fits.PrimaryHDU
    hdu = kind(PIXELS, **({"compression_type": "GZIP_1"} if compressed else {}))
    hdus = fits.HDUList([fits.PrimaryHDU(), hdu] if extension or compressed else [hdu])
    for keyword, value in cards:
        hdu.header[keyword] = value
    out = io.BytesIO()
    hdus.writeto(out, checksum=True)
    return out.getvalue()


def damaged(data: bytes) -> bytes:
    at = data.rfind(np.array(PIXELS[31, 31], ">f4").tobytes())
    return data[: at + 3] + bytes([data[at + 3] ^ 1]) + data[at + 4 :]


@pytest.mark.parametrize("extension", [False, True])
def test_right_sums_are_read_and_wrong_ones_named(extension):
    data = cutout(extension=extension)
    np.testing.assert_array_equal(decode_stamp(data)[0], PIXELS)
    with pytest.raises(StampError, match=r"wrong checksum: the pixels sum to \d+, DATASUM says \d+$"):
        decode_stamp(damaged(data))
    if not extension:
        with pytest.raises(StampError, match="do not fit CHECKSUM"):
            decode_stamp(data.replace(b"EXTEND  =                    T", b"EXTEND  =                    F", 1))


def test_a_compressed_image_is_summed_as_it_is_stored():
    np.testing.assert_array_equal(decode_stamp(cutout(compressed=True))[0], PIXELS)


def test_sums_of_the_image_that_a_cutout_was_cut_from_are_not_its_own():
    data = damaged(cutout(("ZEXTEND", True)))
    assert decode_stamp(data)[0].shape == (63, 63)


def test_without_sums_nothing_is_said():
    out = io.BytesIO()
    fits.PrimaryHDU(PIXELS).writeto(out)
    assert decode_stamp(damaged(out.getvalue()))[0].shape == (63, 63)


def test_the_sum_is_that_of_astropy():
    data = cutout()
    with fits.open(io.BytesIO(data)) as hdus:
        assert int(hdus[0].header["DATASUM"]) == ones_complement_sum(PIXELS.astype(">f4").tobytes())


def test_carries_go_round_until_none_is_left_and_the_last_word_is_filled_up_behind():
    assert ones_complement_sum(b"\xff" * 8 + bytes([0, 0, 0, 1])) == 1, "the first carry makes another"
    assert ones_complement_sum(b"") == 0 and ones_complement_sum(bytes([0, 0, 0, 1, 2])) == 0x02000001


@pytest.mark.parametrize("card", ["ZEXTEND", "ZSIMPLE", "ZTENSION", "ZBITPIX"])
def test_a_card_of_a_parent_excuses_all_but_a_compressed_image(card):
    cards = {"DATASUM": "'5'", card: "T"}
    assert wrong_checksum(cards, b"", bytes(4)) == ""
    assert "sum to 0, DATASUM says 5" in wrong_checksum({**cards, "ZIMAGE": "T"}, b"", bytes(4))


def test_each_sum_is_checked_where_it_is_alone():
    assert "DATASUM says five" in wrong_checksum({"DATASUM": "'five'"}, b"", bytes(4))
    assert wrong_checksum({"DATASUM": "5"}, b"", bytes([0, 0, 0, 5])) == "", "no quotes"
    assert "do not fit CHECKSUM" in wrong_checksum({"CHECKSUM": "'x'"}, bytes([0, 0, 0, 1]), bytes(4))
    assert wrong_checksum({"CHECKSUM": "'x'"}, b"\xff\xff\xff\xfe", bytes([0, 0, 0, 1])) == ""


def test_a_packet_says_which_stamp_it_is():
    good, bad = cutout(), damaged(cutout())
    rules, faults = StampRules(need=("science",), optional=("template", "difference")), {}
    stamps = rules.decode({"science": good, "template": bad, "difference": good}, "ztf", faults)
    assert set(stamps) == {"science", "difference"}
    assert list(faults) == ["template"] and faults["template"].endswith("(template)")
    with pytest.raises(StampError, match="science"):
        rules.decode({"science": bad}, "ztf")
