"""des_real_bogus: three files an object, the class from the table of features."""

import numpy as np
import pytest

from data_pipelines.kinds.images.options import ImageSettings
from data_pipelines.kinds.images.source import ImageSource
from data_pipelines.prepare import prepare
from lcjax.errors import ConfigError

fits = pytest.importorskip("astropy.io.fits")


def test_three_files_become_a_stamp(tmp_path):
    stamps = np.random.default_rng(0).normal(size=(4, 3, 5, 5)).astype(np.float32)
    for i, planes in enumerate(stamps):
        for prefix, plane in zip(("temp", "srch", "diff"), planes, strict=True):
            if (i, prefix) != (3, "diff"):
                fits.PrimaryHDU(plane).writeto(tmp_path / f"{prefix}{100 + i}.fits")
    table = tmp_path / "features.csv"
    table.write_text("ID,OBJECT_TYPE\n100,0\n101,1\n102,7\n103,0\n")
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
