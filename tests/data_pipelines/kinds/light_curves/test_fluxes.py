"""Pogson's formula both ways, zero points, and parts of a star; what goes into a record comes out of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipelines.kinds.light_curves.fluxes import (
    COMMON_ZERO_POINT,
    FluxSeries,
    contradiction,
    flux_of_magnitude,
    fluxes_of_magnitudes,
    joined_fluxes,
    magnitude_of_flux,
)
from data_pipelines.kinds.light_curves.meaning import DatasetBrightness
from data_pipelines.kinds.light_curves.records import WITH_FLUXES, encode_light_curve, flux_series
from data_pipelines.shards.tfrecord import parse_example


def series(flux, zero_point=31.4, kind="difference_flux", **changed):
    flux = np.asarray(flux, float)
    whole = {"mjd": 60_000 + np.arange(len(flux)), "flux": flux, "flux_error": np.full(len(flux), 0.5)}
    return FluxSeries(
        **(whole | {"limit": np.zeros(len(flux))} | changed), kind=kind, zero_point=zero_point, unit="nJy"
    )


@given(st.floats(-5, 40), st.floats(1e-4, 1), st.floats(0, 35))
def test_magnitudes_come_back(magnitude, error, zero_point):
    again = magnitude_of_flux(*flux_of_magnitude(np.array(magnitude), error, zero_point), zero_point)
    np.testing.assert_allclose(again, (magnitude, error), rtol=1e-9, atol=1e-12)
    assert np.isnan(magnitude_of_flux(np.array([-1.0, 0.0]), np.ones(2), zero_point)).all()


finite = st.floats(-(2.0**100), 2.0**100, width=32).filter(lambda x: x == 0 or abs(x) > 1e-30)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(finite, st.floats(2**-60, 2**60, width=32), st.booleans()), max_size=20))
def test_fluxes_of_any_sign_and_limits_come_back_from_a_record(points):
    flux, error, limited = (np.array(column) for column in zip(*points, strict=True)) if points else np.zeros((3, 0))
    limited = limited.astype(bool)
    mjd = 60_000.25 + np.arange(len(flux))
    nan = lambda x: np.where(limited, np.nan, x)
    given_ = FluxSeries(mjd, nan(flux), nan(error), np.where(limited, error, 0), "total_flux", 23.9, "uJy")
    none = np.zeros(0)
    record = encode_light_curve("é", none, none, none, "g", fluxes=given_)
    brightness = DatasetBrightness("total_flux", True, 23.9, "uJy")
    found = flux_series(parse_example(WITH_FLUXES.serialize(record)), brightness)
    for name in ("mjd", "flux", "flux_error", "limit"):
        np.testing.assert_array_equal(getattr(found, name), getattr(given_, name))
    assert (found.measured == ~limited).all() and (found.kind, found.zero_point) == ("total_flux", 23.9)
    assert len(found.take(found.measured)) == np.count_nonzero(~limited)


def test_another_zero_point_is_the_same_brightness():
    limit = np.array([0.0, 0.0, 50.0])
    one = series([100.0, -20.0, np.nan], limit=limit)
    two = one.scaled(23.9, "uJy")
    np.testing.assert_allclose(two.flux[:2], [0.1, -0.02])
    np.testing.assert_allclose([two.flux_error[0], two.limit[2]], [0.5e-3, 0.05])
    assert (two.zero_point, two.unit) == (23.9, "uJy")
    relative = series([1.0], zero_point=np.nan)
    assert relative.scaled(23.9, "uJy") is relative


def test_why_points_have_no_magnitude():
    found = series([5.0, -1.0, 0.0, np.nan, 7.0, 8.0], limit=np.array([0, 0, 0, 3.0, 0, 0])).without_magnitude(2)
    assert found == {"flux not positive": 2, "upper limit": 1, "magnitude or its error out of range": 1}


def test_parts_are_joined_in_one_zero_point():
    first = series([100.0, -50.0], lost={"flagged": 1})
    other = series([-0.05, 0.2], zero_point=23.9, mjd=np.array([60_001.0, 60_002.0]), flux_error=np.full(2, 0.5e-3))
    whole, fault = joined_fluxes([first, other])
    assert not fault and whole.zero_point == 31.4 and whole.lost == {"flagged": 1}
    # -50 of both is one point only where rounding lets it be; the times say what is where.
    assert whole.mjd[[0, -1]].tolist() == [60_000, 60_002] and whole.flux[-1] == pytest.approx(200)
    same, _ = joined_fluxes([first, first])
    assert len(same) == 2 and same.repeated == 2


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (("total_flux", 31.4), "total flux and difference flux"),
        (("magnitude", 23.9), "magnitude and difference flux"),
        (("difference_flux", np.nan), "flux with and without a zero point"),
        (("difference_flux", 23.9), ""),
    ],
)
def test_what_cannot_be_one_brightness(other, why):
    assert contradiction(other, ("difference_flux", 31.4)) == why
    parts = [series([1.0], kind=other[0], zero_point=other[1]), series([1.0])]
    assert joined_fluxes(parts)[1] == (f"parts hold {why}" if why else "")


def test_magnitudes_beside_fluxes():
    found = fluxes_of_magnitudes(np.array([1.0]), np.array([COMMON_ZERO_POINT]), np.array([0.1]))
    assert found.of_magnitudes and found.flux[0] == pytest.approx(1)
    assert not joined_fluxes([series([1.0], kind="total_flux"), found])[1]
