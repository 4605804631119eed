"""Points of tables as surveys hand them out: times, fluxes, flags and texts of every form become the same light curve."""

import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.kinds.light_curves.cleaning import CleaningReport, CleaningSettings, CleanLightCurve, clean
from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.sources import read_light_curves
from lcjax.errors import ConfigError

N = 12
MJD = 58_849.25 + np.arange(N)
MAG = 15 + 0.25 * np.arange(N)


def read(path, **given):
    report = CleaningReport()
    found = read_light_curves([path], ColumnNames(**given), on_columns=report.add_columns)
    return [clean(curve, CleaningSettings(), report) for curve in found], report


def check(path, **given):
    (curve,), report = read(path, **given)
    assert isinstance(curve, CleanLightCurve), curve
    np.testing.assert_allclose(curve.mjd, MJD, rtol=0, atol=2e-6)
    np.testing.assert_allclose(curve.magnitude, MAG, atol=1e-4)
    return report


def write_csv(path, mark, columns):
    rows = [mark.join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    path.write_text(mark.join(columns) + "\n" + "\n".join(rows) + "\n")
    return path


def table(**more):
    return {"id": ["s"] * N, "time": MJD, "mag": MAG, "err": np.full(N, 0.1)} | more


def test_decimal_commas(tmp_path):
    commas = {name: [str(x).replace(".", ",") for x in values] for name, values in table().items()}
    check(write_csv(tmp_path / "a.csv", ";", commas))
    thousands = table(mag=[f"{m:.3f}".replace(".", ",") for m in MAG])
    with pytest.raises(ConfigError, match=r"numbers such as '15,000', whose comma may be decimal or part thousands"):
        read(write_csv(tmp_path / "b.csv", ";", thousands))


def moments():
    return [datetime.datetime(2020, 1, 1, 6) + datetime.timedelta(days=i) for i in range(N)]


def test_dates(tmp_path):
    for number, texts in enumerate(
        ([m.isoformat() for m in moments()], [f"{m.isoformat(' ')}+00:00" for m in moments()])
    ):
        report = check(write_csv(tmp_path / f"{number}.csv", ",", table(time=texts)))
        assert report.columns["times"].startswith("dates")
    pq.write_table(pa.table(table(time=pa.array(moments(), pa.timestamp("ns")))), tmp_path / "t.parquet")
    check(tmp_path / "t.parquet")
    with pytest.raises(ConfigError, match=r"holds texts such as '01/02/2020', no numbers and no dates"):
        read(write_csv(tmp_path / "us.csv", ",", table(time=["01/02/2020"] * N)))
    with pytest.raises(ConfigError, match="holds dates, not numbers"):
        read(tmp_path / "0.csv", time_format="btjd")


def test_a_table_of_tess(tmp_path):
    fits = pytest.importorskip("astropy.io.fits", reason="needs astropy (extra test or data)")
    flux = 10 ** (-0.4 * MAG)
    bad = np.zeros(N + 1, np.int32)
    bad[-1] = 128
    more = lambda values: np.concatenate([values, values[-1:]])
    columns = [
        fits.Column("TIC", "2A", array=np.array(["s"] * (N + 1))),
        fits.Column("TIME", "D", unit="BJD - 2457000, days", array=np.append(MJD - 56_999.5, MJD[-1] - 56_998)),
        fits.Column("SAP_FLUX", "E", unit="e-/s", array=more(flux * 2)),
        fits.Column("PDCSAP_FLUX", "E", unit="e-/s", array=more(flux)),
        fits.Column("PDCSAP_FLUX_ERR", "E", unit="e-/s", array=more(flux * 0.01)),
        fits.Column("QUALITY", "J", array=bad),
    ]
    unit = fits.BinTableHDU.from_columns(columns)
    unit.header["BJDREFI"], unit.header["BJDREFF"], unit.header["TIMESYS"] = 2457000, 0.0, "TDB"
    unit.writeto(tmp_path / "tess.fits")
    report = check(tmp_path / "tess.fits", object_id="TIC")
    assert report.points_dropped == {"flagged by QUALITY": 1} and report.points_read == N + 1
    assert report.columns["brightness"].startswith("relative magnitudes of flux 'PDCSAP_FLUX'")
    assert report.facts()["times"].startswith("BJD - 2457000")
    del unit.header["TUNIT2"], unit.header["BJDREFI"], unit.header["BJDREFF"]
    unit.columns["TIME"].unit = None
    unit.writeto(tmp_path / "bare.fits")
    with pytest.raises(ConfigError, match="BTJD"):
        read(tmp_path / "bare.fits", object_id="TIC")
    check(tmp_path / "bare.fits", object_id="TIC", time_format="btjd")


@pytest.mark.parametrize("nested", [False, True])
def test_rubin_and_flags(tmp_path, nested):
    flux = 10 ** (-0.4 * (MAG - 31.4))
    bad = {"midpointMjdTai": 60_000.0, "psfFlux": -10.0, "psfFluxErr": 1.0, "psfFlux_flag": False}
    flagged = {"midpointMjdTai": 60_001.0, "psfFlux": 1e4, "psfFluxErr": 1.0, "psfFlux_flag": True}
    points = [
        {"midpointMjdTai": t, "psfFlux": f, "psfFluxErr": f * 0.01, "psfFlux_flag": None}
        for t, f in zip(MJD, flux, strict=True)
    ]
    points += [bad, flagged]
    rows = [{"diaObjectId": "s", **point} for point in points]
    pq.write_table(
        pa.Table.from_pylist([{"diaObjectId": "s", "lc": points}] if nested else rows), tmp_path / "r.parquet"
    )
    report = check(tmp_path / "r.parquet")
    assert report.points_dropped == {"flux not positive": 1, "flagged by " + "lc." * nested + "psfFlux_flag": 1}
    assert report.points_read == N + 2 and "in nJy, zero point 31.4" in report.facts()["brightness"]


def test_epoch_photometry_of_gaia(tmp_path):
    columns = table(time=MJD - 55_197.0, band=["G"] * N, transit_id=range(N), flux=10 ** (-0.4 * MAG))
    del columns["err"]
    columns |= {"flux_over_error": np.full(N, 100.0), "rejected_by_photometry": [True, *[False] * (N - 1)]}
    pq.write_table(pa.table(columns), tmp_path / "g.parquet")
    (curve,), report = read(tmp_path / "g.parquet")
    np.testing.assert_allclose(curve.mjd, MJD[1:], rtol=0, atol=1e-6)
    np.testing.assert_allclose(curve.magnitude_error, 0.010857, rtol=1e-4)
    assert report.points_dropped == {"flagged by rejected_by_photometry": 1}


def test_negative_differences_are_counted(tmp_path):
    sign = ["t"] * N + ["f"] * 3
    more = {name: [*values, *values[:3]] for name, values in table().items()}
    columns = {"id": more["id"], "mjd": more["time"], "magpsf": more["mag"], "sigmapsf": more["err"], "isdiffpos": sign}
    report = check(write_csv(tmp_path / "z.csv", ",", columns), difference=True)
    assert report.points_dropped == {"negative difference": 3}


def test_lists_of_flags_of_another_length_cost_one_star(tmp_path):
    lists = {name: [list(values)] * 2 for name, values in table().items() if name != "id"}
    pq.write_table(pa.table({"id": ["a", "b"], **lists, "catflags": [[0] * N, [0] * 3]}), tmp_path / "n.parquet")
    (good, bad), report = read(tmp_path / "n.parquet")
    assert isinstance(good, CleanLightCurve) and bad.fault == "columns of unequal length"
    assert report.points_read == report.points_kept + sum(report.points_dropped.values())


def test_flags_and_zero_points_of_whole_stars(tmp_path):
    lists = {"mjd": [list(MJD)] * 2, "flux": [list(10 ** (-0.4 * (MAG - 25)))] * 2, "flux_err": [[1e-3] * N] * 2}
    pq.write_table(
        pa.table({"id": ["s", "t"], **lists, "zp": [25.0, 25.0], "catflags": [0, 32768]}), tmp_path / "n.parquet"
    )
    (curve, rejected), report = read(tmp_path / "n.parquet")
    np.testing.assert_allclose(curve.magnitude, MAG, atol=1e-4)
    assert rejected.reason == f"fewer than 5 points: 0 ({N} flagged by catflags)" and report.points_read == 2 * N


def test_a_star_whose_times_count_otherwise_is_set_aside(tmp_path):
    stars = {"id": ["s", "julian", "tess"], "time": [MJD, MJD + 2_400_000.5, MJD - 56_999.5]}
    pq.write_table(pa.table({**stars, "mag": [MAG] * 3, "err": [[0.1] * N] * 3}), tmp_path / "n.parquet")
    (curve, julian, tess), _ = read(tmp_path / "n.parquet")
    np.testing.assert_array_equal(curve.mjd, julian.mjd)
    assert tess.reason == f"fewer than 5 points: 0 ({N} times unlike those of the table)"
    assert isinstance(read(tmp_path / "n.parquet", time_format="mjd")[0][2], CleanLightCurve)


def test_times_named_by_what_was_subtracted(tmp_path):
    columns = table() | {"JD-2450000.5": MJD - 50_000}
    del columns["time"]
    check(write_csv(tmp_path / "a.csv", ",", columns))


def test_real_alerts_and_simulated_fluxes(data_root):
    folder = data_root / "ztf_alerce_lightcurves"
    _, report = read(folder / "detections_sample.parquet")
    assert report.columns["magnitude"] == "magpsf_corr" and len(report.rejected) == 0
    with pytest.raises(ConfigError, match="isdiffpos"):
        read(folder / "detections_sample.parquet", magnitude="magpsf")
    _, report = read(folder / "detections_sample.parquet", magnitude="magpsf", difference=True)
    assert report.points_dropped["negative difference"] == 1550  # of 2,586
    _, report = read(folder / "elasticc_lc_chunk_SIMULATED.parquet")
    assert report.points_dropped["flux not positive"] == 397 and "zero point 27.5" in report.facts()["brightness"]
