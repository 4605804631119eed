"""Spectra say what their columns are, or are refused: units, air, errors, flags, order, one spectrum a table."""

import numpy as np
import pytest

from data_pipelines.sources.spectra import SpectrumReading, read_spectrum
from data_pipelines.sources.wavelengths import (
    columns_of,
    in_vacuum_angstrom,
    inverse_variance,
    kept_samples,
    plain_name,
    vacuum,
)  # fmt: skip
from lcjax.errors import DataError

WAVE = np.linspace(4000.0, 5000.0, 6)
FLUX = np.array([1.0, 2.0, 3.0, 2.0, 1.5, 1.0])
IVAR = np.array([4.0, 4.0, 0.0, 1.0, 1.0, 1.0])


def text(path, header, *columns):
    path.write_text(header + "\n".join(" ".join(f"{x:.10g}" for x in row) for row in zip(*columns, strict=True)))
    return path


def test_air_and_vacuum():
    known = {3933.663: 3934.777, 5889.950: 5891.583, 6562.79: 6564.60}  # NIST: Ca K, Na D2, H alpha
    np.testing.assert_allclose(vacuum(np.array(list(known))), list(known.values()), atol=0.01)
    assert vacuum(np.array([1500.0])) == 1500.0


@pytest.mark.parametrize(
    ("header", "columns", "reading"),
    [
        ("wavelength flux ivar\n", (WAVE, FLUX, IVAR), {}),
        ("# ivar wave [nm] flux\n", (IVAR, WAVE / 10, FLUX), {}),
        ("lambda_um flux ivar\n", (WAVE / 1e4, FLUX, IVAR), {}),
        ("loglam flux ivar\n", (np.log10(WAVE), FLUX, IVAR), {}),
        ("wave flux ivar\n", (WAVE[::-1] / 10, FLUX[::-1], IVAR[::-1]), {"unit": "nm"}),
        ("# wavelengths in nm\n", (WAVE / 10, FLUX, IVAR), {"unit": "nm", "third": "ivar"}),
        ("wave flux err\n", (WAVE, FLUX, np.where(IVAR > 0, 1 / np.sqrt(np.maximum(IVAR, 1e-9)), 0)), {}),
    ],
)
def test_columns_are_what_they_are_called(tmp_path, header, columns, reading):
    found = read_spectrum(text(tmp_path / "a.txt", header, *columns), SpectrumReading(**reading))
    found = found[np.argsort(found[:, 0])]
    np.testing.assert_allclose(found, np.stack([WAVE, FLUX, IVAR], 1), rtol=1e-6)


def test_samples_that_are_flagged_are_left_out_where_that_is_asked(tmp_path):
    path = text(tmp_path / "a.txt", "wave flux ivar mask\n", WAVE, FLUX, IVAR, [0, 0, 0, 0, 0, 8])
    assert len(read_spectrum(path)) == 6
    assert read_spectrum(path, SpectrumReading(flagged="drop"))[:, 0].tolist() == WAVE[[0, 1, 3, 4]].tolist()
    assert read_spectrum(text(tmp_path / "b.txt", "wave_air flux\n", WAVE, FLUX))[0, 0] == vacuum(WAVE[:1])[0]


@pytest.mark.parametrize(
    ("header", "columns", "match"),
    [
        ("", (WAVE, FLUX, IVAR), r"--multimodal.third ivar or error"),
        ("wave flux\n", (WAVE / 10, FLUX), r"--multimodal.wavelength-unit"),
        ("wave flux\n", (np.linspace(300.0, 2500.0, 6), FLUX), r"from 300 to 2500 without a unit"),
        ("# wavelength in micron, K band\n", (WAVE, FLUX), "speaks of 'micron'"),
        ("# in air\nwave flux\n", (WAVE, FLUX), r"--multimodal.wavelength-medium"),
        ("wave_km flux\n", (WAVE, FLUX), "columns wave_km"),
        ("wave lambda flux\n", (WAVE, WAVE, FLUX), "several could be meant"),
        ("wave[furlong] flux\n", (WAVE, FLUX), "'furlong'"),
        ("wave flux\n", (WAVE - 4000.0, FLUX), "a wavelength of 0"),
    ],
)
def test_what_can_mean_two_things_is_refused(tmp_path, header, columns, match):
    with pytest.raises(DataError, match=match):
        read_spectrum(text(tmp_path / "a.txt", header, *columns))


def fits_file(path, image=None, table=None, **cards):
    fits = pytest.importorskip("astropy.io.fits", reason="needs astropy (extra test or data)")
    units = [fits.PrimaryHDU(image)]
    if table is not None:
        columns = [fits.Column(n, f"{np.shape(v)[1]}D", array=v, unit=u) for n, (v, u) in table.items()]
        units.append(fits.BinTableHDU.from_columns(columns))
    units[0].header.update(cards)
    fits.HDUList(units).writeto(path)
    return path


def test_fits_headers_say_units_and_air_and_what_is_missing(tmp_path):
    table = {"WAVELENGTH": (WAVE[None] / 10, "nm"), "FLUX": (FLUX[None], ""), "IVAR": (IVAR[None], "")}
    np.testing.assert_allclose(read_spectrum(fits_file(tmp_path / "a.fits", table=table))[:, 0], WAVE)
    air = read_spectrum(fits_file(tmp_path / "b.fits", table=table, VACUUM=False))
    np.testing.assert_allclose(air[:, 0], vacuum(WAVE))
    several = {name: (np.repeat(v, 2, 0), u) for name, (v, u) in table.items()}
    with pytest.raises(DataError, match="2 spectra in one table"):
        read_spectrum(fits_file(tmp_path / "c.fits", table=several))
    with pytest.raises(DataError, match="COEFF1 is missing"):
        read_spectrum(fits_file(tmp_path / "d.fits", image=np.stack([FLUX, IVAR]), COEFF0=3.6))
    mask = np.array([0, 0, 0, 0, 16, 0.0])
    image = np.stack([FLUX, np.ones(6), FLUX, mask])
    path = fits_file(tmp_path / "e.fits", image=image, COEFF0=3.6, COEFF1=1e-3)
    assert len(read_spectrum(path)) == 6 and len(read_spectrum(path, SpectrumReading(flagged="drop"))) == 5


def test_headers_that_contradict_themselves_or_the_names(tmp_path):
    def spectrum(number, name="WAVELENGTH", unit="", **cards):
        table = {name: (WAVE[None], unit), "FLUX": (FLUX[None], ""), "IVAR": (IVAR[None], "")}
        return fits_file(tmp_path / f"{number}.fits", table=table, **cards)

    with pytest.raises(DataError, match="the unit 'nm' in the name of its wavelengths and 'Angstrom' in its header"):
        read_spectrum(spectrum(1, "wave_nm", "Angstrom"))
    with pytest.raises(DataError, match="in air, and that they are in vacuum"):
        read_spectrum(spectrum(2, "wave_air", VACUUM=True))
    with pytest.raises(DataError, match="both air and vacuum"):
        read_spectrum(spectrum(3, VACUUM=True, CTYPE1="AWAV"))
    image = np.stack([FLUX, IVAR])
    path = fits_file(tmp_path / "4.fits", image=image, COEFF0=3.6, COEFF1=1e-3, CTYPE1="AWAV-LOG")
    assert read_spectrum(path)[0, 0] == vacuum(np.array([10**3.6]))[0]
    path = fits_file(tmp_path / "5.fits", image=image, COEFF0=2.6, COEFF1=1e-3, CUNIT1="nm")
    np.testing.assert_allclose(read_spectrum(path)[0, 0], 10**3.6)


def test_a_column_is_not_taken_for_another(tmp_path):
    """The third of three is the flux, an empty cell would move the next one into its place, and a variance is not negative."""
    path = text(tmp_path / "a.txt", "number wave flux\n", np.arange(6), WAVE, FLUX)
    assert not read_spectrum(path, SpectrumReading(third="ivar"))[:, 2].any()
    for names, row in (
        ("wave,flux,ivar", "{},,4.0"),
        ("wave\tflux\tivar", "{}\t\t4.0"),
        ("flux,wave,ivar", "4100,{},"),
    ):
        (tmp_path / "b.csv").write_text("\n".join([names, *(row.format(w) for w in WAVE)]))
        with pytest.raises(DataError, match=r"line 2 of .* has an empty cell"):
            read_spectrum(tmp_path / "b.csv")
    (tmp_path / "b.csv").write_text("\n".join(["wave,flux,", *(f"{w},1.0," for w in WAVE)]))
    assert read_spectrum(tmp_path / "b.csv")[0].tolist() == [WAVE[0], 1.0, 0.0]  # no name, no cell
    path = text(tmp_path / "c.txt", "wave flux ivar\n", WAVE, FLUX, np.where(IVAR == 0, -1.0, IVAR))
    np.testing.assert_array_equal(read_spectrum(path)[:, 2], IVAR)


def test_names():
    assert plain_name("Wave (um)") == ("wave", "um")
    found = columns_of(["vac_wave", "flux", "AND_MASK", "e_flux"], "x")
    assert (found.wavelength, found.air, found.error, found.mask) == ("vac_wave", False, "e_flux", "AND_MASK")
    assert in_vacuum_angstrom(np.array([1215.0]), SpectrumReading("angstrom"))[0] == 1215.0


@pytest.mark.parametrize(
    ("value", "unit", "air", "reading", "wanted"),
    [
        (5e-7, "m", None, SpectrumReading(), 5000.0),
        (500.0, "nm", None, SpectrumReading("angstrom"), 5000.0),
        (0.5, "", None, SpectrumReading("micron"), 5000.0),
        (5000.0, "", None, SpectrumReading(medium="air"), 5001.394),
        (5000.0, "", False, SpectrumReading(medium="air"), 5000.0),
        (5000.0, "", True, SpectrumReading(medium="vacuum"), 5001.394),
        (500.0, "nm", True, SpectrumReading(), 5001.394),
    ],
)
def test_what_a_file_says_goes_before_what_its_reader_says(value, unit, air, reading, wanted):
    assert in_vacuum_angstrom(np.array([value]), reading, unit, air)[0] == pytest.approx(wanted, abs=2e-3)


def test_errors_that_are_none_and_samples_of_which_no_error_is_known():
    error = np.array([np.nan, 0.0, -1.0, 2.0])
    np.testing.assert_array_equal(inverse_variance(None, error, 4), [np.nan, 0.0, 0.0, 0.25])
    unknown = np.stack([WAVE, FLUX, inverse_variance(None, None, 6)], 1)
    drop = SpectrumReading(flagged="drop")
    assert len(kept_samples(unknown, None, drop)) == 6 and len(kept_samples(unknown, IVAR == 0, drop)) == 5
