"""Files of images become records with the right pixels, classes and numbers; what can mean two things is refused."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from data_pipelines.kinds.images.options import ImageSettings
from data_pipelines.kinds.images.reading import read_images
from data_pipelines.kinds.report import RecordReport
from lcjax.errors import ConfigError, DataError, Rejection

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 255, (4, 6, 6, 3)).astype(np.uint8)
NAMED = {"channel_names": ("template", "science", "difference")}


def read(path, **settings):
    report = RecordReport("images")
    found = list(read_images([path], ImageSettings(**settings), report))
    return [f for f in found if not isinstance(f, Rejection)], [f for f in found if isinstance(f, Rejection)], report


def packed(tmp_path, **arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    return tmp_path / "a.npz"


def test_stack_with_named_numbers_as_classes(tmp_path):
    path = packed(tmp_path, images=STACK, labels=np.array([1, 0, 1, -9]), votes=np.arange(8.0).reshape(4, 2))
    given = {"classes": ("bogus", "real"), "targets": ("votes",), "target_names": ("smooth", "disk"), **NAMED}
    records, rejected, _ = read(path, **given, unlabelled="-9", size=4)
    assert [r["label"] for r in records] == ["real", "bogus", "real", None] and not rejected
    np.testing.assert_array_equal(records[2]["image"], STACK[2, 1:5, 1:5])
    assert records[2]["metadata"] == {"smooth": 4, "disk": 5} and records[0]["full_scale"] == 255
    assert records[0]["band"] == "template,science,difference" and records[3]["object_id"] == "a-3"
    records, rejected, _ = read(path, **given)
    assert [r.fault for r in rejected] == ["unknown class"] and len(records) == 3
    assert [r["label"] for r in read(path, classes=("numbers",), **NAMED)[0]] == ["1", "0", "1", "-9"]


@pytest.mark.parametrize("axes", ["last", "first"])
def test_channels_go_last(tmp_path, axes):
    stack = STACK if axes == "last" else np.moveaxis(STACK, -1, 1)
    records, _, _ = read(packed(tmp_path, x=stack), **NAMED)
    np.testing.assert_array_equal(records[1]["image"], STACK[1])


def test_several_arrays_are_channels_of_their_names(tmp_path):
    path = packed(tmp_path, science=STACK[..., 1], template=STACK[..., 0])
    records, _, _ = read(path, image=("template", "science"))
    assert records[0]["band"] == "template,science"
    np.testing.assert_array_equal(records[3]["image"], STACK[3, ..., :2])


@pytest.mark.parametrize(
    ("arrays", "settings", "says"),
    [
        ({"x": STACK}, {}, "channels without names"),
        ({"x": np.zeros((4, 3, 3, 3))}, NAMED, "first or the last axis"),
        ({"x": STACK, "y": np.arange(4)}, NAMED, "classes of .* are numbers"),
        ({"x": STACK[..., 0], "z": STACK[..., 1]}, {}, "several arrays of images"),
        ({"x": STACK, "truth": np.arange(4)}, NAMED, "truth.*--images.label truth"),
        ({"x": STACK, "y": np.arange(4), "label": np.arange(4)}, NAMED, "y and label"),
        ({"x": STACK, "v": np.zeros((4, 2))}, {"targets": ("v",), **NAMED}, "--images.target-names"),
        ({"x": STACK[0]}, {}, "one image of 3 channels or 6 images"),
        ({"x": STACK}, {"channel_names": ("g", "r")}, "names 2"),
    ],
)
def test_what_can_mean_two_things_is_refused(tmp_path, arrays, settings, says):
    with pytest.raises(ConfigError, match=says):
        read(packed(tmp_path, **arrays), **settings)


def test_bad_images_are_named_and_the_rest_goes_on(tmp_path):
    stack = STACK[..., 0].astype(np.float32)
    stack[1], stack[2, 0, 0] = np.nan, np.nan
    np.savez(tmp_path / "a.npz", x=stack, ids=np.array(["a", "b", "c", "d"]))
    (tmp_path / "b.npz").write_bytes(b"PK damaged")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    np.save(tmp_path / "c.npy", np.array([{"a": 1}], object), allow_pickle=True)
    records, rejected, report = read(tmp_path, label="none")
    assert [r["object_id"] for r in records] == ["a", "c", "d"] and np.isnan(records[1]["image"][0, 0, 0])
    assert [r.fault for r in rejected] == ["no pixels", "file", "file"] and "pickled" in rejected[2].reason
    assert len(report.bad_files) == 2 and "pickled" not in rejected[1].reason
    np.savez(tmp_path / "one" / "d.npz", x=np.array([{}], object))
    (tmp_path / "two" / "e.npy").write_bytes(b"text")
    for name, why in (("one", "pickled objects"), ("two", "no file of numpy")):
        assert why in read(tmp_path / name)[1][0].reason
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no images in"):
        read(tmp_path / "empty")


def picture(pixels):
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def test_pictures_in_folders(tmp_path):
    for name, k in (("spiral/a.png", 0), ("spiral/b.png", 1), ("smooth/c.png", 2)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(picture(STACK[k]))
    (tmp_path / "smooth/d.png").write_bytes(picture(STACK[0])[:40])
    (tmp_path / "smooth/a.png").write_bytes(picture(STACK[3]))
    with pytest.raises(ConfigError, match="smooth, spiral: say"):
        read(tmp_path)
    records, rejected, _ = read(tmp_path, label="folder")
    assert {r["object_id"]: r["label"] for r in records} == {"a": "smooth", "c": "smooth", "b": "spiral"}
    assert records[1]["band"] == "red,green,blue" and sorted(r.fault for r in rejected) == [
        "damaged picture",
        "name given twice",
    ]
    np.testing.assert_array_equal(records[1]["image"], STACK[2])


def test_table_beside_pictures(tmp_path):
    for name, k in (("1.png", 0), ("2.png", 1), ("3.png", 2), ("4.png", 3)):
        (tmp_path / name).write_bytes(picture(STACK[k, ..., 0]))
    table = tmp_path / "t.csv"
    table.write_text("image,class,smooth,ra\n1.png,a,0.25,10\n2.png,b,,11\n3.png,a,1,1\n3.png,b,1,1\n")
    records, rejected, _ = read(tmp_path, table=table, targets=("smooth",), ra="ra")
    assert [(r["object_id"], r["label"], r["ra"]) for r in records[:2]] == [("1", "a", 10), ("2", "b", 11)]
    assert records[0]["metadata"]["smooth"] == 0.25 and np.isnan(records[1]["metadata"]["smooth"])
    assert records[2]["object_id"] == "4" and records[2]["label"] is None
    assert [r.fault for r in rejected] == ["several classes"]
    with pytest.raises(DataError, match="has no 'votes'"):
        read(tmp_path, table=table, targets=("votes",))


def test_parquet_lists_and_bytes(tmp_path):
    nested = pa.table({"oid": ["a", "b"], "x": STACK[:2, ..., 0].tolist(), "class": ["p", None], "survey": ["u", "v"]})
    pq.write_table(nested, tmp_path / "n.parquet")
    records, _, _ = read(tmp_path / "n.parquet")
    assert [r["label"] for r in records] == ["p", None]
    np.testing.assert_array_equal(records[1]["image"][..., 0], STACK[1, ..., 0])
    assert [r["object_id"] for r in read(tmp_path / "n.parquet", survey="v", survey_column="survey")[0]] == ["b"]
    held = [{"bytes": picture(STACK[0]), "path": "a"}, {"bytes": b"none", "path": "b"}]
    pq.write_table(pa.table({"image": held, "label": ["p", "q"]}), tmp_path / "b.parquet")
    records, rejected, _ = read(tmp_path / "b.parquet")
    np.testing.assert_array_equal(records[0]["image"], STACK[0])
    assert records[0]["full_scale"] == 255 and rejected[0].fault == "damaged picture"


def test_fits_cubes_and_extensions(tmp_path):
    fits = pytest.importorskip("astropy.io.fits", reason="needs astropy (extra test or data)")
    cube = np.moveaxis(STACK[0], -1, 0).astype(np.float32)
    fits.PrimaryHDU(cube).writeto(tmp_path / "a.fits")
    records, _, _ = read(tmp_path / "a.fits", **NAMED)
    np.testing.assert_array_equal(records[0]["image"], STACK[0])
    units = [fits.ImageHDU(cube[k], name=name) for k, name in enumerate(("REF", "SCI"))]
    fits.HDUList([fits.PrimaryHDU(), *units]).writeto(tmp_path / "b.fits")
    with pytest.raises(ConfigError, match="image REF SCI"):
        read(tmp_path / "b.fits")
    records, _, _ = read(tmp_path / "b.fits", image=("SCI", "REF"))
    assert records[0]["band"] == "sci,ref"
    np.testing.assert_array_equal(records[0]["image"], STACK[0, ..., [1, 0]].transpose(1, 2, 0))


def test_headers_name_the_band(tmp_path):
    fits = pytest.importorskip("astropy.io.fits", reason="needs astropy (extra test or data)")
    for name, cards in {"a": {"FILTER": "F160W"}, "b": {}}.items():
        fits.writeto(tmp_path / f"{name}.fits", np.arange(12.0).reshape(3, 4), fits.Header(cards))
    assert [r["band"] for r in read(tmp_path, channel_names=("header",))[0]] == ["F160W", "grey"]
    assert [r["band"] for r in read(tmp_path)[0]] == ["grey", "grey"]


def test_rows_of_files_of_one_name_are_different_objects(tmp_path):
    for place in ("train", "test"):
        (tmp_path / place).mkdir()
        packed(tmp_path / place, x=STACK)
    pq.write_table(pa.table({"image": [STACK[0].tolist()]}), tmp_path / "b.parquet")
    records, _, _ = read(tmp_path, label="none", **NAMED)
    names = [r["object_id"] for r in records]
    assert names == [*(f"b-{i}" for i in range(1)), *(f"{p}-a-{i}" for p in ("test", "train") for i in range(4))]
    report = RecordReport("images")
    settings = ImageSettings(label="none", **NAMED)
    assert len(list(read_images([tmp_path, tmp_path / "b.parquet"], settings, report))) == len(names), (
        "a file given twice is one"
    )
