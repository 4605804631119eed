"""ATLAS packets through the builder: two stamps without being asked, other surveys set aside."""

import numpy as np

from data_pipelines.datasets.alert_checks import atlas_packet, container, packet, stamp
from data_pipelines.kinds.alerts.source import StampSource
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import verify


def test_alerts_become_records(tmp_path):
    for number in range(12):
        (tmp_path / f"{number:02d}.avro").write_bytes(atlas_packet(number))
    (tmp_path / "ztf.avro").write_bytes(container([packet(1)]))
    (tmp_path / "own.csv").write_text("objectId,label\n1100,SN\n1103,AGN\n")
    done = prepare("atlas_alerts", [tmp_path], tmp_path / "out", shards=1, fractions=(1.0, 0.0, 0.0))
    assert verify(done.manifest.folder) == []
    assert (done.report.alerts_kept, list(done.report.reasons())) == (12, ["another survey"])
    assert done.manifest.bands == ("c", "o")
    source = StampSource(done.manifest.folder, "train", 4, reader="plain")
    assert source.shape == (61, 61, 2) and "Mag" in source.metadata_names
    for batch in source.evaluation_batches():
        for row, alert_id in zip(batch["stamps"], batch["alert_id"], strict=True):
            np.testing.assert_array_equal(row[..., 1], stamp(10 * (alert_id % 1000) + 1, 61))
        np.testing.assert_allclose(batch["pixel_scale"], 1.86, rtol=1e-6)
