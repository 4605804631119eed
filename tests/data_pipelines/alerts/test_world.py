"""Sky coordinates of cutouts against astropy, on made-up headers and on real Rubin packets; the measured lie of ZTF's."""

import io

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipelines.datasets.alert_checks import container, fits_bytes, packet, stamp
from data_pipelines.sources.alerts import Alert, StampRules, decode_packet, read_alerts
from data_pipelines.sources.alerts.fits_stamp import decode_stamp
from data_pipelines.sources.alerts.world import World

pytestmark = pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")

PLACE = {"CRPIX1": 4.5, "CRPIX2": 6.25, "CRVAL1": 211.5, "CRVAL2": -42.0}
FORMS = (
    {"CD1_1": -4e-5, "CD1_2": 3e-5, "CD2_1": 3.1e-5, "CD2_2": 4.2e-5},
    {"PC1_1": 0.8, "PC1_2": 0.6, "PC2_1": -0.6, "PC2_2": 0.8, "CDELT1": -2e-4, "CDELT2": 3e-4},
    {"PC1_1": -4e-5, "PC1_2": 3e-5, "PC2_1": 3e-5, "PC2_2": 4e-5},
    {"CDELT1": -2e-4, "CDELT2": 3e-4, "CROTA2": 25.0},
    {"CDELT1": -2e-4, "CDELT2": 3e-4},
)
TAN = {"CTYPE1": "'RA---TAN'", "CTYPE2": "'DEC--TAN'"}


def arcsec(found, expected):
    cosine = np.cos(np.radians(expected[1]))
    return 3600 * np.hypot((found[0] - expected[0] + 180) % 360 * cosine - 180 * cosine, found[1] - expected[1])


def assert_as_astropy(world, header, pixels, within=1e-6):
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN", "DEC--TAN"
    generic = WCS(header, naxis=2)
    for x, y in pixels:
        place = world.pixel_to_world_values(x, y)
        assert arcsec(place, generic.pixel_to_world_values(x, y)) < within
        np.testing.assert_allclose(world.world_to_pixel_values(*place), (x, y), atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("words", [{}, TAN])
def test_every_form_of_the_matrix(form, words):
    data = fits_bytes(stamp(0, 9), PLACE | form | words)
    _, scale, world = decode_stamp(data)
    assert_as_astropy(world, fits.getheader(io.BytesIO(data)), [(0, 0), (8, 0), (0, 8), (8.5, 7.25)])
    a, b, c, d = world.matrix
    assert scale == pytest.approx(3600 * np.sqrt(abs(a * d - b * c)))


@settings(max_examples=40, deadline=None)
# Exactly at the pole FITS turns the axes by convention (LONPOLE): of headers, below.
@given(
    st.floats(0, 360), st.floats(-90, 90, exclude_max=True), st.floats(-50, 50), st.floats(-50, 50), st.floats(0, 6.3)
)
def test_anywhere_on_the_sky(ra, dec, x, y, turn):
    matrix = (1e-4 * np.cos(turn), -1e-4 * np.sin(turn), 1e-4 * np.sin(turn), 1e-4 * np.cos(turn))
    world = World(3.5, 5.25, ra, dec, tuple(map(float, matrix)))
    generic = WCS(naxis=2)
    generic.wcs.ctype, generic.wcs.crval, generic.wcs.crpix = ["RA---TAN", "DEC--TAN"], [ra, dec], [4.5, 6.25]
    generic.wcs.cd = np.reshape(matrix, (2, 2))
    assert arcsec(world.pixel_to_world_values(x, y), generic.pixel_to_world_values(x, y)) < 1e-5


@pytest.mark.parametrize("dec", [90.0, 90 - 1e-9, 90 - 1 / 3600, 89.99, -89.99, 1 / 3600 - 90, -90.0])
@pytest.mark.parametrize("pole", [{}, {"LONPOLE": 180.0}, {"LONPOLE": 0.0}])
def test_at_the_poles_and_close_to_them(dec, pole):
    data = fits_bytes(stamp(0, 9), PLACE | FORMS[0] | TAN | {"CRVAL2": dec} | pole)
    _, _, world = decode_stamp(data)
    if pole.get("LONPOLE") == 0 and dec != 90:
        assert world is None
        return
    assert_as_astropy(world, fits.getheader(io.BytesIO(data)), [(0, 0), (8, 0), (0, 8), (8.5, 7.25), (-40, 60)])


@pytest.mark.parametrize(
    "change",
    [
        {"CTYPE1": "'RA---TPV'"},
        {"CTYPE1": "'GLON-TAN'", "CTYPE2": "'GLAT-TAN'"},
        {"CTYPE1": "'DEC--TAN'", "CTYPE2": "'RA---TAN'"},
        {"CUNIT1": "'arcsec'"},
        {"RADESYS": "'FK4'"},
        {"A_ORDER": 2},
        {"LONPOLE": 90.0},
        {"CRVAL2": 91.0},
        {"CRPIX1": "'x'"},
        {"CD1_1": 0.0, "CD1_2": 0.0},
    ],
)
def test_other_coordinates_give_none_and_the_pixels_stay(change):
    pixels, _, world = decode_stamp(fits_bytes(stamp(0, 9), PLACE | FORMS[0] | TAN | change))
    assert world is None
    np.testing.assert_array_equal(pixels, stamp(0, 9))


def test_an_image_in_an_extension_has_its_own(tmp_path):
    image = fits.ImageHDU(stamp(0, 20), fits.Header(PLACE | FORMS[0] | {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"}))
    image.name = "TEMPLATE"
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(tmp_path / "a.fits")
    (alert,) = read_alerts(tmp_path / "a.fits", rules=StampRules(need=("template",), size="any"))
    assert_as_astropy(alert.stamps["template"].world, image.header, [(0, 0), (19, 19)])


def test_real_rubin_packets(data_root):
    import pyarrow.parquet as pq

    path = data_root / "avro" / "lsst" / "fink_rubin_sample_data_v10_0.parquet"
    if not path.exists():
        pytest.skip("no Rubin alerts at hand")
    columns = {name: f"cutout{name.capitalize()}" for name in ("science", "template", "difference")}
    rows = {r["diaSource"]["diaSourceId"]: r for r in pq.read_table(path).to_pylist()}
    alerts = [a for a in read_alerts(path) if isinstance(a, Alert)]
    assert alerts
    for alert in alerts:
        for name, column in columns.items():
            header = fits.getheader(io.BytesIO(rows[alert.alert_id][column]))
            world = alert.stamps[name].world
            assert_as_astropy(world, header, [(0, 0), (29, 0), (0, 29), (29, 29), (14.5, 14.5)])
        x, y = alert.stamps["science"].world.world_to_pixel_values(alert.ra, alert.dec)
        assert max(abs(x - 14.5), abs(y - 14.5)) <= 1


def test_ztf_says_nothing_unless_asked_for_what_was_measured():
    data = container([packet(0, candidate={"ra": 10.0, "dec": 60.0})])
    assert decode_packet(data).stamps["science"].world is None
    world = decode_packet(data, rules=StampRules(ztf_orientation=True)).stamps["science"].world
    assert world.pixel_to_world_values(31, 31) == pytest.approx((10.0, 60.0))
    west, south = world.pixel_to_world_values(41, 31), world.pixel_to_world_values(31, 41)
    assert west[0] < 9.995 and west[1] == pytest.approx(60, abs=1e-6)
    assert south == pytest.approx((10.0, 60 - 10 * 1.0124 / 3600))
    clipped = container([packet(0, side=62)])
    assert decode_packet(clipped, rules=StampRules(ztf_orientation=True, size="any")).stamps["science"].world is None


def test_the_measurement_on_real_alerts(data_root):
    """Alerts of one exposure and quadrant: positions follow from detector pixels by the orientation claimed."""
    from data_pipelines.sources.alerts.ztf import measured_world

    groups: dict[tuple, list[Alert]] = {}
    for alert in read_alerts(sorted((data_root / "ztf_alerts").glob("*/*.avro")), need_stamps=()):
        groups.setdefault((alert.mjd, alert.metadata["rcid"]), []).append(alert)
    exposures = [group for group in groups.values() if len(group) > 3]
    if not exposures:
        pytest.skip("no ZTF exposures at hand")
    for group in exposures:
        first = group[0]
        world = measured_world(first.ra, first.dec, first.number("xpos"), first.number("ypos"))
        for alert in group[1:]:
            away = np.array([alert.number(name) - first.number(name) for name in ("xpos", "ypos")])
            found = np.subtract(world.world_to_pixel_values(alert.ra, alert.dec), (world.x, world.y))
            assert np.hypot(*(found - away)) < 0.016 * np.hypot(*away) + 1
