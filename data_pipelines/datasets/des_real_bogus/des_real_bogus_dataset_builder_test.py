"""des_real_bogus: three files an object, the class from the table of features."""

import numpy as np
import pytest

from data_pipelines.kinds.images.options import ImageSettings
from data_pipelines.kinds.images.source import ImageSource
from data_pipelines.prepare import prepare
from lcjax.errors import ConfigError, LcjaxError

fits = pytest.importorskip("astropy.io.fits")
PLANES = ("temp", "srch", "diff")


def test_three_files_become_a_stamp(tmp_path):
    stamps = np.random.default_rng(0).normal(size=(4, 3, 5, 5)).astype(np.float32)
    for i, planes in enumerate(stamps):
        for prefix, plane in zip(("temp", "srch", "diff"), planes, strict=True):
            if (i, prefix) != (3, "diff"):
                fits.PrimaryHDU(plane).writeto(tmp_path / f"{prefix}{100 + i}.fits")
    table = tmp_path / "features.csv"
    head = "# six\n# lines\n# of\n# the\n# release's\n# table\n"
    table.write_text(head + "ID,OBJECT_TYPE\n100,0\n101,1\n102,7\n103,0\n")
    given = {"table": table, "object_id": "ID", "label": "OBJECT_TYPE"}
    with pytest.raises(ConfigError, match="are numbers"):
        prepare("des_real_bogus", [tmp_path], tmp_path / "D", images=ImageSettings(**given))
    settings = ImageSettings(**given, classes=("real", "bogus"))
    done = prepare("des_real_bogus", [tmp_path], tmp_path / "D", shards=1, fractions=(1.0, 0.0, 0.0), images=settings)
    assert done.report.reasons() == {"unknown class": 1, "missing stamp": 1}
    source = ImageSource(done.manifest.folder, "train", 2, reader="plain")
    (batch,) = source.evaluation_batches()
    for name, image, label in zip(batch["object_id"], batch["image"], batch["label"], strict=True):
        np.testing.assert_array_equal(np.moveaxis(image, -1, 0), stamps[int(name) - 100])
        assert source.class_names[label] == {"100": "real", "101": "bogus"}[name]


def test_strange_stamps_are_set_aside(tmp_path):
    """A plane without a finite pixel, other sizes, a stamp that is there twice; pictures beside FITS files are not taken."""
    from PIL import Image

    rng = np.random.default_rng(1)
    planes = {
        f"{prefix}{number}": rng.normal(size=(5, 5)).astype(np.float32) for number in range(4) for prefix in PLANES
    }
    planes["srch1"][:] = np.nan
    planes["diff2"] = planes["diff2"][:4]
    for name, plane in planes.items():
        fits.PrimaryHDU(plane).writeto(tmp_path / f"{name}.fits")
    (tmp_path / "again").mkdir()
    fits.PrimaryHDU(planes["temp3"] + 1).writeto(tmp_path / "again" / "temp3.fits")
    grey = {f"{prefix}{number}": rng.integers(0, 255, (5, 5), np.uint8) for number in (0, 9) for prefix in PLANES}
    for name, plane in grey.items():
        Image.fromarray(plane).save(tmp_path / f"{name}.gif")
    done = prepare(
        "des_real_bogus",
        [tmp_path],
        tmp_path / "D",
        shards=1,
        fractions=(1.0, 0.0, 0.0),
        images=ImageSettings(label="none"),
    )
    assert done.report.reasons() == {"no pixels": 1, "stamps of different shapes": 1, "stamp given twice": 1}
    assert len(done.report.other_files) == 3
    source = ImageSource(done.manifest.folder, "train", 2, reader="plain")
    (batch,) = source.evaluation_batches()
    found = dict(zip(batch["object_id"].tolist(), np.moveaxis(batch["image"], -1, 1), strict=True))
    np.testing.assert_array_equal(found["0"], [planes[f"{prefix}0"] for prefix in PLANES])
    np.testing.assert_array_equal(found["9"], [grey[f"{prefix}9"] for prefix in PLANES])


@pytest.mark.parametrize(
    ("rows", "more", "says"),
    [
        ("ID,OBJECT_TYPE\n1,0\n", {"classes": ("bogus", "real")}, "0 is real and 1 is bogus"),
        ("ID,OBJECT_TYPE\n1.5,0\n", {"classes": ("real", "bogus")}, "has a class for none of the stamps"),
    ],
)
def test_labels_the_wrong_way_round_or_of_other_stamps(rows, more, says, tmp_path):
    for prefix in PLANES:
        fits.PrimaryHDU(np.ones((3, 3), np.float32)).writeto(tmp_path / f"{prefix}1.fits")
    table = tmp_path / "t.csv"
    table.write_text(rows)
    settings = ImageSettings(table=table, object_id="ID", label="OBJECT_TYPE", **more)
    with pytest.raises(LcjaxError, match=says):
        prepare("des_real_bogus", [tmp_path], tmp_path / "D", images=settings)
