"""Light curves for a model: files and shards in the order given, cleaned or set aside, and what is said of them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.kinds import find_kind
from data_pipelines.kinds.light_curves.cleaning import CleaningSettings, CleanLightCurve
from data_pipelines.kinds.light_curves.reading import LightCurveReader
from data_pipelines.kinds.reading import Request
from data_pipelines.prepare import prepare
from lcjax.errors import DataError, Rejection
from tests.data_pipelines.kinds.light_curves.test_flux_batches import dataset as flux_dataset
from tests.data_pipelines.kinds.light_curves.test_flux_batches import star
from tests.data_pipelines.toy import write as write_others

LONG = 20


def stars(path, names, points=LONG):
    """One file; the first star has a point that is no number."""
    magnitude = [np.full(points, 12.0) for _ in names]
    magnitude[0][3] = np.nan
    rows = {"id": list(names), "time": [np.arange(50_000.0, 50_000 + points)] * len(names), "mag": magnitude}
    pq.write_table(pa.table(rows | {"err": [np.full(points, 0.1)] * len(names)}), path)
    return str(path)


def reader(**options):
    said = []
    return LightCurveReader(Request(options=options, say=said.append)), said


def test_files_in_order_with_what_was_dropped(tmp_path):
    one, said = reader()
    inputs = [stars(tmp_path / "b.parquet", "ab"), stars(tmp_path / "a.parquet", "c")]
    found = list(one.items(inputs))
    assert [c.object_id for c in found] == ["a", "b", "c"] and [len(c.mjd) for c in found] == [19, 20, 19]
    (columns,) = said
    assert columns.startswith(
        "columns: object_id = id, time = time, magnitude = mag, magnitude_error = err, times = MJD"
    )
    (dropped,) = one.sentences()
    assert dropped.startswith("points dropped: 2 ") and one.report.curves_kept == 3


def test_the_users_columns_and_cleaning_are_used(tmp_path):
    path = stars(tmp_path / "a.parquet", "a", 8)
    strict, _ = reader(cleaning=CleaningSettings(min_points=30))
    (rejected,) = strict.items([path])
    assert isinstance(rejected, Rejection) and rejected.object_id == "a"


def test_a_damaged_file_among_others_is_set_aside_and_said(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 nothing")
    one, said = reader()
    found = list(one.items([str(tmp_path / "a.parquet"), stars(tmp_path / "b.parquet", "b")]))
    assert [c.object_id for c in found] == ["b"]
    assert said[0].startswith(f"set aside '{tmp_path}/a.parquet': ")
    assert one.sentences()[-1] == f"files set aside: 1 ({tmp_path}/a.parquet)"


def test_shards_are_read_as_they_are(curves_folder, tmp_path):
    one, said = reader()
    found = list(one.items([stars(tmp_path / "b.parquet", "b"), str(curves_folder)]))
    assert found[0].object_id == "b" and len(found) == 401 and len(said) == 1
    shards = found[1:]
    assert all(isinstance(c, CleanLightCurve) and c.label == "ab"[int(c.object_id[1:]) % 2] for c in shards)
    (source,) = (c for c in shards if c.object_id == "c7")
    rng = np.random.default_rng(5)
    for i in range(8):
        n = int(rng.integers(5, 450))
        mjd, magnitude, error = np.sort(rng.uniform(53000, 56000, n)), rng.normal(15, 1, n), rng.uniform(0.01, 0.2, n)
    assert i == 7
    np.testing.assert_allclose(source.mjd, mjd, atol=1e-3)
    np.testing.assert_allclose(source.magnitude, magnitude, rtol=1e-6)
    np.testing.assert_allclose(source.magnitude_error, error, rtol=1e-6)
    assert one.report.points_kept == sum(len(c.mjd) for c in found)


def test_what_is_not_there_or_of_another_kind_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="there is no file or folder 'nowhere'"):
        list(reader()[0].items(["nowhere"]))
    others = write_others(tmp_path / "toy", 8, 2)
    with pytest.raises(DataError, match="holds spectral stars, and this model reads light curves"):
        list(reader()[0].items([str(others)]))
    assert isinstance(find_kind("light_curves").reader(Request()), LightCurveReader)


def flux_reader(zero_point=None):
    takes = {"brightness": "flux", "zero_point": zero_point}
    return LightCurveReader(Request(takes=takes, say=lambda text: None))


def flux_table(path, **more):
    mjd, flux = np.arange(60_000.0, 60_000 + LONG), np.where(np.arange(LONG) % 2, -50.0, 100.0)
    columns = {"id": ["s"] * LONG, "mjd": mjd, "flux": flux, "flux_err": np.full(LONG, 5.0)}
    pq.write_table(pa.table(columns | more), path)
    return str(path), flux


def test_a_model_of_fluxes_is_given_all_of_them(tmp_path):
    path, flux = flux_table(tmp_path / "f.parquet", zp=np.full(LONG, 23.9))
    one = flux_reader(26.4)
    (curve,) = one.items([path])
    np.testing.assert_allclose(curve.fluxes.flux, flux * 10)
    assert one.report.points_kept == LONG and not one.report.points_dropped
    of_magnitudes = flux_reader()
    curves = list(of_magnitudes.items([stars(tmp_path / "m.parquet", "ab")]))
    np.testing.assert_allclose(curves[1].fluxes.flux, 10 ** (0.4 * (23.9 - 12.0)))
    assert (len(curves[0].fluxes), len(curves[1].fluxes)) == (19, 20)


def test_shards_give_fluxes_too(tmp_path):
    folder = flux_dataset(tmp_path / "d", stars=range(4), shards=1)
    one = flux_reader(26.4)
    curves = list(one.items([str(folder)]))
    assert [c.object_id for c in curves] == ["s0", "s1", "s2", "s3"] and one.report.points_kept == 120
    np.testing.assert_allclose(curves[0].fluxes.flux, star(0).flux * 10, rtol=1e-5)
    rejected, *kept = LightCurveReader(Request()).items([str(folder)])
    assert rejected.reason.startswith("fewer than 5 points: 2 (25 flux not positive, 3 upper limit") and len(kept) == 3


def test_fluxes_without_a_zero_point_are_set_aside_where_one_is_wanted(tmp_path):
    path, _ = flux_table(tmp_path / "f.parquet")
    one = flux_reader(23.9)
    (rejected,) = one.items([path])
    assert rejected.fault == "fluxes without a zero point" and one.report.rejected == [rejected]
    assert one.report.points_read == LONG == one.report.points_dropped.total() and one.report.curves_kept == 0
    (curve,) = flux_reader().items([path])
    assert np.isnan(curve.fluxes.zero_point) and len(curve.fluxes) == LONG


def bands_table(path, rows):
    """Nested rows of (star, band, points)."""
    table = {
        "id": [name for name, _, _ in rows],
        "band": [band for _, band, _ in rows],
        "time": [np.arange(50_000.0, 50_000 + n) for _, _, n in rows],
        "mag": [np.full(n, 12.0) for _, _, n in rows],
        "err": [np.full(n, 0.1) for _, _, n in rows],
    }
    pq.write_table(pa.table(table), path)
    return str(path)


def test_bands_of_a_star_come_together_where_the_last_of_them_is(tmp_path):
    """From files and from shards; a band that is set aside does not hold the others up."""
    rows = [("a", "g", 20), ("b", "g", 20), ("c", "g", 20), ("a", "r", 20), ("b", "r", 2), ("d", "i", 20)]
    one = bands_table(tmp_path / "one.parquet", rows)
    two = bands_table(tmp_path / "two.parquet", [("b", "i", 20), ("e", "g", 20)])
    said = lambda found: [
        item.object_id if isinstance(item, Rejection) else [(c.object_id, c.band) for c in item] for item in found
    ]
    pooling = lambda: LightCurveReader(Request({"bands_together": True}, say=lambda text: None))
    found = said(pooling().items([one, two]))
    assert found == [
        [("c", "g")],
        [("a", "g"), ("a", "r")],
        [("d", "i")],
        "b",
        [("b", "g"), ("b", "i")],
        [("e", "g")],
    ]
    plain = said([x] if not isinstance(x, Rejection) else x for x in reader()[0].items([one, two]))
    assert [x for x in plain if isinstance(x, str)] == ["b"] and all(len(x) == 1 for x in plain)
    folder = prepare("light_curve_files", [one, two], tmp_path / "D", shards=2).manifest.folder
    shards = said(pooling().items([str(folder)]))
    expected = [x for x in found if isinstance(x, list)]
    assert sorted(map(sorted, shards)) == sorted(map(sorted, expected))


def in_bands(path, **columns):
    """One star in g, r and u, which has three points; a second in r."""
    counts = {("a", "g"): 8, ("a", "r"): 9, ("a", "u"): 3, ("b", "r"): 7}
    points = [(*key, 60_000.0 + i) for key, count in counts.items() for i in range(count)]
    table = {"id": [p[0] for p in points], "band": [p[1] for p in points], "mjd": [p[2] for p in points]}
    pq.write_table(pa.table(table | {name: make(len(points)) for name, make in columns.items()}), path)
    return str(path)


def test_bands_that_are_asked_for_alone_and_what_is_wrong_with_a_band(tmp_path):
    path = in_bands(tmp_path / "a.parquet", mag=lambda n: np.full(n, 15.0), err=lambda n: np.full(n, 0.1))
    ask = lambda **takes: LightCurveReader(Request(takes={"bands_together": True, **takes}, say=lambda text: None))
    bad, star, other = ask().items([path])
    assert bad.reason == "fewer than 5 points: 3 in band u" and bad.fault == "fewer than 5 points"
    assert [c.band for c in star] == ["g", "r"] and [c.band for c in other] == ["r"]
    only = ask(bands=("g",))
    _, star = only.items([path])
    assert [c.band for c in star] == ["g"]
    assert "light curves in other bands left out: 2 r" in only.sentences()
    with pytest.raises(DataError, match="no light curve is in band z or y: there are g, r"):
        list(ask(bands=("z", "y")).items([path]))


def test_fluxes_as_they_were_measured_and_magnitudes_elsewhere(tmp_path):
    takes = {"brightness": "as measured"}
    ask = lambda: LightCurveReader(Request(takes=takes, say=lambda text: None))
    flux = lambda n: np.where(np.arange(n) % 2, -5.0, 30.0)
    path = in_bands(tmp_path / "f.parquet", psfFlux=flux, psfFluxErr=lambda n: np.full(n, 4.0))
    found = [c for c in ask().items([path]) if isinstance(c, CleanLightCurve)]
    assert [len(c.fluxes) for c in found] == [8, 9, 7] and found[0].fluxes.kind == "total_flux"
    path = in_bands(tmp_path / "m.parquet", mag=lambda n: np.full(n, 15.0), err=lambda n: np.full(n, 0.1))
    assert all(c.fluxes is None for c in ask().items([path]) if isinstance(c, CleanLightCurve))
