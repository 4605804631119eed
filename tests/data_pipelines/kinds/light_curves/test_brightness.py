"""Brightness: which columns, in which unit, of what; and nothing that is no magnitude is taken for one."""

import numpy as np
import pytest

from data_pipelines.kinds.light_curves.brightness_choice import check_no_magnitudes, choose_brightness
from data_pipelines.kinds.light_curves.columns import ColumnNames, recognise
from lcjax.errors import ConfigError, DataError


def read(names, series=None, units=None, **given):
    columns = recognise(["id", "mjd", *names], ColumnNames(**given), "t.csv")
    chosen = choose_brightness(columns, names, units or {}, ColumnNames(**given), "t.csv")
    if series is None:
        return columns, chosen
    values = {name: np.asarray(x, float) for name, x in zip(names, series, strict=True)}
    return chosen.magnitudes({field: values[name] for field, name in columns.items() if name in values})


def test_flux_and_its_error_become_magnitudes():
    magnitude, error, faults = read(("psfFlux", "psfFluxErr"), ([3631e9, 3631.0, -5.0, 0.0], [3631e7, 363.1, 1.0, 1.0]))
    np.testing.assert_allclose(magnitude[:2], [0.0, 22.5], atol=1e-4)
    np.testing.assert_allclose(error[:2], [0.010857, 0.10857], rtol=1e-4)  # 2.5 / ln 10 * sigma / F
    assert faults["flux not positive"].tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("names", "given", "units", "expected"),
    [
        (("FLUXCAL", "FLUXCALERR"), {}, {}, 22.5),
        (("flux", "flux_err", "passband", "detected_bool"), {}, {}, 22.5),  # PLAsTiCC
        (("flux", "flux_err"), {"zero_point": 25.0}, {}, 20.0),
        (("flux", "flux_err"), {}, {"flux": "uJy"}, 18.9),
        (("flux", "flux_err"), {"unit": "mJy"}, {}, 11.4),
        (("flux_njy", "err"), {"flux": "flux_njy"}, {}, 26.4),
        (("forcediffimflux", "forcediffimfluxunc"), {"unit": "uJy"}, {}, 18.9),
    ],
)
def test_zero_points(names, given, units, expected):
    columns, chosen = read(names, units=units, **given)
    assert columns["flux"] == names[0] and columns["flux_error"] == names[1]
    magnitude, _, _ = chosen.magnitudes({"flux": np.array([100.0]), "flux_error": np.array([1.0])})
    np.testing.assert_allclose(magnitude, expected, atol=1e-4)
    assert "zero point" in chosen.said and "relative" not in chosen.said


def test_zero_points_of_each_point():
    magnitude, _, _ = read(("flux", "flux_err", "zpdiff"), ([100.0, 100.0], [1.0, 1.0], [26.0, 25.5]))
    np.testing.assert_allclose(magnitude, [21.0, 20.5])


def test_without_a_zero_point_magnitudes_are_relative_and_it_is_said():
    columns, chosen = read(
        ("SAP_FLUX", "SAP_FLUX_ERR", "PDCSAP_FLUX", "PDCSAP_FLUX_ERR"), units={"PDCSAP_FLUX": "electron / s"}
    )
    assert columns["flux_error"] == "PDCSAP_FLUX_ERR" and chosen.said.startswith(
        "relative magnitudes of flux 'PDCSAP_FLUX'"
    )
    assert read(("SAP_FLUX", "SAP_FLUX_ERR", "PDCSAP_FLUX"), flux="SAP_FLUX")[0]["flux_error"] == "SAP_FLUX_ERR"


def test_two_fluxes_of_rubin_are_refused_with_the_choices():
    names = ("psfFlux", "psfFluxErr", "scienceFlux", "scienceFluxErr", "diaSourceId")
    with pytest.raises(ConfigError, match=r"--columns.flux psfFlux or --columns.flux scienceFlux"):
        read(names)
    assert read(names, flux="scienceFlux")[0]["flux_error"] == "scienceFluxErr"
    assert "difference flux 'psfFlux' in nJy" in read(names, flux="psfFlux")[1].said


def test_unsigned_differences_are_no_brightness():
    names = ("magpsf", "sigmapsf", "isdiffpos")
    with pytest.raises(ConfigError, match=r"without its sign .isdiffpos.*--columns.difference"):
        read(names)
    with pytest.raises(ConfigError, match=r"--columns.magnitude magpsf_corr"):
        read((*names, "magpsf_corr"), magnitude="magpsf")
    columns, _ = read((*names, "magpsf_corr", "sigmapsf_corr"))
    assert (columns["magnitude"], columns["magnitude_error"]) == ("magpsf_corr", "sigmapsf_corr")
    _, _, faults = read(names, ([18.0, 18.0, 18.0], [0.1] * 3, [1.0, -1.0, np.nan]), difference=True)
    assert faults["negative difference"].tolist() == [False, True, False]
    assert faults["difference without its sign (isdiffpos)"].tolist() == [False, False, True]


def test_signs_and_limits_of_brokers():
    alerce = ("mag", "e_mag", "isdiffpos", "mag_corr", "e_mag_corr")
    assert read(alerce)[0]["magnitude_error"] == "e_mag_corr"
    with pytest.raises(ConfigError, match="isdiffpos"):
        read(alerce, magnitude="mag")
    with pytest.raises(ConfigError, match="isdiffpos"):
        read(("i:magpsf", "i:sigmapsf", "i:isdiffpos"), magnitude="i:magpsf")
    _, _, faults = read(("mag", "err", "diffmaglim"), ([18.0, np.nan, np.nan], [0.1] * 3, [20.0, 20.0, np.nan]))
    assert faults["upper limit"].tolist() == [False, True, False]


def test_atlas_has_negative_magnitudes_of_negative_fluxes():
    columns, chosen = read(("m", "dm", "uJy", "duJy", "err"))
    assert (columns["flux"], columns["flux_error"]) == ("uJy", "duJy")
    assert chosen.said == "magnitudes of difference flux 'uJy' in uJy, zero point 23.9"
    assert read(("m", "dm"))[0]["magnitude_error"] == "dm"


def test_a_flux_is_no_magnitude():
    with pytest.raises(ConfigError, match=r"'FLUXCAL' of 't.csv' is a flux: name it with --columns.flux"):
        read(("FLUXCAL", "FLUXCALERR"), magnitude="FLUXCAL")
    for unit in ("nJy", "electron / s", "count"):
        with pytest.raises(ConfigError, match=r"'aper' of 't.csv' is a flux in"):
            read(("aper", "err"), magnitude="aper", units={"aper": unit})
    with pytest.raises(ConfigError, match=r"is in mag: name it with --columns.magnitude"):
        read(("aper", "err"), flux="aper", unit="mag")
    with pytest.raises(ConfigError, match="exclude each other"):
        read(("mag", "err", "flux"), magnitude="mag", flux="flux")
    with pytest.raises(ConfigError, match=r"--columns.zero-point is for fluxes"):
        read(("mag", "err"), zero_point=25.0)


def test_millimagnitudes():
    for how in ({"units": {"mag": "mmag", "err": "mmag"}}, {"unit": "mmag"}, {"units": {"mag": "mmag"}}):
        magnitude, error, _ = read(("mag", "err"), ([15_000.0], [20.0]), **how)
        np.testing.assert_allclose([magnitude[0], error[0]], [15.0, 0.02])
    magnitude, error, _ = read(("mag", "err"), ([15.0], [20.0]), units={"mag": "mag", "err": "mmag"})
    np.testing.assert_allclose([magnitude[0], error[0]], [15.0, 0.02])


def test_errors_of_gaia_are_from_its_signal_to_noise():
    _, error, _ = read(
        ("mag", "flux", "flux_error", "flux_over_error"), ([15.0, 15.0], [1, 1], [1, 1], [108.5736, -1.0])
    )
    np.testing.assert_allclose(error[0], 0.01, rtol=1e-5)
    assert np.isnan(error[1])


def test_missing_errors():
    with pytest.raises(DataError, match=r"magnitude error.*--columns.magnitude-error.*--columns.constant-error"):
        read(("mag",))
    _, error, _ = read(("mag",), ([15.0, 16.0],), constant_error=0.05)
    assert error.tolist() == [0.05, 0.05]
    _, error, _ = read(("mag", "err"), ([15.0, 16.0], [0.1, np.nan]), constant_error=0.05)
    assert error.tolist() == [0.1, 0.05]
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(ConfigError, match="must be more than 0"):
            read(("mag",), constant_error=wrong)


def test_all_that_is_missing_is_said_at_once():
    with pytest.raises(DataError) as told:
        recognise(["a", "b"], ColumnNames(label="c"), "t.csv")
    for word in (
        "time",
        "magnitude or flux",
        "magnitude error",
        "'c'",
        "a, b",
        "--columns.flux",
        "--columns.time",
    ):
        assert word in str(told.value)
    with pytest.raises(DataError, match=r"'x' for the flux and 'y' for the flux error"):
        recognise(["id", "mjd"], ColumnNames(flux="x", flux_error="y"), "t.csv")


def fluxes(names, series, limited=None, **given):
    columns, chosen = read(names, **given)
    values = {name: np.asarray(x, float) for name, x in zip(names, series, strict=True)}
    taken = {field: values[name] for field, name in columns.items() if name in values}
    count = len(next(iter(values.values())))
    return chosen.fluxes(taken, np.zeros(count, bool) if limited is None else np.array(limited))


def test_fluxes_stay_what_they_are():
    flux, error, limit, faults = fluxes(("psfFlux", "psfFluxErr"), ([100.0, -5.0, 0.0], [1.0, 2.0, 3.0]))
    assert flux.tolist() == [100, -5, 0] and error.tolist() == [1, 2, 3] and not limit.any() and not faults
    flux, error, _, _ = fluxes(("flux", "flux_over_error"), ([100.0, -50.0, 1.0], [10.0, -5.0, 0.0]), zero_point=25.0)
    assert error[:2].tolist() == [10, 10] and np.isnan(error[2])
    flux, error, _, _ = fluxes(("flux",), ([100.0, -50.0],), zero_point=25.0, constant_error=0.1)
    np.testing.assert_allclose(error, [9.2103, np.nan], rtol=1e-4)  # a relative error says nothing of a negative flux
    flux, _, limit, _ = fluxes(("flux", "flux_err"), ([100.0, 30.0], [1.0, 1.0]), [False, True], zero_point=25.0)
    assert limit.tolist() == [0, 30] and np.isnan(flux[1])


def test_magnitudes_are_fluxes_of_microjansky():
    names = ("mag", "err", "limmag")
    flux, error, limit, _ = fluxes(names, ([23.9, np.nan, 99.0], [0.1, np.nan, 99.0], [25.0, 23.9, 21.4]))
    np.testing.assert_allclose(flux, [1, np.nan, np.nan])
    np.testing.assert_allclose(error, [0.0921034, np.nan, np.nan], rtol=1e-5)
    np.testing.assert_allclose(limit, [0, 1, 10])


def test_a_flux_beside_magnitudes_is_named():
    _, chosen = read(("psfMag", "psfMagErr", "psfFlux", "psfFluxErr"))
    assert chosen.said == "magnitudes 'psfMag' (its flux 'psfFlux' is kept with --columns.flux psfFlux)"


def test_a_zero_point_that_can_be_two_is_refused():
    names = ("flux", "flux_err", "zp")
    with pytest.raises(ConfigError, match=r"is in nJy, of zero point 31.4, and column 'zp'.*--columns.unit nJy"):
        read(names, units={"flux": "nJy"})
    columns, chosen = read(names, units={"flux": "nJy"}, unit="nJy")
    assert "zero_point" not in columns and chosen.zero_point == 31.4
    assert read(names)[1].flux_zero_point == 23.9  # each point's own, brought to one


def test_the_same_name_in_two_surveys():
    names = ("psfFlux", "psfFluxErr", "obsTime", "filterID", "zp")
    columns, chosen = read(names)
    assert (chosen.zero_point, chosen.unit) == (8.9, "Jy") and "zero_point" not in columns
    assert read(("psfFlux", "psfFluxErr"))[1].unit == "nJy"


@pytest.mark.parametrize(
    ("units", "factor"),
    [
        ({"flux": "Jy", "flux_err": "mJy"}, 1e-3),
        ({"flux": "uJy", "flux_err": "nJy"}, 1e-3),
        ({"flux": "nJy", "flux_err": "nJy"}, 1.0),
        ({"flux": "electron / s", "flux_err": "electron/s"}, 1.0),
        ({"flux": "mJy"}, 1.0),
    ],
)
def test_a_flux_and_its_error_may_have_units_of_their_own(units, factor):
    _, error, _ = read(("flux", "flux_err"), ([100.0], [1.0]), units)
    np.testing.assert_allclose(error, 2.5 / np.log(10) * 0.01 * factor)


def test_units_of_flux_and_error_that_do_not_go_together_are_refused():
    for unit in ("mag", "adu"):
        with pytest.raises(ConfigError, match=f"flux 'flux' of 't.csv' is in Jy and its error 'flux_err' in {unit}"):
            read(("flux", "flux_err"), ([1.0], [1.0]), {"flux": "Jy", "flux_err": unit})
    _, error, _ = read(("flux", "flux_err"), ([100.0], [1.0]), {"flux": "Jy", "flux_err": "adu"}, unit="Jy")
    np.testing.assert_allclose(error, 2.5 / np.log(10) * 0.01)


def test_magnitudes_that_are_called_flux_are_refused():
    rng = np.random.default_rng(0)
    columns, error = {"flux": "flux"}, np.full(40, 0.02)
    with pytest.raises(ConfigError, match=r"around 15\.\d .* --columns.magnitude flux or --columns.flux flux"):
        check_no_magnitudes(rng.normal(15, 0.3, 40), error, columns, "a.csv")
    for flux, other in (
        (rng.normal(15, 2, 40), np.full(40, 2.0)),  # faint fluxes have errors to match
        (rng.normal(1500, 30, 40), error),
        (np.append(rng.normal(15, 0.3, 40), -1.0), np.append(error, 0.02)),
        (rng.normal(1, 0.01, 40), error),  # normalised
        (rng.normal(15, 0.3, 5), error[:5]),
        (rng.normal(15, 0.3, 40), np.zeros(0)),
    ):
        check_no_magnitudes(flux, other, columns, "a.csv")
