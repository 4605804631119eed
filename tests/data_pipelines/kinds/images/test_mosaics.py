"""Galaxies are found in mosaics of any coordinates, and votes that are on none of them are refused."""

import numpy as np
import pytest

from data_pipelines.kinds.images.mosaic_catalogues import CataloguedGalaxy, MosaicSettings, read_votes
from data_pipelines.kinds.images.mosaics import places_in
from lcjax.errors import DataError

pytest.importorskip("astropy", reason="needs astropy (extra test or data)")
PIXELS = np.array([[30.0, 60.0], [70.0, 40.0]])


def sky_of(ctype=("RA---TAN", "DEC--TAN"), crval=(20.0, -5.0), turn=0.7, **more):
    from astropy.wcs import WCS

    sky = WCS(naxis=2)
    c, s = np.cos(turn), np.sin(turn)
    sky.wcs.cd, sky.wcs.crpix = np.array([[-c, s], [s, c]]) * 0.1 / 3600, [50, 60]
    sky.wcs.crval, sky.wcs.ctype = list(crval), list(ctype)
    for name, value in more.items():
        setattr(sky.wcs, name, value)
    return sky


@pytest.mark.parametrize(
    "sky",
    [
        {},
        {"ctype": ("GLON-TAN", "GLAT-TAN"), "crval": (120.0, -30.0)},
        {"ctype": ("DEC--TAN", "RA---TAN"), "crval": (-5.0, 20.0)},
        {"radesys": "FK4", "equinox": 1950.0},
    ],
    ids=["rotated", "galactic", "axes in the other order", "equinox 1950"],
)
def test_places_are_of_the_sky_and_not_of_the_axes(sky):
    sky = sky_of(**sky)
    there = sky.pixel_to_world(*PIXELS.T).icrs
    np.testing.assert_allclose(places_in(sky, there.ra.deg, there.dec.deg), PIXELS, atol=1e-3)


def test_a_place_that_is_none_costs_the_others_nothing():
    from astropy.wcs import Sip

    sky, bend = sky_of(("RA---TAN-SIP", "DEC--TAN-SIP")), np.zeros((3, 3))
    bend[2, 0] = 2e-4
    sky.sip = Sip(bend, 1.5 * bend.T, None, None, [50, 60])
    there = sky.pixel_to_world(*PIXELS.T).icrs
    ra = [*there.ra.deg, 150.0, 20.0, np.nan]
    found = places_in(sky, ra, [*there.dec.deg, 40.0, 95.0, 3.0])
    np.testing.assert_allclose(found[:2], PIXELS, atol=1e-3)
    assert not ((found[2:] > 0) & (found[2:] < 120)).all(1).any() and places_in(sky, [], []).shape == (0, 2)


def test_votes_are_on_galaxies_of_the_catalogue(tmp_path):
    galaxies = [CataloguedGalaxy("g1", "", 20.0, -5.0, 1.0)]
    header = "ID,band,smooth,features,irregular,point_source,unclassifiable\n"
    (tmp_path / "v.csv").write_text(header + "g1,f160w,.6,.4,0,0,0\n")
    asked = MosaicSettings(catalogue=tmp_path / "c.csv", table=tmp_path / "v.csv", band="band")
    assert read_votes(asked, galaxies)["", "g1", "F160W"].tolist() == [0.6, 0.4, 0, 0, 0]
    with pytest.raises(DataError, match=r"none of the votes .*it has 'g1', the catalogue 'h1'"):
        read_votes(asked, [CataloguedGalaxy("h1", "", 20.0, -5.0, 1.0)])
    (tmp_path / "v.csv").write_text(header + "g1,H160,.6,.4,0,0,0\n")
    with pytest.raises(DataError, match="votes in the band 'H160'"):
        read_votes(asked, galaxies)
