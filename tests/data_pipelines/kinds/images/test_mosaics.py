"""Galaxies are found in mosaics of any coordinates, and votes that are on none of them are refused."""

from types import SimpleNamespace

import numpy as np
import pytest

from data_pipelines.kinds.images.mosaic_catalogues import CataloguedGalaxy, MosaicSettings, read_galaxies, read_votes
from data_pipelines.kinds.images.mosaics import places_in, read_mosaics
from lcjax.errors import DataError, Rejection

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


def test_units_of_the_catalogue(tmp_path):
    from astropy.table import Table

    table = Table({"ID": ["g1"], "RA": [20.0], "DEC": [-5.0], "PETRO_RADIUS": [12.0]})
    table["RA"].unit, table["PETRO_RADIUS"].unit = "deg", "pix"
    path = tmp_path / "c.ecsv"
    table.write(path)
    with pytest.raises(DataError, match=r"'PETRO_RADIUS' of .* is in 'pix' where 'arcsec' is wanted"):
        read_galaxies(MosaicSettings(catalogue=path))
    assert read_galaxies(MosaicSettings(catalogue=path, radius_unit=0.05))[0].radius == pytest.approx(0.6)
    table["RA"].unit = "hourangle"
    table.write(path, overwrite=True)
    with pytest.raises(DataError, match=r"'RA' of .* is in 'hourangle' where 'deg' is wanted"):
        read_galaxies(MosaicSettings(catalogue=path, radius_unit=0.05))


def test_mosaics_that_are_damaged_or_stretched(tmp_path):
    from astropy.io import fits

    (tmp_path / "c.csv").write_text("ID,RA,DEC,PETRO_RADIUS\ng1,20.0,-5.0,1.0\n")
    path = tmp_path / "m_f160w.fits"
    unit = fits.PrimaryHDU(np.random.default_rng(0).normal(1e3, 50, (120, 100)), sky_of().to_header())
    unit.scale("int16", bzero=900.0, bscale=0.1)
    unit.writeto(path, checksum=True)
    report = SimpleNamespace(bad_files={}, other_files={})
    read = lambda: list(read_mosaics([path], MosaicSettings(catalogue=tmp_path / "c.csv"), report, "clash"))
    assert not isinstance(read()[0], Rejection)
    content = bytearray(path.read_bytes())
    content[-2880 * 2] ^= 1
    path.write_bytes(content)
    assert "changed since DATASUM" in read()[0].reason
    sky = sky_of(turn=0.0)
    sky.wcs.cd = sky.wcs.cd * [[1.0], [2.0]]
    fits.PrimaryHDU(np.ones((120, 100), np.float32), sky.to_header()).writeto(path, overwrite=True)
    assert "pixels are not square: 0.1 by 0.2 arcsec" in read()[0].reason
