"""Format readers: every form a user may hold, and files damaged the way files are damaged."""

import io
import tarfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.kinds.light_curves.cleaning import CleaningReport, CleaningSettings, CleanLightCurve, clean
from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.sources import read_light_curves
from lcjax.errors import DataError

N = 12
STARS = ("b", "a", "c")
TIMES = {star: 50_000.0 + 10 * i + np.arange(N) for i, star in enumerate(STARS)}


def nested(**columns):
    base = {
        "id": list(STARS),
        "label": ["x", "y", None],
        "time": [TIMES[s] for s in STARS],
        "mag": [np.full(N, 12.0)] * 3,
        "err": [np.full(N, 0.1)] * 3,
    }
    return pa.table({**base, **columns})


def points():
    return {
        "id": np.repeat(STARS, N),
        "mjd": np.concatenate([TIMES[s] for s in STARS]),
        "mag": np.full(3 * N, 12.0),
        "err": np.full(3 * N, 0.1),
    }


def curves(path, columns=None, **kwargs):
    return list(read_light_curves([path], columns, **kwargs))


def check_three(found):
    assert [c.object_id for c in found] == list(STARS)
    for curve in found:
        np.testing.assert_array_equal(curve.mjd, TIMES[curve.object_id])
        assert len(curve.magnitude) == len(curve.magnitude_error) == N


def test_nested_lists(tmp_path):
    pq.write_table(nested(), tmp_path / "a.parquet")
    found = curves(tmp_path / "a.parquet")
    check_three(found)
    assert [c.label for c in found] == ["x", "y", None]


@pytest.mark.parametrize("as_lists_of_structs", [False, True])
def test_nested_pandas_in_a_hats_folder(tmp_path, as_lists_of_structs):
    folder = tmp_path / "cat" / "dataset" / "Norder=0" / "Dir=0"
    folder.mkdir(parents=True)
    if as_lists_of_structs:
        rows = [[{"mjd": t, "mag": 12.0, "magerr": 0.1} for t in TIMES[s]] for s in STARS]
    else:
        rows = [{"mjd": list(TIMES[s]), "mag": [12.0] * N, "magerr": [0.1] * N} for s in STARS]
    pq.write_table(pa.table({"objectid": list(STARS), "lightcurve": rows}), folder / "Npix=1.parquet")
    (tmp_path / "cat" / "dataset" / "_metadata").write_bytes(b"not to be read")
    (tmp_path / "cat" / "partition_info.csv").write_text("Norder,Npix\n0,1\n")
    check_three(curves(tmp_path / "cat"))


@pytest.mark.parametrize("form", ["parquet", "csv", "tsv", "ecsv", "fits"])
def test_flat_tables(tmp_path, form):
    path = tmp_path / f"points.{form}"
    if form == "parquet":
        pq.write_table(pa.table(points()), path)
    elif form in ("csv", "tsv"):
        mark = "," if form == "csv" else "\t"
        rows = [mark.join(map(str, row)) for row in zip(*points().values(), strict=True)]
        path.write_text("# made by hand\n" + mark.join(points()) + "\n" + "\n".join(rows) + "\n")
    else:
        table = pytest.importorskip("astropy.table", reason="needs astropy (extra test or data)").Table(points())
        table.write(path, format="ascii.ecsv" if form == "ecsv" else "fits")
    check_three(curves(path))


def test_fits_with_arrays_of_varying_length(tmp_path):
    fits = pytest.importorskip("astropy.io.fits", reason="needs astropy (extra test or data)")
    series = lambda name, values: fits.Column(name, "PD()", array=np.array(values, dtype=object))
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("ID", "4A", array=np.array(["s1", "s2"])),
            series("MJD", [53_000 + np.arange(7.0), 53_000 + np.arange(9.0)]),
            series("MAG", [np.ones(7), np.ones(9)]),
            series("MAGERR", [np.ones(7), np.ones(9)]),
        ]
    )
    table.writeto(tmp_path / "v.fits")
    found = curves(tmp_path / "v.fits")
    assert [(c.object_id, len(c.mjd)) for c in found] == [("s1", 7), ("s2", 9)]


def test_bands_split_a_star_and_points_may_be_shuffled(tmp_path):
    order = np.random.default_rng(0).permutation(3 * N)
    table = {k: v[order] for k, v in points().items()} | {"filter": np.tile(["g", "r"], 3 * N // 2)[order]}
    pq.write_table(pa.table(table), tmp_path / "p.parquet")
    found = curves(tmp_path / "p.parquet")
    assert sorted((c.object_id, c.band) for c in found) == [(s, b) for s in sorted(STARS) for b in "gr"]
    assert sum(len(c.mjd) for c in found) == 3 * N
    pq.write_table(nested(band=[["g", "r"] * (N // 2)] * 3), tmp_path / "n.parquet")
    assert [(c.object_id, c.band) for c in curves(tmp_path / "n.parquet")][:2] == [("b", "g"), ("b", "r")]


def test_given_names_win_and_a_missing_one_is_one_sentence(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(nested(hjd2=[TIMES[s] + 1 for s in STARS]), path)
    assert curves(path, ColumnNames(time="hjd2"))[0].mjd[0] == TIMES["b"][0] + 1
    with pytest.raises(DataError, match=r"no column 'mjdd'.*id, label, time, mag, err, hjd2"):
        curves(path, ColumnNames(time="mjdd"))
    pq.write_table(nested().drop_columns(["err"]), path)
    with pytest.raises(DataError, match=r"magnitude error: it has id, label, time, mag;.*--columns"):
        curves(path)


def test_numbers_as_text_nulls_and_numeric_ids(tmp_path):
    path = tmp_path / "a.parquet"
    mags = [["12.5"] * (N - 2) + ["bad", None]] * 3
    ids = pa.array([1.0, None, 3.0])
    pq.write_table(nested(id=ids, mag=mags, err=[[0.1] * N, None, [None] * N], label=[1.0, float("nan"), 2.0]), path)
    report = CleaningReport()
    done = [clean(c, CleaningSettings(), report) for c in curves(path)]
    assert [c.object_id for c in curves(path)] == ["1", "", "3"] and [c.label for c in curves(path)] == ["1", None, "2"]
    assert isinstance(done[0], CleanLightCurve) and len(done[0].mjd) == N - 2
    assert [r.fault for r in report.rejected] == ["no object id", "fewer than 5 points"]
    assert report.points_read == report.points_kept + sum(report.points_dropped.values())


def test_lists_of_unequal_length_cost_one_star(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(nested(mag=[[12.0] * N, [12.0] * (N - 1), [12.0] * N]), path)
    report = CleaningReport()
    done = [clean(c, CleaningSettings(), report) for c in curves(path)]
    assert [isinstance(d, CleanLightCurve) for d in done] == [True, False, True]
    assert "unequal length" in report.rejected[0].reason and "row 1" in report.rejected[0].origin


def test_bad_cells_and_broken_lines_of_csv_cost_points(tmp_path):
    path = tmp_path / "p.csv"
    rows = [",".join(map(str, row)) for row in zip(*points().values(), strict=True)]
    rows[3], rows[4], rows[5] = "b,50003.0,oops,0.1", "b,50004.0", "b,1,2,3,4,5,6"
    path.write_text("id,mjd,mag,err\n" + "\n".join(rows))
    report = CleaningReport()
    kept = [c for c in (clean(r, CleaningSettings(), report) for r in curves(path)) if isinstance(c, CleanLightCurve)]
    assert [(c.object_id, len(c.mjd)) for c in kept] == [("b", N - 3), ("a", N), ("c", N)]
    assert [r.reason for r in report.rejected] == ["no object id"]


def _truncated(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flipped(path):
    data = bytearray(path.read_bytes())
    data[-8:-4] = b"\xff\xff\xff\x7f"  # length of the footer
    path.write_bytes(bytes(data))


def _emptied(path):
    path.write_bytes(b"")


def _no_rows(path):
    pq.write_table(nested().slice(0, 0), path)


@pytest.mark.parametrize("damage", [_truncated, _flipped, _emptied, _no_rows])
def test_a_damaged_file_is_named_and_the_rest_goes_on(tmp_path, damage):
    for name in ("1.parquet", "2.parquet"):
        pq.write_table(nested(id=[name + s for s in STARS]), tmp_path / name)
    damage(tmp_path / "1.parquet")
    bad = {}
    found = curves(tmp_path, on_bad_file=bad.__setitem__)
    assert [c.object_id for c in found] == ["2.parquet" + s for s in STARS]
    assert list(bad) == [tmp_path / "1.parquet"]
    with pytest.raises(DataError, match=r"1\.parquet"):
        curves(tmp_path / "1.parquet", on_bad_file=bad.__setitem__)


@pytest.mark.parametrize("form", ["csv", "ecsv", "fits", "dat", "mjd", "tar.bz2"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff\x80garbage" * 40])
def test_files_that_are_not_what_their_name_says(tmp_path, form, content):
    path = tmp_path / f"x.{form}"
    path.write_bytes(content)
    try:
        found = curves(path)
    except DataError as error:
        assert "x." in str(error)
    else:  # garbage lines of a text file are points that are not finite
        assert not any(np.isfinite(c.mjd).any() for c in found)


def test_truncated_fits(tmp_path):
    path = tmp_path / "t.fits"
    big = {k: np.tile(v, 200) for k, v in points().items()}
    pytest.importorskip("astropy.table", reason="needs astropy (extra test or data)").Table(big).write(path)
    _truncated(path)
    with pytest.raises(DataError, match=r"t\.fits"):
        curves(path)


def test_nothing_there(tmp_path):
    with pytest.raises(DataError, match="no light-curve files"):
        curves(tmp_path)
    with pytest.raises(DataError, match="there is no file or folder"):
        curves(tmp_path / "absent.parquet")


def test_macho_archive_is_read_within_bounds(tmp_path, monkeypatch):
    path = tmp_path / "lc_1.2.3.tar.bz2"
    with tarfile.open(path, "w:bz2") as archive:
        for name in ("lc_1.2.3.B.mjd", "lc_1.2.3.R.mjd", "../escape.txt"):
            text = b"#Field\n#1\n#MJD Mag Err\n" + b"".join(b"%d.5 -6.0 0.1\n" % (48_800 + i) for i in range(6))
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    found = curves(path)
    assert [(c.object_id, c.band, len(c.mjd)) for c in found] == [("1.2.3", "B", 6), ("1.2.3", "R", 6)]
    assert not (tmp_path.parent / "escape.txt").exists()
    monkeypatch.setattr("data_pipelines.sources.originals.MAX_MEMBER_BYTES", 10)
    with pytest.raises(DataError, match="more than any MACHO star"):
        curves(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="damaged"):
        curves(path)


def test_real_originals(data_root):
    folder = data_root / "macho_ogle2_originals"
    macho = curves(folder / "macho")
    assert len({c.object_id for c in macho}) == 10 and len(macho) == 19
    ogle = [clean(c, CleaningSettings()) for c in curves(folder / "ogle2")]
    assert len(ogle) == 36 and all(40_000 < c.mjd[0] < 60_000 for c in ogle)
