"""Fluxes of stars as magnitudes: of one zero point, without loss, and never a guess at what they are."""

import functools
from types import SimpleNamespace

import numpy as np
import pytest

from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.inference.flux_curves import as_measured, asinh_curves

MJD = np.arange(60_000.0, 60_020.0)


def curve(flux, band="g", kind="total_flux", zero=31.4, error=1.0, name="a"):
    flux = np.asarray(flux, float)
    fluxes = SimpleNamespace(
        mjd=MJD[: len(flux)], flux=flux, flux_error=np.full(len(flux), error), kind=kind, zero_point=zero
    )
    return SimpleNamespace(
        object_id=name, band=band, mjd=MJD[:2], magnitude=np.zeros(2), magnitude_error=np.ones(2), fluxes=fluxes
    )


def magnitudes(values, band="r", name="a"):
    values = np.asarray(values, float)
    return SimpleNamespace(
        object_id=name,
        band=band,
        mjd=MJD[: len(values)],
        magnitude=values,
        magnitude_error=np.full(len(values), 0.01),
        fluxes=None,
    )


def test_bright_fluxes_are_their_magnitudes_and_no_sign_is_lost():
    flux = np.array([1000.0, 2000.0, 500.0, -2.0, 0.0])
    (found,) = asinh_curves([curve(flux)])
    np.testing.assert_allclose(found.magnitude[:3], 31.4 - 2.5 * np.log10(flux[:3]), atol=1e-5)
    np.testing.assert_allclose(found.magnitude_error[:3], 1.0857 / flux[:3], rtol=1e-4)
    assert len(found.mjd) == 5 and np.isfinite(found.magnitude).all() and found.magnitude[3] > found.magnitude[4]
    (scaled,) = asinh_curves([curve(flux / 1000, zero=23.9, error=1e-3)])
    np.testing.assert_allclose(scaled.magnitude, found.magnitude, atol=1e-5)


def test_bands_share_zero_point_and_softening_with_magnitudes_among_them():
    g, r, i = asinh_curves(
        [curve([900.0, 1100.0]), magnitudes([24.0, 24.2]), curve([0.4, 0.5], "i", zero=23.9, error=1e-3)]
    )
    np.testing.assert_allclose(g.magnitude, 31.4 - 2.5 * np.log10([900, 1100]), atol=1e-5)
    np.testing.assert_allclose(r.magnitude, [24.0, 24.2], atol=1e-3)
    np.testing.assert_allclose(r.magnitude_error, 0.01, rtol=1e-3)
    np.testing.assert_allclose(i.magnitude, 31.4 - 2.5 * np.log10([400, 500]), atol=1e-4)
    plain = [magnitudes([15.0, 15.1])]
    assert asinh_curves(plain) is plain


@pytest.mark.parametrize(
    ("curves", "settings", "error", "said"),
    [
        ([curve([5.0, 9.0], kind="difference_flux")], {}, ConfigError, "--fluxes.difference True"),
        ([curve([5.0], zero=np.nan, kind="relative_flux"), curve([6.0], "r", "relative_flux", np.nan)], {}, ConfigError, "--columns.zero-point"),
        ([curve([5.0], zero=np.nan, kind="relative_flux")], {"zero_point": True}, ConfigError, "--columns.unit"),
        ([curve([5.0] * 8 + [-9.0] * 2)], {}, DataError, "2 of 10 are below 0"),
        ([curve([5.0]), curve([5.0], "r", "difference_flux")], {"difference": True}, DataError, "difference flux and total flux"),
        ([magnitudes([15.0]), curve([5.0], "g", "difference_flux")], {"difference": True}, DataError, "and magnitude"),
    ],
)  # fmt: skip
def test_what_can_mean_two_things_is_refused(curves, settings, error, said):
    with pytest.raises(error, match=said):
        asinh_curves(curves, **settings)


def test_what_is_stated_is_taken():
    (found,) = asinh_curves([curve([5.0, -90.0, -80.0], kind="difference_flux")], difference=True)
    assert len(found.mjd) == 3
    (found,) = asinh_curves([curve([50.0, 60.0], zero=np.nan, kind="relative_flux")])
    assert found.magnitude[0] - found.magnitude[1] == pytest.approx(2.5 * np.log10(1.2), abs=1e-3)


def test_stars_come_in_order_and_bad_ones_are_set_aside():
    bad, odd = Rejection("x", "no", ""), curve([-99.0] * 3, name="odd")
    convert = functools.partial(asinh_curves)
    first, passed, refused, alone = as_measured([(curve([9.0]), curve([9.0], "r")), bad, (odd,), curve([9.0])], convert)
    assert [one.band for one in first] == ["g", "r"] and passed is bad and alone.band == "g"
    assert isinstance(refused, Rejection) and refused.object_id == "odd" and "no star" in refused.reason
