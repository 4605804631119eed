"""Stamps without packets: how files go together, arrays and their metadata, and refusals."""

import io

import numpy as np
import pytest
from astropy.io import fits

from data_pipelines.datasets.alert_checks import fits_bytes, stamp
from data_pipelines.sources.alerts import STAMP_NAMES, StampRules
from data_pipelines.sources.alerts.stamp_files import read_fits_stamps, read_npy_stamps, stamp_group
from lcjax.errors import Rejection

LOOSE = StampRules(need=("science",), optional=("template", "difference"), size="any")
ALL = StampRules(size="any")


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("sn1_science.fits", ("sn1", "science")),
        ("sn1-REF.fit.gz", ("sn1", "template")),
        ("sn1.scimrefdiffimg.fits", ("sn1", "difference")),
        ("sn1_targ_scimref.fts", ("sn1", "difference")),
        ("sn1sub.fits", ("sn1", "difference")),
        ("diff.fits", ("diff", "science")),
        ("galaxy.FITS.GZ", ("galaxy", "science")),
        ("sn_templates.fits", ("sn_templates", "science")),
    ],
)
def test_files_of_one_alert_share_a_beginning(name, group):
    assert stamp_group(name) == group


def arrays(array, rules=ALL, name="a"):
    out = io.BytesIO()
    np.save(out, array)
    out.seek(0)
    return list(read_npy_stamps(out, rules, "a.npy", name))


CUBE = np.stack([stamp(k, 9) for k in range(3)])


@pytest.mark.parametrize(
    ("array", "count"),
    [
        (CUBE, 1),
        (np.moveaxis(CUBE, 0, -1), 1),
        (np.stack([CUBE, CUBE]), 2),
        (np.stack([np.moveaxis(CUBE, 0, -1)] * 2), 2),
        (np.asfortranarray(np.stack([CUBE, CUBE])), 2),
        (CUBE.astype(np.float64), 1),
    ],
)
def test_every_layout_of_three_channels(array, count):
    found = arrays(array)
    assert [a.object_id for a in found] == (["a"] if count == 1 else ["a:0", "a:1"])
    assert [a.origin for a in found] == [f"a.npy#{i}" for i in range(count)]
    for alert in found:
        for k, name in enumerate(STAMP_NAMES):
            np.testing.assert_array_equal(alert.stamps[name].pixels, CUBE[k])
            assert alert.stamps[name].pixel_scale == 1.0 and alert.stamps[name].pixels.flags.c_contiguous


def test_single_images_are_science_and_counts_are_numbers():
    (one,) = arrays(stamp(0, 7), LOOSE)
    many = arrays(np.stack([stamp(k, 7) for k in range(5)]), LOOSE)
    assert set(one.stamps) == {"science"} and [a.alert_id for a in many] == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(many[4].stamps["science"].pixels, stamp(4, 7))
    (whole,) = arrays(np.ones((4, 6, 1, 1), np.int16)[..., 0, 0], LOOSE)
    assert whole.stamps["science"].pixels.dtype == np.float32


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((2, 2, 2, 2, 2)), "stamp size: an array of shape"),
        (np.zeros((3, 4, 5, 6)), "stamp size"),
        (np.zeros((0, 5, 5, 3)), "stamp size"),
        (np.zeros((1, 5000, 5, 3), np.uint8), "stamp size"),
        (np.array([["a"]]), "no image: the array is of <U1"),
        (np.zeros((5, 5), complex), "no image: the array is of complex128"),
    ],
)
def test_other_arrays_are_refused(array, reason):
    (refused,) = arrays(array)
    assert isinstance(refused, Rejection) and refused.reason.startswith(reason) and refused.origin == "a.npy"


def beside(folder, text, count=2, rules=ALL):
    np.save(folder / "a.npy", np.stack([CUBE] * count))
    (folder / "a.csv").write_text(text)
    return list(read_npy_stamps(folder / "a.npy", rules, "a.npy", "a"))


def test_metadata_beside_an_array(tmp_path):
    text = "objectId,candid,mjd,ra,dec,band,fwhm,note,pixel_scale\no1,7,59000.5,1,2,r,3.5,x,0.5\n,,nan,,,,,,\n"
    first, second = beside(tmp_path, text)
    assert (first.object_id, first.alert_id, first.mjd, first.ra, first.dec) == ("o1", 7, 59000.5, 1.0, 2.0)
    assert first.band == "r" and first.survey == "" and first.number("fwhm") == 3.5 and first.metadata["note"] == "x"
    assert all(s.pixel_scale == 0.5 for s in first.stamps.values())
    assert (
        (second.object_id, second.alert_id) == ("a:1", 1) and np.isnan(second.mjd) and second.metadata["fwhm"] is None
    )
    assert second.stamps["science"].pixel_scale == 1.0
    (ztf, _) = beside(tmp_path, "objectId,candid,fid,jd\nZ,2475433850415015017,1,2459000.5\nZ,8,9,2459000.5\n")
    assert (ztf.survey, ztf.alert_id, ztf.band, ztf.mjd) == ("ztf", 2475433850415015017, "g", 59000.0)
    assert beside(tmp_path, "candid,fid\n1,1\n2,1\n", rules=StampRules())[0].reason.endswith("9x9, not 63x63")


def test_metadata_that_does_not_fit(tmp_path):
    (short,) = beside(tmp_path, "objectId\nx\n")
    assert short.reason == "metadata: 1 rows beside 2 stamps"
    wide, good = beside(tmp_path, "objectId,pixel_scale\nx,4000\ny,1\n")
    assert wide.reason == "metadata: a pixel scale of 4000 arcsec" and wide.object_id == "x" and good.object_id == "y"
    inexact, _ = beside(tmp_path, "candid\n1e18\n5\n")
    assert inexact.reason.startswith("inexact id: candid") and inexact.alert_id == 0


def extension(name, pixels):
    return fits.ImageHDU(pixels, name=name)


def as_bytes(*hdus):
    out = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(out)
    return out.getvalue()


def test_images_of_one_fits_file():
    named = as_bytes(fits.PrimaryHDU(), *(extension(n, CUBE[k]) for k, n in enumerate(("NEW", "REF", "SUB"))))
    for data in (as_bytes(fits.PrimaryHDU(CUBE)), named):
        alert = read_fits_stamps({"science": data}, "sn1", ALL, "sn1.fits")
        assert (alert.object_id, alert.alert_id, alert.origin, alert.survey) == ("sn1", 0, "sn1.fits", "")
        for k, name in enumerate(STAMP_NAMES):
            np.testing.assert_array_equal(alert.stamps[name].pixels, CUBE[k])
    files = {name: fits_bytes(CUBE[k]) for k, name in enumerate(STAMP_NAMES)}
    assert set(read_fits_stamps(files, "sn1", ALL, "").stamps) == set(STAMP_NAMES)
    assert set(read_fits_stamps(files, "sn1", StampRules(need=("science",), size="any"), "").stamps) == {"science"}


def test_fits_files_without_stamps():
    for data, reason in (
        (as_bytes(fits.PrimaryHDU()), "no image"),
        (as_bytes(fits.PrimaryHDU(np.zeros((2, 5, 5), np.float32))), "no image"),
        (b"text", "not FITS"),
        (fits_bytes(CUBE[0]), "missing cutout: template"),
    ):
        refused = read_fits_stamps({"science": data}, "sn1", ALL, "sn1.fits")
        assert isinstance(refused, Rejection) and refused.reason.startswith(reason), refused
        assert (refused.object_id, refused.origin) == ("sn1", "sn1.fits")
