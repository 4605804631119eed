"""Tables of fluxes as surveys hand them out: signs, zero points and limits of each are in the records that are made of them."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from data_pipelines.datasets.builder_checks import prepare_and_check
from data_pipelines.kinds.light_curves.cleaning import CleaningReport, CleaningSettings, CleanLightCurve
from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.kinds.light_curves.flux_cleaning import clean_with_fluxes
from data_pipelines.kinds.light_curves.meaning import BrightnessFound, brightness_of
from data_pipelines.prepare import prepare
from data_pipelines.sources import read_light_curves
from lcjax.errors import ConfigError, DataError

N = 12
MJD = 60_000.25 + np.arange(N)
FLUX = np.where(np.arange(N) % 2, -1.0, 1.0) * (100 + np.arange(N))
ERROR = np.full(N, 5.0)


def read(paths, **given):
    """Clean light curves, what their dataset's brightness is, and the report."""
    paths = paths if isinstance(paths, list) else [paths]
    report, found, kept = CleaningReport(), BrightnessFound(), []
    bad = lambda path, reason: report.bad_files.__setitem__(str(path), reason)
    for raw in read_light_curves(paths, ColumnNames(**given), on_columns=report.add_columns, on_bad_file=bad):
        curve = clean_with_fluxes(raw, CleaningSettings(), report)
        if isinstance(curve, CleanLightCurve):
            found.add(curve.fluxes, raw.origin)
            kept.append(curve)
    assert report.points_read == report.points_kept + report.points_dropped.total()
    return kept, found.result(5), report


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def check(path, kind, zero_point, unit, flux=None, values=FLUX, **given):
    """One star of N points whose fluxes are all there; `flux`: the user's column."""
    (curve,), brightness, report = read(path, flux=flux, **given)
    assert (brightness.kind, brightness.has_fluxes, brightness.unit) == (kind, True, unit)
    np.testing.assert_array_equal(brightness.zero_point, zero_point)
    np.testing.assert_allclose(curve.fluxes.mjd, MJD, rtol=0, atol=2e-6)
    np.testing.assert_allclose(curve.fluxes.flux, values, rtol=1e-6)
    np.testing.assert_allclose(curve.fluxes.flux_error / np.abs(values), ERROR / np.abs(FLUX), rtol=1e-6)
    np.testing.assert_allclose(curve.mjd, MJD[FLUX > 0], rtol=0, atol=2e-6)
    return report


def test_rubin(tmp_path):
    names = {"psfFlux": FLUX, "psfFluxErr": ERROR}
    star = {"diaObjectId": [7] * N, "midpointMjdTai": MJD}
    sources = parquet(
        tmp_path / "s.parquet", **star, diaSourceId=range(N), **names, scienceFlux=FLUX + 999, scienceFluxErr=ERROR
    )
    report = check(sources, "difference_flux", 31.4, "nJy", flux="psfFlux")
    assert report.facts()["time scale"] == "mjd_tai"
    forced = parquet(tmp_path / "f.parquet", **star, **names, psfDiffFlux=FLUX, psfDiffFluxErr=ERROR)
    check(forced, "difference_flux", 31.4, "nJy", flux="psfDiffFlux")
    check(forced, "total_flux", 31.4, "nJy", flux="psfFlux")
    check(parquet(tmp_path / "d.parquet", **star, diaForcedSourceId=range(N), **names), "difference_flux", 31.4, "nJy")
    with pytest.raises(ConfigError, match="two fluxes"):
        read(forced)


@pytest.mark.parametrize("column", ["PDCSAP_FLUX", "SAP_FLUX"])
def test_kepler_and_tess(tmp_path, column):
    from astropy.io import fits

    columns = [
        fits.Column("TIME", "D", "BJD - 2457000, days", array=MJD - 56_999.5),
        fits.Column(column, "E", "e-/s", array=FLUX),
        fits.Column(f"{column}_ERR", "E", "e-/s", array=ERROR),
        fits.Column("QUALITY", "J", array=np.zeros(N, int)),
    ]
    table = fits.BinTableHDU.from_columns(columns)
    table.header.update({"TIMESYS": "TDB", "OBJECT": "TIC 7"})
    table.writeto(tmp_path / "t.fits")
    # Of FITS tables the unit is as the reader spells it.
    (_, brightness, _) = read(tmp_path / "t.fits")
    report = check(tmp_path / "t.fits", "relative_flux", np.nan, brightness.unit)
    assert report.facts()["time scale"] == "bjd_tdb" and brightness.unit.replace(" ", "") in ("electron/s", "e-/s")


def test_plasticc_and_elasticc(tmp_path):
    rows = zip([7] * N, MJD, range(N), FLUX, ERROR, [0, 1] * (N // 2), strict=True)
    lines = "\n".join(",".join(map(str, (i, t, 3, f, e, d))) for i, t, _, f, e, d in rows)
    (tmp_path / "p.csv").write_text(f"object_id,mjd,passband,flux,flux_err,detected_bool\n{lines}\n")
    check(tmp_path / "p.csv", "difference_flux", 27.5, "")
    columns = {"SNID": ["7"] * N, "MJD": MJD, "BAND": ["r"] * N, "FLUXCAL": FLUX, "FLUXCALERR": ERROR}
    check(parquet(tmp_path / "e.parquet", **columns), "difference_flux", 27.5, "")


def test_epoch_photometry_of_gaia(tmp_path):
    columns = {"source_id": [7] * N, "transit_id": range(N), "time": MJD - 55_197.0, "band": ["G"] * N, "flux": FLUX}
    columns |= {"flux_over_error": FLUX / ERROR, "rejected_by_photometry": [False] * N}
    report = check(parquet(tmp_path / "g.parquet", **columns), "relative_flux", np.nan, "")
    assert report.facts()["time scale"] == "bjd_tcb"
    magnitudes = parquet(tmp_path / "m.parquet", **columns, mag=20 - 0.01 * np.arange(N))
    _, brightness, _ = read(magnitudes)
    assert (brightness.kind, brightness.has_fluxes) == ("magnitude", False)  # the catalogue's own, where there are some


def test_forced_photometry_of_ztf_in_zero_points_of_its_own(tmp_path):
    zero = np.where(np.arange(N) < 6, 26.3, 25.8)
    columns = {"oid": ["7"] * N, "jd": MJD + 2_400_000.5, "filter": ["ZTF_g"] * N, "forcediffimflux": FLUX}
    columns |= {"forcediffimfluxunc": ERROR, "zpdiff": zero, "infobitssci": [0] * N}
    scaled = FLUX * 10 ** (0.4 * (23.9 - zero))
    check(parquet(tmp_path / "z.parquet", **columns), "difference_flux", 23.9, "uJy", values=scaled)
    columns["zpdiff"] = [None, *zero[1:]]
    _, _, report = read(parquet(tmp_path / "n.parquet", **columns))
    assert report.points_dropped == {"flux not finite": 1}


@pytest.mark.parametrize(
    ("unit", "name", "zero_point"),
    [
        ("nmgy", "flux", 22.5),
        ("nanomaggy", "flux", 22.5),
        ("mgy", "flux", 0.0),
        ("", "flux_nmgy", 22.5),
        ("mJy", "flux", 16.4),
    ],
)
def test_units_that_say_the_zero_point(tmp_path, unit, name, zero_point):
    fields = [pa.field(name, pa.float64(), metadata={"unit": unit} if unit else None)]
    schema = pa.schema(
        [pa.field("id", pa.string()), pa.field("mjd", pa.float64()), *fields, pa.field("err", pa.float64())]
    )
    pq.write_table(pa.table({"id": ["s"] * N, "mjd": MJD, name: FLUX, "err": ERROR}, schema), tmp_path / "u.parquet")
    known = {22.5: "nmgy", 0.0: "mgy", 16.4: "mJy"}[zero_point]
    check(tmp_path / "u.parquet", "total_flux", zero_point, known, flux=name)
    check(tmp_path / "u.parquet", "difference_flux", zero_point, known, flux=name, difference=True)


def alerts(limits):
    """Light curves of alerts: magnitudes of differences with their signs, and limits where nothing was found."""
    magnitude = np.where(limits, np.nan, 18 + 0.1 * np.arange(N))
    sign = [None if limit else "tf"[i % 2] for i, limit in enumerate(limits)]
    error = np.where(limits, np.nan, 0.1)
    return {
        "oid": ["7"] * N,
        "mjd": MJD,
        "magpsf": magnitude,
        "sigmapsf": error,
        "isdiffpos": sign,
        "diffmaglim": np.full(N, 20.5),
    }


def test_signed_differences_and_limits_of_alerts(tmp_path):
    limits = np.arange(N) % 6 == 5
    (curve,), brightness, report = read(parquet(tmp_path / "a.parquet", **alerts(limits)), difference=True)
    assert (brightness.kind, brightness.zero_point, brightness.unit) == ("difference_flux", 23.9, "uJy")
    flux = 10 ** (-0.4 * (18 + 0.1 * np.arange(N) - 23.9)) * np.where(np.arange(N) % 2, -1, 1)
    np.testing.assert_allclose(curve.fluxes.flux, np.where(limits, np.nan, flux), rtol=1e-9)
    np.testing.assert_allclose(curve.fluxes.flux_error[0], flux[0] * 0.1 / 1.0857362, rtol=1e-6)
    np.testing.assert_allclose(curve.fluxes.limit, np.where(limits, 10 ** (0.4 * 3.4), 0), rtol=1e-9)
    assert (report.fluxes.negative, report.fluxes.limits, report.points_dropped.total()) == (4, 2, 0)


def test_tables_of_non_detections_alone(tmp_path):
    found = parquet(tmp_path / "detections.parquet", **alerts(np.zeros(N, bool)))
    later = {"oid": ["7"] * 3, "mjd": MJD[:3] + 100, "diffmaglim": [20.5, 20.6, -999.0]}
    limits = parquet(tmp_path / "non_detections.parquet", **later)
    for named in ({}, {"magnitude": "magpsf", "magnitude_error": "sigmapsf"}):
        (curve,), brightness, report = read([found, limits], difference=True, **named)
        assert np.count_nonzero(~curve.fluxes.measured) == 2 and brightness.kind == "difference_flux"
    assert report.points_dropped == {"flux not finite": 1}
    with pytest.raises(DataError, match="no column for the magnitude"):
        read(limits)  # the user has not said that these are of differences
    columns = {"id": ["7"] * N, "mjd": MJD, "brightness_v": np.full(N, 18.0), "err": ERROR, "limmag": np.full(N, 20.5)}
    with pytest.raises(DataError, match="no column for the magnitude"):
        read(parquet(tmp_path / "u.parquet", **columns))  # no table of limits: the magnitude has an unknown name


def test_limits_of_the_star_itself(tmp_path):
    limits = np.arange(N) > 8
    columns = {"id": ["7"] * N, "mjd": MJD, "mag": np.where(limits, 99.0, 18.0), "err": np.where(limits, 99.0, 0.1)}
    (curve,), brightness, _ = read(parquet(tmp_path / "l.parquet", **columns, limmag=np.full(N, 20.5)))
    assert brightness.kind == "magnitude" and (~curve.fluxes.measured == limits).all() and len(curve.mjd) == 9
    columns["mag"] = np.where(limits, 20.5, 18.0)
    (flagged,), _, _ = read(parquet(tmp_path / "f.parquet", **columns, upperlimit=limits))
    np.testing.assert_array_equal(flagged.fluxes.limit, curve.fluxes.limit)
    # A limit of differences is none of the star's own magnitude.
    del columns["mag"]
    own = parquet(
        tmp_path / "o.parquet",
        **columns,
        mag_corr=np.where(limits, np.nan, 18.0),
        isdiffpos=["t"] * N,
        diffmaglim=[20.5] * N,
    )
    _, brightness, report = read(own)
    assert not brightness.has_fluxes and report.points_dropped == {"upper limit": 3}


def test_what_is_no_flux_is_refused(tmp_path):
    columns = {"id": ["7"] * N, "mjd": MJD, "luptitude": np.full(N, 20.0), "err": ERROR}
    with pytest.raises(ConfigError, match=r"asinh magnitudes.*--columns.flux"):
        read(parquet(tmp_path / "l.parquet", **columns), magnitude="luptitude")
    own = parquet(tmp_path / "o.parquet", id=["7"] * N, mjd=MJD, magpsf_corr=np.full(N, 20.0), err=ERROR)
    with pytest.raises(ConfigError, match=r"leave --columns.difference out"):
        read(own, magnitude="magpsf_corr", difference=True)


def test_difference_chooses_the_difference(tmp_path):
    columns = alerts(np.zeros(N, bool)) | {"magpsf_corr": np.full(N, 15.0), "sigmapsf_corr": np.full(N, 0.01)}
    _, brightness, report = read(parquet(tmp_path / "b.parquet", **columns), difference=True)
    assert report.columns["magnitude"] == "magpsf" and brightness.kind == "difference_flux"
    _, brightness, report = read(tmp_path / "b.parquet")
    assert report.columns["magnitude"] == "magpsf_corr" and brightness.kind == "magnitude"


def test_a_dataset_of_several_tables(tmp_path):
    """Tables of three zero points and one of magnitudes, with a star that is in two of them: one zero point for all."""
    star = lambda name: {"id": [name] * N, "mjd": MJD}
    flux = np.abs(FLUX) * np.where(np.arange(N) < 9, 1, -1)
    first = parquet(tmp_path / "n.parquet", **star("n"), psfFlux=flux, psfFluxErr=ERROR)
    both = {"id": np.repeat(["n", "m"], N), "mjd": np.concatenate([MJD + 100, MJD])}
    zero = np.repeat([27.5, 25.0], N)
    second = parquet(tmp_path / "a.parquet", **both, flux=np.tile(flux, 2), err=np.tile(ERROR, 2), zp=zero)
    third = parquet(tmp_path / "m.parquet", **star("o"), mag=np.full(N, 20.0), err=np.full(N, 0.1))
    done, records = prepare_and_check("light_curve_files", [first, second, third], tmp_path / "out")
    brightness = brightness_of(done.manifest)
    assert (brightness.kind, brightness.zero_point, brightness.unit) == ("total_flux", 23.9, "uJy")
    found = {record["object_id"].decode(): record["flux"] for record in records}
    expected = {
        "n": np.concatenate([flux * 10**-3.0, flux * 10**-1.44]),
        "m": flux * 10**-0.44,
        "o": np.full(N, 10**1.56),
    }
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6)
    with pytest.raises(DataError, match="total flux and difference flux"):
        read([first, parquet(tmp_path / "d.parquet", **star("d"), FLUXCAL=FLUX, FLUXCALERR=ERROR)])


def test_datasets_through_tfds(tmp_path):
    rng = np.random.default_rng(0)
    count = 20
    flux = rng.normal(0, 100, (count, N))
    columns = {"mjd": [MJD] * count, "forcediffimflux": list(flux), "forcediffimfluxunc": [ERROR] * count}
    path = parquet(tmp_path / "z.parquet", oid=[f"s{i}" for i in range(count)], **columns, zpdiff=[26.4] * count)
    done = prepare("light_curve_files", [path], tmp_path / "out", shards=1)
    assert brightness_of(done.manifest).zero_point == 23.9
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(str(done.manifest.folder))
    found = {
        r["object_id"].decode(): r for s in builder.info.splits for r in builder.as_dataset(split=s).as_numpy_iterator()
    }
    assert len(found) == count
    for number in range(count):
        record = found[f"s{number}"]
        assert record["flux_length"] == N == len(record["flux"]) and not record["flux_limit"].any()
        np.testing.assert_allclose(record["flux"], flux[number] * 0.1, rtol=1e-6)
        np.testing.assert_allclose(record["flux_time"] + record["reference_mjd"], MJD, rtol=0, atol=1e-5)
        assert record["length"] == len(record["magnitude"]) <= np.count_nonzero(flux[number] > 0)
    counts = json.loads((done.manifest.folder / "manifest.json").read_text())["meaning"]["brightness"]["counts"]
    assert counts["points"] == count * N and counts["negative"] == np.count_nonzero(flux < 0)
    assert counts == json.loads((done.manifest.folder / "cleaning.json").read_text())["fluxes"]


def test_real_fluxes(data_root):
    folder = data_root / "ztf_alerce_lightcurves"
    _, brightness, report = read(folder / "elasticc_lc_chunk_SIMULATED.parquet")
    assert report.fluxes.negative == 397 and report.points_kept == 1521 and brightness.zero_point == 27.5
    _, brightness, report = read(folder / "ztf_forced_examples_training.parquet", flux="forcediffimflux", unit="uJy")
    assert report.fluxes.negative == 3962 and (brightness.kind, brightness.zero_point) == ("difference_flux", 23.9)
    tables = [folder / f"{name}_sample.parquet" for name in ("detections", "non_detections")]
    _, _, report = read(tables, difference=True)
    assert (report.fluxes.negative, report.fluxes.limits) == (750, 1161)


def test_real_supernovae(data_root, tmp_path):
    whole = pq.read_table(data_root / "pantheonplus_snia" / "pantheonplus_snia_dev.parquet")
    whole = whole.filter(pc.equal(whole["survey"], "JLA2014_SNLS_DS17")).slice(0, 60)
    pq.write_table(whole, tmp_path / "p.parquet")
    _, brightness, report = read(tmp_path / "p.parquet", object_id="id", zero_point=27.5, difference=True)
    read_in = np.concatenate([np.asarray(flux) for flux in whole["flux"].to_pylist()])
    assert report.points_read == len(read_in) and brightness.kind == "difference_flux"
    assert 0 < report.fluxes.negative <= np.count_nonzero(read_in < 0)
    bright = pq.read_table(data_root / "ztf_bts_snia" / "ztf_bts_snia_dev.parquet").slice(0, 50)
    pq.write_table(bright, tmp_path / "b.parquet")
    curves, brightness, _ = read(tmp_path / "b.parquet", difference=True)
    assert brightness.kind == "difference_flux" and all(len(c.fluxes) == len(c.mjd) for c in curves)
