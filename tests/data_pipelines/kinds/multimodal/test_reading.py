"""Objects of several modalities from files: catalogue with light curves and spectra, and the published Parquet layout."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.kinds import find_kind
from data_pipelines.kinds.multimodal.catalogue import read_catalogue
from data_pipelines.kinds.multimodal.options import MultimodalOptions
from data_pipelines.kinds.multimodal.photometry_files import Photometry, flux_of, read_light_curve
from data_pipelines.kinds.multimodal.preprocessing import normalised_curve, normalised_spectrum
from data_pipelines.kinds.multimodal.published import published_files, read_published
from data_pipelines.kinds.multimodal.reading import read_objects
from data_pipelines.kinds.multimodal.records import encode_object
from data_pipelines.kinds.multimodal.spectra_files import Spectra
from data_pipelines.kinds.multimodal.subsets import subset
from data_pipelines.kinds.reading import PrepareSettings
from data_pipelines.kinds.report import RecordReport
from data_pipelines.sources.spectra import read_columns, read_spectrum
from lcjax.catalogue_columns import METADATA, PHOTOMETRIC
from lcjax.errors import ConfigError, DataError, Rejection

GRID = (4000.0, 4100.0, 10.0)


def curve(points=30, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack(
        [2_456_000 + np.sort(rng.uniform(0, 900, points)), rng.normal(5, 1, points), np.full(points, 0.1)], 1
    )


def spectrum(seed=0):
    wave = np.arange(3990.0, 4110.0, 2.0)
    return np.stack([wave, np.random.default_rng(seed).normal(10, 1, len(wave)), np.ones(len(wave))], 1)


def asas_sn(path, rows):
    magnitude = np.stack([-2.5 * np.log10(rows[:, 1]), rows[:, 2]], 1)
    lines = [" ".join(f"{x:.8f}" for x in (t, *m, f, e)) for (t, f, e), m in zip(rows, magnitude, strict=True)]
    path.write_text("# V band\nHJD MAG MAG_ERR FLUX FLUX_ERR\n" + "\n".join(lines))


def lamost(path, rows, table=False):
    fits = pytest.importorskip("astropy.io.fits", reason="needs astropy (extra test or data)")
    if table:
        columns = [fits.Column(n, "60D", array=rows[None, :, i]) for i, n in enumerate(("WAVELENGTH", "FLUX", "IVAR"))]
        units = [fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]
    else:
        unit = fits.PrimaryHDU(np.stack([rows[:, 1], rows[:, 2], 0 * rows[:, 1]]).astype(np.float32))
        unit.header["COEFF0"], unit.header["COEFF1"] = np.log10(3990.0), 2e-4
        units = [unit]
    fits.HDUList(units).writeto(path)


@pytest.fixture
def survey(tmp_path):
    """Five objects; one without light curve, one without spectrum, one twice, one with a damaged spectrum."""
    for name in ("photometry", "spectra"):
        (tmp_path / name).mkdir()
    for i in (1, 3, 4):
        asas_sn(tmp_path / "photometry" / f"s{i}.dat", curve(seed=i))
    lamost(tmp_path / "spectra" / "spec-1.fits", spectrum(1))
    (tmp_path / "spectra" / "spec-2.fits.gz").write_bytes(
        gzip.compress((tmp_path / "spectra/spec-1.fits").read_bytes())
    )
    lamost(tmp_path / "spectra" / "spec-4.fits", spectrum(4), table=True)
    (tmp_path / "spectra" / "spec-3.fits").write_bytes(b"SIMPLE nonsense")
    rows = ["id,class,spectrum,ra,dec,j_mag,note", "s1,EW,spec-1.fits,10,20,12.5,x", "s2,SR,spec-2.fits,11,20,,y"]
    rows += ["s3,EW,spec-3.fits,12,20,13,z", "s4,,spec-4.fits,13,20,14,z", "s5,EW,,14,20,1,a", "s5,EW,,14,20,2,a"]
    (tmp_path / "catalogue.csv").write_text("\n".join(rows))
    (tmp_path / "notes.txt").write_text("hello")
    return tmp_path


def objects(paths, **options):
    report = RecordReport()
    found = list(read_objects(paths, MultimodalOptions(spectrum_grid=GRID, **options), report))
    records = {r["object_id"]: r for r in found if not isinstance(r, Rejection)}
    return records, [r for r in found if isinstance(r, Rejection)], report


def test_light_curves_spectra_and_columns_are_joined_by_id(survey):
    records, rejected, report = objects([survey])
    assert list(records) == ["s1", "s2", "s3", "s4"] and [records[k]["label"] for k in records] == [
        "EW",
        "SR",
        "EW",
        None,
    ]
    lengths = {k: (len(r["time"]), len(r["spectrum"])) for k, r in records.items()}
    assert lengths == {"s1": (30, 10), "s2": (0, 10), "s3": (30, 0), "s4": (30, 10)}
    assert set(records["s1"]["metadata"]) == {"j_mag"} and np.isnan(records["s2"]["metadata"]["j_mag"])
    assert records["s1"]["ra"] == 10 and records["s1"]["standardised"] == 0
    ours = normalised_curve(curve(seed=1))
    np.testing.assert_allclose(records["s1"]["flux"], ours.flux, atol=1e-4)
    faults = {(r.object_id, r.reason.split(":")[0]) for r in rejected}
    assert (
        faults == {("s5", "its id is in 2 rows of the catalogue"), ("s3", "spectrum left out")} and len(rejected) == 3
    )
    assert [name for name in report.other_files if "notes" in name]


def test_what_can_mean_two_things_is_refused(survey):
    with pytest.raises(ConfigError, match="label-column"):
        objects([survey], label_column="kind")
    (survey / "metadata.csv").write_text("id\na\n")
    with pytest.raises(ConfigError, match=r"--multimodal.catalogue"):
        objects([survey])
    asas_sn(survey / "photometry" / "s1.txt", curve())
    with pytest.raises(ConfigError, match="light curve of one object"):
        objects([survey], catalogue=survey / "catalogue.csv")
    with pytest.raises(DataError, match="no file or folder"):
        objects([survey / "gone"])


def test_both_layouts_of_lamost(survey):
    image, table = (read_spectrum(survey / "spectra" / f"spec-{i}.fits") for i in (1, 4))
    np.testing.assert_allclose(table, spectrum(4), rtol=1e-6)
    np.testing.assert_allclose(image[:, 1], spectrum(1)[:, 1], rtol=1e-6)
    assert image[0, 0] == pytest.approx(3990) and image[1, 0] == pytest.approx(3990 * 10**2e-4)


def test_real_spectra(data_root):
    folder = data_root / "lamost_dr1" / "original_fits"
    if not folder.is_dir():
        pytest.skip("no LAMOST files at hand")
    for path in sorted(folder.iterdir())[:2]:
        found = normalised_spectrum(read_spectrum(path))
        assert len(found.flux) == 2575 and np.isfinite(found.flux).all() and abs(found.flux.mean()) < 1e-3


def test_tables_of_text_name_the_line_that_is_wrong(tmp_path):
    path = tmp_path / "a.dat"
    path.write_text("HJD MAG ERR\n1 2 3\n4 x 6\n")
    with pytest.raises(DataError, match="line 3"):
        read_columns(path, 3)
    path.write_text("1 2 3 4\n")
    with pytest.raises(DataError, match="has 4 columns"):
        read_light_curve(path)
    path.write_text("when what\na b\n")
    with pytest.raises(DataError, match="no line of"):
        read_columns(path, 3)


def test_columns_of_light_curves_are_what_they_are_called(tmp_path):
    """Magnitudes that are taken for fluxes would turn every curve upside down."""
    path = tmp_path / "a.dat"
    rows = curve()
    flux, magnitude = rows[:, 1], -2.5 * np.log10(rows[:, 1])
    error = rows[:, 2] / flux * 2.5 / np.log(10)

    def write(header, *columns):
        path.write_text(header + "\n".join(",".join(f"{x:.10g}" for x in row) for row in zip(*columns, strict=True)))
        return path

    time = rows[:, 0]
    for header, columns in (
        ("hjd,mag,mag_err\n", (time, magnitude, error)),
        ("# HJD,MAG,MAG_ERR\n", (time, magnitude, error)),
        ("HJD,FLUX,FLUX_ERR,MAG,MAG_ERR\n", (time, flux, rows[:, 2], magnitude, error)),
        ("# of a star\ntime,flux,error\n", (time, flux, rows[:, 2])),
        ("", (time, magnitude, error, flux, rows[:, 2])),
    ):
        np.testing.assert_allclose(read_light_curve(write(header, *columns)), rows, rtol=1e-6)
    bare = write("", time, magnitude, error)
    with pytest.raises(DataError, match=r"--multimodal.brightness flux or magnitude"):
        read_light_curve(bare)
    np.testing.assert_allclose(read_light_curve(bare, "magnitude"), rows, rtol=1e-6)
    np.testing.assert_allclose(read_light_curve(write("", *rows.T), "flux"), rows, rtol=1e-6)
    with pytest.raises(DataError, match="columns date, x, y"):
        read_light_curve(write("date,x,y\n", time, magnitude, error))


def test_light_curves_and_spectra_without_spread_are_left_out_and_the_rest_is_kept():
    flat = curve()
    flat[:, 1] = 5.0
    record, faults = encode_object("a", flat, None, {"x": 1.0})
    assert record is not None and not len(record["time"]) and "alike" in faults[0].reason
    assert encode_object("a", curve()[:1], None, {"x": np.nan})[0] is None
    # The mean and not the median, the spread without 1.4826, duplicates once.
    twice = np.concatenate([curve(), curve()[:3]])
    np.testing.assert_array_equal(normalised_curve(twice).flux, normalised_curve(curve()).flux)
    flux = curve()[:, 1]
    spread = np.median(np.abs(flux - np.median(flux)))
    assert normalised_curve(curve()).log_spread == pytest.approx(np.log10(spread))
    assert normalised_curve(curve()).flux[0] == pytest.approx((flux[0] - flux.mean()) / spread, abs=1e-5)
    with pytest.raises(DataError, match=r"cover \d+% of the grid"):
        normalised_spectrum(spectrum(), (4000.0, 9000.0, 10.0))


def test_magnitudes_become_fluxes():
    flux, error = flux_of(np.array([0.0, 2.5]), np.array([0.1, np.nan]))
    np.testing.assert_allclose(flux, [1, 0.1])
    np.testing.assert_allclose(error, [0.1 * np.log(10) / 2.5, 0.0])


def published(folder, rows, names=("EA", "EW"), text=False):
    """Parquet files as the datasets library writes them."""
    for split, count in (("train", rows), ("validation", 2), ("test", 2)):
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(len(split))
        scalars = rng.normal(size=(count, 6)).astype(np.float32)
        photometry = [
            np.concatenate([rng.random((5 + i, 3)), np.tile(s, (5 + i, 1))], 1) for i, s in enumerate(scalars)
        ]
        spectra = [np.concatenate([rng.normal(size=(2, 12)), np.full((1, 12), 0.5)]) for _ in range(count)]
        columns = {
            "photometry": photometry,
            "spectra": spectra,
            "metadata": [rng.normal(size=34) for _ in range(count)],
        }
        kinds = {"photometry": 2, "spectra": 2, "metadata": 1}
        nested = lambda depth: pa.list_(nested(depth - 1)) if depth else pa.float32()
        arrays = {
            k: pa.array([np.asarray(v, np.float32).tolist() for v in values], nested(kinds[k]))
            for k, values in columns.items()
        }
        labels = [names[i % 2] for i in range(count)] if text else [i % 2 for i in range(count)]
        about = {"info": {"features": {"label": {"names": list(names), "_type": "ClassLabel"}}}}
        table = pa.table({**arrays, "label": labels}).replace_schema_metadata({"huggingface": json.dumps(about)})
        pq.write_table(table, folder / f"{split}-00000-of-00001.parquet")
    return folder


@pytest.mark.parametrize("text", [False, True])
def test_published_layout(tmp_path, text):
    published(tmp_path / "full_42_norm", 6, text=text)
    files = published_files([tmp_path], MultimodalOptions())
    found = list(read_published(files))
    assert [split for split, _ in found].count("train") == 6 and not any(isinstance(r, Rejection) for _, r in found)
    record = next(record for split, record in found if split == "train")
    assert record["label"] == "EA" and record["standardised"] == 1 and len(record["time"]) == 5
    assert list(record["metadata"]) == [*PHOTOMETRIC, *METADATA] and record["spectrum_log_spread"] == 0.5
    raw = pq.read_table(tmp_path / "full_42_norm" / "train-00000-of-00001.parquet")["photometry"][0].as_py()
    assert [record["metadata"][n] for n in PHOTOMETRIC] == raw[0][3:7] and record["years"] == np.float32(raw[0][8])


def test_configurations_are_chosen_and_never_guessed(tmp_path):
    for name in ("full_42", "full_0", "sub10_42"):
        published(tmp_path / name, 2)
    with pytest.raises(ConfigError, match="full_0, full_42, sub10_42"):
        published_files([tmp_path], MultimodalOptions())
    chosen = published_files([tmp_path], MultimodalOptions(published_seed=0))
    assert {path.parent.name for _, path in chosen} == {"full_0"}
    assert published_files([tmp_path], MultimodalOptions(subset="sub10"))[0][1].parent.name == "sub10_42"
    assert published_files([tmp_path / "sub10_42"], MultimodalOptions())[0][1].parent.name == "sub10_42"


def test_published_rows_that_are_no_such_objects_are_set_aside(tmp_path):
    path = published(tmp_path / "full_42", 4) / "train-00000-of-00001.parquet"
    table = pq.read_table(path).to_pylist()
    table[0]["photometry"][1][4] += 1.0  # a number of the object that is not one
    table[1]["spectra"] = None
    table[2]["label"] = 7
    pq.write_table(pa.Table.from_pylist(table).replace_schema_metadata(pq.read_schema(path).metadata), path)
    found = [r for _, r in read_published([("train", path)])]
    assert [type(r) is Rejection for r in found] == [True, True, True, False]
    assert (
        "differ from point to point" in found[0].reason
        and "no spectra" in found[1].reason
        and "label 7" in found[2].reason
    )


def test_raw_published_rows(tmp_path):
    rows = [{"photometry": curve(seed=i).tolist(), "spectra": [[w, f, e] for w, f, e in zip(np.arange(3800.0, 9100, 50), np.random.default_rng(i).normal(9, 1, 106), np.ones(106))],
             "metadata": {"meta_cols": {"j_mag": 12.0}, "photo_cols": {"period": 0.5}}, "label": "EW"} for i in range(2)]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    found = [r for _, r in read_published([("train", tmp_path / "train.parquet")])]
    assert len(found) == 2 and found[0]["metadata"] == {"j_mag": 12.0, "period": 0.5}
    assert len(found[0]["spectrum"]) == 2575 and found[0]["standardised"] == 0


def test_subsets_cap_the_large_classes():
    labels = {str(i): "big" if i < 80 else "small" for i in range(100)}
    kept = subset(labels, "sub25", 1)
    # As published: below the smallest class the shortfall is shared by all but one class.
    assert sum(int(i) >= 80 for i in kept) == 5 and len(kept) == 10
    assert subset(labels, "sub25", 1) == kept != subset(labels, "sub25", 2)


def table_of_spectra(path, rows):
    pq.write_table(pa.Table.from_pylist(rows), path / "spectra.parquet")
    return Spectra([path / "spectra.parquet"], path / "catalogue.csv")


def test_tables_of_spectra_say_units_and_what_is_not_used(tmp_path):
    wave, flux, third = spectrum().T
    one = {"id": 1.0, "wavelength": (wave / 10).tolist(), "u_wave": "nm", "flux": flux.tolist(), "ivar": third.tolist()}
    rows = [one, one | {"flux": [None, *flux[1:-1]], "wavelength": one["wavelength"][:-1], "ivar": third[:-1].tolist()}]
    rows += [one | {"id": 2.0, "u_wave": "parsec"}, one | {"id": 3.0, "flux": flux[:-1].tolist()}, one | {"id": None}]
    found = table_of_spectra(tmp_path, rows)
    np.testing.assert_allclose(found.of("", "1"), spectrum())
    assert found.of("", "2") is None and found.of("", "3") is None
    assert [(f.object_id, f.reason) for f in found.faults][:2] == [
        ("2", "spectrum left out: wavelengths in 'parsec': known are Angstrom, nm, micron and m"),
        ("3", f"spectrum left out: lists of different lengths ({len(flux) - 1}, {len(flux)})"),
    ]
    assert "1 shorter ones" in found.faults[-1].reason
    with pytest.raises(DataError, match="rounded number"):
        table_of_spectra(tmp_path, [one | {"id": 1.2e18}])
    with pytest.raises(ConfigError, match="wavelength is wanted"):
        table_of_spectra(tmp_path, [{"id": "a", "flux": [1.0]}])


def test_ids_are_one_whatever_their_type(survey):
    """Whole numbers come as integers, floats and texts; `007` is not `7`."""
    rows = ["id,class", "1.0,EW", "2,SR", "007,EW"]
    (survey / "catalogue.csv").write_text("\n".join(rows))
    assert read_catalogue([survey / "catalogue.csv"], MultimodalOptions()).ids == ["1", "2", "007"]


def test_dots_in_names_and_objects_that_are_in_two_places(tmp_path):
    """`J1.5` is not `J1`: by the name up to the first dot either got the other's light curve."""
    (tmp_path / "photometry").mkdir()
    asas_sn(tmp_path / "photometry" / "J1.5+2.dat", curve(seed=1))
    rows = curve(seed=2)
    lines = ["id,hjd,flux,error", *(f"J2,{t},{f},nan" for t, f, _ in rows), "J1.5+2,1,2,3"]
    (tmp_path / "photometry.csv").write_text("\n".join(lines))
    files = [tmp_path / "photometry" / "J1.5+2.dat", tmp_path / "photometry.csv"]
    found = Photometry(files, MultimodalOptions(), tmp_path / "catalogue.csv")
    assert found.of("J1") == (None, "")
    with pytest.raises(DataError, match="leave one out"):
        found.of("J1.5+2")
    np.testing.assert_allclose(found.of("J2")[0][:, 2], 0)  # errors that are not known cost no point
    alone = Photometry(files[:1], MultimodalOptions(), tmp_path / "catalogue.csv")
    np.testing.assert_allclose(alone.of("J1.5+2")[0], curve(seed=1), rtol=1e-6)


def test_units_of_catalogue_columns_are_read(tmp_path):
    ecsv = "# %ECSV 1.0\n# ---\n# datatype:\n# - {{name: id, datatype: string}}\n# - {{name: parallax, unit: {}, datatype: float64}}\nid parallax\na 1.5\n"
    pytest.importorskip("astropy", reason="needs astropy (extra test or data)")
    path = tmp_path / "catalogue.ecsv"
    path.write_text(ecsv.format("mas"))
    assert read_catalogue([path], MultimodalOptions()).numbers["parallax"].tolist() == [1.5]
    path.write_text(ecsv.format("arcsec"))
    with pytest.raises(DataError, match="in 'arcsec' where 'mas' is wanted"):
        read_catalogue([path], MultimodalOptions())


def test_times_of_one_table_are_of_one_kind(tmp_path):
    points = [f"1,{t},{u},5,0.1" for t, u in ((58000.0, "MJD"), (2458001.5, "JD"), (58002.0, "MJD"))]
    (tmp_path / "photometry.csv").write_text("\n".join(["id,time,u_time,flux,error", *points]))
    (tmp_path / "catalogue.csv").write_text("id\n1\n")
    rows, _ = Photometry([tmp_path / "photometry.csv"], MultimodalOptions(), tmp_path / "catalogue.csv").of("1")
    assert rows[:, 0].tolist() == [58000.0, 58001.0, 58002.0]
    (tmp_path / "photometry.csv").write_text("id,time,u_time,flux,error\n1,5,seconds,5,0.1\n")
    with pytest.raises(ConfigError, match="seconds"):
        Photometry([tmp_path / "photometry.csv"], MultimodalOptions(), tmp_path / "catalogue.csv")


def test_spectra_that_are_mostly_not_there_are_left_out():
    rows = spectrum()
    rows[: len(rows) // 2 + 1, 1] = np.nan
    with pytest.raises(DataError, match="not finite"):
        normalised_spectrum(rows, GRID)


def test_kind_reads_its_files_and_prepares(survey, tmp_path_factory):
    settings = PrepareSettings(options={"multimodal": MultimodalOptions(spectrum_grid=GRID)})
    found = list(find_kind("multimodal").read_files([survey], settings, RecordReport()))
    assert sum(not isinstance(r, Rejection) for r in found) == 4
    assert len(read_catalogue([survey / "catalogue.csv"], MultimodalOptions())) == 4
    assert Spectra([survey / "spectra" / "spec-1.fits"], survey / "catalogue.csv").of("", "nobody") is None


def test_units_of_the_table_of_light_curves(tmp_path):
    table = pytest.importorskip("astropy.table").Table(
        {"id": [1], "mjd": [58000.0], "mag": [15000.0], "mag_err": [10.0]}, units={"mag": "mmag", "mag_err": "mmag"}
    )
    table.write(tmp_path / "photometry.ecsv")
    with pytest.raises(DataError, match="magnitudes or their errors in 'mmag'"):
        Photometry([tmp_path / "photometry.ecsv"], MultimodalOptions(), tmp_path / "catalogue.csv")


def test_light_curves_in_other_units_and_numbers_that_stand_for_nothing(tmp_path):
    path = tmp_path / "a.csv"
    rows = lambda value: "".join(f"{i},{value if i % 3 == 0 else 14.5 + i / 10},0.01\n" for i in range(9))
    for header, match in (
        ("time[s],flux,flux_err", "times in 's'"),
        ("hjd,mag[mmag],err", "magnitudes or their errors in 'mmag'"),
        ("hjd,mag,err (mmag)", "magnitudes or their errors in 'mmag'"),
        ("hjd,flux[Jy],error[mJy]", "fluxes in 'jy' and their errors in 'mjy'"),
    ):
        path.write_text(f"{header}\n{rows(15)}")
        with pytest.raises(DataError, match=match):
            read_light_curve(path)
    for header, value in (("hjd[d],mag[mag],err[mag]", 99.99), ("mjd,flux[mJy],error[mJy]", -999)):
        path.write_text(f"{header}\n{rows(value)}")
        assert np.isnan(read_light_curve(path)[:, 1]).tolist() == [True, False, False] * 3
