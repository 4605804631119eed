"""One star is one star, in however many files, row groups and rows it comes, and goes by its own id."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.kinds.light_curves.cleaning import CleaningReport, CleaningSettings, CleanLightCurve, clean
from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.kinds.light_curves.fluxes import FluxSeries
from data_pipelines.sources import arrow_batches, read_light_curves
from data_pipelines.sources.light_curve import RawLightCurve
from data_pipelines.sources.whole_stars import count_parts, whole_stars
from lcjax.errors import ConfigError, DataError

N = 40
BIG = 2**53


def points(n=N, begin=50_000.0, **more):
    time = begin + np.arange(n)
    return {"mjd": time, "mag": 12 + time % 7 / 10, "err": np.full(n, 0.1)} | more


def star(name, **columns):
    table = points(**columns)
    return {"id": [name] * len(table["mjd"])} | table


def stacked(*tables_):
    return {name: np.concatenate([t[name] for t in tables_]) for name in tables_[0]}


def csv(path, table):
    path.write_text(
        "\n".join([",".join(table), *(",".join(map(str, row)) for row in zip(*table.values(), strict=True))])
    )


def found(*paths, columns=None):
    return list(read_light_curves(paths, columns))


def sizes(curves):
    return {(c.object_id, c.band): len(c.mjd) for c in curves}


def test_a_star_spread_over_files_keeps_all_its_points(tmp_path):
    whole = star("a")
    for number, rows in enumerate((slice(30, 40), slice(0, 12), slice(10, 30))):  # two points are in two files
        other = star(f"only {number}", n=6)
        csv(tmp_path / f"{number}.csv", stacked(other, {k: v[rows] for k, v in whole.items()}))
    curves = found(tmp_path)
    assert sizes(curves) == {("only 0", ""): 6, ("only 1", ""): 6, ("only 2", ""): 6, ("a", ""): N}
    merged = next(c for c in curves if c.object_id == "a")
    np.testing.assert_array_equal(merged.mjd, whole["mjd"])
    np.testing.assert_array_equal(merged.magnitude, whole["mag"])
    assert "0.csv" in merged.origin and "2 more" in merged.origin
    report = CleaningReport()
    assert isinstance(clean(merged, CleaningSettings(), report), CleanLightCurve)
    assert (report.points_read, report.points_kept, report.points_dropped.total()) == (N + 2, N, 2)
    assert report.notes == {"stars put together of several parts": 1}


@pytest.mark.parametrize("shuffled", [False, True])
def test_parts_of_a_large_flat_table(tmp_path, monkeypatch, shuffled):
    """Stars that go on in the next row group, or whose rows lie anywhere."""
    table = stacked(*(star(f"s{i}", n=10 + i) for i in range(8)))
    order = np.random.default_rng(0).permutation(len(table["id"])) if shuffled else slice(None)
    table = {name: np.array(values)[order] for name, values in table.items()}
    pq.write_table(pa.table(table), tmp_path / "p.parquet", row_group_size=7)
    monkeypatch.setattr(arrow_batches, "POINTS_AT_ONCE", 14)
    curves = found(tmp_path / "p.parquet")
    assert sizes(curves) == {(f"s{i}", ""): 10 + i for i in range(8)}
    assert all((np.diff(np.sort(c.mjd)) == 1).all() for c in curves)
    assert shuffled or [c.object_id for c in curves] == [f"s{i}" for i in range(8)]


def test_rows_of_one_star_in_a_nested_table_and_a_part_that_is_of_no_use(tmp_path):
    half = lambda a, b: [points()[k][a:b].tolist() for k in ("mjd", "mag", "err")]
    rows = [half(0, 3), half(3, 25), half(25, N), [*half(0, 5)[:2], [0.1]]]
    columns = {name: [row[i] for row in rows] for i, name in enumerate(("time", "mag", "err"))}
    pq.write_table(pa.table({"id": ["a", "a", "b", "a"], **columns}), tmp_path / "n.parquet")
    report = CleaningReport()
    kept = [clean(c, CleaningSettings(), report) for c in found(tmp_path / "n.parquet")]
    assert sizes([c for c in kept if isinstance(c, CleanLightCurve)]) == {("a", ""): 25, ("b", ""): 15}
    assert [r.fault for r in report.rejected] == ["columns of unequal length"]


def test_two_stars_of_one_id_are_set_aside(tmp_path):
    for name, ra in (("1.csv", 10.0), ("2.csv", 20.0)):
        csv(tmp_path / name, star("7", ra=np.full(N, ra), dec=np.full(N, -30.0)))
    (curve,) = found(tmp_path)
    rejection = clean(curve, CleaningSettings(), CleaningReport())
    assert rejection.fault == "several stars of one id" and "2.csv" in rejection.reason


def test_a_file_is_a_star_where_no_column_says_so(tmp_path):
    csv(tmp_path / "V1.csv", points())
    (tmp_path / "x.csv").write_text("# object: RR Lyr\n# filter = V\n" + _text(points(9)))
    table = pytest.importorskip("astropy.table", reason="needs astropy (extra test or data)").Table(points(8))
    table.meta["OBJECT"] = "SS Cyg"
    table.write(tmp_path / "f.fits")
    table.meta = {"id": 12}
    table.write(tmp_path / "e.ecsv", format="ascii.ecsv")
    assert sizes(found(tmp_path)) == {("12", ""): 8, ("SS Cyg", ""): 8, ("RR Lyr", "V"): 9, ("V1", ""): N}


def _text(table):
    return "\n".join([",".join(table), *(",".join(map(str, row)) for row in zip(*table.values(), strict=True))])


def test_files_of_one_band_each(tmp_path):
    for band in "gr":
        csv(tmp_path / f"s1_{band}.csv", points())
        csv(tmp_path / f"survey-{band}.csv", star("77"))
    csv(tmp_path / "binary_B.csv", points(9))  # a component or a band: nothing else lies beside it
    assert sizes(found(tmp_path)) == {
        ("s1", "g"): N, ("s1", "r"): N, ("77", "g"): N, ("77", "r"): N, ("binary_B", ""): 9,
    }  # fmt: skip


def test_parts_by_letter_are_no_bands(tmp_path):
    for letter in "ABV":
        csv(tmp_path / f"stars_{letter}.csv", star("s", begin=50_000 + 100 * ord(letter)))
    assert sizes(found(tmp_path)) == {("s", ""): 3 * N}


def test_folders_of_one_band_each_and_files_of_one_name(tmp_path):
    for folder in ("I", "V"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "OGLE-1.dat").write_text("".join(f"{50_000 + i} 15.{i} 0.1\n" for i in range(6)))
    assert sizes(found(tmp_path)) == {("OGLE-1", "I"): 6, ("OGLE-1", "V"): 6}
    for folder, begin in (("field1", 50_000), ("field2", 50_100)):
        (tmp_path / "in" / folder).mkdir(parents=True)
        csv(tmp_path / "in" / folder / "star001.csv", points(begin=begin))
    with pytest.raises(DataError, match=r"field1/star001.csv' and .*field2/star001.csv' have one name"):
        found(tmp_path / "in")
    assert sizes(found(tmp_path / "in", columns=ColumnNames(object_id="filename"))) == {("star001", ""): 2 * N}


@pytest.mark.parametrize("column", [{"starcode": ["a", "b"] * 20}, {"objnr": [1, 2] * 20}, {"my_id": [1, 2] * 20}])
def test_a_column_that_may_be_the_id_is_asked_for(tmp_path, column):
    csv(tmp_path / "s.csv", points(**column))
    name = next(iter(column))
    if name == "objnr":
        assert sizes(found(tmp_path)) == {("s", ""): N}
        return
    with pytest.raises(DataError, match=rf"'{name}' may be one.*--columns.object-id filename"):
        found(tmp_path)
    assert len(found(tmp_path, columns=ColumnNames(object_id=name))) == 2
    assert sizes(found(tmp_path, columns=ColumnNames(object_id="filename"))) == {("s", ""): N}


def test_ids_are_text(tmp_path):
    large = stacked(star(BIG + 1), star(BIG + 2))
    pq.write_table(pa.table(large), tmp_path / "int.parquet")
    assert sizes(found(tmp_path / "int.parquet")) == {(str(BIG + 1), ""): N, (str(BIG + 2), ""): N}
    pq.write_table(pa.table(large | {"id": np.array(large["id"], float)}), tmp_path / "float.parquet")
    with pytest.raises(DataError, match=r"float.parquet.*beyond 2\^53"):
        found(tmp_path / "float.parquet")
    csv(tmp_path / "rounded.csv", star("9.0072E+15"))
    with pytest.raises(DataError, match=r"'9.0072E\+15'.*rounded"):
        found(tmp_path / "rounded.csv")
    pq.write_table(pa.table(points(id=["a"] * N, mjd=np.arange(N) + BIG)), tmp_path / "time.parquet")
    with pytest.raises(ConfigError, match=r"'mjd'.*--columns.time-format"):  # no error of pyarrow's
        found(tmp_path / "time.parquet")


def test_two_columns_of_ids_are_refused_with_the_choices(tmp_path):
    table = {"id": np.arange(N), "source_id": [5] * 30 + [6] * 10, **points()}
    pq.write_table(pa.table(table), tmp_path / "s.parquet")
    with pytest.raises(DataError, match=r"2 columns that may be the object id \(id, source_id\).*--columns.object-id"):
        found(tmp_path / "s.parquet")
    assert sizes(found(tmp_path / "s.parquet", columns=ColumnNames(object_id="source_id"))) == {
        ("5", ""): 30,
        ("6", ""): 10,
    }
    pq.write_table(
        pa.table({"_healpix_29_id": np.arange(N), "name": ["b"] * N, "objid": ["a"] * N, **points()}),
        tmp_path / "h.parquet",
    )
    assert sizes(found(tmp_path / "h.parquet")) == {("a", ""): N}


def test_masked_cells_are_missing(tmp_path):
    table = pytest.importorskip("astropy.table", reason="needs astropy (extra test or data)")
    hidden = lambda values: table.MaskedColumn(values, mask=[True] + [False] * (N - 1))
    columns = {"id": hidden([7] * N), "class": hidden(["x"] * N), "mjd": points()["mjd"]}
    masked = table.Table(
        columns | {"mag": table.MaskedColumn([12] * N, mask=np.arange(N) == 2), "err": points()["err"]}
    )
    masked.write(tmp_path / "m.ecsv")
    nameless, seven = found(tmp_path / "m.ecsv")
    assert (nameless.object_id, nameless.label, len(nameless.mjd)) == ("", None, 1)
    assert (seven.object_id, seven.label) == ("7", "x")
    assert np.isnan(seven.magnitude).tolist() == [i == 1 for i in range(N - 1)]


def test_columns_of_times_and_places(tmp_path):
    table = pytest.importorskip("astropy.table", reason="needs astropy (extra test or data)")
    from astropy.coordinates import SkyCoord
    from astropy.time import Time

    columns = star("a") | {"place": SkyCoord([10.0] * N, [-20.0] * N, unit="deg")}
    columns["time"] = Time(columns.pop("mjd"), format="mjd")
    table.Table(columns).write(tmp_path / "t.ecsv")
    (curve,) = found(tmp_path / "t.ecsv")
    np.testing.assert_allclose(curve.mjd, points()["mjd"])
    assert curve.metadata == pytest.approx({"ra": 10.0, "dec": -20.0})


def test_what_the_parts_of_a_star_lost_is_counted_together():
    days, none = 50_000.0 + np.arange(3), np.zeros(0)
    parts = [
        RawLightCurve("a", "", days, days, days, lost={"flagged": 2}),
        RawLightCurve("a", "", none, none, none, lost={"flagged": 3, "flux not positive": 1}),
        RawLightCurve("a", "", days + 10, days, days),
    ]
    (star,) = whole_stars(parts, count_parts([("a", "")] * 3))
    assert star.lost == {"flagged": 5, "flux not positive": 1} and len(star.mjd) == 6


def test_a_star_whose_parts_are_all_empty_is_not_forgotten():
    none = np.zeros(0)
    parts = [RawLightCurve("a", "", none, none, none) for _ in range(2)]
    for come in (parts, parts[:1]):  # also where a file broke off
        (star,) = whole_stars(come, count_parts([("a", "")] * 2))
        assert star.object_id == "a"  # cleaning rejects it by name


def flux_part(start, flux, kind="total_flux", zero_point=23.9):
    mjd, flux = 50_000.0 + start + np.arange(len(flux)), np.array(flux)
    fluxes = FluxSeries(mjd, flux, np.full(len(flux), 0.1), np.zeros(len(flux)), kind, zero_point)
    some = flux > 0
    return RawLightCurve("a", "", mjd[some], 20 * flux[some], flux[some], lost={"flux not positive": 1}, fluxes=fluxes)


def test_fluxes_of_the_parts_of_a_star_are_put_together():
    days = 50_100.0 + np.arange(3)
    of_magnitudes = RawLightCurve("a", "", days, np.full(3, 23.9), np.full(3, 0.1))
    parts = [of_magnitudes, flux_part(0, [1.0, -2.0]), flux_part(1, [-2.0, 5.0])]
    (star,) = whole_stars(parts, count_parts([("a", "")] * 3))
    np.testing.assert_allclose(star.fluxes.flux, [1, -2, 5, 1, 1, 1])
    assert star.fluxes.kind == "total_flux" and star.fluxes.repeated == 1 and not star.fault
    (star,) = whole_stars([flux_part(0, [-1.0]), flux_part(9, [-2.0])], count_parts([("a", "")] * 2))
    assert star.fluxes.flux.tolist() == [-1, -2] and not len(star.mjd)
    (star,) = whole_stars([flux_part(0, [1.0]), flux_part(9, [1.0], "difference_flux")], count_parts([("a", "")] * 2))
    assert star.fault == "parts hold total flux and difference flux"
