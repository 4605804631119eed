"""Stamps and metadata before a network: what happens to gaps, odd pixels, nulls and odd sizes."""

import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.systems.stamp_classifier.config import FEATURES_26, PUBLISHED_STATISTICS
from lcjax.transforms import (
    crop_center,
    ecliptic,
    galactic,
    minmax,
    network_features,
    prepare_stamps,
    raw_features,
)
from lcjax.transforms.stamp_features import CLIPS


@pytest.mark.parametrize(
    "height,width,size,top,left", [(63, 63, 21, 21, 21), (63, 62, 21, 21, 21), (30, 31, 6, 12, 12)]
)
def test_crop_is_central(height, width, size, top, left):
    pixels = np.arange(height * width, dtype=np.float32).reshape(1, height, width, 1)
    np.testing.assert_array_equal(crop_center(pixels, size), pixels[:, top : top + size, left : left + size])


def test_too_small_a_stamp_is_a_sentence():
    with pytest.raises(DataError, match="20 x 63 pixels cannot be cropped to 21 x 21"):
        crop_center(np.zeros((1, 20, 63, 3)), 21)


def test_every_channel_is_scaled_on_its_own_crop(rng=np.random.default_rng(0)):
    stamps = rng.normal(100, 30, (4, 31, 31, 3)).astype(np.float32) * np.array([1, 1e-3, 1e6], np.float32)
    stamps[0, 15, 15, 0] = np.nan
    images = np.asarray(prepare_stamps(stamps, 9))
    crop = stamps[:, 11:20, 11:20]
    expected = crop - np.nanmin(crop, (1, 2), keepdims=True)
    expected = np.nan_to_num(expected / np.nanmax(expected, (1, 2), keepdims=True), nan=0.0)
    np.testing.assert_array_equal(images, expected)
    assert images.min() == 0 and images.max() == 1 and images[0, 4, 4, 0] == 0


def test_empty_constant_and_infinite_channels():
    stamps = np.random.default_rng(1).random((1, 21, 21, 5)).astype(np.float32)
    stamps[..., 0], stamps[..., 1] = np.nan, 7.0
    stamps[0, 3, 3, 2], stamps[0, 3, 3, 3], stamps[0, 3, 3, 4] = np.inf, -np.inf, -3.4028235e38
    strict, published = (np.asarray(prepare_stamps(stamps, 21, ignore_fill)) for ignore_fill in (True, False))
    assert np.isfinite(strict).all() and np.isfinite(published).all() and not strict[..., :2].any()
    np.testing.assert_array_equal(strict[..., 2:].max((0, 1, 2)), 1)
    assert not strict[0, 3, 3, 2:].any() and strict[0, :, :, 2:].std((0, 1)).min() > 0.1
    # In the reference an infinite pixel blanks its channel and a fill value, found in real templates, flattens it.
    assert not published[..., :4].any()
    assert published[0, 3, 3, 4] == 0 and np.sum(published[..., 4] == 1) == 21 * 21 - 1


def test_minmax_keeps_gaps():
    stamps = np.ones((1, 5, 5, 1), np.float32)
    stamps[0, 0, 0], stamps[0, 1, 1] = np.nan, 3
    assert np.isnan(minmax(stamps)[0, 0, 0, 0]) and minmax(stamps)[0, 1, 1, 0] == 1


def test_sky_coordinates_agree_with_astropy():
    coordinates = pytest.importorskip("astropy.coordinates", reason="needs astropy (extra test or data)")
    rng = np.random.default_rng(3)
    ra, dec = rng.uniform(0, 360, 500), np.rad2deg(np.arcsin(rng.uniform(-1, 1, 500)))
    ra[:4], dec[:4] = [0, 359.9999, 192.85948, 12.8], [90, -90, 27.12825, -27.1]  # poles of two systems among them
    stars = coordinates.SkyCoord(ra, dec, unit="deg")
    for turn, frame, names, limit in (
        (galactic, "galactic", ("l", "b"), 0.2),
        (ecliptic, "barycentricmeanecliptic", ("lon", "lat"), 0.5),
    ):
        longitude, latitude = turn(jnp.float32(ra), jnp.float32(dec))
        true = stars.transform_to(frame)
        true_longitude, true_latitude = (getattr(true, n).deg for n in names)
        apart = coordinates.angular_separation(
            *np.deg2rad([longitude, latitude, true_longitude, true_latitude]).astype(float)
        )
        assert np.rad2deg(apart).max() * 3600 < limit, frame  # arcsec, float32 input included
        assert np.all((np.asarray(longitude) >= 0) & (np.asarray(longitude) < 360))


def columns(**changes):
    values = {name: np.array([1.0, 2.0]) for name in FEATURES_26 if not name.endswith(("lat", "long", "detections"))}
    return values | {name: np.asarray(v, float) for name, v in changes.items()}


def test_derived_features_are_made_before_clipping():
    raw = raw_features(columns(ncovhist=[4000, 50], ndethist=[900, 3]), ("non_detections", "ndethist", "ncovhist"))
    np.testing.assert_array_equal(raw, [[3100, 900, 4000], [47, 3, 50]])
    ready = network_features(raw, ("non_detections", "ndethist", "ncovhist"), [0] * 3, [1] * 3)
    np.testing.assert_array_equal(ready, [[2000, 20, 3000], [47, 3, 50]])


@pytest.mark.parametrize(
    "missing,null,marked",
    [
        ("survey", [-3, -1, 0, 0], [-3, -1, -1017, 1]),  # -1 where ZTF's -999 is clipped to it, else the mean
        ("mean", [0, 0, 0, 0], [0, 0, 0, 1]),
        ("nan", [np.nan] * 4, [-3, -1, -1017, 1]),
    ],
)
def test_nulls_follow_the_policy(missing, null, marked):
    names, mean = ("sgscore1", "chinr", "magpsf", "isdiffpos"), [2.0, 0.0, 18.0, 0.0]
    raw = np.array([[np.nan] * 4, [-999.0, -999.0, -999.0, 1.0]])
    np.testing.assert_array_equal(network_features(raw, names, mean, np.ones(4), missing), [null, marked])


def test_clips_are_the_published_ones():
    assert {k for k, v in CLIPS.items() if v == (-1.0, np.inf)} == {
        *(f"sgscore{i}" for i in (1, 2, 3)),
        *(f"distpsnr{i}" for i in (1, 2, 3)),
        *("distnr", "magnr"),
    }
    assert set(PUBLISHED_STATISTICS) == set(FEATURES_26) and set(CLIPS) <= set(FEATURES_26)


def test_a_lacking_column_is_named():
    with pytest.raises(DataError, match=r"no 'ncovhist'.*1 columns lacking"):
        raw_features({k: v for k, v in columns().items() if k != "ncovhist"}, FEATURES_26)
